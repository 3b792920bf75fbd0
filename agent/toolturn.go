package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
)

// toolCall is a call of a tool in progress, a branch of the turn.
type toolCall struct {
	*turn
	call      *model.FunctionCall
	step      int
	ordinal   int // among the calls of its model step
	route     route
	first     string // its effect id when it was made
	seed      string // by which that was made
	arguments string // canonical
	asked     int    // decisions so far
	result    json.RawMessage
	said      *model.Message // to the model, when it has ended
	with      []string       // decisions that were answered together with the last one
	err       error
	givenUp   bool // nobody waits for its outcome any more
}

// newToolCall prepares the call with this ordinal among those of its model step.
func (t *turn) newToolCall(ordinal int, call *model.FunctionCall) *toolCall {
	c := &toolCall{turn: t, call: call, step: t.step, ordinal: ordinal}
	if call.Error != "" {
		c.err = errors.New(call.Error)
		return c
	}
	arguments, err := canonicalArguments(call.Arguments)
	if err != nil {
		arguments = call.Arguments // the step refuses them
	}
	c.arguments = arguments
	c.seed = seedOf(t.ctx)
	c.first = digest("effect", t.ctx.InstanceID(), c.seed, fmt.Sprint(t.step), fmt.Sprint(ordinal), call.Name, arguments)
	return c
}

// effectID is the effect id of the call. In a fork, a call that its source has made gets
// another one if it is still to be sent.
func (c *toolCall) effectID() string {
	if seed := seedOf(c.ctx); seed != c.seed {
		return digest("effect", c.first, seed)
	}
	return c.first
}

// seedOf is the id of the execution, and that of the first branch after a rewind: 128
// random bits, kept by a restore, which tell hub, incarnation and execution apart at once.
func seedOf(ctx *perdure.Context) string { return perdure.RuntimeOf(ctx).Info().Seed }

// askID is the id of a decision: the same when the turn that asks for it is replayed,
// after a rewind too, and another one when a rewind has that turn made anew.
func askID(ctx *perdure.Context, of, kind string, asked int) string {
	return digest("decision", of, seedOf(ctx), kind, fmt.Sprint(asked), fmt.Sprint(ctx.Now().UnixNano()))
}

// tool is what the code knows of the tool; nothing is known of one that is gone,
// so that its calls are dealt with as irreversible ones.
func (c *toolCall) tool() *boundTool {
	if b := c.tools[c.call.Name]; b != nil {
		return b
	}
	return &boundTool{}
}

// run carries the call out, and waits for the decisions that it needs.
func (c *toolCall) run() {
	in := toolInput{
		Tool: c.call.Name, CallID: c.call.CallID, Arguments: c.call.Arguments, Agent: c.agent.Name, Step: c.step,
		Session: c.in.Session, CorrelationID: c.in.CorrelationID, Originator: c.in.Principal, Trace: c.in.Trace,
	}
	var timer *perdure.Timer
	for c.err == nil {
		var out *toolOutput
		if out, c.err = c.await(c.schedule(in)); c.err != nil || out == nil {
			break
		}
		if out.Ask == nil && out.Wait == "" {
			c.result = out.Result
			if len(out.Edited) > 0 {
				c.result = editedResult(out)
			}
			break
		}
		before := in.Decision
		if in.Decision = out.Wait; out.Ask != nil {
			d := c.open(out.Ask)
			in.Decision, timer = d.ID, c.restart(timer, d.Deadline)
		}
		in.Expired, c.err = c.wait(in.Decision, timer)
		if c.err == nil {
			c.frame(Frame{Type: FrameDecided, Step: c.step, CallID: c.call.CallID, Tool: c.call.Name, Decision: in.Decision, With: c.with})
		}
		if out.Beside {
			in.Decision = before
		}
	}
	c.restart(timer, nil)
	if !c.givenUp && c.tool().effect.once() { // its outcome is in the journal
		c.put([]perdure.Row{{Kind: uint16(hub.RowHold), Key: []byte(c.effectID()), Delete: true}})
	}
}

// editedResult is what the model is told of a call that was made with other
// arguments than its own.
func editedResult(out *toolOutput) json.RawMessage {
	text, err := json.Marshal(struct {
		Arguments json.RawMessage `json:"arguments_changed_by_a_person"`
		Result    json.RawMessage `json:"result"`
	}{out.Edited, out.Result})
	if err != nil { // both are JSON that was encoded before
		panic(err)
	}
	return text
}

