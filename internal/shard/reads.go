package shard

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Reads go to the store on the caller's goroutine, and answer when what they
// may have seen is durable.

// storeError turns a store's error into one for clients.
func storeError(op, id string, err error) error {
	code := perdure.Internal
	switch {
	case errors.Is(err, context.Canceled):
		code = perdure.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		code = perdure.DeadlineExceeded
	case errors.Is(err, store.ErrNoSpace):
		code = perdure.NoSpace
	case errors.Is(err, store.ErrFailed), errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrUnavailable):
		code = perdure.Unavailable
	case errors.Is(err, store.ErrNotFound):
		return notFound(op, id)
	case errors.Is(err, store.ErrCursor):
		return invalid(op, id, store.ErrCursor.Error())
	}
	return &perdure.Error{Code: code, Op: op, Instance: id, Message: "the store could not be read", Cause: err}
}

// read returns a durable record.
func (o *Owner) read(ctx context.Context, op, id string) (*store.Record, *summary, error) {
	rec, err := o.store.Instance(ctx, id)
	if b := o.barrier(ctx); b != nil {
		return nil, nil, storeError(op, id, b)
	}
	if err != nil {
		return nil, nil, storeError(op, id, err)
	}
	sum, err := decodeSummary(rec.Packed)
	if err != nil {
		return nil, nil, storeError(op, id, err)
	}
	return rec, sum, nil
}

// barrier waits until what was read is durable.
func (o *Owner) barrier(ctx context.Context) error {
	if fault.Mutant(fault.ReadBeforeSync) {
		return nil
	}
	return o.store.Barrier(ctx)
}

// Instance implements hub.Reads.
func (o *Owner) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	rec, sum, err := o.read(ctx, "get", id)
	if err != nil {
		return nil, err
	}
	in := instanceOf(rec, sum)
	if !payloads || rec.Kind != store.Orchestration || !sum.Folded.IsZero() {
		return in, nil
	}
	err = o.payloads(ctx, in, rec)
	if o.foldedSince(ctx, rec, sum) {
		return o.Instance(ctx, id, payloads)
	}
	if err != nil {
		return nil, err
	}
	return in, nil
}

// foldedSince reports whether a run was folded after its record was read, so that
// what was read since may be wrong. Runs without a fold cost nothing.
func (o *Owner) foldedSince(ctx context.Context, rec *store.Record, sum *summary) bool {
	if sum.Fold == nil {
		return false
	}
	now, err := o.store.Instance(ctx, rec.ID)
	if err != nil || now.Incarnation != rec.Incarnation || now.Version == rec.Version {
		return false
	}
	sum, err = decodeSummary(now.Packed)
	return err == nil && !sum.Folded.IsZero()
}

// payloads fills in input, output and the whole failure.
func (o *Owner) payloads(ctx context.Context, in *hub.Instance, rec *store.Record) error {
	input, err := o.inputOf(ctx, rec)
	if err != nil {
		return err
	}
	in.Input = input
	if !rec.Status.Terminal() {
		return nil
	}
	chunks, err := o.store.History(ctx, rec.ID, rec.Execution, rec.Version, 0)
	if err == nil && len(chunks) == 0 { // commits without events came after the end
		chunks, err = o.store.History(ctx, rec.ID, rec.Execution, 0, 0)
	}
	if err != nil {
		return storeError("get", rec.ID, err)
	}
	if len(chunks) == 0 {
		return nil
	}
	events, err := o.events(ctx, rec.ID, chunks[len(chunks)-1:])
	if err != nil {
		return err
	}
	for _, e := range events {
		if b, ok := e.Body.(*history.ExecutionCompleted); ok {
			in.Output, in.Failure = b.Result, b.Failure
		}
	}
	return nil
}

func (o *Owner) events(ctx context.Context, id string, chunks []store.Chunk) ([]*history.Event, error) {
	var events []*history.Event
	for _, c := range chunks {
		ev, _, err := decodeChunk(c.Data)
		if err != nil {
			return nil, storeError("get", id, err)
		}
		events = append(events, ev...)
	}
	if err := resolve(ctx, o.store, id, events); err != nil {
		return nil, storeError("get", id, err)
	}
	return events, nil
}

