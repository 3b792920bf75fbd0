package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// turnInput is what a turn is started with.
type turnInput struct {
	Agent         string                     `json:"agent"`
	Session       string                     `json:"session,omitempty"` // instance id of the entity; "" = none
	CorrelationID string                     `json:"correlationId,omitempty"`
	Log           string                     `json:"log,omitempty"`  // of the session; "" = the run's own
	View          viewOf                     `json:"view"`           // what of the conversation the model is given
	Head          int64                      `json:"head,omitempty"` // position of the turn's first message
	Messages      []*model.Message           `json:"messages"`
	Options       *TurnOptions               `json:"options,omitempty"`
	Import        bool                       `json:"import,omitempty"`   // the messages are not answered
	Principal     Principal                  `json:"principal,omitzero"` // who has sent them
	Caller        string                     `json:"caller,omitempty"`   // orchestration that has asked for the turn of a session
	Refused       *problem                   `json:"refused,omitempty"`  // why the turn is to fail at once
	Pending       []string                   `json:"pending,omitempty"`  // calls that the messages may answer
	Depth         int                        `json:"depth,omitempty"`    // of agents that called agents
	Turns         int64                      `json:"turns,omitempty"`    // of the session that have ended
	State         map[string]json.RawMessage `json:"state,omitempty"`    // of the session
	Active        string                     `json:"active,omitempty"`   // the agent that was given the conversation; "" = Agent

	// A turn inside of another one, to which that was handed over, goes on with
	// the conversation and the stream of that one.
	Inner  bool   `json:"inner,omitempty"`
	Stream string `json:"stream,omitempty"` // instance id of the run whose stream it is
	Offset int64  `json:"offset,omitempty"` // in the stream

	// Context is the instance id of the run that has what providers gave.
	Context string `json:"context,omitempty"`

	Policy *policy  `json:"policy,omitempty"` // of a turn of a session; nil = that of the agent as it is
	Grant  *grant   `json:"grant,omitempty"`  // of a budget of the run that has started this one; nil = none
	Trace  traceRef `json:"trace,omitempty"`  // the span below which it runs
}

// turnOutput is the output of a turn: its response, and what a turn around it
// must know.
type turnOutput struct {
	Response
	Next    int64    `json:"next,omitempty"` // offset in the stream after the turn
	View    viewOf   `json:"view"`
	Problem *problem `json:"problem,omitempty"` // why a turn inside of another one has failed
	// State is what the turn sets of the session's state.
	State map[string]json.RawMessage `json:"state,omitempty"`
}

// Response is what a turn answers.
type Response struct {
	Text string `json:"text"` // of the last message of the model
	// Value is the answer in the format that was asked for, nil if none was.
	Value json.RawMessage `json:"value,omitempty"`
	// Calls are of the caller's tools, which the next message is to answer.
	Calls         []*model.FunctionCall `json:"calls,omitempty"`
	FinishReason  string                `json:"finishReason,omitempty"`
	Agent         string                `json:"agent"`             // who has answered: the one that was given the conversation last
	Session       string                `json:"session,omitempty"` // instance id; "" = none
	Turn          string                `json:"turn"`              // instance id of the run
	CorrelationID string                `json:"correlationId,omitempty"`
	Model         string                `json:"model,omitempty"` // as the provider reports it
	Usage         model.Usage           `json:"usage"`
	// Spent is what the calls of models have cost, in the agents that were called
	// too; USD lacks those of models without a price.
	Spent    Spending  `json:"spent"`
	Steps    int       `json:"steps"`    // model steps that it took
	First    int64     `json:"first"`    // position in the conversation of the turn's first message
	Messages int64     `json:"messages"` // in the conversation, this turn's included
	Created  time.Time `json:"created"`  // when it was complete
}

// Statuses of a turn that has ended by itself.
const (
	statusCompleted = "completed"
	statusFailed    = "failed"
)

// turn is a turn in progress.
type turn struct {
	*code
	ctx      *perdure.Context
	in       turnInput
	policy   *policy
	frames   []Frame // of a stream that is not its own, not yet written
	flushing bool
	first    int64 // position of its first message
	position int64 // of the next message
	offset   int64 // of the next frame of the stream
	step     int   // model steps so far
	repairs  int   // answers that did not fit the format
	failed   int   // calls of tools in a row that have failed
	view     viewOf
	cut      int64                      // a summary is made of what is before; 0 = none
	plain    bool                       // the summary says only that something was left out
	provided bool                       // providers gave it something, which lies in a row of its own
	external bool                       // the conversation is kept elsewhere
	back     bool                       // the session's own agent answers from now on
	set      map[string]json.RawMessage // of the session's state
	usage    model.Usage
	spent    Spending
	purse    purse                   // empty = no budget
	worst    Spending                // that a call of the model could have cost, the last time
	stop     *perdure.Task[struct{}] // ends when the turn is to end; nil = without a session
	steer    *perdure.Task[steering] // ends when a message comes for the turn; nil as stop
	steers   []string                // turns whose messages it took
	trail    []Frame                 // for the record
	unheard  []*model.Message        // the newest messages, which no model step has answered
	began    time.Time
	again    *before // what it had spent when it was rewound; nil = it was not
	from     int64   // frames after the newest rewind have at least this offset
}

