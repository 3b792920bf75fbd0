package shard

import (
	"fmt"
	"slices"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/store"
)

// Arrived says that messages have come into the inboxes of instances; without targets,
// that shards have become free.
func (o *Owner) Arrived(targets []string) {
	_ = o.mail.add(item{do: func(l *loop) { l.arrived(targets) }}) // it fails if the loop has ended
}

// cameIn has instances look for messages that the store says have come, unless memory
// had them.
func (l *loop) cameIn(messages []store.Message) {
	var targets []string
	for _, m := range messages {
		if !l.seen.has(engine.MessageID(m.ID)) && !slices.Contains(targets, m.Target) {
			targets = append(targets, m.Target)
		}
	}
	l.seen.turn()
	if len(targets) > 0 { // without any it would say that shards are free
		l.arrived(targets)
	}
}

// recent are messages that memory has had since the last two looks at what has come.
// It is empty unless others put messages into inboxes.
type recent struct{ now, before map[engine.MessageID]bool }

func (r *recent) add(id engine.MessageID) {
	if r.now != nil {
		r.now[id] = true
	}
}

func (r *recent) has(id engine.MessageID) bool { return r.now[id] || r.before[id] }

func (r *recent) turn() {
	if r.before = r.now; len(r.now) > 0 || r.now == nil {
		r.now = make(map[engine.MessageID]bool)
	}
}

// elsewhere notes that a message was put into the inbox of an instance of another node.
func (l *loop) elsewhere(target string) {
	if l.shared == nil || l.shared.Tell == nil || l.refuses(target) == nil {
		return
	}
	if l.others == nil {
		l.others = make(map[store.Shard][]string)
	}
	s := store.ShardOf(target)
	l.others[s] = append(l.others[s], target)
}

// tellOthers tells the nodes for which messages were stored.
func (l *loop) tellOthers() {
	byNode := make(map[string][]string)
	nodes := make(map[string]store.Node)
	for s, targets := range l.others {
		if n, _, here, ok := l.owner.Holder(s); ok && !here {
			nodes[n.Name], byNode[n.Name] = n, append(byNode[n.Name], targets...)
		}
	}
	clear(l.others)
	for name, targets := range byNode {
		l.shared.Tell(nodes[name], targets)
	}
}

// arrived has instances look into their inboxes for messages that the commits of other
// nodes have put there.
func (l *loop) arrived(targets []string) {
	if len(targets) == 0 && l.keeper != nil {
		l.keeper.tellFree()
	}
	for _, target := range targets {
		if err := l.lookIntoInbox(target); err != nil {
			l.broke(err)
			return
		}
	}
}

func (l *loop) lookIntoInbox(target string) error {
	in := l.instances[target]
	switch {
	case l.refuses(target) != nil:
		return nil // whoever takes the shard over reads it
	case in == nil:
		l.spilled[target] = true // so that it is read with its inbox
		in, err := l.find(target)
		if err == nil {
			l.afterTurn(in)
		}
		return err
	case in.unsettled: // what it consumes is not gone yet
		in.after = append(in.after, func() { l.arrived([]string{target}) })
		return nil
	case in.away > 0:
		err := l.fetch(in)
		l.afterTurn(in)
		return err
	}
	messages, err := l.store.MessagesOf(l.io, target)
	if err != nil {
		return err
	}
	queued := in.queue
	if j := in.turning; j != nil {
		queued = slices.Concat(queued, j.entries, j.dropped)
	}
	has := make(map[engine.MessageID]bool, len(queued))
	for _, e := range slices.Concat(queued, in.void) {
		has[e.m.ID] = true
	}
	for _, sm := range messages {
		if has[engine.MessageID(sm.ID)] {
			continue
		}
		e, err := readMessage(&sm)
		if err != nil {
			return err
		}
		if in.known == nil {
			in.known = make(map[engine.MessageID]bool)
		}
		l.enqueue(in, e)
		in.known[e.m.ID] = true
	}
	l.afterTurn(in)
	return nil
}

// readMessage makes an entry of a message in the store.
func readMessage(sm *store.Message) (*entry, error) {
	m, err := engine.DecodeMessage(sm.Data)
	if err != nil {
		return nil, fmt.Errorf("inbox of %s: %w: %v", sm.Target, store.ErrCorrupt, err)
	}
	m.ID = engine.MessageID(sm.ID)
	return &entry{m: m}, nil
}
