package agent

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/steps"
	"github.com/perdure/perdure/store"
)

// Forked is what a fork of a run means for it.
type Forked struct {
	ID string // of the new run; "" = none was begun
	// Event is the one from which on the new run goes its own way: the one asked for, or an
	// earlier one, so that nothing is open there which only its source could end: a call of
	// the model or of a tool, or a decision, which then is asked for anew.
	Event int
	Asks  []Asking // the decisions that will be asked for if the calls come again
}

// Fork begins a new run as a copy of another one, as client.Client.Fork does, also of a run
// of an agent, whose conversation so far it copies. A turn of a session cannot be forked.
func (s *Service) Fork(ctx context.Context, run string, o client.ForkOptions, opts ...client.Option) (*Forked, error) {
	of, plan, err := s.forking(ctx, run, &o)
	if err != nil {
		return nil, err
	}
	if o.Asked == nil {
		o.Asked = &client.RewindPoint{Event: o.Event, Execution: o.Execution}
	}
	o.Event, o.Execution = plan.Event, of.execution
	o.Rows = of.rows
	plan.ID, err = s.client.Fork(ctx, run, o, opts...)
	return plan, err
}

// PlanFork tells what a fork of a run would mean for it, and begins none.
func (s *Service) PlanFork(ctx context.Context, run string, o client.ForkOptions) (*Forked, error) {
	_, plan, err := s.forking(ctx, run, &o)
	return plan, err
}

// forkOf is a run that is forked.
type forkOf struct {
	hub       hub.Hub
	run       string
	agent     bool // it is a run of an agent
	execution string
	events    []*history.Event
	event     int // from which on it is forked
	step      int // event that has scheduled the step with another outcome; 0 = none has
}

func (s *Service) forking(ctx context.Context, run string, o *client.ForkOptions) (*forkOf, *Forked, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, nil, err
	}
	in, err := h.Instance(ctx, run, false)
	if err != nil {
		return nil, nil, err
	}
	f := &forkOf{hub: h, run: run, execution: o.Execution, step: o.Step}
	if _, f.agent = AgentOf(in.Name); f.execution == "" {
		f.execution = in.Execution
	}
	if f.events, err = h.History(ctx, run, f.execution); err != nil {
		return nil, nil, err
	}
	if f.event = o.Event; f.event == 0 {
		if f.event, err = client.ForkPoint(run, f.events, o.Step); err != nil {
			return nil, nil, err
		}
	}
	if f.event < 1 || f.event > len(f.events)+1 {
		return nil, nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "fork", Instance: run,
			Message: fmt.Sprintf("event %d is not there: its history has %d events, counted from 1", f.event, len(f.events))}
	}
	if err := f.refusal(in); err != nil {
		return nil, nil, err
	}
	decisions, err := decisionsOf(ctx, h, run)
	if err != nil {
		return nil, nil, err
	}
	f.event = f.atRest(decisions, o.Event > 0)
	plan := &Forked{Event: f.event, Asks: []Asking{}}
	return f, plan, f.asks(ctx, decisions, plan)
}

// refusal says why the run cannot be forked, nil = it can.
func (f *forkOf) refusal(in *hub.Instance) error {
	if !f.agent {
		return nil
	}
	var t turnInput
	if b := startedBy(f.events); b != nil {
		_ = perdure.Decode(b.Input, &t) // what cannot be read was no turn
	}
	switch {
	case in.Session != "" || t.Session != "":
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "fork", Instance: f.run, Message: fmt.Sprintf(
			"it is a turn of the session %s, which has gone on from there: send the message again, or to another session", max(in.Session, t.Session))}
	case t.Inner:
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "fork", Instance: f.run,
			Message: "it goes on with the conversation of the run that has handed it over: fork that one"}
	}
	return nil
}

func startedBy(events []*history.Event) *history.ExecutionStarted {
	for _, e := range events {
		if b, ok := e.Body.(*history.ExecutionStarted); ok {
			return b
		}
	}
	return nil
}