// turn is the orchestration that answers a message.
func (c *code) turn(ctx *perdure.Context, in turnInput) (*turnOutput, error) {
	if levelOf(perdure.RuntimeOf(ctx).Info().Value) != nil {
		return nil, perdure.NonRetryable(&perdure.Error{Code: perdure.Unimplemented, Op: "run agent", Instance: ctx.InstanceID(),
			Message: "the hub keeps no conversations but those of sessions: run the agent with agent.InSession, or connect to a Perdure server"})
	}
	t := &turn{code: c, ctx: ctx, in: in, first: in.Head, position: in.Head, offset: in.Offset,
		view: in.View, began: ctx.Now()}
	if t.policy = in.Policy; t.policy == nil {
		t.policy = c.policy(in.Options)
	}
	if in.Session != "" || in.Depth > 0 {
		t.stop = perdure.NewEvent[struct{}](stopName).Wait(ctx)
	}
	if in.Session != "" && !in.Inner {
		t.steer = perdure.NewEvent[steering](steerName).Wait(ctx)
	}
	if in.Session != "" && !in.Inner && !in.Import {
		t.takesBack()
	}
	t.openPurse()
	r, err := t.answer()
	if err == nil && !in.Import && !in.Inner {
		err = t.save()
	}
	if err != nil {
		t.withdraw(err)
	}
	return t.end(r, err)
}

// What a turn calls by its own id is asked for anew each time: a fork is another run from
// some point on.

// log is the name of the log that it writes.
func (t *turn) log() string {
	if t.in.Log != "" {
		return t.in.Log
	}
	return logID(t.ctx.InstanceID(), seedOf(t.ctx))
}

// stream is the instance id of the run whose stream it writes.
func (t *turn) stream() string {
	if t.in.Stream != "" {
		return t.in.Stream
	}
	return t.ctx.InstanceID()
}

// context is the instance id of the run that has what providers gave, "" = they gave nothing.
func (t *turn) context() string {
	if t.provided {
		return t.ctx.InstanceID()
	}
	return t.in.Context
}

// answer asks the model and runs the tools that it calls until it has answered.
func (t *turn) answer() (*Response, error) {
	if err := t.hear(); err != nil {
		return nil, err
	}
	if t.in.Import {
		r := t.response(&model.Response{}, &modelOutput{})
		r.Calls = openCalls(t.in.Messages)
		return r, nil
	}
	if err := t.provide(); err != nil {
		return nil, err
	}
	if t.in.Active != "" && t.in.Active != fold(t.agent.Name) {
		return t.handOver(t.in.Active)
	}
	for {
		out, err := t.ask()
		if err != nil {
			return nil, err
		}
		if err := t.append(out.Messages...); err != nil {
			return nil, err
		}
		t.unheard = nil
		answer := &model.Response{Messages: out.Messages}
		calls := answer.Calls()
		if len(calls) == 0 {
			done, err := t.accept(out)
			if err != nil {
				return nil, err
			}
			if done {
				return t.response(answer, out), nil
			}
			continue
		}
		left, next, err := t.run(calls, out.Routes)
		if err != nil {
			return nil, err
		}
		if next != "" {
			return t.handOver(next)
		}
		if len(left) > 0 {
			r := t.response(answer, out)
			r.Calls, r.FinishReason = left, model.FinishToolCalls
			return r, nil
		}
	}
}

// hear appends the turn's messages to the conversation, unless they answer calls
// that nobody has left open.
func (t *turn) hear() error {
	if p := t.in.Refused; p != nil {
		if err := t.append(t.in.Messages...); err != nil {
			return err
		}
		return &perdure.StepError{Type: p.Type, Message: p.Message, NonRetryable: true}
	}
	if p := t.policy.Unfit; p != nil {
		return &perdure.StepError{Type: p.Type, Message: p.Message, NonRetryable: true}
	}
	if !t.in.Import {
		if err := checkResults(t.in.Messages, t.in.Pending); err != nil {
			return err
		}
	}
	if err := t.append(t.in.Messages...); err != nil {
		return err
	}
	if t.in.Options != nil {
		row, err := turnRow(keyOptions, t.in.Options)
		if err != nil {
			return err
		}
		t.put([]perdure.Row{row})
	}
	return nil
}

