package pebble

import (
	"context"
	"slices"
	"time"

	"github.com/perdure/perdure/store"
)

// defaultPage is the number of entries of a page without a limit.
const defaultPage = 1000

// messagesKey is the prefix of a target's messages.
func (h *Hub) messagesKey(target string) []byte {
	return appendPart(append(h.key(spaceMessage), byte(store.ShardOf(target))), target)
}

// planEmit finds the messages that are there already: writing these again
// changes nothing (R8).
func (b *builder) planEmit(c *store.Commit) ([]bool, error) {
	if len(c.Emit) == 0 {
		return nil, nil
	}
	skip := make([]bool, len(c.Emit))
	for i := range c.Emit {
		m := &c.Emit[i]
		b.messageKey(m.Target, m.ID)
		there, known := b.messages[string(b.key)]
		if !known {
			var err error
			if there, err = b.hub.has(b.key); err != nil {
				return nil, err
			}
		}
		skip[i] = there
	}
	return skip, nil
}

// writeInbox removes the messages consumed and writes those emitted.
func (b *builder) writeInbox(c *store.Commit, p plan) {
	for _, id := range c.Consume {
		b.messageKey(c.ID, id)
		b.remove()
		b.noteMessage(c.ID, false)
	}
	for i := range c.Emit {
		m := &c.Emit[i]
		b.messageKey(m.Target, m.ID)
		there, known := b.messages[string(b.key)] // the commit itself may have changed it
		if there || (!known && p.skip[i]) {
			continue
		}
		b.setSealed(func(v []byte) []byte { return append(v, m.Data...) })
		b.noteMessage(m.Target, true)
	}
}

func (b *builder) messageKey(target string, id store.MessageID) {
	b.space(spaceMessage)
	b.key = appendPart(append(b.key, byte(store.ShardOf(target))), target)
	b.key = appendMessageID(b.key, id)
}

func (b *builder) noteMessage(target string, there bool) {
	if b.messages == nil {
		b.messages = make(map[string]bool)
	}
	b.messages[string(b.key)] = there
	if b.touched == nil {
		b.touched = make(map[string]struct{})
	}
	b.touched[target] = struct{}{}
}

// Messages implements store.Inbox. A cursor is the key of the last message.
func (h *Hub) Messages(ctx context.Context, s store.Shard, after []byte, limit int) ([]store.Message, []byte, error) {
	return h.messages(ctx, append(h.key(spaceMessage), byte(s)), after, limit)
}

// MessagesOf implements store.Inbox.
func (h *Hub) MessagesOf(ctx context.Context, target string) ([]store.Message, error) {
	list, _, err := h.messages(ctx, h.messagesKey(target), nil, -1)
	return list, err
}

// messages reads at most limit messages (0 = defaultPage, negative = all).
func (h *Hub) messages(ctx context.Context, prefix, after []byte, limit int) (list []store.Message, next []byte, err error) {
	if limit == 0 {
		limit = defaultPage
	}
	err = h.read(ctx, func() error {
		return h.scan(prefix, afterKey(after), nil, func(k, v []byte) (bool, error) {
			if limit > 0 && len(list) == limit {
				next = h.cursorBefore(list[len(list)-1])
				return false, nil
			}
			m, err := h.decodeMessage(k, v)
			list = append(list, m)
			return true, err
		})
	})
	if err != nil {
		return nil, nil, err
	}
	return list, next, nil
}

// cursorBefore is the cursor of a page that ends with m.
func (h *Hub) cursorBefore(m store.Message) []byte {
	return appendMessageID(h.messagesKey(m.Target), m.ID)
}

func (h *Hub) decodeMessage(k, v []byte) (m store.Message, err error) {
	target, rest, ok := cutPart(k[prefixSize+1:])
	if !ok {
		return m, h.damaged(k)
	}
	m.Target = string(target)
	if m.ID, ok = cutMessageID(rest); !ok {
		return m, h.damaged(k)
	}
	data, err := store.Unseal(v, h.db.opts.Codec, shownKey(k))
	m.Data = slices.Clone(data)
	return m, err
}

