package agent

import (
	"context"
	"encoding/json"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// rowTurn holds what all model steps of a turn share. The number is stored.
const rowTurn = 102

var optionsKey = []byte("options")

func optionsRow(o *TurnOptions) (perdure.Row, error) {
	text, err := json.Marshal(o)
	return perdure.Row{Kind: rowTurn, Key: optionsKey, Value: text}, err
}

// readOptions returns the options of a turn that has some.
func readOptions(ctx context.Context, h hub.Rows, turn string) (*TurnOptions, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowTurn, Owner: turn, Prefix: optionsKey, Limit: 1})
	if err != nil {
		return nil, err
	}
	damaged := &perdure.Error{Code: perdure.Internal, Op: "read options", Instance: turn, Message: "the options of the turn are missing or damaged"}
	if len(rows) == 0 {
		return nil, damaged
	}
	o := &TurnOptions{}
	if err := json.Unmarshal(rows[0].Value, o); err != nil {
		damaged.Cause = err
		return nil, damaged
	}
	return o, nil
}
