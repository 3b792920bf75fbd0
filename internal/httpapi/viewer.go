package httpapi

import (
	"encoding/base64"
	"slices"
	"strings"
	"sync"

	"github.com/perdure/perdure/store"
)

const (
	// quietTick is the most changes of a tick that are all told one by one. Of more, only
	// those are of what viewers hold: nobody sees the others pass by.
	quietTick = 20
	// heldMost is how many of the instances that a viewer holds are known: the newest.
	heldMost = 4096
	// pendingMost is how many changes wait for a viewer that is slow.
	pendingMost = 4096
)

// tick tells of changes.
type tick struct {
	number  uint64         // two viewers are told of the same changes if it is the same
	look    []store.Change // told one by one; not to be changed
	begun   int            // runs that have begun, without agent turns, not among them
	skipped int            // changes of runs not among them
	next    store.Position
	reset   bool // the position was too old: read everything anew from next
	err     error
}

// divide says what is told of changes: one by one all of them, or those that are held.
func divide(changes []store.Change, all bool, holds func(*store.Change) bool) tick {
	if all {
		return tick{look: changes}
	}
	var n tick
	for i := range changes {
		c := &changes[i]
		switch {
		case holds(c):
			n.look = append(n.look, *c)
		case !isEntity(c.ID):
			n.skipped++
			if begins(c) {
				n.begun++
			}
		}
	}
	return n
}

func isEntity(id string) bool { return strings.HasPrefix(id, "@") }

// begins reports whether a change is the first of a run that is no agent turn.
func begins(c *store.Change) bool {
	return c.Version == 1 && !c.Gone && !strings.HasPrefix(c.ID, "dafx-")
}

// viewer is a stream that is told of changes.
type viewer struct {
	every    bool          // it wants each change, and reads for itself
	prefixes []string      // of the ids of entities that it shows
	own      chan tick     // what it has read by itself
	rung     chan struct{} // holds a token when something is pending

	marks map[idMark]bool // what it holds; the ticker's lock guards it
	order []idMark        // as marks, the oldest first

	mu      sync.Mutex // guards what follows
	pending tick
}

// viewerOf returns the viewer that shows topics and holds what has these marks.
func viewerOf(topics []topic, held []idMark) *viewer {
	v := &viewer{own: make(chan tick), rung: make(chan struct{}, 1), marks: map[idMark]bool{}}
	for _, m := range held {
		v.hold(m)
	}
	for i := range topics {
		switch t := &topics[i]; t.kind {
		case "runs":
			v.every = true
		case "run":
			v.hold(idMarkOf(t.id))
		case "sessions", "entities":
			v.prefixes = append(v.prefixes, t.prefix)
		}
	}
	return v
}

// holds reports whether a change is of what it holds or shows.
func (v *viewer) holds(c *store.Change) bool {
	return v.marks[idMarkOf(c.ID)] || slices.ContainsFunc(v.prefixes, func(p string) bool { return strings.HasPrefix(c.ID, p) })
}

// hold adds a mark; if there were too many, dropped has given way.
func (v *viewer) hold(m idMark) (added bool, dropped idMark, full bool) {
	if v.marks[m] {
		return false, 0, false
	}
	v.marks[m] = true
	v.order = append(v.order, m)
	if len(v.order) <= heldMost {
		return true, 0, false
	}
	dropped, v.order = v.order[0], v.order[1:]
	delete(v.marks, dropped)
	return true, dropped, true
}

// give leaves a tick for the viewer, which gets a reset if it takes none.
func (v *viewer) give(n tick) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := &v.pending
	p.number, p.next = n.number, n.next
	p.reset = p.reset || n.reset
	if p.err == nil {
		p.err = n.err
	}
	p.begun += n.begun
	p.skipped += n.skipped
	switch {
	case p.reset || len(p.look)+len(n.look) > pendingMost:
		p.look, p.begun, p.skipped, p.reset = nil, 0, 0, true
	case len(p.look) == 0:
		p.look = n.look
	default:
		p.look = slices.Concat(p.look, n.look) // others may have the same
	}
	select {
	case v.rung <- struct{}{}:
	default:
	}
}

// take returns what is pending.
func (v *viewer) take() tick {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := v.pending
	v.pending = tick{}
	return n
}

// idMark stands for an id: 24 bits of it. Two ids with the same are told both, which does
// no harm.
type idMark uint32

// idMarkOf is FNV-1a of 32 bits, folded; the dashboard does the same.
func idMarkOf(id string) idMark {
	sum := uint32(2166136261)
	for i := range len(id) {
		sum = (sum ^ uint32(id[i])) * 16777619
	}
	return idMark(sum>>24 ^ sum&0xffffff)
}

// heldParam reads marks, three bytes each.
func heldParam(text string) ([]idMark, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw)%3 != 0 || len(raw)/3 > heldMost {
		return nil, invalid("held is not a list of marks", "leave it out, or see the dashboard's code: three bytes of each id")
	}
	var marks []idMark
	for m := range slices.Chunk(raw, 3) {
		marks = append(marks, idMark(m[0])<<16|idMark(m[1])<<8|idMark(m[2]))
	}
	return marks, nil
}
