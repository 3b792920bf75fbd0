package client

import (
	"context"
	"iter"
	"slices"

	"github.com/perdure/perdure/store"
)

// watchChanges bounds the changes that a watch reads at once.
const watchChanges = 1000

// Watch yields the state of a run as it is, and again whenever it has changed, to
// its end, which is the last. Changes that follow each other quickly may be seen as
// one. The sequence ends with an error if it cannot go on: NotFound if there is no
// such run, or it was purged. It reads what changes in the whole hub: it is for few
// runs at a time.
func (c *Client) Watch(ctx context.Context, id string) iter.Seq2[*Instance, error] {
	return func(yield func(*Instance, error) bool) {
		position, err := c.Position(ctx) // before the first look: what is not seen by it comes after
		var seen *Instance
		for changed := true; ; {
			var i *Instance
			if err == nil && changed {
				i, err = c.Get(ctx, id)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if i != nil && (seen == nil || i.Execution != seen.Execution || i.RowVersion != seen.RowVersion) {
				if seen = i; !yield(i, nil) || i.Status.Ended() {
					return
				}
			}
			var changes []store.Change
			var reset bool
			changes, position, reset, err = c.Changes(ctx, position, watchChanges)
			changed = reset || slices.ContainsFunc(changes, func(c store.Change) bool { return c.ID == id })
		}
	}
}