// inputOf reads what an execution was started with: it stands in the first chunk of
// the history, or behind those of commits that came before the first turn, and until
// that in the inbox. It may go from there to the history between two reads.
func (o *Owner) inputOf(ctx context.Context, rec *store.Record) (history.Text, error) {
	input, err := o.inputInHistory(ctx, rec, 1)
	if err == nil && !input.Set {
		input, err = o.pendingInput(ctx, rec.ID)
	}
	if err == nil && !input.Set {
		input, err = o.inputInHistory(ctx, rec, 64<<10)
	}
	return input, err
}

// inputInHistory looks for the start in the first bytes of a history.
func (o *Owner) inputInHistory(ctx context.Context, rec *store.Record, limit int) (history.Text, error) {
	chunks, err := o.store.History(ctx, rec.ID, rec.Execution, 0, limit)
	if err != nil {
		return history.Text{}, storeError("get", rec.ID, err)
	}
	events, err := o.events(ctx, rec.ID, chunks)
	if err != nil {
		return history.Text{}, err
	}
	for _, e := range events {
		if b, ok := e.Body.(*history.ExecutionStarted); ok {
			return b.Input, nil
		}
	}
	return history.Text{}, nil
}

// pendingInput reads the input of an execution that has not begun: its start
// waits in the inbox or in a timer.
func (o *Owner) pendingInput(ctx context.Context, id string) (history.Text, error) {
	messages, err := o.store.MessagesOf(ctx, id)
	if err != nil {
		return history.Text{}, storeError("get", id, err)
	}
	timers, err := o.store.TimersOf(ctx, id)
	if err != nil {
		return history.Text{}, storeError("get", id, err)
	}
	var datas [][]byte
	for _, m := range messages {
		datas = append(datas, m.Data)
	}
	for _, t := range timers {
		if t.Task == startTimer {
			datas = append(datas, t.Data)
		}
	}
	for _, data := range datas {
		m, err := engine.DecodeMessage(data)
		if err != nil {
			return history.Text{}, storeError("get", id, err)
		}
		if b, ok := m.Event.Body.(*history.ExecutionStarted); ok {
			return b.Input, nil
		}
	}
	return history.Text{}, nil
}

// History implements hub.Reads.
func (o *Owner) History(ctx context.Context, id, execution string) ([]*history.Event, error) {
	rec, sum, err := o.read(ctx, "history", id)
	if err != nil {
		return nil, err
	}
	if !sum.Folded.IsZero() {
		return nil, folded("history", id, sum, "what lists show of it is left")
	}
	if execution == "" {
		execution = rec.Execution
	}
	events, closed, err := readHistory(ctx, o.store, id, execution)
	tellClosed(events, closed)
	if o.foldedSince(ctx, rec, sum) {
		return o.History(ctx, id, execution)
	}
	if err != nil {
		return nil, storeError("history", id, err)
	}
	if err := o.barrier(ctx); err != nil {
		return nil, storeError("history", id, err)
	}
	return events, nil
}

// tellClosed notes with the events that have scheduled them which tasks were cancelled.
func tellClosed(events []*history.Event, closed []closing) {
	slices.SortStableFunc(closed, func(a, b closing) int { return cmp.Compare(a.after, b.after) })
	scheduled := make(map[int32]int) // where a task was, the last time
	for i, e := range events {
		for ; len(closed) > 0 && closed[0].after <= i; closed = closed[1:] {
			closeAt(events, scheduled, closed[0])
		}
		switch e.Body.(type) {
		case *history.TaskScheduled, *history.TimerCreated:
			scheduled[e.ID] = i
		}
	}
	for _, c := range closed {
		closeAt(events, scheduled, c)
	}
}

func closeAt(events []*history.Event, scheduled map[int32]int, c closing) {
	i, ok := scheduled[c.task]
	if !ok {
		return
	}
	told, meta := *events[i], history.Meta{}
	if told.Meta != nil {
		meta = *told.Meta
	}
	meta.Closed = int64(c.after)
	told.Meta, events[i] = &meta, &told
}

// List implements hub.Reads.
func (o *Owner) List(ctx context.Context, q store.Query) (hub.Page, error) {
	page, err := o.store.List(ctx, q)
	if err == nil {
		err = o.barrier(ctx)
	}
	if err != nil {
		return hub.Page{}, storeError("list", "", err)
	}
	out := hub.Page{Next: page.Next, Partial: page.Partial, Scanned: page.Scanned, Items: make([]*hub.Instance, len(page.Records))}
	for i, rec := range page.Records {
		sum, err := decodeSummary(rec.Packed)
		if err != nil {
			return hub.Page{}, storeError("list", rec.ID, err)
		}
		out.Items[i] = instanceOf(rec, sum)
	}
	return out, nil
}