// atRest returns the event from which on the run is forked: the one asked for, or an earlier
// one at which nothing is open that only the source could end. If none was asked for, and
// the outcome of a step is changed, those that run beside it end first.
func (f *forkOf) atRest(decisions []*storedDecision, asked bool) int {
	n := f.event
	told := steps.Of(f.events)
	if !asked && f.step > 0 && f.agent {
		n = f.afterCalls(told, n)
	}
	for moved := true; moved; {
		at := n
		if n <= len(f.events) {
			n = beforeAsking(f.events, decisions, n)
		} else {
			n = min(n, f.beforeOpenAsking(decisions, n))
		}
		for i, fate := range told.Fork(f.events, n) {
			if s := &told.Steps[i]; fate == steps.Again && f.turnOf(s.N) < f.turnOf(n) && s.N != f.step && f.bound(s) {
				n = min(n, s.N)
			}
		}
		moved = n != at
	}
	return n
}

// turnOf returns the index of the event that begins the turn with an event, from 1.
func (f *forkOf) turnOf(n int) int {
	if n > len(f.events) {
		return len(f.events)
	}
	return engine.TurnOf(f.events, n-1)
}

// bound reports whether a step that is open is bound to the run that has scheduled it: it is
// given where that has its conversation, or the id by which the code knows it.
func (f *forkOf) bound(s *steps.Step) bool {
	switch s.Kind {
	case steps.Activity:
		return f.agent || s.Name == decisionName
	case steps.Child:
		_, ok := AgentOf(s.Name)
		return f.agent || ok && s.Run != fmt.Sprintf("%s:%04x", f.run, f.events[s.N-1].ID)
	}
	return false
}

// afterCalls returns the event after which all that was open at the n-th has ended.
func (f *forkOf) afterCalls(told *steps.Run, n int) int {
	at := n
	for i := range told.Steps {
		s := &told.Steps[i]
		if f.bound(s) && s.N < n && (s.EndN == 0 || s.EndN > n) {
			if at = max(at, s.EndN+1); s.EndN == 0 {
				return len(f.events) + 1
			}
		}
	}
	return at
}

// beforeOpenAsking is beforeAsking for a fork from the end.
func (f *forkOf) beforeOpenAsking(decisions []*storedDecision, n int) int {
	for _, d := range decisions {
		if asked := askedIn(f.events, d); asked >= 0 && !madeBefore(f.events, d) {
			n = min(n, asked+1)
		}
	}
	return n
}

// asks finds out which decisions will be asked for if calls come again that the source has
// made: those that cannot be repeated, and those that somebody had to approve.
func (f *forkOf) asks(ctx context.Context, decisions []*storedDecision, plan *Forked) error {
	made, err := f.made(ctx)
	if err != nil {
		return err
	}
	for _, effect := range f.effects() {
		if i := slices.IndexFunc(made, func(m *sendMark) bool { return m.Effect == effect }); i >= 0 {
			m := made[i]
			plan.Asks = append(plan.Asks, Asking{DecisionApproval, m.Tool, m.CallID, m.Step})
		} else if i := slices.IndexFunc(decisions, func(d *storedDecision) bool { return d.EffectID == effect && d.Kind == DecisionApproval }); i >= 0 {
			d := decisions[i]
			plan.Asks = append(plan.Asks, Asking{DecisionApproval, d.Tool, d.CallID, d.Step})
		}
	}
	return nil
}

// effects returns the effect ids of the calls that the source has made after the cut.
func (f *forkOf) effects() (effects []string) {
	told := steps.Of(f.events)
	for i, fate := range told.Fork(f.events, f.event) {
		s := &told.Steps[i]
		if fate == steps.Reused || s.Kind != steps.Activity || s.N < 1 || s.N == f.step {
			continue
		}
		if effect := effectOf(f.events[s.N-1]); effect != "" && !slices.Contains(effects, effect) {
			effects = append(effects, effect)
		}
	}
	return effects
}

