package shard

import (
	"context"

	"github.com/perdure/perdure"
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

// Restorable reports whether an item of a copy belongs into a hub that is made of it.
// What says which process or worker has something at the moment does not: nobody has
// it there. Activities that were to be completed by their tokens run again, as those
// tokens hold no more; that what was open was lost in a crash is not to be counted.
func Restorable(it *store.Item) bool {
	if it.Row == nil {
		return true
	}
	switch it.Row.Kind {
	case rowHub, rowPending, rowStarted:
		return false
	}
	return true
}
