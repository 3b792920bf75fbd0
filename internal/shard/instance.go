package shard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/store"
)

// instance is an instance in memory. The loop owns it.
type instance struct {
	id    string
	shard store.Shard

	rec *store.Record // as of the newest commit submitted; nil = there is none
	sum *summary      // what rec.Packed holds; not nil if rec is not
	// one of these is set if the instance lives
	orch *engine.Orchestration
	ent  *engine.Entity

	exec *replay.Execution // suspended code; nil = cold
	past []*history.Event  // history for the first turn of a cold execution
	warm *warm             // what its last turn at a worker has left; nil = nothing

	queue []*entry
	// stored and waiting are parts of the queue: what commits have stored, and what
	// waits for an entity's lock. away counts messages that are in the store alone.
	stored  prefix
	waiting waiting
	away    int
	writes  []*rowWrite // to be committed before the queue
	// known are messages read from the store, which may also come from memory.
	known map[engine.MessageID]bool

	unsettled bool              // a commit is on its way
	lost      bool              // its shard was given up
	turning   *job              // a turn that takes long
	parked    string            // why no turn is tried; "" = turns are tried
	ready     bool              // stands in loop.ready
	blocked   string            // where a turn that does not end waits
	starting  bool              // a start is in its queue
	after     []func()          // what waits until the state is durable
	last      []engine.Outgoing // what one that is replaced has to say at its end
	void      []*entry          // what the turn was given of one that is replaced

	prev, next *instance // in the cache's list
	list       *lru
	bytes      int
}

// entry is a message in an instance's queue.
type entry struct {
	m     *engine.Message
	acks  []ack
	timer *store.Timer // to be removed by the commit that takes the message
	rows  []store.Row  // to be written by it
	fresh bool         // start under an id made at random
	// replace: a start may replace what is there (the policy was checked)
	replace bool
	stored  bool         // a commit that stores it is on its way
	run     *running     // of this process whose outcome it is; nil = another message
	task    *engine.Task // whose outcome it is, until that was counted; nil = none that is known
}

// ack is a client's call that waits for a commit.
type ack struct {
	call  *call
	value any
	err   error
}

// call is a client's call to the loop.
type call struct {
	done    chan struct{}   // nil = nobody waits, then is told
	over    <-chan struct{} // closed if it ends without an answer; nil = it does not
	value   any
	err     error
	hash    []byte  // of its content, if it has a request id
	also    []*call // that get the same answer
	ask     string  // request id of an Ask
	then    func(any, error)
	actor   *hub.Actor     // who asks; nil = not said
	sends   *history.Event // nil = it sends nothing
	givenUp []string       // what held the instance that it deletes by force
}

func newCall() *call { return &call{done: make(chan struct{})} }

// end answers the call; on the loop's goroutine.
func (c *call) end(value any, err error) {
	c.value, c.err = value, err
	if c.done != nil {
		close(c.done)
	}
	if c.then != nil {
		c.then(value, err)
	}
	for _, o := range c.also {
		o.end(value, err)
	}
}

func isEntity(id string) bool { return len(id) > 0 && id[0] == '@' }

// find returns the instance with its state, loading it if needed. An instance
// without rec does not exist.
func (l *loop) find(id string) (*instance, error) {
	if in := l.instances[id]; in != nil {
		return in, nil
	}
	in := &instance{id: id, shard: store.ShardOf(id)}
	h := l.held[in.shard]
	if h == nil || h.leaving {
		return nil, &ElsewhereError{in.shard}
	}
	if err := l.load(in); err != nil {
		return nil, err
	}
	l.instances[id] = in
	if t := h.take; t != nil && !t.resumed[id] {
		t.resumed[id] = true
		if !t.known {
			t.waiting = append(t.waiting, id)
		} else {
			l.resume(in, t)
		}
	}
	return in, nil
}

// create returns an instance for an id that nobody has used.
func (l *loop) create(id string) *instance {
	in := &instance{id: id, shard: store.ShardOf(id)}
	l.instances[id] = in
	return in
}

// load reads record and state.
func (l *loop) load(in *instance) error {
	rec, err := l.store.Instance(l.io, in.id)
	if errors.Is(err, store.ErrNotFound) {
		return l.loadInbox(in)
	}
	if err != nil {
		return err
	}
	if in.sum, err = decodeSummary(rec.Packed); err != nil {
		return fmt.Errorf("%s: %w", in.id, err)
	}
	in.rec = rec
	if rec.Kind == store.Entity {
		err = l.loadEntity(in)
	} else {
		err = l.loadOrchestration(in)
	}
	if err != nil {
		return err
	}
	return l.loadInbox(in)
}