// Counts implements hub.Reads.
func (o *Owner) Counts(ctx context.Context) ([]store.Count, error) {
	counts, err := o.store.Counts(ctx)
	if err == nil {
		err = o.barrier(ctx)
	}
	if err != nil {
		return nil, storeError("count", "", err)
	}
	return counts, nil
}

// Entity implements hub.Reads.
func (o *Owner) Entity(ctx context.Context, id string) (*hub.Entity, error) {
	if err := o.cfg.Limits.checkID("get entity", id, true); err != nil {
		return nil, err
	}
	rows, _, err := o.store.Rows(ctx, store.RowQuery{Kind: rowEntity, Owner: id, Limit: 1})
	if err != nil {
		return nil, storeError("get entity", id, err)
	}
	rec, sum, err := o.read(ctx, "get entity", id)
	if err != nil {
		return nil, err
	}
	ent := &engine.Entity{ID: id}
	if len(rows) > 0 {
		if ent, err = engine.DecodeEntity(id, rows[0].Value); err != nil {
			return nil, storeError("get entity", id, err)
		}
	}
	return entityOf(rec, sum, ent), nil
}

// WaitStart implements hub.Waits.
func (o *Owner) WaitStart(ctx context.Context, id string) (*hub.Instance, error) {
	return o.await(ctx, id, false)
}

// WaitCompletion implements hub.Waits.
func (o *Owner) WaitCompletion(ctx context.Context, id string) (*hub.Instance, error) {
	return o.await(ctx, id, true)
}

func (o *Owner) await(ctx context.Context, id string, end bool) (*hub.Instance, error) {
	if err := o.cfg.Limits.checkID("wait", id, false); err != nil {
		return nil, err
	}
	w := &waiter{call: o.newCall(), end: end}
	if err := o.mail.add(item{do: func(l *loop) { l.carryOut(id, w.call, func(l *loop, _ *call) { l.await(id, w) }) }}); err != nil {
		return nil, err
	}
	v, err := o.wait(ctx, w.call)
	if err != nil {
		if ctx.Err() != nil {
			o.mail.add(item{do: func(l *loop) { l.leave(id, w) }})
		}
		return nil, named(err, "wait", id)
	}
	if v == nil {
		return o.Instance(ctx, id, true)
	}
	return v.(*hub.Instance), nil
}

// Position implements hub.Waits.
func (o *Owner) Position(ctx context.Context) (store.Position, error) { return o.store.Position(ctx) }

// Changes implements hub.Waits.
func (o *Owner) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	return o.store.Changes(ctx, p, limit)
}

// ReadRows implements hub.Rows.
func (o *Owner) ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	rows, next, err := o.store.Rows(ctx, q)
	if err == nil {
		err = o.barrier(ctx)
	}
	if err != nil {
		return nil, nil, storeError("read rows", q.Owner, err)
	}
	return rows, next, nil
}

// WriteRows implements hub.Rows.
func (o *Owner) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	for _, row := range r.Rows {
		if row.Kind < firstForeignRow && row.Kind != hub.RowHold || row.Owner != "" && row.Owner != r.Owner {
			return invalid("write rows", r.Owner, "rows of this kind or owner are not yours to write")
		}
	}
	_, err := o.call(ctx, r.Owner, func(l *loop, c *call) {
		w := &rowWrite{rows: r.Rows, conds: r.If, activity: r.Activity}
		if r.Event != nil {
			w.event = &entry{m: raised(r.Event, l.clock.Now().UTC())}
		}
		row, again := l.request(r.Owner, r.RequestID, "write rows", c, r.Rows, r.If)
		if again {
			return
		}
		w.absent = len(w.rows) == 0 && c.actor != nil && r.Event == nil // an entry for the audit alone
		w.rows = append(row, w.rows...)
		w.acks = []ack{{call: c}}
		l.write(r.Owner, w)
	})
	return named(err, "write rows", r.Owner)
}

// firstForeignRow is the first kind of rows that is not this package's.
const firstForeignRow store.RowKind = 100
