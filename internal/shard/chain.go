package shard

import (
	"time"

	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// chain is the chain of a shard's audit, see package audit. Of a shard one change with
// entries is on its way at a time: the next one follows on what is durable, whatever
// becomes of a change.
type chain struct {
	known bool // head is what the store has
	head  audit.Head
	next  audit.Head // once the change that is on its way is durable
	busy  bool       // there is one
}

// chained gives changes with entries for the audit their places. Those whose shard has
// another one on its way are for a later group. The order of changes, which are of
// different instances, is free.
func (l *loop) chained(changes []*change) (group, later []*change) {
	for i, ch := range changes {
		if ch.audited && !l.enchain(ch) {
			if later == nil {
				group = append(make([]*change, 0, len(changes)), changes[:i]...)
			}
			later = append(later, ch)
		} else if later != nil {
			group = append(group, ch)
		}
	}
	if later == nil {
		return changes, nil
	}
	return group, later
}

// enchain puts a change's entries behind the head of its shard's chain, and reports
// whether that could be done now.
func (l *loop) enchain(ch *change) bool {
	h := l.held[ch.in.shard]
	if h == nil || h.chain.busy || !l.learnHead(ch.in.shard) {
		return false
	}
	c := &h.chain
	c.busy, c.next, ch.chain = true, c.head, c
	for i := range ch.commit.Rows {
		if r := &ch.commit.Rows[i]; r.Kind == hub.RowAudit && !r.Delete {
			c.next = audit.Append(r, c.next, l.clock.Now())
		}
	}
	return true
}

// learnHead reads the head of a shard's chain, unless it is known. The shard is held here,
// so nobody else adds to it.
func (l *loop) learnHead(s store.Shard) bool {
	c := &l.held[s].chain
	if c.known {
		return true
	}
	rows, _, err := l.store.Rows(l.io, audit.Newest(s))
	if err == nil && len(rows) > 0 {
		c.head, err = audit.HeadOf(rows[0])
	}
	if err != nil {
		l.broke(err)
		return false
	}
	c.known = true
	return true
}

// end tells the chain what became of the change that was on its way. A chain that has
// none, nil, is told of all others.
func (c *chain) end(durable bool) {
	if c == nil {
		return
	}
	if c.busy = false; durable {
		c.head = c.next
	}
}

// unchain takes back what chained has done to changes that the store has not taken.
func unchain(changes []*change) {
	for _, ch := range changes {
		ch.chain.end(false)
		ch.chain = nil
	}
}

// keepsAudit reports whether an entry is not to be deleted yet: its time is not over, or
// its chain goes on from it.
func (l *loop) keepsAudit(row store.Row, now time.Time) bool {
	s := store.ShardOf(row.Owner)
	if l.held[s] == nil || !l.learnHead(s) || !audit.Old(row, now) {
		return true
	}
	head, err := audit.HeadOf(row)
	return err == nil && head.Seq != 0 && head.Seq >= l.held[s].chain.head.Seq
}