// Timers implements store.Inbox. A cursor is the key of the last timer.
func (h *Hub) Timers(ctx context.Context, s store.Shard, from, to time.Time, after []byte, limit int) (list []store.Timer, next []byte, err error) {
	if limit <= 0 {
		limit = defaultPage
	}
	prefix := append(h.key(spaceTimer), byte(s))
	start := slices.Clone(prefix)
	if !from.IsZero() {
		start = appendTime(start, from.UnixMicro())
	}
	if len(after) > 0 {
		start = afterKey(after)
	}
	var last []byte
	err = h.read(ctx, func() error {
		return h.scan(prefix, start, appendTime(slices.Clone(prefix), to.UnixMicro()), func(k, v []byte) (bool, error) {
			if len(list) == limit {
				next = last
				return false, nil
			}
			t, err := h.decodeTimer(k, v)
			list = append(list, t)
			last = append(last[:0], k...)
			return true, err
		})
	})
	if err != nil {
		return nil, nil, err
	}
	return list, next, nil
}

func (h *Hub) decodeTimer(k, v []byte) (t store.Timer, err error) {
	us, rest, ok := cutTime(k[prefixSize+1:])
	if !ok {
		return t, h.damaged(k)
	}
	owner, rest, ok := cutPart(rest)
	if !ok {
		return t, h.damaged(k)
	}
	ref, ok := cutTimerRef(rest)
	if !ok {
		return t, h.damaged(k)
	}
	data, err := store.Unseal(v, h.db.opts.Codec, shownKey(k))
	if err != nil {
		return t, err
	}
	t = store.Timer{Owner: string(owner), Due: time.UnixMicro(us).UTC(), Execution: ref.branch, Task: ref.task}
	if len(data) > 0 {
		t.Data = slices.Clone(data)
	}
	return t, nil
}

func cutTimerRef(k []byte) (t timerRef, ok bool) {
	branch, rest, ok := cutBranch(k)
	if !ok {
		return t, false
	}
	t.branch = branch
	t.task, rest, ok = cutTask(rest)
	return t, ok && len(rest) == 0
}

// cutOwnTimer reads the end of an ownTimerKey.
func cutOwnTimer(k []byte) (t timerRef, ok bool) {
	if len(k) < 8 {
		return t, false
	}
	t, ok = cutTimerRef(k[:len(k)-8])
	t.due, _, _ = cutTime(k[len(k)-8:])
	return t, ok
}

// TimersOf implements store.Inbox. It reads the record's list and the keys of
// further timers, and returns those that still exist, by due time.
func (h *Hub) TimersOf(ctx context.Context, owner string) (list []store.Timer, err error) {
	err = h.read(ctx, func() error {
		refs, err := h.timerRefs(owner)
		if err != nil {
			return err
		}
		b := builder{hub: h}
		for _, ref := range refs {
			b.timerKey(store.ShardOf(owner), owner, ref)
			err := h.getRaw(b.key, func(v []byte) error {
				t, err := h.decodeTimer(b.key, v)
				list = append(list, t)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b store.Timer) int { return a.Due.Compare(b.Due) })
	return list, nil
}

func (h *Hub) timerRefs(owner string) (refs []timerRef, err error) {
	seen := make(map[timerRef]bool)
	add := func(t timerRef) {
		if !seen[t] {
			seen[t] = true
			refs = append(refs, t)
		}
	}
	err = h.get(h.recordKey(owner), func(body []byte) bool {
		s := scanner{b: body}
		head := decodeHead(&s)
		for _, t := range head.timers {
			add(t)
		}
		return !s.bad
	})
	if err != nil {
		return nil, err
	}
	prefix := append(h.instanceKey(owner), partTimer)
	err = h.scan(prefix, nil, nil, func(k, _ []byte) (bool, error) {
		ref, ok := cutOwnTimer(k[len(prefix):])
		if !ok {
			return false, h.damaged(k)
		}
		add(ref)
		return true, nil
	})
	return refs, err
}
