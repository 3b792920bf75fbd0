package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// rewindPrefix begins the name of the orchestration that has the last turn of a session
// rewound, the rewinder, and of its activity that does it; rewindPlanPrefix that of the
// activity which finds out how. A rewinder is purged as lookups are.
const (
	rewindPrefix     = "perdure.rewind/"
	rewindPlanPrefix = "perdure.rewindplan/"
)

// planAttempts is how often it is tried to find out how a turn is to be rewound, with
// pauses of up to 100 s.
const planAttempts = 10

// rewinding is the input of a rewinder.
type rewinding struct {
	Session  SessionID `json:"session"`
	Log      string    `json:"log"` // of the session
	Rewinder string    `json:"rewinder"`
	rewindRequest
	Plan *rewindPlan `json:"plan,omitempty"` // of the activity that carries it out
}

// rewindPlan is how a turn is to be rewound. All is about the turn as it was when it had
// ended.
type rewindPlan struct {
	Execution string   `json:"execution"`
	Event     int      `json:"event"`
	Back      takeBack `json:"back"`
	Refused   string   `json:"refused,omitempty"` // why it must not be; then all else is empty
}

// rewinder is the orchestration that has a turn rewound and tells the session what came of
// it.
func (c *code) rewinder(ctx *perdure.Context, in rewinding) (struct{}, error) {
	name := fold(c.agent.Name)
	told := rewound{Rewinder: in.Rewinder}
	// Nothing has happened yet: what cannot be found out for long is as good as a refusal.
	plan, err := perdure.CallNamed[rewindPlan](ctx, rewindPlanPrefix+name, in, perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: planAttempts})).Await()
	if err == nil && plan.Refused == "" {
		told.Event, told.End = plan.Event, plan.Back.End
		in.Plan = &plan
		plan.Refused, err = perdure.CallNamed[string](ctx, rewindPrefix+name, in, perdure.WithRetry(perdure.RetryPolicy{})).Await()
	}
	if told.Refused = plan.Refused; err != nil {
		told.Refused = err.Error()
	}
	return struct{}{}, perdure.SignalEntity(ctx, in.Session.Entity(), opRewound, told)
}

// planRewind is the activity that finds out how a turn is to be rewound.
func (c *code) planRewind(ctx context.Context, in rewinding) (rewindPlan, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return rewindPlan{}, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return rewindPlan{}, err
	}
	if err := purgeLookups(ctx, h, in.Session); err != nil {
		return rewindPlan{}, err
	}
	plan, err := service.planTurn(ctx, h, in.rewindRequest)
	if definite(err) {
		return rewindPlan{Refused: messageOf(err)}, nil
	}
	if err != nil {
		return rewindPlan{}, err
	}
	last, err := lastFrame(ctx, h, in.Turn)
	if err != nil {
		return rewindPlan{}, err
	}
	if plan.Back.End = -1; last != nil {
		plan.Back.End, plan.Back.Ended = last.Offset, last.Type == FrameEnd
	}
	position, err := lastPosition(ctx, h, in.Log)
	plan.Back.Head, plan.Back.Event = position+1, plan.Event
	return *plan, err
}

// planTurn finds out to which event a turn of a session is to be rewound, or why it must
// not be, as far as that does not depend on its session.
func (s *Service) planTurn(ctx context.Context, h hub.Hub, r rewindRequest) (*rewindPlan, error) {
	i, err := h.Instance(ctx, r.Turn, false)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Execution != "" && r.Execution != i.Execution:
		return nil, &perdure.Error{Code: perdure.Conflict, Op: "rewind", Instance: r.Turn,
			Message: fmt.Sprintf("it is in another execution by now (%s): look at it again", i.Execution)}
	case !i.Status.Terminal():
		return nil, rewindRefused(r.Turn, "it has not ended")
	case !i.Folded.IsZero():
		return nil, rewindRefused(r.Turn, "its history was given up: send the message again, which begins a new turn")
	case r.Event == 0 && i.Status != store.Failed:
		return nil, rewindRefused(r.Turn, "only a failed turn can be rewound to before its failure")
	}
	events, err := h.History(ctx, r.Turn, i.Execution)
	if err != nil {
		return nil, err
	}
	event := r.Event
	if event == 0 {
		event = LastFailure(events)
	}
	if event < 1 || event > len(events) {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "rewind", Instance: r.Turn,
			Message: fmt.Sprintf("its history has %d events, not %d", len(events), event)}
	}
	of, err := s.Rewind(ctx, r.Turn, events, event)
	if err != nil {
		return nil, err
	}
	plan := &rewindPlan{Execution: i.Execution, Event: of.To}
	plan.Back.givenAgain(events, of.To)
	return plan, keepsTogether(r.Turn, events, of.To)
}

