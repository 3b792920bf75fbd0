package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/store"
)

// RowRestored is the kind of the row which says that the hub was made of a backup.
const RowRestored store.RowKind = 95

// restoredOwner owns that row. No instance has this id.
const restoredOwner = "@perdure.restored@hub"

// Restored says of what backup a hub was made.
type Restored struct {
	// Token tells this restore from others.
	Token string `json:"token"`
	// Taken is when the backup was begun.
	Taken time.Time `json:"taken"`
	// Before is later than the creation of each instance in the backup, and by the
	// clock of who restored it not later than that of any that was created since.
	Before time.Time `json:"before"`
}

// Row is the row that says so.
func (r *Restored) Row() (*store.Row, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return &store.Row{Kind: RowRestored, Owner: restoredOwner, Key: []byte("restored"), Value: value}, nil
}

// RestoredOf returns of what backup the hub was made; nil = it was begun empty.
func RestoredOf(ctx context.Context, h Rows) (*Restored, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: RowRestored, Owner: restoredOwner, Limit: 1})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	r := &Restored{}
	if err := json.Unmarshal(rows[0].Value, r); err != nil {
		return nil, &perdure.Error{Code: perdure.Internal, Op: "read of what backup the hub was made", Message: fmt.Sprintf("row %s is damaged", rows[0].Key), Cause: err}
	}
	return r, nil
}
