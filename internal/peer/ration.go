package peer

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// The places of a worker are rationed among the nodes: what they all may fill together
// is what the worker has. A node that has more items than its ration says so, and gets
// places that others do not use, or, if it has none at all, one of those that they do
// use: so the items of no node starve, and none are sent that the worker has no place
// for. Next waits all the same when it has none: a worker whose item's shard has moved
// may for a moment have been promised more.

// allot rations the places until ctx ends.
func (s *stream) allot(ctx context.Context) {
	for {
		select {
		case <-s.ration:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil {
			change := s.change()
			if change == nil {
				break
			}
			if !s.tell(ctx, change) {
				wait(ctx, untold)
			}
		}
	}
}

// comingTime is how long places are kept free for items that a source has handed out.
const comingTime = 500 * time.Millisecond

// untold is the pause after a source could not be told its ration.
const untold = 500 * time.Millisecond

// change is a ration to be told to a source.
type change struct {
	source *source
	opened opened
	ration places
}

// tell tells a source its ration, and reports whether that has worked.
func (s *stream) tell(ctx context.Context, c *change) bool {
	taken, err := c.opened.ration(ctx, c.ration)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || c.source.opened != c.opened {
		return false // the source is connected anew; until then what it was told is what it may have
	}
	c.source.granted, c.source.coming = c.ration, places{}
	for k := range taken {
		if n := taken[k] - c.source.taken[k]; n > 0 {
			c.source.coming[k], c.source.due = n, time.Now().Add(comingTime)
		}
	}
	if c.source.coming != (places{}) { // what does not come is not waited for
		time.AfterFunc(comingTime, func() { ring(s.ration) })
	}
	return true
}

// change returns the next change of the rations; nil = they are as they should be.
func (s *stream) change() *change {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*source
	for _, src := range s.sources {
		if src.opened != nil {
			list = append(list, src)
		}
	}
	slices.SortFunc(list, func(a, b *source) int { return cmp.Compare(a.name, b.name) })
	if s.even {
		if c := s.evenly(list); c != nil {
			return c
		}
		s.even = false
	}
	for k := range kinds {
		if c := s.changeOf(k, list); c != nil {
			return c
		}
	}
	return nil
}

// free returns how many places of a kind no source may fill. Called with mu held.
func (s *stream) free(k kind) int {
	free := s.total[k] - s.taken[k] // also those of nodes that are gone
	for _, src := range s.sources {
		left := src.granted[k] - src.taken[k]
		if time.Now().Before(src.due) {
			left = max(left, src.coming[k])
		}
		free -= max(left, 0)
	}
	return free
}

// evenly returns the next change towards even shares. Called with mu held.
func (s *stream) evenly(list []*source) *change {
	lower, raise := &change{}, &change{}
	for i, src := range list {
		less, more := src.granted, src.granted
		for k := range kinds {
			share := s.total[k] / len(list)
			if i < s.total[k]%len(list) {
				share++
			}
			less[k] = min(less[k], share)
			more[k] = max(more[k], min(share, more[k]+max(0, s.free(k))))
		}
		if less != src.granted && lower.source == nil {
			lower = &change{src, src.opened, less}
		}
		if more != src.granted && raise.source == nil {
			raise = &change{src, src.opened, more}
		}
	}
	switch {
	case lower.source != nil:
		return lower
	case raise.source != nil:
		raise.source.granted = raise.ration // it may fill them before it has answered
		return raise
	}
	return nil
}

// changeOf looks at one kind. Called with mu held.
func (s *stream) changeOf(k kind, list []*source) *change {
	if len(list) == 0 {
		return nil
	}
	free := s.free(k)
	share := s.total[k] / len(list)
	poorest := func(only func(*source) bool) (best *source) {
		for _, src := range list {
			if only(src) && (best == nil || src.granted[k] < best.granted[k]) {
				best = src
			}
		}
		return best
	}
	wants := poorest(func(src *source) bool { return src.wanted[k] })
	if free > 0 {
		to, n := wants, free
		if to == nil { // nobody asks for it: it lies where the fewest are
			to = poorest(func(src *source) bool { return src.granted[k] < max(share, 1) })
			if to == nil {
				to = list[0]
			}
			n = min(free, max(1, share-to.granted[k]))
		} else if n > 1 {
			n = (n + 1) / 2
		}
		to.wanted[k] = false // it says so again
		return to.change(k, to.granted[k]+n)
	}
	if wants == nil || free < 0 || slices.ContainsFunc(list, func(src *source) bool { return src.taken[k] > src.granted[k] }) {
		return nil // nobody asks, or places come free as items end
	}
	return donate(k, wants, list)
}

// donate returns the change by which a source gives places for another one.
func donate(k kind, wants *source, list []*source) *change {
	var idle, rich *source
	for _, src := range list {
		if src == wants {
			continue
		}
		if spare := src.granted[k] - src.taken[k]; spare > 0 && !src.wanted[k] &&
			(idle == nil || spare > idle.granted[k]-idle.taken[k]) {
			idle = src
		}
		if rich == nil || src.granted[k] > rich.granted[k] {
			rich = src
		}
	}
	switch {
	case idle != nil:
		spare := idle.granted[k] - idle.taken[k]
		return idle.change(k, idle.granted[k]-(spare+1)/2)
	case rich != nil && rich.granted[k] > 0 && (wants.granted[k] == 0 || rich.granted[k] > wants.granted[k]+1):
		if rich.granted[k] > wants.granted[k]+1 {
			return rich.change(k, rich.granted[k]-(rich.granted[k]-wants.granted[k])/2)
		}
		return rich.change(k, rich.granted[k]-1)
	}
	return nil
}

// change is the change of one kind to n.
func (src *source) change(k kind, n int) *change {
	c := &change{src, src.opened, src.granted}
	c.ration[k] = n
	if n > src.granted[k] {
		src.granted[k] = n // it may fill them before it has answered
	}
	return c
}