// made returns the calls which cannot be repeated that the source has made after the cut.
func (f *forkOf) made(ctx context.Context) (made []*sendMark, err error) {
	for _, effect := range f.effects() {
		m, _, err := markOf(ctx, f.hub, f.run, effect)
		if err != nil {
			return nil, err
		}
		if m != nil && !m.Repeatable && (m.Settled == nil || !m.Settled.Undone) {
			made = append(made, m)
		}
	}
	return made, nil
}

// madeKey is the key of the row that says that the source of a fork has made a call.
func madeKey(tool, arguments string) string { return "made/" + digest("made", tool, arguments) }

// rows returns what a fork of a run of an agent needs beside its history.
func (f *forkOf) rows(ctx context.Context, id, execution string) ([]store.Row, error) {
	if !f.agent {
		return nil, nil
	}
	kept := f.events[:f.turnOf(f.event)]
	rows := []store.Row{}
	for _, key := range []string{keyOptions, keyContext} {
		list, _, err := f.hub.ReadRows(ctx, store.RowQuery{Kind: rowTurn, Owner: f.run, Prefix: []byte(key), Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(list) > 0 && string(list[0].Key) == key {
			rows = append(rows, store.Row{Kind: rowTurn, Owner: id, Key: list[0].Key, Value: list[0].Value})
		}
	}
	position, offset := said(kept)
	messages, err := readLog(ctx, f.hub, logID(f.run, engine.SeedAt(f.events, f.execution)), 0, position, int(position))
	if err != nil {
		return nil, err
	}
	log := logID(id, engine.ForkSeed(engine.SeedAt(kept, f.execution), execution))
	for _, m := range messages {
		row, err := logRow(log, m.Position, m.Message)
		if err != nil {
			return nil, err
		}
		rows = append(rows, ownRow(id, row))
	}
	if rows, err = f.frames(ctx, rows, id, offset); err != nil {
		return nil, err
	}
	made, err := f.made(ctx)
	for _, m := range made {
		row, err := turnRow(madeKey(m.Tool, string(m.Args)), f.run)
		if err != nil { // a text is always encodable
			panic(err)
		}
		rows = append(rows, ownRow(id, row))
	}
	return rows, err
}

// frames appends the rows of the stream before an offset.
func (f *forkOf) frames(ctx context.Context, rows []store.Row, id string, offset int64) ([]store.Row, error) {
	q := store.RowQuery{Kind: rowStream, Owner: f.run, Limit: 1000}
	for {
		list, next, err := f.hub.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range list {
			if len(row.Key) != 8 || int64(binary.BigEndian.Uint64(row.Key)) >= offset {
				return rows, nil
			}
			rows = append(rows, store.Row{Kind: rowStream, Owner: id, Key: row.Key, Value: row.Value})
		}
		if q.After = next; next == nil {
			return rows, nil
		}
	}
}

// said returns how far conversation and stream have come in turns after which no step is
// open: the newest model step knows, and what it has said itself. What the tools that it has
// called say is added when all have.
func said(turns []*history.Event) (position, offset int64) {
	if b := startedBy(turns); b != nil {
		var in turnInput
		if perdure.Decode(b.Input, &in) == nil {
			position, offset = in.Head+int64(len(in.Messages)), in.Offset
		}
	}
	asked := map[int32]bool{}
	for _, e := range turns {
		switch b := e.Body.(type) {
		case *history.TaskScheduled:
			var in modelInput
			if len(b.Name) > len(modelPrefix) && b.Name[:len(modelPrefix)] == modelPrefix && perdure.Decode(b.Input, &in) == nil {
				asked[e.ID], position, offset = true, in.To, in.Offset
			}
		case *history.TaskCompleted:
			var out struct {
				Messages []json.RawMessage `json:"messages"`
				Next     int64             `json:"next"`
			}
			if asked[b.TaskScheduledID] && b.Result.Set && json.Unmarshal([]byte(b.Result.S), &out) == nil {
				position += int64(len(out.Messages))
				offset = max(offset, out.Next)
			}
		}
	}
	return position, offset
}
