package agent

import (
	"errors"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// turnInput is what a turn is started with.
type turnInput struct {
	Agent         string           `json:"agent"`
	Session       string           `json:"session,omitempty"` // instance id of the entity; "" = none
	CorrelationID string           `json:"correlationId,omitempty"`
	Log           string           `json:"log,omitempty"`  // of the session; "" = the run's own
	From          int64            `json:"from,omitempty"` // first position that the model is given
	Head          int64            `json:"head,omitempty"` // position of the turn's first message
	Messages      []*model.Message `json:"messages"`
}

// Response is what a turn answers.
type Response struct {
	Text          string      `json:"text"` // of the last message of the model
	FinishReason  string      `json:"finishReason,omitempty"`
	Agent         string      `json:"agent"`
	Session       string      `json:"session,omitempty"` // instance id; "" = none
	Turn          string      `json:"turn"`              // instance id of the run
	CorrelationID string      `json:"correlationId,omitempty"`
	Model         string      `json:"model,omitempty"` // as the provider reports it
	Usage         model.Usage `json:"usage"`
	Steps         int         `json:"steps"`    // model steps that it took
	Messages      int64       `json:"messages"` // in the conversation, this turn's included
	Created       time.Time   `json:"created"`  // when it was complete
}

// Statuses of a turn that has ended by itself.
const (
	statusCompleted = "completed"
	statusFailed    = "failed"
)

// Limits of a model step.
const (
	modelTimeout  = 10 * time.Minute
	modelAttempts = 10
	modelPause    = time.Minute
)

// defaultRetry repeats model calls whose provider says that it may help.
var defaultRetry = perdure.RetryPolicy{MaxAttempts: modelAttempts, MaxInterval: modelPause, Jitter: 0.2}

// turn is a turn in progress.
type turn struct {
	*code
	ctx      *perdure.Context
	in       turnInput
	log      string
	first    int64 // position of its first message
	position int64 // of the next message
	offset   int64 // of the next frame of the stream
	step     int   // model steps so far
	usage    model.Usage
	stop     *perdure.Task[struct{}] // ends when the turn is to end; nil = without a session
	steer    *perdure.Task[steering] // ends when a message comes for the turn; nil as stop
	steers   []string                // turns whose messages it took
}

// turn is the orchestration that answers a message.
func (c *code) turn(ctx *perdure.Context, in turnInput) (*Response, error) {
	t := &turn{code: c, ctx: ctx, in: in, log: in.Log, first: in.Head, position: in.Head}
	if t.log == "" {
		t.log = logID(ctx.InstanceID(), ctx.ExecutionID())
	}
	if in.Session != "" {
		t.stop = perdure.NewEvent[struct{}](stopName).Wait(ctx)
		t.steer = perdure.NewEvent[steering](steerName).Wait(ctx)
	}
	r, err := t.answer()
	return t.end(r, err)
}

// answer asks the model and runs the tools that it calls until it has answered.
func (t *turn) answer() (*Response, error) {
	if err := t.append(t.in.Messages...); err != nil {
		return nil, err
	}
	for {
		out, err := t.ask()
		if err != nil {
			return nil, err
		}
		if err := t.append(out.Messages...); err != nil {
			return nil, err
		}
		answer := &model.Response{Messages: out.Messages}
		calls := answer.Calls()
		if len(calls) == 0 {
			return t.response(answer, out), nil
		}
		if err := t.run(calls); err != nil {
			return nil, err
		}
	}
}

// ask has the model called.
func (t *turn) ask() (*modelOutput, error) {
	if t.isStopped() {
		return nil, stopped(t.ctx.InstanceID())
	}
	if err := t.join(); err != nil {
		return nil, err
	}
	t.step++
	retry := t.agent.Retry
	if retry == nil {
		policy := defaultRetry
		retry = &policy
	}
	out, err := await(t, perdure.CallNamed[*modelOutput](t.ctx, modelPrefix+fold(t.agent.Name), modelInput{
		Log: t.log, From: t.in.From, First: t.first, To: t.position, Step: t.step, Offset: t.offset, Hash: t.hash,
		Session: t.in.Session,
	}, perdure.WithRetry(*retry), perdure.WithTimeout(modelTimeout)))
	if err != nil {
		return nil, err
	}
	if out == nil {
		return nil, errors.New("the model step has no result")
	}
	t.usage.Add(out.Usage)
	t.offset = out.Next
	return out, nil
}

// run has the tools called, all at the same time, and appends their results in
// the order of the calls. A call that waits for a decision holds up no other.
func (t *turn) run(calls []*model.FunctionCall) error {
	running := make([]*toolCall, len(calls))
	branches := make([]*perdure.Branch, len(calls))
	for i, call := range calls {
		c := t.newToolCall(i, call)
		running[i] = c
		if c.err == nil {
			branches[i] = t.ctx.Go(func(*perdure.Context) { c.run() })
		}
	}
	results := make([]*model.Message, len(calls))
	for i, c := range running {
		if branches[i] != nil {
			branches[i].Await()
		}
		var value any
		if c.err != nil {
			value = toolError(c.err)
		} else if len(c.result) > 0 {
			value = c.result
		}
		results[i] = model.ToolResult(c.call.CallID, value)
		t.frame(Frame{Type: FrameToolResult, Step: t.step, CallID: c.call.CallID, Tool: c.call.Name, Error: errorOf(results[i])})
	}
	return t.append(results...)
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

func (t *turn) response(answer *model.Response, out *modelOutput) *Response {
	return &Response{
		Text: answer.Text(), FinishReason: out.FinishReason, Model: out.Model,
		Agent: t.agent.Name, Session: t.in.Session, Turn: t.ctx.InstanceID(), CorrelationID: t.in.CorrelationID,
		Usage: t.usage, Steps: t.step, Messages: t.position, Created: t.ctx.Now(),
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
		row, err := logRow(t.log, t.position, &entry)
		if err != nil {
			return err
		}
		rows = append(rows, row)
		t.position++
	}
	t.put(rows)
	return nil
}

// frame writes a frame of the stream.
func (t *turn) frame(f Frame) {
	f.Offset = t.offset
	t.offset++
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

// end closes the stream and tells the session, in the turn's last commit.
func (t *turn) end(r *Response, failed error) (*Response, error) {
	last := Frame{Type: FrameEnd, Status: statusCompleted}
	e := ended{Turn: t.ctx.InstanceID(), Head: t.position, Usage: t.usage, Log: t.in.Log, Steers: t.steers, Response: r}
	if failed != nil {
		last.Status, last.Error = statusFailed, failed.Error()
		e.Error = failureOf(failed)
		if perdure.CodeOf(failed) == perdure.Canceled && t.isStopped() {
			last.Status = statusCanceled
		}
	}
	if failed != nil { // the step that failed may have streamed: the end comes after it all
		t.offset = nextBase(t.offset + failureLeap)
	}
	t.frame(last)
	if t.in.Session != "" {
		id, err := perdure.ParseEntityID(t.in.Session)
		if err == nil {
			err = perdure.SignalEntity(t.ctx, id, opEnded, e)
		}
		if err != nil && failed == nil {
			return nil, err
		}
	}
	return r, failed
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
