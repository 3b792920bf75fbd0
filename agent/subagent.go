package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// maxDepth bounds how deep agents may call each other, so that those that call
// each other in a circle come to an end.
const maxDepth = 16

// AgentTool is a Tool that has another agent answer. Its call is a run of its own,
// with a conversation of its own: each step of it is journaled, it ends when the
// turn that called it is stopped, and what it does stays within the budget of
// that turn. Make it with Ref.AsTool or Agent.AsTool.
type AgentTool struct {
	ref         Ref
	description string
}

// AsTool offers the agent as a tool with its name, which takes a query.
func (r Ref) AsTool(description string) *AgentTool { return &AgentTool{r, description} }

// AsTool offers the agent as a tool with its name and description, which takes a
// query.
func (a *Agent) AsTool() *AgentTool { return Named(a.Name).AsTool(a.Description) }

// Name returns the name of the agent.
func (t *AgentTool) Name() string { return t.ref.name }

// Description returns what the model is told about the agent.
func (t *AgentTool) Description() string { return t.description }

// Schema returns the schema of the arguments: a query.
func (t *AgentTool) Schema() any {
	return json.RawMessage(`{"type":"object","properties":{"query":{"type":"string","description":"what the agent is to do or to answer"}},"required":["query"]}`)
}

// Effect is that of a pure tool: what the agent does is guarded where it does it.
func (t *AgentTool) Effect() Effect { return Pure }

// Call fails: agents run in turns only.
func (t *AgentTool) Call(context.Context, string) (any, error) {
	return nil, errors.New("an agent is called by turns of other agents only")
}

// route says who serves a call of a tool, if it is no tool step. It is journaled
// with the call: the turn goes by it, whatever tools the agent has by then.
type route struct {
	Agent   string `json:"agent,omitempty"`
	Handoff bool   `json:"handoff,omitempty"` // the agent is given the conversation
}

// routes returns the routes of calls, nil if all are tool steps.
func (c *code) routes(calls []*model.FunctionCall) []route {
	var routes []route
	for i, call := range calls {
		r, special := c.special[call.Name]
		if special && routes == nil {
			routes = make([]route, len(calls))
		}
		if special {
			routes[i] = r
		}
	}
	return routes
}

// childID is the id of a run that a turn starts: it lies in the turn's shard.
func childID(turn string, parts ...string) string {
	base, _, _ := strings.Cut(turn, ":")
	return base + ":" + digest(append([]string{"child", turn}, parts...)...)[:16]
}

func tooDeep(name string) error {
	return fmt.Errorf("agents are nested %d deep, which is the limit: %s was not called", maxDepth, name)
}

// delegate has another agent answer a call.
func (c *toolCall) delegate() {
	var arguments struct{ Query string }
	switch err := json.Unmarshal([]byte(c.call.Arguments), &arguments); {
	case err != nil || strings.TrimSpace(arguments.Query) == "":
		c.err = fmt.Errorf("the arguments of %s are no object with a text query", c.call.Name)
		return
	case c.in.Depth+1 >= maxDepth:
		c.err = tooDeep(c.route.Agent)
		return
	}
	id := childID(c.ctx.InstanceID(), "call", fmt.Sprint(c.step), fmt.Sprint(c.ordinal))
	c.frame(Frame{Type: FrameAgent, Step: c.step, CallID: c.call.CallID, Tool: c.call.Name, Agent: c.route.Agent, Run: id})
	in := turnInput{
		Agent: c.route.Agent, CorrelationID: c.in.CorrelationID, Depth: c.in.Depth + 1, Principal: c.in.Principal,
		Messages: []*model.Message{model.UserText(arguments.Query)},
	}
	task, settle := c.start(in, id)
	if c.stop != nil && perdure.Any(c.ctx, task, c.stop) != perdure.Awaitable(task) {
		c.stopChild(id, task)
	}
	out, err := task.Await()
	settle(out)
	if c.err = err; err != nil || out == nil {
		return
	}
	var answer any = out.Text
	if len(out.Value) > 0 {
		answer = out.Value
	}
	c.usage.Add(out.Usage)
	c.result, c.err = json.Marshal(answer)
}

// childGrace is how long a turn that is stopped waits for a turn that it has
// started to end in order; that gives its own calls their grace.
const childGrace = 30 * time.Second

// stopChild has a turn that this one has started end, and gives it up if it does
// not, such as when nobody runs it.
func (t *turn) stopChild(id string, task *perdure.Task[*turnOutput]) {
	if err := perdure.NewEvent[struct{}](stopName).Send(t.ctx, id, struct{}{}); err == nil {
		timer := t.ctx.Timer(childGrace - time.Duration(t.in.Depth)*time.Second) // those further in first
		if perdure.Any(t.ctx, task, timer) == perdure.Awaitable(task) {
			timer.Cancel()
			return
		}
	}
	task.Cancel()
}

// start starts a turn as a child, which spends what the turn may spend. Settle is
// to be called when it has ended, with its output, nil if it has failed.
func (t *turn) start(in turnInput, id string) (task *perdure.Task[*turnOutput], settle func(*turnOutput)) {
	in.Trace = t.span().ref()
	var g *granted
	if len(t.purse) > 0 {
		in.Grant, g = t.purse.grantTo(t.ctx, id)
	}
	task = perdure.CallOrchestrationNamed[*turnOutput](t.ctx, turnPrefix+fold(in.Agent), in,
		perdure.WithID(id), perdure.WithTags(map[string]string{tagAgent: in.Agent}))
	if g == nil {
		return task, func(out *turnOutput) {
			if out != nil {
				t.spent = t.spent.plus(out.Spent)
			}
		}
	}
	g.serve()
	return task, func(out *turnOutput) {
		var r *Response
		if out != nil {
			r = &out.Response
		}
		t.spent = t.spent.plus(g.settleRun(r))
	}
}

// framesPrefix begins the name of the activity that writes frames into the stream
// of another run.
const framesPrefix = "perdure.frames/"

// framesInput is the input of framesStep.
type framesInput struct {
	Stream string  `json:"stream"` // instance id of the run whose stream it is
	Frames []Frame `json:"frames"` // with adjacent offsets
}

// framesStep writes frames into the stream of another run. Written again they are
// the same rows.
func (c *code) framesStep(ctx context.Context, in framesInput) (struct{}, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return struct{}{}, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return struct{}{}, err
	}
	row, err := streamRow(in.Frames)
	if err != nil {
		return struct{}{}, err
	}
	err = writeRows(ctx, h, &hub.WriteRows{Owner: in.Stream, Rows: []store.Row{
		{Kind: rowStream, Owner: in.Stream, Key: row.Key, Value: row.Value},
	}})
	if perdure.CodeOf(err) == perdure.NotFound {
		return struct{}{}, nil // nobody can read it any more
	}
	return struct{}{}, err
}

// flush writes the frames of a turn inside of another one into the other's stream,
// one batch after the other, so that readers pass over none.
func (t *turn) flush() {
	if t.flushing {
		return // who flushes takes these too
	}
	t.flushing = true
	for len(t.frames) > 0 {
		n := 1
		for n < len(t.frames) && n < rowFrames && t.frames[n].Offset == t.frames[n-1].Offset+1 {
			n++
		}
		batch := t.frames[:n:n]
		t.frames = t.frames[n:]
		_, _ = perdure.CallNamed[struct{}](t.ctx, framesPrefix+fold(t.agent.Name), framesInput{Stream: t.stream(), Frames: batch},
			perdure.WithRetry(perdure.RetryPolicy{})).Await()
	}
	t.flushing = false
}
