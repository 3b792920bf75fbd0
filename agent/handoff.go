package agent

import (
	"context"
	"fmt"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
)

// handoffPrefix begins the names of the tools by which a model hands its
// conversation to another agent.
const handoffPrefix = "handoff_to_"

// handoffOffer is the tool that hands the conversation to an agent.
func handoffOffer(r Ref) model.Tool {
	return model.Tool{Name: handoffPrefix + r.name,
		Description: "Hands the conversation over to the agent " + r.name + ", who answers from here on."}
}

// startGrace is how long the turn of an agent that was given a conversation may
// take to begin. Nobody serves an agent whose turn has not begun by then.
const startGrace = time.Minute

// handOver gives the conversation to another agent and returns its answer as that
// of the turn. The other's turn writes into the same log and the same stream. An
// agent that nobody serves is not waited for: the session must not stand still.
func (t *turn) handOver(name string) (*Response, error) {
	if t.in.Depth+1 >= maxDepth {
		return nil, &perdure.Error{Code: perdure.ResourceExhausted, Op: "hand over", Instance: t.ctx.InstanceID(), Message: tooDeep(name).Error()}
	}
	id := childID(t.ctx.InstanceID(), "handoff", fmt.Sprint(t.step))
	t.frame(Frame{Type: FrameAgent, Step: t.step, Agent: name, Run: id})
	task, settle := t.start(turnInput{
		Agent: name, Session: t.in.Session, CorrelationID: t.in.CorrelationID, Options: t.in.Options.inherited(), Depth: t.in.Depth + 1,
		Principal: t.in.Principal,
		Log:       t.log(), View: t.view, Head: t.position, Inner: true, Stream: t.stream(), Offset: t.offset,
		Turns: t.in.Turns, State: withState(t.in.State, t.set),
	}, id)
	absent := t.attend(name, id, task)
	out, err := task.Await()
	settle(out)
	if err != nil { // it was ended from outside, and did not tell how far it has come
		head, lost := perdure.CallNamed[int64](t.ctx, headPrefix+fold(t.agent.Name), headInput{Log: t.log(), Run: id},
			perdure.WithRetry(perdure.RetryPolicy{})).Await()
		switch {
		case lost != nil:
			return nil, lost
		case absent != nil:
			err = absent
		case t.isStopped():
			err = stopped(t.ctx.InstanceID())
		}
		t.position = max(t.position, head)
		return nil, err
	}
	t.position, t.offset, t.view = out.Messages, out.Next, out.View
	t.set = withSet(t.set, out.State)
	t.usage.Add(out.Usage)
	if out.Problem != nil {
		if out.Problem.Type == perdure.Canceled.String() {
			return nil, stopped(t.ctx.InstanceID())
		}
		return nil, &perdure.StepError{Type: out.Problem.Type, Message: out.Problem.Message, NonRetryable: true}
	}
	r := out.Response
	r.Turn, r.First, r.Usage, r.Spent, r.Steps, r.CorrelationID = t.ctx.InstanceID(), t.first, t.usage, t.spent, t.step+out.Steps, t.in.CorrelationID
	return &r, nil
}

// attend waits for the turn of an agent that was given the conversation. If this
// turn is stopped, the other one is told and ends in order, so that it is known
// what it has said. It is given up if it does not, and if nobody serves its agent,
// which is the error.
func (t *turn) attend(name, id string, task *perdure.Task[*turnOutput]) error {
	timer := t.ctx.Timer(startGrace)
	ends := []perdure.Awaitable{task, timer}
	if t.stop != nil {
		ends = append(ends, t.stop)
	}
	if perdure.Any(t.ctx, ends...) == perdure.Awaitable(timer) {
		begun, err := await(t, perdure.CallNamed[bool](t.ctx, begunPrefix+fold(t.agent.Name), id, perdure.WithRetry(perdure.RetryPolicy{})))
		if err == nil && !begun && !task.Done() {
			task.Cancel()
			t.back = t.in.Active != ""
			return &perdure.Error{Code: perdure.Unavailable, Op: "hand over", Instance: t.ctx.InstanceID(),
				Message: fmt.Sprintf("no worker serves the agent %q, to which the conversation was handed over: start one that does", name)}
		}
	}
	timer.Cancel()
	if t.stop != nil && perdure.Any(t.ctx, task, t.stop) != perdure.Awaitable(task) {
		t.stopChild(id, task)
	}
	return nil
}

// headPrefix begins the name of the activity that finds the end of a log,
// begunPrefix that of the one that finds out whether a run has begun.
const (
	headPrefix  = "perdure.head/"
	begunPrefix = "perdure.begun/"
)

// headInput is the input of headStep.
type headInput struct {
	Log string `json:"log"`
	Run string `json:"run"` // that has written into it
}

// headStep returns the position after the newest message of a log, once the run
// writes no more.
func (c *code) headStep(ctx context.Context, in headInput) (int64, error) {
	h, err := hubOf(ctx)
	if err != nil {
		return 0, err
	}
	if err := awaitEnd(ctx, h, in.Run); err != nil {
		return 0, err
	}
	last, err := lastPosition(ctx, h, in.Log)
	return last + 1, err
}

// awaitEnd waits until a run has ended, or is gone.
func awaitEnd(ctx context.Context, h hub.Hub, run string) error {
	for {
		i, err := h.Instance(ctx, run, false)
		if perdure.CodeOf(err) == perdure.NotFound {
			return nil
		}
		if err != nil || i.Status.Terminal() {
			return err
		}
		patience, cancel := context.WithTimeout(ctx, lookAfter)
		_, err = h.WaitCompletion(patience, run)
		late := patience.Err() != nil && ctx.Err() == nil
		cancel()
		if err != nil && !late {
			return err
		}
	}
}

// startPatience is how long a run may take to begin whose worker was there all the
// time: also after a pause in which nothing was served.
const startPatience = 2 * time.Second

// begunStep reports whether a run has begun.
func (c *code) begunStep(ctx context.Context, run string) (bool, error) {
	h, err := hubOf(ctx)
	if err != nil {
		return false, err
	}
	patience, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	_, err = h.WaitStart(patience, run)
	if err != nil && patience.Err() != nil && ctx.Err() == nil {
		return false, nil
	}
	return err == nil, err
}

// hubOf returns the hub of the worker that runs an activity.
func hubOf(ctx context.Context) (hub.Hub, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	return service.client.Hub(ctx)
}
