package shard

import (
	"context"
	"slices"

	"github.com/perdure/perdure/internal/hub"
)

// ration is what a stream may have outstanding if its worker takes items of other hubs
// too. The loop owns it.
type ration struct {
	set    bool
	places [kinds]int
	told   [kinds]bool // that there are more items; until the next ration
	hungry [kinds]bool // in its class's list of those to be told
}

// Ration implements hub.Rationed.
func (s *stream) Ration(ctx context.Context, p hub.Places) (hub.Places, error) {
	if p.Orchestrations < 0 || p.Activities < 0 || p.Entities < 0 {
		return hub.Places{}, invalid("ration", "", "a stream has a negative number of places")
	}
	v, err := s.owner.call(ctx, "", func(l *loop, c *call) {
		s.ration.set, s.ration.told = true, [kinds]bool{}
		s.ration.places = [kinds]int{ofTurn: p.Orchestrations, ofActivity: p.Activities, ofBatch: p.Entities}
		if !s.gone && s.class != nil {
			l.refill(s)
			for k := range kinds {
				l.workers.rank(s, k)
			}
		}
		c.end(hub.Places{Orchestrations: s.out[ofTurn], Activities: s.out[ofActivity], Entities: s.out[ofBatch]}, nil)
	})
	if err != nil {
		return hub.Places{}, named(err, "ration", "")
	}
	return v.(hub.Places), nil
}

// hunger notes whether a stream is to be told of items of a kind, and tells it of those
// that wait already.
func (s *stream) hunger(k kind) {
	if !s.ration.set || s.ration.told[k] {
		return
	}
	c := s.class
	full := !s.gone && s.out[k] >= s.limit(k)
	switch {
	case full && !s.ration.hungry[k]:
		s.ration.hungry[k] = true
		c.hungry[k] = append(c.hungry[k], s)
		if slices.ContainsFunc(c.backlog[k], func(b *bucket) bool { return b.waiting.n+b.suspects.n+b.big.n > 0 }) {
			c.tellHungry(k)
		}
	case !full && s.ration.hungry[k]:
		s.ration.hungry[k] = false
		c.hungry[k] = slices.DeleteFunc(c.hungry[k], func(other *stream) bool { return other == s })
	}
}

// tellHungry tells the streams of a class that are full by their rations that there are
// items of a kind.
func (c *class) tellHungry(k kind) {
	for _, s := range c.hungry[k] {
		s.ration.told[k], s.ration.hungry[k] = true, false
		s.put(handout{work: &hub.Work{More: &hub.MoreWork{
			Orchestrations: k == ofTurn, Activities: k == ofActivity, Entities: k == ofBatch,
		}}})
	}
	c.hungry[k] = nil
}
