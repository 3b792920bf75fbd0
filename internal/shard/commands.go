package shard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// Start implements hub.Commands.
func (o *Owner) Start(ctx context.Context, r *hub.Start) (hub.Started, error) {
	var of *forkSource
	if r.Fork != nil {
		var err error
		if r, of, err = o.forkOf(ctx, r); err != nil {
			return hub.Started{}, err
		}
	}
	if err := o.checkStart(r); err != nil {
		return hub.Started{}, err
	}
	size := len(r.Input.S)
	if r.Event != nil {
		size += len(r.Event.Data.S)
	}
	v, err := o.begin(ctx, r.InstanceID, size, func(l *loop, c *call) { l.start(r, of, c) })
	if err != nil {
		return hub.Started{}, named(err, "start", r.InstanceID)
	}
	return v.(hub.Started), nil
}

func (o *Owner) checkStart(r *hub.Start) error {
	lim := o.cfg.Limits
	if r.InstanceID != "" {
		if err := lim.checkID("start", r.InstanceID, false); err != nil {
			return err
		}
	}
	if r.Name == "" {
		return invalid("start", r.InstanceID, "the orchestration's name is missing")
	}
	if err := lim.checkPayload("start", r.InstanceID, "the input", r.Input); err != nil {
		return err
	}
	if err := checkFold("start", r.InstanceID, r.Fold); err != nil {
		return err
	}
	if r.Event != nil {
		if err := lim.checkPayload("start", r.InstanceID, "the event's data", r.Event.Data); err != nil {
			return err
		}
	}
	live := []history.Status{history.StatusRunning, history.StatusPending, history.StatusSuspended}
	if slices.ContainsFunc(r.Replace, func(s history.Status) bool { return slices.Contains(live, s) }) &&
		!slices.Contains(r.Replace, history.StatusTerminated) {
		return invalid("start", r.InstanceID,
			"Invalid reusable statuses: cannot exclude 'Terminated' while also allowing reuse of running instances")
	}
	return nil
}

// start creates an instance, a copy if it has a source, or says why not.
func (l *loop) start(r *hub.Start, of *forkSource, c *call) {
	var in *instance
	id := r.InstanceID
	fresh := id == "" && r.RequestID == ""
	switch {
	case fresh:
		id = l.freshID()
		if err := l.refuses(id); err != nil {
			c.end(nil, err)
			return
		}
		in = l.create(id)
	default:
		if id == "" { // a repeat must find it
			id = StartID(r.RequestID)
			if err := l.refuses(id); err != nil {
				c.end(nil, err)
				return
			}
		}
		var err error
		if in, err = l.find(id); err != nil {
			c.end(nil, internalError("start", id, err))
			return
		}
		if in.unsettled || in.begins() {
			in.after = append(in.after, func() { l.start(r, of, c) })
			return
		}
	}
	content := []any{r.Name, r.Version, r.Input, r.Tags, r.StartAt}
	if r.Event != nil {
		content = append(content, r.Event.Name, r.Event.Data)
	}
	if r.Fold != nil {
		content = append(content, *r.Fold)
	}
	op := "start"
	if r.Fork != nil {
		op, content = "fork", append(content, forkContent(r.Fork)...)
	}
	row, again := l.request(id, r.RequestID, op, c, content...)
	if again {
		l.afterTurn(in)
		return
	}
	exists := in.rec != nil
	replace := exists && slices.Contains(r.Replace, history.Status(in.rec.Status))
	if exists && !replace {
		l.startExisting(in, r, c, row)
		return
	}
	if replace {
		if err := held(l.io, l.store, "start", id); err != nil {
			c.end(nil, err)
			l.afterTurn(in)
			return
		}
	}
	execution := l.ids.execution()
	if len(r.ExecutionID) == 32 && isHex(r.ExecutionID) {
		execution = r.ExecutionID
	}
	now := l.clock.Now().UTC().Truncate(time.Microsecond)
	at := r.StartAt
	if !at.After(now) {
		at = time.Time{}
	}
	e := &entry{fresh: fresh, replace: replace, rows: row, m: &engine.Message{
		Class: engine.ClassStart,
		Event: engine.WithFold(&history.Event{ID: 0, Time: now, Body: &history.ExecutionStarted{
			Name: r.Name, Version: r.Version, Input: r.Input, ParentTrace: r.Trace, Tags: r.Tags, ScheduledStart: at,
			Instance: &history.Instance{InstanceID: id, ExecutionID: history.Some(execution)},
		}}, (*engine.Fold)(r.Fold)),
	}}
	value := hub.Started{InstanceID: id, ExecutionID: execution}
	e.acks = []ack{{call: c, value: value}}
	remember(row, value)
	if of != nil {
		l.fork(in, r.Fork, of, e, c)
		return
	}
	in.starting = true
	l.enqueue(in, e)
	if r.Event != nil {
		l.enqueue(in, &entry{m: raised(r.Event, now)})
	}
}

