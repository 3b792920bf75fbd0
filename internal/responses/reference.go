package responses

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// resolve replaces references in an input by the items that they name, as clients
// send them that count on their items being stored. What a model is not told
// anyway, such as reasoning, is left out later.
func (h *Handler) resolve(ctx context.Context, input json.RawMessage) (json.RawMessage, error) {
	var elements []json.RawMessage
	if !strings.Contains(string(input), itemReference) || json.Unmarshal(input, &elements) != nil {
		return input, nil
	}
	for n, element := range elements {
		var i inputItem
		if json.Unmarshal(element, &i) != nil || i.Type != itemReference {
			continue
		}
		named, err := h.item(ctx, i.ID)
		if err != nil {
			return nil, err
		}
		if named == nil {
			return nil, &problem{status: http.StatusBadRequest, Type: typeInvalid, Param: fmt.Sprintf("input[%d].id", n), Code: "item_not_found",
				Message: "Item with id " + shown(i.ID) + " not found."}
		}
		elements[n] = marshal(named)
	}
	return marshal(elements), nil
}

// itemReference is the type of items that only name another one.
const itemReference = "item_reference"

// item returns an item of a response by its id, nil if there is none.
func (h *Handler) item(ctx context.Context, id string) (*item, error) {
	if strings.HasPrefix(id, approvalPrefix) {
		return &item{Type: itemApprovalRequest, ID: id}, nil // the model is not told
	}
	turn, ok := turnOfItem(id)
	if !ok {
		return nil, nil
	}
	s, err := h.find(ctx, turn)
	if err != nil {
		if problemOf(err).status == http.StatusNotFound {
			return nil, nil
		}
		return nil, err
	}
	log, err := s.messages(ctx)
	if err != nil || len(log) == 0 {
		return nil, err
	}
	t := &transcript{}
	if err := h.readTurn(ctx, turn.session, t, log); err != nil {
		return nil, err
	}
	e, err := t.find(id)
	if err != nil {
		return nil, nil
	}
	return e.item, nil
}