// checkResults reports results in messages that answer none of the open calls.
func checkResults(messages []*model.Message, open []string) error {
	for _, m := range messages {
		for _, c := range m.Contents {
			r, ok := c.(*model.FunctionResult)
			if !ok {
				continue
			}
			i := slices.Index(open, r.CallID)
			if i < 0 {
				return refused("the result for the call %q answers no open call of the caller's tools", r.CallID)
			}
			open = slices.Concat(open[:i], open[i+1:])
		}
	}
	return nil
}

// maxCalls bounds the calls of tools in one answer of a model that are carried out.
const maxCalls = 128

// run has the tools called, all at the same time, and appends their results in
// the order of the calls. A call that waits for a decision holds up no other. It
// returns the calls that are left to the caller, and the agent that is to go on
// with the conversation, "" = this one.
func (t *turn) run(calls []*model.FunctionCall, routes []route) (left []*model.FunctionCall, next string, err error) {
	asks := slices.ContainsFunc(calls[:min(len(calls), maxCalls)], t.callers)
	running := make([]*toolCall, len(calls))
	branches := make([]*perdure.Branch, len(calls))
	for i, call := range calls {
		if i < maxCalls && t.callers(call) {
			left = append(left, call)
			continue
		}
		c := t.newToolCall(i, call)
		running[i] = c
		if i < len(routes) {
			c.route = routes[i]
		}
		switch {
		case c.err != nil:
		case i >= maxCalls:
			c.err = fmt.Errorf("the call was not made: an answer may hold %d calls, which is the limit", maxCalls)
		case !t.in.Options.offers(call.Name):
			c.err = fmt.Errorf("there is no tool %q in this turn", call.Name)
		case c.route.Handoff && asks:
			c.err = errors.New("the conversation was not handed over, as a call beside it is still to be answered: call again later")
		case c.route.Handoff && next == "":
			next = c.route.Agent
			c.result = json.RawMessage(`"The conversation was handed over."`)
		case c.route.Handoff:
			c.err = errors.New("the conversation was handed over to another agent already")
		case c.route.Agent != "":
			branches[i] = t.ctx.Go(func(*perdure.Context) { c.delegate(); c.said = c.answer() })
		default:
			branches[i] = t.ctx.Go(func(*perdure.Context) { c.run(); c.said = c.answer() })
		}
		if branches[i] == nil {
			c.said = c.answer()
		}
	}
	var results []*model.Message
	for i, c := range running {
		if c == nil {
			continue
		}
		if branches[i] != nil {
			branches[i].Await()
		}
		if t.failed++; c.err == nil {
			t.failed = 0
		}
		results = append(results, c.said)
	}
	return left, next, t.append(results...)
}

// callers reports whether a call is left to the caller.
func (t *turn) callers(call *model.FunctionCall) bool {
	return call.Error == "" && t.in.Options.callers(call.Name)
}

// toolError is the failure of a tool as the model is told about it.
func toolError(err error) error {
	var failed *perdure.StepError
	if errors.As(err, &failed) {
		return errors.New(failed.Message)
	}
	return err
}

func errorOf(m *model.Message) string {
	for _, c := range m.Contents {
		if r, ok := c.(*model.FunctionResult); ok {
			return r.Error
		}
	}
	return ""
}

// openCalls returns the calls in messages that none of them answers.
func openCalls(messages []*model.Message) []*model.FunctionCall {
	var open []*model.FunctionCall
	for _, m := range messages {
		for _, c := range m.Contents {
			if r, ok := c.(*model.FunctionResult); ok {
				open = slices.DeleteFunc(open, func(f *model.FunctionCall) bool { return f.CallID == r.CallID })
			}
		}
		open = append(open, m.Contents.Calls()...)
	}
	return open
}

func callIDs(calls []*model.FunctionCall) []string {
	var ids []string
	for _, c := range calls {
		ids = append(ids, c.CallID)
	}
	return ids
}

func (t *turn) response(answer *model.Response, out *modelOutput) *Response {
	return &Response{
		Text: finalText(answer), Value: out.Value, FinishReason: out.FinishReason, Model: out.Model,
		Agent: t.agent.Name, Session: t.in.Session, Turn: t.ctx.InstanceID(), CorrelationID: t.in.CorrelationID,
		Usage: t.usage, Spent: t.spent, Steps: t.step, First: t.first, Messages: t.position, Created: t.ctx.Now(),
	}
}

