package peer

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Purge implements hub.Commands. It is parted by the holders of the instances' shards;
// what a filter or an instance's children are is read from the store.
func (h *Hub) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	if r.DryRun { // which reads only
		return h.owner.Purge(ctx, r)
	}
	p := &purging{hub: h, request: *r}
	if r.Timeout > 0 {
		p.until = time.Now().Add(r.Timeout)
	}
	err := p.all(ctx, r.IDs, r.SkipLive)
	if err == nil && r.Filter != nil {
		q := *r.Filter
		if len(q.Statuses) == 0 && q.Kind == store.Orchestration {
			q.Statuses = []store.Status{store.Completed, store.Failed, store.Canceled, store.Terminated}
		}
		err = p.matching(ctx, q)
	}
	if errors.Is(err, errOutOfTime) {
		return hub.Purged{Count: p.count}, nil
	}
	return hub.Purged{Count: p.count, Complete: err == nil}, err
}

// purging is a purge under way.
type purging struct {
	hub     *Hub
	request hub.Purge
	until   time.Time // zero = no bound
	count   int
}

var errOutOfTime = errors.New("the time of the purge is over")

// matching purges what a query selects, and may be purged.
func (p *purging) matching(ctx context.Context, q store.Query) error {
	for {
		page, err := p.hub.owner.List(ctx, q)
		if err != nil {
			return err
		}
		var ids []string
		for _, in := range page.Items {
			ids = append(ids, in.ID)
		}
		if err := p.all(ctx, ids, true); err != nil {
			return err
		}
		if page.Next == nil {
			return nil
		}
		q.After = page.Next
	}
}

// all purges instances, their children first if asked to.
func (p *purging) all(ctx context.Context, ids []string, skipLive bool) error {
	if p.request.Recursive {
		for _, id := range ids {
			if err := p.tree(ctx, id, skipLive); err != nil {
				return err
			}
		}
		return nil
	}
	ids = slices.Clone(ids)
	for len(ids) > 0 {
		// As many as one node has, in their order.
		s := store.ShardOf(ids[0])
		first, _, _, known := p.hub.owner.Holder(s)
		n := slices.IndexFunc(ids[1:], func(id string) bool {
			holder, _, _, ok := p.hub.owner.Holder(store.ShardOf(id))
			return !known || !ok || holder.Name != first.Name
		}) + 1
		if n == 0 {
			n = len(ids)
		}
		if skipLive {
			n = p.gather(ids, first, known)
		}
		if err := p.some(ctx, ids[:n], skipLive); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// gather brings those that a node has to the front, for order is of no matter, and
// returns how many they are.
func (p *purging) gather(ids []string, first store.Node, known bool) int {
	n := 1
	for i := 1; i < len(ids) && known && n < mostPurged; i++ {
		if holder, _, _, ok := p.hub.owner.Holder(store.ShardOf(ids[i])); ok && holder.Name == first.Name {
			ids[n], ids[i] = ids[i], ids[n]
			n++
		}
	}
	return n
}

// mostPurged is how many instances one call purges.
const mostPurged = 500

// some purges instances that one node has.
func (p *purging) some(ctx context.Context, ids []string, skipLive bool) error {
	q := hub.Purge{RequestID: p.request.RequestID, IDs: ids, Recursive: p.request.Recursive, SkipLive: skipLive, Force: p.request.Force}
	if !p.until.IsZero() {
		if q.Timeout = time.Until(p.until); q.Timeout <= 0 {
			return errOutOfTime
		}
	}
	var done hub.Purged
	err := p.hub.route(ctx, store.ShardOf(ids[0]), call{op: "purge", instance: ids[0], request: &q.RequestID}, func(ctx context.Context, n node) (err error) {
		done, err = n.Purge(ctx, &q)
		if len(ids) > 1 && elsewhere(err) {
			return errParted
		}
		return err
	})
	if errors.Is(err, errParted) { // they are not all at one node any more
		p.request.RequestID = q.RequestID // those that were purged are counted now
		if p.request.RequestID == "" {
			p.count += done.Count
		}
		for i := range ids {
			if err := p.some(ctx, ids[i:i+1], skipLive); err != nil {
				return err
			}
		}
		return nil
	}
	p.count += done.Count
	if err == nil && !done.Complete {
		return errOutOfTime
	}
	return err
}

// errParted says that instances are not at one node.
var errParted = &perdure.Error{Code: perdure.FailedPrecondition, Op: "purge", Message: "the instances are at several nodes"}

// tree purges the children of an instance and then itself, as package shard does where
// all are at one node.
func (p *purging) tree(ctx context.Context, id string, skipLive bool) error {
	if !p.until.IsZero() && !time.Now().Before(p.until) {
		return errOutOfTime
	}
	dry := hub.Purge{IDs: []string{id}, DryRun: true, SkipLive: skipLive, Force: p.request.Force}
	may, err := p.hub.owner.Purge(ctx, &dry)
	switch {
	case err != nil:
		return err
	case may.Count == 0 && p.request.RequestID == "": // not there, or to be skipped
		return nil
	case may.Count > 0:
		if err := p.matching(ctx, store.Query{Parent: id}); err != nil {
			return err
		}
	}
	return p.some(ctx, []string{id}, skipLive)
}

// CleanEntities implements hub.Upkeep: node by node, by name. The cursor says at which
// node and where there.
func (h *Hub) CleanEntities(ctx context.Context, r *hub.CleanEntities) (all hub.Cleaned, err error) {
	q := *r
	at := ""
	if r.After != "" {
		b, err := base64.RawURLEncoding.DecodeString(r.After)
		name, after, ok := strings.Cut(string(b), "\x00")
		if err != nil || !ok {
			return hub.Cleaned{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "clean entities", Message: "the cursor is not one of this list"}
		}
		at, q.After = name, after
	}
	members := h.owner.Members()
	slices.SortFunc(members, func(a, b store.Node) int { return strings.Compare(a.Name, b.Name) })
	for _, m := range members {
		if m.Name < at {
			continue
		}
		if m.Name != at {
			q.After = "" // of another one
		}
		done, err := h.nodeOf(m).CleanEntities(ctx, &q)
		if err != nil {
			return all, err
		}
		all.Removed += done.Removed
		all.Released += done.Released
		if done.Next != "" {
			all.Next = base64.RawURLEncoding.EncodeToString([]byte(m.Name + "\x00" + done.Next))
			return all, nil
		}
	}
	return all, nil
}

// nodeOf returns a node by its name.
func (h *Hub) nodeOf(m store.Node) node {
	if m.Name == h.cfg.Node.Name {
		return h.here
	}
	return h.neighbour(m)
}
