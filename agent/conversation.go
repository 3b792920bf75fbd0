package agent

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// Limits of a conversation.
const (
	conversationRuns     = 500   // runs that are looked at
	conversationMessages = 20000 // of all turns
)

// Said is an entry of what was said in a run: a message, a decision that was asked of a
// person, an event that was raised to an orchestration, or an agent that was called. One
// of Message, Decision, Raised and Called is set.
type Said struct {
	At      time.Time
	Turn    string // instance id of the turn in which it was said
	Agent   string // whose turn that is
	Session string // instance id; "" = the turn has a conversation of its own

	Position int64 // of the message in its conversation
	Message  *model.Message
	Decision *Decision
	Raised   *Raised
	Called   string // name of an agent
	Handoff  bool   // it was given the conversation

	// Step made the message, or called the agent; nil = not known, as with what a user
	// has said.
	Step *TurnStep
}

// Raised is an event that was raised to a run.
type Raised struct {
	N    int    // number of its entry in the history, from 1
	Name string // as the raiser wrote it
	Data string // JSON; "" = none, or kept apart
	Size int    // of the data, in bytes
}

// Conversation returns what agents and people said in a run, in the order of time: in its
// own turn if it is one, in those of agents that it called, and so in all runs below
// it. complete is false if there were too many to look at all.
func (s *Service) Conversation(ctx context.Context, run string) (all []Said, complete bool, err error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, false, err
	}
	if _, err := h.Instance(ctx, run, false); err != nil {
		return nil, false, err
	}
	runs, seen := []string{run}, map[string]bool{run: true}
	for i := 0; i < len(runs); i++ {
		if i == conversationRuns || len(all) >= conversationMessages {
			complete = false
			break
		}
		said, below, err := s.said(ctx, h, runs[i])
		if err != nil {
			return nil, false, err
		}
		all = append(all, said...)
		for _, id := range below {
			if !seen[id] {
				seen[id] = true
				runs = append(runs, id)
			}
		}
		complete = i == len(runs)-1
	}
	slices.SortStableFunc(all, func(a, b Said) int { return a.At.Compare(b.At) })
	return all, complete, nil
}

// said returns what was said in one run, and the runs that it started.
func (s *Service) said(ctx context.Context, h hub.Hub, run string) (all []Said, below []string, err error) {
	i, err := h.Instance(ctx, run, false)
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil, nil, nil // it has not begun, or was purged
	}
	if err != nil {
		return nil, nil, err
	}
	events, err := h.History(ctx, run, "")
	if err != nil && perdure.CodeOf(err) != perdure.FailedPrecondition { // it was folded: its messages are left
		return nil, nil, err
	}
	t := Said{Turn: run, Agent: i.Tags[tagAgent], Session: i.Session}
	if name, ok := strings.CutPrefix(i.Name, turnPrefix); ok && t.Agent == "" {
		t.Agent = name
	}
	steps := StepsOf(events)
	turn := strings.HasPrefix(i.Name, turnPrefix)
	for n, e := range events {
		switch b := e.Body.(type) {
		case *history.SubOrchestrationInstanceCreated:
			below = append(below, b.InstanceID)
		case *history.EventRaised:
			if !turn { // to which people speak by messages and decisions
				raised := t
				raised.At, raised.Raised = e.Time, raisedBy(n+1, e, b)
				all = append(all, raised)
			}
		}
	}
	for i := range steps {
		if step := &steps[i]; step.Kind == StepAgent {
			called := t
			called.At, called.Called, called.Step, called.Handoff = step.Scheduled, step.Name, step, IsHandoff(run, step.Run, len(steps))
			all = append(all, called)
			below = append(below, step.Run)
		}
	}
	if !turn {
		return all, below, nil
	}
	messages, err := turnMessages(ctx, h, run)
	if err == nil && i.Session != "" {
		messages, err = withoutGivenUp(ctx, h, run, messages)
	}
	if err != nil {
		return nil, nil, err
	}
	all = append(all, t.messages(messages, steps)...)
	decisions, err := s.Decisions(ctx, DecisionFilter{Run: run, Limit: conversationMessages})
	for _, d := range decisions.Decisions {
		asked := t
		asked.At, asked.Decision = d.RequestedAt, d
		all = append(all, asked)
	}
	return all, below, err
}

func raisedBy(n int, e *history.Event, b *history.EventRaised) *Raised {
	r := &Raised{N: n, Name: b.Name, Data: b.Input.S, Size: len(b.Input.S)}
	if e.Meta != nil && e.Meta.Payload != nil && !b.Input.Set {
		r.Size = int(e.Meta.Payload.Size)
	}
	return r
}

// AgentOf returns the agent whose turns an orchestration with this name is; false if it is
// no agent's.
func AgentOf(orchestration string) (name string, ok bool) {
	return strings.CutPrefix(orchestration, turnPrefix)
}

// IsHandoff reports whether a turn of so many steps has given its conversation to a
// run.
func IsHandoff(turn, run string, steps int) bool {
	for step := 1; step <= steps; step++ {
		if childID(turn, "handoff", fmt.Sprint(step)) == run {
			return true
		}
	}
	return false
}

// turnMessages reads the messages that a turn wrote.
func turnMessages(ctx context.Context, h hub.Hub, turn string) ([]LogMessage, error) {
	var all []LogMessage
	q := store.RowQuery{Kind: rowLog, Owner: turn, Limit: 1000}
	for len(all) < conversationMessages {
		rows, next, err := h.ReadRows(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			m, err := readMessage(r)
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
		if q.After = next; next == nil {
			break
		}
	}
	return all, nil
}

// messages returns entries for the messages of the turn t with the steps that made them.
func (t Said) messages(list []LogMessage, steps []TurnStep) []Said {
	calls := map[string]*TurnStep{}
	var models []*TurnStep
	for i := range steps {
		switch s := &steps[i]; s.Kind {
		case StepTool:
			if s.Status != StepAsked {
				calls[s.CallID] = s
			}
		case StepModel:
			if s.Status == StepCompleted && s.Messages > 0 {
				models = append(models, s)
			}
		}
	}
	var all []Said
	used := 0 // messages of models[0]
	for _, m := range list {
		said := t
		said.At, said.Position, said.Message = m.Message.CreatedAt, m.Position, m.Message
		switch m.Message.Role {
		case model.RoleAssistant:
			if len(models) > 0 {
				said.Step = models[0]
				if used++; used >= models[0].Messages {
					models, used = models[1:], 0
				}
			}
		case model.RoleTool:
			for _, c := range m.Message.Contents {
				if r, ok := c.(*model.FunctionResult); ok && said.Step == nil {
					said.Step = calls[r.CallID]
				}
			}
		}
		if said.At.IsZero() && said.Step != nil {
			said.At = said.Step.Ended
		}
		all = append(all, said)
	}
	return all
}

// withoutGivenUp leaves out what a turn of a session has said that is being rewound.
func withoutGivenUp(ctx context.Context, h hub.Hub, turn string, messages []LogMessage) ([]LogMessage, error) {
	session, ok := sessionOfTurn(turn)
	if !ok {
		return messages, nil
	}
	state, err := readSession(ctx, h, session)
	if perdure.CodeOf(err) == perdure.NotFound {
		return messages, nil
	}
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(messages, func(m LogMessage) bool {
		return state.Again != nil && state.Running.Turn == turn && m.Position >= state.shown()
	}), nil
}
