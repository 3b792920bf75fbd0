package shard

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Copy gives fn all that the hub holds, as store.Copier says. It goes by the store, so
// that any node can do it.
func (o *Owner) Copy(ctx context.Context, fn func(*store.Item) error) error {
	c, ok := o.store.(store.Copier)
	if !ok {
		return &perdure.Error{Code: perdure.Unimplemented, Op: "copy", Message: "the store of this hub cannot be copied"}
	}
	return c.Copy(ctx, fn)
}

// Restore gives the items of which a hub is made: those of a copy that belong into it,
// and at the end a note that it was restored, see hub.Restored.
type Restore struct {
	from   func() (*store.Item, error)
	taken  time.Time
	newest time.Time // creation of an instance
	noted  bool
	moved  bool
}

// NewRestore returns a Restore from a copy that was begun at a time; from returns io.EOF
// at its end. A hub that was moved, and on which nobody has worked since the copy, is not
// noted as restored, but as what it was.
func NewRestore(taken time.Time, moved bool, from func() (*store.Item, error)) *Restore {
	return &Restore{from: from, taken: taken, moved: moved}
}

// Next returns the next item, io.EOF after the last one.
func (r *Restore) Next() (*store.Item, error) {
	for !r.noted {
		it, err := r.from()
		switch {
		case errors.Is(err, io.EOF) && !r.moved:
			r.noted = true
			return r.note()
		case err != nil:
			return nil, err
		case !restorable(it) || !r.moved && it.Row != nil && it.Row.Kind == hub.RowRestored:
			continue
		}
		if it.Record != nil && it.Record.Created.After(r.newest) {
			r.newest = it.Record.Created
		}
		return it, nil
	}
	return nil, io.EOF
}

func (r *Restore) note() (*store.Item, error) {
	before := time.Now().UTC()
	if !before.After(r.newest) { // the clock of the hub was ahead
		before = r.newest.Add(time.Microsecond)
	}
	n := &hub.Restored{Token: newIDs(rand.Reader).execution(), Taken: r.taken.UTC(), Before: before}
	row, err := n.Row()
	return &store.Item{Row: row}, err
}

// restorable reports whether an item of a copy belongs into a hub that is made of it.
// What says which process or worker has something at the moment does not: nobody has
// it there. Activities that were to be completed by their tokens run again, as those
// tokens hold no more; that what was open was lost in a crash is not to be counted.
func restorable(it *store.Item) bool {
	if it.Row == nil {
		return true
	}
	switch it.Row.Kind {
	case rowHub, rowPending, rowStarted:
		return false
	}
	return true
}