// freshID makes an id for an instance, of a shard that is held here if there is one.
func (l *loop) freshID() string {
	id := l.ids.execution()
	for range 100 * store.Shards {
		if l.shared == nil || l.refuses(id) == nil || !l.holdsAny() {
			break
		}
		id = l.ids.execution()
	}
	return id
}

// StartID is the id of the instance that a Start without one creates, by the id of its
// request.
func StartID(request string) string {
	sum := sha256.Sum256([]byte("start " + request))
	return hex.EncodeToString(sum[:16])
}

// startExisting answers a start whose id is taken.
func (l *loop) startExisting(in *instance, r *hub.Start, c *call, row []store.Row) {
	value := hub.Started{InstanceID: in.id, ExecutionID: in.rec.Execution, Existing: true}
	switch {
	case r.Event != nil:
		remember(row, value)
		l.enqueue(in, &entry{
			m: raised(r.Event, l.clock.Now().UTC()), rows: row, acks: []ack{{call: c, value: value}},
		})
	case r.OrGet:
		c.end(value, nil)
		l.afterTurn(in)
	default:
		c.end(nil, alreadyExists(in.id, in.rec.Status))
		l.afterTurn(in)
	}
}

func alreadyExists(id string, s store.Status) error {
	return &perdure.Error{
		Code: perdure.AlreadyExists, Op: "start", Instance: id,
		Message: fmt.Sprintf("an orchestration with this id exists (%s)", statusWord(s)),
	}
}

func statusWord(s store.Status) string {
	words := [...]string{"running", "completed", "continued", "failed", "canceled", "terminated", "pending", "suspended"}
	if int(s) < len(words) {
		return words[s]
	}
	return "unknown"
}

func isHex(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f') }) < 0
}

func raised(r *hub.Raise, now time.Time) *engine.Message {
	return &engine.Message{Event: &history.Event{ID: -1, Time: now, Body: &history.EventRaised{Name: r.Name, Input: r.Data}}}
}

// Raise implements hub.Commands.
func (o *Owner) Raise(ctx context.Context, r *hub.Raise) error {
	lim := o.cfg.Limits
	if err := lim.checkID("raise event", r.InstanceID, false); err != nil {
		return err
	}
	if r.Name == "" {
		return invalid("raise event", r.InstanceID, "the event's name is missing")
	}
	if strings.EqualFold(r.Name, hub.TakeBackEvent) {
		return invalid("raise event", r.InstanceID, "events of this name come from the hub alone")
	}
	if err := lim.checkPayload("raise event", r.InstanceID, "the event's data", r.Data); err != nil {
		return err
	}
	_, err := o.send(ctx, r.InstanceID, len(r.Data.S), func(l *loop, c *call) {
		l.send(r.InstanceID, "raise event", c, r.RequestID, raised(r, l.clock.Now().UTC().Truncate(time.Microsecond)), r.Name, r.Data)
	})
	return named(err, "raise event", r.InstanceID)
}

// send queues a client's message to an instance that must exist, or be an
// entity.
func (l *loop) send(id, op string, c *call, requestID string, m *engine.Message, content ...any) {
	c.sends = m.Event
	in, err := l.find(id)
	if err != nil {
		c.end(nil, internalError(op, id, err))
		return
	}
	none := in.rec == nil && !in.starting && !isEntity(id)
	if none && (in.unsettled || in.begins()) {
		in.after = append(in.after, func() { l.send(id, op, c, requestID, m, content...) })
		return
	}
	row, again := l.request(id, requestID, op, c, content...)
	if again {
		l.afterTurn(in)
		return
	}
	if none {
		c.end(nil, notFound(op, id))
		l.afterTurn(in)
		return
	}
	if n := len(in.queue) + in.away; n >= l.limits.Queue {
		c.end(nil, &perdure.Error{Code: perdure.ResourceExhausted, Op: op, Instance: id, Message: fmt.Sprintf(
			"%d messages wait for it already", n)})
		return
	}
	l.enqueue(in, &entry{m: m, rows: row, acks: []ack{{call: c}}})
}

