package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure/store"
)

// group is a group on its way to the database. It implements store.Receipt.
type group struct {
	epochs  []store.Lease
	commits []*store.Commit
	live    []int // commits that are not refused, in order
	refused []store.Refused
	since   time.Time
	err     error         // why its fate is unknown
	done    chan struct{} // closed when the rest is set
}

// refuse takes a commit out.
func (g *group) refuse(index int, err error) {
	g.live = slices.DeleteFunc(g.live, func(i int) bool { return i == index })
	g.refused = append(g.refused, store.Refused{Index: index, Err: err})
}

// refuseAll takes all commits out that are left.
func (g *group) refuseAll(err error) {
	for _, i := range g.live {
		g.refused = append(g.refused, store.Refused{Index: i, Err: err})
	}
	g.live = nil
}

// settle tells the fate of the group.
func (g *group) settle(err error) {
	slices.SortFunc(g.refused, func(a, b store.Refused) int { return a.Index - b.Index })
	g.err = err
	close(g.done)
}

// Wait implements store.Receipt. It may be called more than once.
func (g *group) Wait(ctx context.Context) ([]store.Refused, error) {
	select {
	case <-g.done:
	default:
		select {
		case <-g.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if g.err != nil {
		return nil, g.err
	}
	return g.refused, nil
}

// queued is how many groups of a committer may wait for those before them.
const queued = 64

// Submit implements store.Commits. The group is written by its committer's
// goroutine, after those submitted before.
func (h *Hub) Submit(ctx context.Context, sg *store.Group) (store.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if err := validate(sg); err != nil {
		return nil, err
	}
	c, err := h.committer(sg.Committer)
	if err != nil {
		return nil, err
	}
	if err := c.admit(sg); err != nil {
		return nil, err
	}
	g := &group{
		epochs: sg.Epochs, commits: slices.Clone(sg.Commits), live: make([]int, len(sg.Commits)),
		since: time.Now(), done: make(chan struct{}),
	}
	for i := range g.live {
		g.live[i] = i
	}
	return g, c.add(ctx, g)
}

// Barrier implements store.Commits. PostgreSQL shows nothing that is not durable,
// so there is nothing to wait for.
func (h *Hub) Barrier(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	return h.open()
}

// validate finds mistakes of the caller, so that a group is refused as a whole
// before any of it is written.
func validate(g *store.Group) error {
	for _, c := range g.Commits {
		switch {
		case c.ID == "":
			return errors.New("commit without an instance id")
		case c.Shard != store.ShardOf(c.ID):
			return fmt.Errorf("commit of %q names shard %d, not %d", c.ID, c.Shard, store.ShardOf(c.ID))
		case c.Purge && c.Record != nil:
			return fmt.Errorf("purge of %q with a record", c.ID)
		case c.Replace && c.Record == nil:
			return fmt.Errorf("commit replaces %q by nothing", c.ID)
		case c.Fold != nil && (c.Record == nil || c.Replace):
			return fmt.Errorf("fold of %q without its record", c.ID)
		case len(c.Chunk) > 0 && c.Record == nil:
			return fmt.Errorf("chunk of %q without a record", c.ID)
		case c.Record != nil && c.Record.Version != nextVersion(c):
			return fmt.Errorf("commit of %q writes version %d, not %d", c.ID, c.Record.Version, nextVersion(c))
		}
	}
	return nil
}

func nextVersion(c *store.Commit) uint64 {
	if c.Replace {
		return 1
	}
	return c.Expect + 1
}