// await waits for a step of the call. If the turn is stopped, a call that may have
// been sent has its grace to end in; then it is given up and the error is Canceled.
func (c *toolCall) await(task *perdure.Task[*toolOutput]) (*toolOutput, error) {
	if c.stop == nil || perdure.Any(c.ctx, task, c.stop) == perdure.Awaitable(task) {
		return task.Await()
	}
	if grace := c.tool().graceTime(); grace > 0 {
		c.put([]perdure.Row{{Kind: rowStop, Key: []byte(c.ctx.ExecutionID()), Value: []byte("true")}})
		timer := c.ctx.Timer(grace)
		if perdure.Any(c.ctx, task, timer) == perdure.Awaitable(task) {
			timer.Cancel()
			return task.Await()
		}
	}
	task.Cancel()
	c.givenUp = true
	return nil, stopped(c.ctx.InstanceID())
}

// answer returns what the model is told about the call, which has ended, and tells
// readers of the stream that it has.
func (c *toolCall) answer() *model.Message {
	var value any
	if c.err != nil {
		value = toolError(c.err)
	} else if len(c.result) > 0 {
		value = c.result
	}
	result := model.ToolResult(c.call.CallID, value)
	f := Frame{Type: FrameToolResult, Step: c.step, CallID: c.call.CallID, Tool: c.call.Name, Error: errorOf(result)}
	if c.err == nil && len(c.result) <= resultBytes {
		f.Result = c.result
	}
	c.frame(f)
	return result
}

// restart cancels a timer, if there is one, and starts another if there is a
// deadline.
func (c *toolCall) restart(timer *perdure.Timer, deadline *time.Time) *perdure.Timer {
	if timer != nil {
		timer.Cancel()
	}
	if deadline == nil {
		return nil
	}
	return c.ctx.TimerUntil(*deadline)
}

// schedule schedules the tool step.
func (c *toolCall) schedule(in toolInput) *perdure.Task[*toolOutput] {
	text, err := perdure.Encode(in)
	if err != nil { // strings are always encodable
		panic(err)
	}
	options := c.tool().stepOptions()
	options.Tags, options.Effect = map[string]string{"tool": c.call.Name}, []byte(c.effectID())
	return perdure.TaskOf[*toolOutput](c.ctx, perdure.Step{
		Kind: perdure.StepActivity, Name: toolPrefix + fold(c.agent.Name), Input: text, Options: options,
	})
}

// open asks for a decision, in the commit in which the turn begins to wait.
func (c *toolCall) open(a *ask) *storedDecision {
	c.asked++
	version := c.tool().version
	id := a.ID
	if id == "" {
		id = askID(c.ctx, c.effectID(), a.Kind, c.asked)
	}
	arguments := c.arguments
	if len(a.Args) > 0 {
		arguments = string(a.Args)
	}
	d := &storedDecision{Decision: Decision{
		ID: id, Kind: a.Kind, Run: c.ctx.InstanceID(), Agent: c.agent.Name, Session: c.in.Session, Turn: c.ctx.InstanceID(),
		Step: c.step, CallID: c.call.CallID, Tool: c.call.Name, Args: json.RawMessage(arguments),
		ToolVersion: version, ArgsHash: argsHash(c.call.Name, version, arguments, c.effectID()), EffectID: c.effectID(),
		Originator: c.in.Principal, Assignee: a.Assignee, Level: a.Level, Approvers: a.Approvers, Apart: a.Apart,
		RequestedAt: c.ctx.Now(), State: DecisionPending, Reason: a.Reason, Holds: a.Holds,
	}}
	if a.Timeout > 0 {
		deadline := c.ctx.Now().Add(a.Timeout)
		d.Deadline, d.OnTimeout = &deadline, timeoutDeny
		if a.Escalates {
			d.OnTimeout = timeoutEscalate
		}
	}
	if a.Kind == DecisionApproval {
		d.Schema = c.tool().offer.Schema
	}
	row, err := decisionRow(d)
	if err != nil { // the arguments are JSON, as the step has found
		panic(err)
	}
	c.put([]perdure.Row{row})
	c.frame(Frame{Type: FrameDecision, Step: c.step, CallID: c.call.CallID, Tool: c.call.Name, Decision: id, Kind: a.Kind})
	return d
}

// wait waits until a decision may have been made, and reports whether its time is
// over instead. What counts is the row. If the turn is stopped first, the error is
// Canceled.
func (c *toolCall) wait(id string, timer *perdure.Timer) (expired bool, err error) {
	event := perdure.NewEvent[json.RawMessage](decisionEvent(id)).Wait(c.ctx)
	ends := []perdure.Awaitable{event}
	if timer != nil {
		ends = append(ends, timer)
	}
	if c.stop != nil {
		ends = append(ends, c.stop)
	}
	switch perdure.Any(c.ctx, ends...) {
	case perdure.Awaitable(event):
		c.with = nil
		if data, err := event.Await(); err == nil && json.Unmarshal(data, &c.with) != nil {
			c.with = nil // raised by somebody else
		}
		return false, nil
	case perdure.Awaitable(timer):
		event.Cancel()
		return true, nil
	}
	event.Cancel()
	c.givenUp = true
	return false, stopped(c.ctx.InstanceID())
}