// Signal implements hub.Commands.
func (o *Owner) Signal(ctx context.Context, r *hub.Signal) error {
	lim := o.cfg.Limits
	if err := lim.checkID("signal", r.InstanceID, true); err != nil {
		return err
	}
	if r.Operation == "" {
		return invalid("signal", r.InstanceID, "the operation's name is missing")
	}
	if err := lim.checkPayload("signal", r.InstanceID, "the input", r.Input); err != nil {
		return err
	}
	carry := o.send
	if r.Begins {
		carry = o.begin
	}
	_, err := carry(ctx, r.InstanceID, len(r.Input.S), func(l *loop, c *call) {
		id := l.ids.operationID(r.RequestID)
		l.send(r.InstanceID, "signal", c, r.RequestID, &engine.Message{Event: &history.Event{
			ID: -1, Time: l.clock.Now().UTC().Truncate(time.Microsecond), Body: &history.EntityOperationSignaled{
				RequestID: id, Operation: r.Operation, Input: r.Input, ScheduledTime: r.At, ParentTrace: r.Trace,
			},
		}}, r.Operation, r.Input, r.At)
	})
	return named(err, "signal", r.InstanceID)
}

// Ask implements hub.Waits.
func (o *Owner) Ask(ctx context.Context, r *hub.Ask) (history.Text, error) {
	entity := isEntity(r.InstanceID)
	if err := o.cfg.Limits.checkID("ask", r.InstanceID, entity); err != nil {
		return history.Text{}, err
	}
	if err := o.cfg.Limits.checkPayload("ask", r.InstanceID, "the input", r.Input); err != nil {
		return history.Text{}, err
	}
	c := o.newCall()
	c.actor = hub.ActorOf(ctx)
	do := func(l *loop) { l.carryOut(r.InstanceID, c, func(l *loop, c *call) { l.ask(r, entity, c) }) }
	var err error
	if r.Begins {
		err = o.queue(ctx, c, len(r.Input.S), do)
	} else {
		err = o.mail.add(item{do: do})
	}
	if err != nil {
		return history.Text{}, named(err, "ask", r.InstanceID)
	}
	v, err := o.wait(ctx, c)
	if err != nil {
		if ctx.Err() != nil {
			o.mail.add(item{do: func(l *loop) { l.leaveAsk(c) }})
		}
		return history.Text{}, named(err, "ask", r.InstanceID)
	}
	a := v.(*reply)
	if a.failure != nil {
		return history.Text{}, named(perdure.FailureError(a.failure), "ask", r.InstanceID)
	}
	return a.result, nil
}

// ask sends a request and registers for its answer.
func (l *loop) ask(r *hub.Ask, entity bool, c *call) {
	id := r.RequestID
	if in := l.instances[r.InstanceID]; id != "" && in != nil && in.unsettled { // an answer may be on its way to the disk
		in.after = append(in.after, func() { l.ask(r, entity, c) })
		return
	}
	if id == "" {
		id = l.ids.uuid()
	} else if rows, _, err := l.store.Rows(l.io, store.RowQuery{Kind: rowReply, Owner: r.InstanceID, Prefix: []byte(id), Limit: 1}); err == nil && len(rows) == 1 && string(rows[0].Key) == id {
		a, err := decodeReply(rows[0].Value)
		c.end(a, err)
		return
	}
	now := l.clock.Now().UTC().Truncate(time.Microsecond)
	m := &engine.Message{Event: &history.Event{ID: -1, Time: now}}
	if entity {
		m.Ask = id
		m.Event.Body = &history.EntityOperationCalled{
			RequestID: l.ids.operationID(id), Operation: r.Name, Input: r.Input,
			ParentInstanceID: history.Some(""), // there are workers that take none for a broken call
		}
	} else {
		envelope := struct {
			RequestID string          `json:"requestId"`
			Input     json.RawMessage `json:"input,omitempty"`
		}{RequestID: id}
		if r.Input.Set {
			envelope.Input = json.RawMessage(r.Input.S)
		}
		b, err := json.Marshal(envelope)
		if err != nil {
			c.end(nil, invalid("ask", r.InstanceID, "the input is not JSON"))
			return
		}
		m.Event.Body = &history.EventRaised{Name: r.Name, Input: history.Some(string(b))}
	}
	c.ask = id
	if w := l.asks[id]; w != nil { // asked again meanwhile
		w.calls = append(w.calls, c)
		return
	}
	l.asks[id] = &asked{instance: r.InstanceID, calls: []*call{c}}
	l.asksOf[r.InstanceID]++
	accepted := newCall()
	accepted.actor = c.actor
	accepted.then = func(_ any, err error) {
		in := l.instances[r.InstanceID]
		switch {
		case err != nil:
			l.answer(engine.Answer{Request: id, Failure: perdure.FailureOf(err)})
		case in != nil && !in.unsettled && (in.rec == nil || in.orch != nil && in.orch.Status.Terminal()):
			l.endAsks(r.InstanceID)
		}
	}
	l.send(r.InstanceID, "ask", accepted, r.RequestID, m, r.Name, r.Input)
}

