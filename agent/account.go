package agent

import (
	"context"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// TurnAccount is what a turn took.
type TurnAccount struct {
	Turn          string // instance id
	CorrelationID string
	Status        string // TurnRunning, TurnCompleted, TurnFailed or TurnCanceled
	Agent         string // who has answered; while nobody has, who was asked
	Model         string // that has answered last, as the provider reports it
	Steps         int    // model steps so far
	// Usage and Spent are those of all steps so far, and of the agents that were
	// called and have ended. Of a turn that was folded they are gone: the session has
	// the totals.
	Usage   model.Usage
	Spent   Spending
	Created time.Time // when it began
	Ended   time.Time // zero = it has not
	Error   string    // why it has ended otherwise than by an answer
	Folded  bool      // it was given up but for its messages
	TraceID string    // of its spans, in hex; "" = not known any more
}

// AccountPage is a part of the turns of a session.
type AccountPage struct {
	Turns []TurnAccount
	Next  []byte // where the list goes on; nil = end
}

// Accounts lists what the turns of a session took that run or have ended, those
// that began last first, at most limit from the cursor on (nil = from the start).
// NotFound if there is no such session.
func (s *Service) Accounts(ctx context.Context, id SessionID, after []byte, limit int) (AccountPage, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return AccountPage{}, err
	}
	state, err := readSession(ctx, h, id)
	if err != nil {
		return AccountPage{}, err
	}
	list, err := h.List(ctx, store.Query{Agent: state.Agent, Session: id.String(), After: after, Limit: limit})
	if err != nil {
		return AccountPage{}, err
	}
	page := AccountPage{Turns: []TurnAccount{}, Next: list.Next}
	for _, i := range list.Items {
		a, err := account(ctx, h, id, i.ID)
		if perdure.CodeOf(err) == perdure.NotFound {
			continue // it was purged meanwhile
		}
		if err != nil {
			return AccountPage{}, err
		}
		page.Turns = append(page.Turns, *a)
	}
	return page, nil
}

func account(ctx context.Context, h hub.Hub, session SessionID, turn string) (*TurnAccount, error) {
	i, err := h.Instance(ctx, turn, true)
	if err != nil {
		return nil, err
	}
	t, err := viewTurn(session, i)
	if err != nil {
		return nil, err
	}
	a := &TurnAccount{
		Turn: turn, CorrelationID: t.CorrelationID, Status: t.Status, Agent: i.Tags[tagAgent], Created: t.Created, Ended: t.Ended,
		Folded: !i.Folded.IsZero(),
	}
	if t.Failure != nil {
		a.Error = t.Failure.Error()
	}
	if a.Folded {
		return a, nil
	}
	var in turnInput
	if err := perdure.Decode(i.Input, &in); err != nil {
		return nil, err
	}
	a.TraceID = newTurnSpan(in.Trace, turn, i.Execution).trace.String()
	if r := t.Response; r != nil {
		a.Agent, a.Model, a.Steps, a.Usage, a.Spent = r.Agent, r.Model, r.Steps, r.Usage, r.Spent
		return a, nil
	}
	steps, err := turnSteps(ctx, h, turn)
	if perdure.CodeOf(err) == perdure.FailedPrecondition { // folded meanwhile
		a.Folded = true
		return a, nil
	}
	for _, s := range steps {
		if s.Kind == StepModel && s.Status == StepCompleted {
			a.Model = s.Model
			a.Steps = max(a.Steps, s.Step)
		}
		a.Usage.Add(s.Usage)
		a.Spent = a.Spent.plus(s.Spent)
	}
	return a, err
}

// Kinds of a TurnStep.
const (
	StepModel   = "model"   // a call of a model
	StepTool    = "tool"    // a call of a tool
	StepAgent   = "agent"   // another agent, called as a tool or given the conversation
	StepContext = "context" // the context providers, or the history
)

// Statuses of a TurnStep.
const (
	StepOpen      = "open" // it waits or runs
	StepCompleted = "completed"
	StepFailed    = "failed"
	// StepAsked is that of a call of a tool that asked for a decision instead; it is
	// made by another step.
	StepAsked = "asked"
)

// TurnStep is a step of a turn: an attempt of a call, as it is journaled.
type TurnStep struct {
	ID       int32  // of its history event
	Kind     string // StepModel, StepTool, StepAgent or StepContext
	Name     string // of the tool or the agent
	Status   string
	Step     int    // number of the model step that it is, or whose call it serves; 0 = none
	CallID   string // of a call of a tool
	Run      string // instance id of the run of another agent, or of the turn of its session
	Session  string // instance id of that session; "" = none
	Messages int    // that a call of a model added to the conversation
	Provider string // of a model
	Model    string // as the provider reports it
	// Usage and Spent of another agent are those of its whole run.
	Usage     model.Usage
	Spent     Spending
	Attempt   int       // of a tool that is called again after an error, from 1
	Scheduled time.Time // when it was journaled
	Started   time.Time // when a worker began with it; zero = not known
	Ended     time.Time // when its outcome was journaled; zero = it has none
	Error     string
}