// append writes messages to the log.
func (t *turn) append(messages ...*model.Message) error {
	rows := make([]perdure.Row, 0, len(messages))
	for _, m := range messages {
		entry := *m
		if entry.CreatedAt.IsZero() {
			entry.CreatedAt = t.ctx.Now()
		}
		if entry.ID == "" {
			entry.ID = fmt.Sprintf("m%d", t.position)
		}
		row, err := logRow(t.log(), t.position, &entry)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		t.unheard = append(t.unheard, &entry)
		t.position++
	}
	t.put(rows)
	return nil
}

// sourceRefused is the Source.Type of messages that a provider has refused to
// answer. They stay in the conversation, and no model is given them again: one bad
// image would else have each later turn fail.
const sourceRefused = "perdure.refused"

// withdraw marks the newest messages, if the turn has failed because a provider has
// refused the request for good.
func (t *turn) withdraw(failed error) {
	var step *perdure.StepError
	if !errors.As(failed, &step) || step.Property(propertyRefused) == 0 {
		return
	}
	var rows []perdure.Row
	first := t.position - int64(len(t.unheard))
	for i, m := range t.unheard {
		if m.Source.Type == sourceSummary {
			continue // the view goes on from it
		}
		refused := *m
		refused.Source = model.Source{Type: sourceRefused}
		row, err := logRow(t.log(), first+int64(i), &refused)
		if err != nil { // it was encodable before
			panic(err)
		}
		rows = append(rows, row)
	}
	t.put(rows)
}

// frame writes a frame of the stream.
func (t *turn) frame(f Frame) {
	f.Offset = t.offset
	t.offset++
	t.note(f)
	if t.stream() != t.ctx.InstanceID() {
		t.frames = append(t.frames, f)
		t.flush()
		return
	}
	row, err := streamRow([]Frame{f})
	if err != nil { // a frame is always encodable
		panic(err)
	}
	t.put([]perdure.Row{row})
}

// put writes rows in the commit of the orchestrator turn.
func (t *turn) put(rows []perdure.Row) {
	if len(rows) > 0 {
		perdure.RuntimeOf(t.ctx).Begin(&perdure.Step{Kind: perdure.StepRows, Rows: rows})
	}
}

// end closes the stream and tells the session, in the turn's last commit. A turn
// inside of another one tells that how it has ended.
func (t *turn) end(r *Response, failed error) (*turnOutput, error) {
	last := Frame{Type: FrameEnd, Status: statusCompleted}
	e := ended{
		Turn: t.ctx.InstanceID(), Head: t.position, Usage: t.usage, Spent: t.spent, Log: t.in.Log, Steers: t.steers, Response: r,
		State: t.set, Back: t.back, External: t.policy.History, Before: t.again,
		Execution: t.ctx.ExecutionID(),
	}
	if !t.external {
		e.View = &t.view
	}
	if failed != nil {
		last.Status, last.Error = statusFailed, failed.Error()
		e.Error = failureOf(failed)
		if perdure.CodeOf(failed) == perdure.Canceled && t.isStopped() {
			last.Status = statusCanceled
		}
	}
	t.observe(last.Status, r, failed)
	if failed != nil { // the step that failed may have streamed: the end comes after it all
		t.offset = nextBase(t.offset + failureLeap)
	}
	if t.in.Inner {
		if r == nil {
			r = t.response(&model.Response{}, &modelOutput{})
		}
		return &turnOutput{Response: *r, Next: t.offset, View: t.view, Problem: e.Error, State: t.set}, nil
	}
	t.frame(last)
	t.leave(r)
	if t.in.Session != "" {
		id, err := perdure.ParseEntityID(t.in.Session)
		if err == nil {
			err = perdure.SignalEntity(t.ctx, id, opEnded, e)
		}
		if err != nil && failed == nil {
			return nil, err
		}
	}
	if failed != nil {
		t.tellSpent()
		return nil, failed
	}
	return &turnOutput{Response: *r, Next: t.offset}, nil
}

// problem is why a turn failed.
type problem struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

func failureOf(err error) *problem {
	var failed *perdure.StepError
	if errors.As(err, &failed) {
		return &problem{Type: failed.Type, Message: failed.Message}
	}
	if code := perdure.CodeOf(err); code != 0 {
		return &problem{Type: code.String(), Message: err.Error()}
	}
	return &problem{Type: "error", Message: err.Error()}
}