// request finds out whether a client's request was made before. If so it ends
// the call, now or with the first one, and reports true; else it returns the
// row that remembers the request.
func (l *loop) request(owner, id, op string, c *call, content ...any) ([]store.Row, bool) {
	if l.noSpace != nil && op != "purge" { // which makes space
		c.end(nil, l.noSpace)
		return nil, true
	}
	if id == "" {
		return l.audit(owner, id, op, c), false
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%q", op, content)
	hash := h.Sum(nil)
	key := owner + "\x00" + id
	conflict := &perdure.Error{Code: perdure.Conflict, Op: op, Instance: owner, Message: "the request id was used for another request"}
	if first := l.requests[key]; first != nil {
		if string(first.hash) != string(hash) {
			c.end(nil, conflict)
		} else {
			first.also = append(first.also, c)
		}
		return nil, true
	}
	rows, _, err := l.store.Rows(l.io, store.RowQuery{Kind: rowRequest, Owner: owner, Prefix: []byte(id), Limit: 2})
	if err != nil {
		c.end(nil, internalError(op, owner, err))
		return nil, true
	}
	for _, row := range rows {
		if string(row.Key) != id {
			continue
		}
		if len(row.Value) < len(hash) || string(row.Value[:len(hash)]) != string(hash) {
			c.end(nil, conflict)
			return nil, true
		}
		c.end(answerOf(owner, op, row.Value[len(hash):]))
		return nil, true
	}
	c.hash = hash
	then := c.then
	c.then = func(value any, err error) {
		delete(l.requests, key)
		if then != nil {
			then(value, err)
		}
	}
	l.requests[key] = c
	if fault.Mutant(fault.RequestRowLost) {
		return nil, false
	}
	expiry := l.clock.Now().Add(requestLife).UnixMicro()
	return append(l.audit(owner, id, op, c), store.Row{
		Kind: rowRequest, Owner: owner, Key: []byte(id), Value: hash, Keep: true,
		Index: [2][]byte{beTime(expiry)},
	}), false
}

// audit returns the row that says who has asked for a change, if that is known.
func (l *loop) audit(owner, request, op string, c *call) []store.Row {
	if c.actor == nil {
		return nil
	}
	who := *c.actor
	if who.Action == "" {
		who.Action = op
	}
	told := hub.Audit{Actor: who, At: l.clock.Now().UTC(), Request: request, Outcome: hub.AuditDone, GivenUp: c.givenUp}
	if c.sends != nil {
		if raised, ok := c.sends.Body.(*history.EventRaised); ok {
			told.At, told.Name = c.sends.Time, raised.Name
		}
	}
	row, err := audit.New(owner, &told)
	if err != nil { // strings and a time are always encodable
		l.fail(err)
		return nil
	}
	return []store.Row{row}
}

// requestLife is how long a request id is remembered.
const requestLife = 24 * time.Hour

// remember puts the answer to a start into its request row, if it has one.
func remember(row []store.Row, s hub.Started) {
	for i := range row {
		if row[i].Kind != rowRequest {
			continue
		}
		existing := byte(0)
		if s.Existing {
			existing = 1
		}
		row[i].Value = append(append(slices.Clip(row[i].Value), existing), s.ExecutionID...)
	}
}

// answerOf is the answer that a repeated request gets; stored is what remember
// wrote.
func answerOf(owner, op string, stored []byte) (any, error) {
	if op != "start" && op != "fork" {
		return nil, nil
	}
	s := hub.Started{InstanceID: owner}
	if len(stored) > 0 {
		s.Existing, s.ExecutionID = stored[0] == 1, string(stored[1:])
	}
	return s, nil
}

func beTime(micros int64) []byte {
	b := make([]byte, 8)
	for i := range b {
		b[i] = byte(uint64(micros) >> (56 - 8*i))
	}
	return b
}

// named puts operation and instance into an error that lacks them.
func named(err error, op, id string) error {
	e, ok := err.(*perdure.Error)
	if !ok || e.Op != "" && e.Instance != "" {
		return err
	}
	c := *e
	if c.Op == "" {
		c.Op = op
	}
	if c.Instance == "" {
		c.Instance = clip(id, 120)
	}
	return &c
}