// Steps returns the steps of a turn in the order in which they were journaled;
// the turn may be one of a session or the run of an agent by itself. NotFound if
// there is no such turn, FailedPrecondition if it was folded.
func (s *Service) Steps(ctx context.Context, turn string) ([]TurnStep, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	return turnSteps(ctx, h, turn)
}

func turnSteps(ctx context.Context, h hub.Reads, turn string) ([]TurnStep, error) {
	events, err := h.History(ctx, turn, "")
	if err != nil {
		return nil, err
	}
	return StepsOf(events), nil
}

// StepsOf returns the steps of agents among those of a history, which may be that of
// any orchestration: models and tools that a turn has called, agents that were called.
func StepsOf(events []*history.Event) []TurnStep {
	steps := []TurnStep{}
	at := map[int32]int{}       // place in steps, by the id of the event
	asked := map[string]int32{} // id of the event, by the id of an operation on a session
	for _, e := range events {
		if step, ok := scheduledStep(e); ok {
			at[e.ID] = len(steps)
			steps = append(steps, step)
			if call, ok := e.Body.(*history.EntityOperationCalled); ok {
				asked[call.RequestID] = e.ID
			}
			continue
		}
		switch b := e.Body.(type) {
		case *history.EntityOperationCompleted:
			if i, known := at[asked[b.RequestID]]; known {
				steps[i].end(e, b.Output, nil)
			}
			continue
		case *history.EntityOperationFailed:
			if i, known := at[asked[b.RequestID]]; known {
				steps[i].end(e, history.Text{}, b.Failure)
			}
			continue
		}
		id, result, failure, ends := outcomeOf(e)
		if i, known := at[id]; known && ends {
			steps[i].end(e, result, failure)
		}
	}
	return steps
}

// scheduledStep returns the step that an event schedules; false if it schedules
// none, or one that only keeps the books.
func scheduledStep(e *history.Event) (s TurnStep, ok bool) {
	s = TurnStep{ID: e.ID, Status: StepOpen, Scheduled: e.Time.UTC(), Attempt: 1}
	if e.Meta != nil {
		s.Attempt = max(1, int(e.Meta.Attempt))
	}
	switch b := e.Body.(type) {
	case *history.TaskScheduled:
		switch {
		case strings.HasPrefix(b.Name, modelPrefix):
			var in modelInput
			_ = perdure.Decode(b.Input, &in) // what cannot be read is not shown
			s.Kind, s.Step = StepModel, in.Step
		case strings.HasPrefix(b.Name, toolPrefix):
			var in toolInput
			_ = perdure.Decode(b.Input, &in)
			s.Kind, s.Name, s.CallID, s.Step = StepTool, in.Tool, in.CallID, in.Step
		case strings.HasPrefix(b.Name, contextPrefix):
			s.Kind = StepContext
		}
	case *history.SubOrchestrationInstanceCreated:
		if name, ok := strings.CutPrefix(b.Name, turnPrefix); ok {
			s.Kind, s.Name, s.Run = StepAgent, name, b.InstanceID
		}
	case *history.EntityOperationCalled:
		if session, err := ParseSessionID("", b.TargetInstanceID.S); err == nil && b.Operation == opRun && session.String() == b.TargetInstanceID.S {
			var in runRequest
			_ = perdure.Decode(b.Input, &in)
			s.Kind, s.Name, s.Session = StepAgent, session.Agent, session.String()
			s.Run = session.Turn(in.CorrelationID)
		}
	}
	return s, s.Kind != ""
}

// outcomeOf returns the outcome that an event is, and the id of its step.
func outcomeOf(e *history.Event) (id int32, result history.Text, failure *history.Failure, ok bool) {
	switch b := e.Body.(type) {
	case *history.TaskCompleted:
		return b.TaskScheduledID, b.Result, nil, true
	case *history.TaskFailed:
		return b.TaskScheduledID, result, b.Failure, true
	case *history.SubOrchestrationInstanceCompleted:
		return b.TaskScheduledID, b.Result, nil, true
	case *history.SubOrchestrationInstanceFailed:
		return b.TaskScheduledID, result, b.Failure, true
	}
	return 0, result, nil, false
}

// end completes the step with its outcome.
func (s *TurnStep) end(e *history.Event, result history.Text, failure *history.Failure) {
	s.Ended = e.Time.UTC()
	if e.Meta != nil {
		s.Started = e.Meta.StartedAt.UTC()
	}
	if failure != nil {
		s.Status, s.Error = StepFailed, failure.Message
		return
	}
	s.Status = StepCompleted
	switch s.Kind {
	case StepModel:
		var out modelOutput
		_ = perdure.Decode(result, &out)
		s.Provider, s.Model, s.Usage, s.Spent, s.Messages = out.Provider, out.Model, out.Usage, out.Spent, len(out.Messages)
	case StepTool:
		var out toolOutput
		_ = perdure.Decode(result, &out)
		if out.Ask != nil || out.Wait != "" {
			s.Status = StepAsked
		}
	case StepAgent:
		var out turnOutput
		_ = perdure.Decode(result, &out)
		s.Model, s.Usage, s.Spent = out.Model, out.Usage, out.Spent
		if out.Problem != nil {
			s.Status, s.Error = StepFailed, out.Problem.Message
		}
	}
}
