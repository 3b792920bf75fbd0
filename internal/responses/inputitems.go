package responses

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/perdure/perdure/model"
)

// listInput lists what was said to an agent in a request.
func (h *Handler) listInput(_ http.ResponseWriter, r *http.Request) (any, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	s, err := h.find(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if id.segment > 0 {
		items, err := s.answers(r.Context())
		if err != nil {
			return nil, err
		}
		return pageOf(items, r.URL.Query())
	}
	var items []*item
	for n, m := range s.turn.Messages {
		said, _ := itemsOf(m, func(typ string, k int) string {
			return itemID(inputPrefixes[typ], inputPlace(n), k, id.itemRef())
		})
		items = append(items, said...)
	}
	return pageOf(items, r.URL.Query())
}

// inputPlace is the place of a message of a request in its turn.
func inputPlace(n int) string { return fmt.Sprintf("in%d", n) }

// inputPrefixes begin the ids of items of requests.
var inputPrefixes = map[string]string{itemMessage: "msg", itemReasoning: "rs", itemFunctionCall: "fc", itemFunctionOutput: "fco"}

// itemsOf returns a message as items. The id of each is made of its type and its
// number in the message. It also returns the content that each is made of.
func itemsOf(m *model.Message, id func(typ string, k int) string) (items []*item, of [][]model.Content) {
	add := func(i *item) {
		i.ID, i.Status = id(i.Type, len(items)), statusCompleted
		items, of = append(items, i), append(of, nil)
	}
	var open *item
	for _, c := range m.Contents {
		before := len(items)
		switch c := c.(type) {
		case *model.FunctionCall:
			open = nil
			add(&item{Type: itemFunctionCall, CallID: c.CallID, Name: c.Name, Arguments: c.Arguments})
		case *model.FunctionResult:
			open = nil
			add(&item{Type: itemFunctionOutput, CallID: c.CallID, Output: outputOf(c)})
		case *model.Reasoning:
			open = nil
			if c.Text != "" {
				add(&item{Type: itemReasoning, Content: []part{textPart(partReasoningText, c.Text)}})
			}
		default:
			p, ok := partOf(m.Role, c)
			if !ok {
				continue
			}
			if open == nil {
				open = &item{Type: itemMessage, Role: string(m.Role)}
				add(open)
			}
			open.Content = append(open.Content, p)
			before--
		}
		if len(items) > max(before, 0) {
			of[len(of)-1] = append(of[len(of)-1], c)
		}
	}
	return items, of
}

// outputOf is the result of a call as it was given: a text.
func outputOf(r *model.FunctionResult) json.RawMessage {
	if r.Error != "" {
		return marshal("error: " + r.Error)
	}
	return marshal(resultText(r.Result))
}

// partOf returns content as a part of a message, false for content that is none.
func partOf(role model.Role, c model.Content) (part, bool) {
	switch c := c.(type) {
	case *model.Text:
		if c.Text == "" {
			return part{}, false
		}
		if role == model.RoleAssistant {
			return textPart(partOutputText, c.Text), true
		}
		return textPart(partInputText, c.Text), true
	case *model.Data:
		if strings.HasPrefix(c.URI, "data:image/") {
			return part{Type: partInputImage, ImageURL: c.URI, Detail: "auto"}, true
		}
		return part{Type: partInputFile, FileData: c.URI, Filename: c.Name}, true
	case *model.URI:
		if strings.HasPrefix(c.MediaType, "image/") {
			return part{Type: partInputImage, ImageURL: c.URI, Detail: "auto"}, true
		}
		return part{Type: partInputFile, FileURL: c.URI}, true
	case *model.HostedFile:
		if strings.HasPrefix(c.MediaType, "image/") {
			return part{Type: partInputImage, FileID: c.FileID, Detail: "auto"}, true
		}
		return part{Type: partInputFile, FileID: c.FileID, Filename: c.Name}, true
	}
	return part{}, false
}

// Bounds of pages of items.
const (
	pageItems    = 20
	maxPageItems = 100
)

// pageOf returns the page of items that a query asks for: order (desc by
// default), after an id, and limit.
func pageOf(items []*item, q url.Values) (*list[*item], error) {
	items = slices.Clone(items)
	switch q.Get("order") {
	case "", "desc":
		slices.Reverse(items)
	case "asc":
	default:
		return nil, invalid("order", "order is %s, must be asc or desc.", shown(q.Get("order")))
	}
	limit := pageItems
	if text := q.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxPageItems {
			return nil, invalid("limit", "limit is %s, must be a number from 1 to %d.", shown(text), maxPageItems)
		}
	}
	if after := q.Get("after"); after != "" {
		i := slices.IndexFunc(items, func(i *item) bool { return i.ID == after })
		if i < 0 {
			return nil, invalid("after", "There is no item %s here.", shown(after))
		}
		items = items[i+1:]
	}
	page := &list[*item]{Object: "list", Data: []*item{}, HasMore: len(items) > limit}
	page.Data = append(page.Data, items[:min(limit, len(items))]...)
	if n := len(page.Data); n > 0 {
		page.FirstID, page.LastID = &page.Data[0].ID, &page.Data[n-1].ID
	}
	return page, nil
}