// givenAgain takes in the results that a turn is given again when it is rewound to the
// event.
func (b *takeBack) givenAgain(events []*history.Event, event int) {
	scheduled := map[int32]TurnStep{}
	turn := engine.TurnOf(events, event-1)
	for n, e := range events[:event-1] {
		if s, ok := scheduledStep(e); ok {
			scheduled[e.ID] = s
		}
		id, result, failure, ok := outcomeOf(e)
		s, known := scheduled[id]
		if n < turn || !ok || !known || failure != nil {
			continue
		}
		s.end(e, result, nil)
		b.Given.Spent = b.Given.Spent.plus(s.Spent)
		b.Given.Usage.Add(s.Usage)
		if s.Kind == StepModel {
			var out modelOutput
			_ = perdure.Decode(result, &out) // as before
			b.Next = max(b.Next, out.Next)
		}
	}
}

// keepsTogether refuses the rewind of a turn that had the conversation handed over, or
// took messages after the event that were answered with it.
func keepsTogether(turn string, events []*history.Event, event int) error {
	for n, e := range events {
		switch b := e.Body.(type) {
		case *history.SubOrchestrationInstanceCreated:
			for step := 0; step <= n; step++ {
				if b.InstanceID == childID(turn, "handoff", fmt.Sprint(step)) {
					return rewindRefused(turn, "it has handed the conversation over to another agent: send the message again, which begins a new turn")
				}
			}
		case *history.EventRaised:
			if n+1 >= event && strings.EqualFold(b.Name, steerName) {
				return rewindRefused(turn, fmt.Sprintf("a message that was sent to the running turn came with event %d, and would be lost: rewind it to a later event", n+1))
			}
		}
	}
	return nil
}

// LastFailure returns the event of a turn that has failed, from 1, to which it is rewound
// so that what has failed is done again: what it was told of the failure in its last
// orchestrator turn. If it was told of none, its own code has failed, and the event is the
// end: that orchestrator turn is made anew.
func LastFailure(events []*history.Event) int {
	for n := max(engine.TurnOf(events, len(events)-1), 0); n < len(events); n++ {
		switch events[n].Body.(type) {
		case *history.TaskFailed, *history.SubOrchestrationInstanceFailed, *history.EntityOperationFailed:
			return n + 1
		}
	}
	return len(events)
}

// carryOut is the activity that has the hub rewind a turn. It returns why the hub does not.
// It may be repeated at any time: a turn that is in another execution was rewound, since
// the hub lets nobody do so but the session.
func (c *code) carryOut(ctx context.Context, in rewinding) (refused string, err error) {
	h, err := hubOf(ctx)
	if err != nil {
		return "", err
	}
	data, err := perdure.Encode(in.Plan.Back)
	if err != nil {
		return "", err
	}
	_, err = h.Control(ctx, &hub.Control{
		RequestID: "rewind " + in.Rewinder, InstanceID: in.Turn, Kind: hub.Rewind, Reason: history.NoneIfEmpty(in.Reason),
		To: in.Plan.Event, Execution: in.Plan.Execution, Session: in.Session.String(), Tell: &hub.Told{Name: takeBackName, Data: data},
	})
	if err != nil && !definite(err) {
		return "", err
	}
	for {
		why, open, read := in.became(ctx, h, err)
		if read != nil || !open {
			return why, read
		}
		again := time.NewTimer(lookAgain)
		select {
		case <-again.C: // the hub has accepted it, and does it in a moment
		case <-ctx.Done():
			again.Stop()
			return "", context.Cause(ctx)
		}
	}
}

// became says what has become of a rewind that the hub has accepted, or refused with an
// error: nothing, and why, or it is still open. A terminate that comes with an accepted one
// leaves nothing of it.
func (in *rewinding) became(ctx context.Context, h hub.Reads, refused error) (why string, open bool, err error) {
	i, err := h.Instance(ctx, in.Turn, false)
	switch {
	case perdure.CodeOf(err) == perdure.NotFound:
		return "the turn was purged", false, nil
	case err != nil:
		return "", false, err
	case i.Execution != in.Plan.Execution:
		return "", false, nil
	case refused != nil:
		return messageOf(refused), false, nil
	case i.Status.Terminal():
		return "the turn was " + client.StatusName(i.Status) + " meanwhile", false, nil
	}
	return "", true, nil
}

// definite reports whether an error says that something was not done and will not be done
// if it is tried again.
func definite(err error) bool {
	switch perdure.CodeOf(err) {
	case perdure.FailedPrecondition, perdure.NotFound, perdure.Conflict, perdure.InvalidArgument, perdure.Unimplemented:
		return true
	}
	return false
}

// messageOf is what an error says beyond its operation and instance.
func messageOf(err error) string {
	var e *perdure.Error
	if errors.As(err, &e) && e.Message != "" {
		return e.Message
	}
	return err.Error()
}
