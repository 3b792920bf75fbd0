package shard

import (
	"fmt"
	"slices"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/store"
)

// arrived has instances look into their inboxes for messages that the commits of other
// nodes have put there.
func (l *loop) arrived(targets []string) {
	for _, target := range targets {
		if err := l.lookIntoInbox(target); err != nil {
			l.fail(err)
			return
		}
	}
}

func (l *loop) lookIntoInbox(target string) error {
	in := l.instances[target]
	switch {
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
	messages, err := l.store.MessagesOf(l.ctx, target)
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