func (l *loop) loadEntity(in *instance) error {
	rows, _, err := l.store.Rows(l.io, store.RowQuery{Kind: rowEntity, Owner: in.id, Limit: 1})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		in.ent = &engine.Entity{ID: in.id}
		return nil
	}
	in.ent, err = engine.DecodeEntity(in.id, rows[0].Value)
	if err != nil {
		return fmt.Errorf("%s: %w", in.id, err)
	}
	return nil
}

// loadOrchestration folds the history of the current execution, unless the
// instance has ended: then nobody asks for more than the status.
func (l *loop) loadOrchestration(in *instance) error {
	rec := in.rec
	o := engine.NewOrchestration(in.id, rec.Execution)
	in.orch = o
	o.Name, o.Version, o.Tags = rec.Name, in.sum.AppVersion, rec.Tags
	if rec.Status.Terminal() {
		o.Status, o.Completed = history.Status(rec.Status), rec.Completed
		return nil
	}
	events, closed, err := readHistory(l.io, l.store, in.id, rec.Execution)
	if err != nil {
		return err
	}
	for _, e := range events {
		o.Fold(e)
	}
	for _, c := range closed {
		o.Close(c.task)
	}
	o.Custom, o.Waits = in.sum.Custom, in.sum.Waits
	o.MoveParent(in.sum.ParentExec) // it may have been rewound meanwhile
	in.past = events
	return nil
}

// closing is the cancellation of a task.
type closing struct {
	task  int32
	after int // how many events the history had after the turn that cancelled it
}

// readHistory reads one execution's events, with their payloads, and the tasks
// that were cancelled.
func readHistory(ctx context.Context, s store.Reads, id, execution string) ([]*history.Event, []closing, error) {
	chunks, err := s.History(ctx, id, execution, 0, 0)
	if err != nil {
		return nil, nil, err
	}
	var events []*history.Event
	var closed []closing
	for _, c := range chunks {
		ev, cl, err := decodeChunk(c.Data)
		if err != nil {
			return nil, nil, fmt.Errorf("history of %s, chunk %d: %w: %v", id, c.Seq, store.ErrCorrupt, err)
		}
		events = append(events, ev...)
		for _, task := range cl {
			closed = append(closed, closing{task, len(events)})
		}
	}
	return events, closed, resolve(ctx, s, id, events)
}

// loadInbox queues the stored messages of an instance whose inbox may hold what
// memory does not: while the loop takes over, and after the queue was dropped.
func (l *loop) loadInbox(in *instance) error {
	if l.held[in.shard].take == nil && !l.spilled[in.id] {
		return nil
	}
	delete(l.spilled, in.id)
	messages, err := l.store.MessagesOf(l.io, in.id)
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		return nil
	}
	in.known = make(map[engine.MessageID]bool, len(messages))
	for i := range messages {
		e, err := readMessage(&messages[i])
		if err != nil {
			return err
		}
		in.known[e.m.ID] = true
		in.starting = in.starting || in.rec == nil && e.m.Class == engine.ClassStart
		in.queue = append(in.queue, e)
		l.seen.add(e.m.ID)
	}
	sortInbox(in.queue)
	l.makeReady(in)
	return nil
}

// evict forgets what is in memory of the instance; its state is in the store.
func (l *loop) evict(in *instance) {
	l.cool(in)
	if in.away > 0 {
		l.spilled[in.id] = true
	}
	l.giveUp(in)
	if l.instances[in.id] == in {
		delete(l.instances, in.id)
	}
	after := in.after
	in.after = nil
	for _, f := range after { // they find it anew
		f()
	}
}

// giveUp takes the instance from its turn, if one still runs: its code ends with it.
func (l *loop) giveUp(in *instance) {
	if in.turning != nil && in.turning.exec != nil {
		in.turning.exec.Evict()
	}
	l.withdraw(in)
}

// cool drops the suspended code.
func (l *loop) cool(in *instance) {
	l.cache.remove(in)
	in.warm = nil
	if in.exec != nil {
		in.exec.Evict()
		in.exec = nil
	}
}

// idle reports whether nothing keeps the instance in memory but its cost to
// come back.
func (in *instance) idle() bool {
	return !in.unsettled && in.turning == nil && len(in.queue) == 0 && len(in.writes) == 0 && !in.ready
}

// now is the loop's time for the instance: microseconds, never going back.
func (l *loop) now(in *instance) time.Time {
	t := l.clock.Now().UTC().Truncate(time.Microsecond)
	if in.sum != nil && t.Before(in.sum.Updated) {
		return in.sum.Updated
	}
	return t
}
