package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/steps"
)

// runStep is a step of a run, as the timeline shows it. Times that are not known are
// left out: those of a worker come with the outcome.
type runStep struct {
	// N is the number of the event that scheduled the newest attempt, from 1: its
	// payload is the input. 0 = the history does not have it, as with a wait that is
	// open, or a decision.
	N       int    `json:"n"`
	EventID int32  `json:"event_id"`
	EndN    int    `json:"end_n,omitempty"` // number of the event that ended it: its payload is the output
	Kind    string `json:"kind" choices:"activity model tool context agent child timer event sent entity signal lock decision internal"`
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Status  string `json:"status" choices:"open retrying completed failed canceled asked"`

	ScheduledAt  *time.Time `json:"scheduled_at,omitempty"`
	DequeuedAt   *time.Time `json:"dequeued_at,omitempty"`
	StartedAt    *time.Time `json:"started_at,omitempty"`
	CompletedAt  *time.Time `json:"completed_at,omitempty"`
	BackoffUntil *time.Time `json:"backoff_until,omitempty"` // another attempt follows then
	FireAt       *time.Time `json:"fire_at,omitempty"`       // of a timer; of a decision its deadline
	Worker       string     `json:"worker,omitempty"`

	Attempt     int           `json:"attempt"` // number of the newest
	MaxAttempts int           `json:"max_attempts,omitempty"`
	Attempts    []stepAttempt `json:"attempts,omitempty"` // before the newest

	Run    string `json:"run,omitempty"`    // id of the child run
	Target string `json:"target,omitempty"` // id of the entity, or of the receiver of an event

	InputBytes  int      `json:"input_bytes,omitempty"`
	OutputBytes int      `json:"output_bytes,omitempty"`
	Failure     *failure `json:"failure,omitempty"`

	// Turn is the number of the orchestrator turn that scheduled the step, EndTurn of the
	// one that was told of its end.
	Turn    int `json:"turn,omitempty"`
	EndTurn int `json:"end_turn,omitempty"`

	Agent    string `json:"agent,omitempty"`   // that is called
	Session  string `json:"session,omitempty"` // id of the session of Agent
	Step     int    `json:"step,omitempty"`    // number of the model step that it is, or whose call it serves
	CallID   string `json:"call_id,omitempty"` // of a call of a tool
	Provider string `json:"provider,omitempty"`
	Model    string `json:"model,omitempty"`
	*cost           // of models and agents

	*sent // of a call of a tool that was marked before it was sent

	Decision  string `json:"decision,omitempty"` // id of a decision
	Ask       string `json:"ask,omitempty"`      // what it asks: approval, outcome_unknown, budget, restore_hold
	Answer    string `json:"answer,omitempty"`
	DecidedBy string `json:"decided_by,omitempty"` // who has answered, or raised the event
	OnTimeout string `json:"on_timeout,omitempty"` // deny, or escalate: others are asked
}

// sent is the mark that a call of a tool left before it was sent.
type sent struct {
	EffectID string     `json:"effect_id,omitempty"`    // the same for each attempt
	Effect   string     `json:"effect,omitempty"`       // its class: irreversible, reversible, idempotent, pure
	SentAt   *time.Time `json:"sent_at,omitempty"`      // last
	Sends    int        `json:"sends,omitempty"`        // how many times it was sent
	Unknown  bool       `json:"outcome_open,omitempty"` // its outcome is not known
}

// stepAttempt is an attempt of a step that failed, and was followed by another.
type stepAttempt struct {
	N            int        `json:"n"`
	EventID      int32      `json:"event_id"`
	EndN         int        `json:"end_n,omitempty"`
	ScheduledAt  *time.Time `json:"scheduled_at,omitempty"`
	DequeuedAt   *time.Time `json:"dequeued_at,omitempty"`
	StartedAt    *time.Time `json:"started_at,omitempty"`
	CompletedAt  *time.Time `json:"completed_at,omitempty"`
	BackoffUntil *time.Time `json:"backoff_until,omitempty"`
	Worker       string     `json:"worker,omitempty"`
	Failure      *failure   `json:"failure,omitempty"`
}

// stepPage is the answer to GET /runs/{id}/steps.
type stepPage struct {
	Items []runStep `json:"items"`
	Next  int       `json:"next,omitempty"` // ?after= of the next page
	Total int       `json:"total"`
	// Began and Newest bound the time of the whole run, as far as it has gone.
	Began      *time.Time `json:"began,omitempty"`
	Newest     *time.Time `json:"newest,omitempty"`
	Ended      bool       `json:"ended"`
	Now        time.Time  `json:"now"`         // of the server
	Gaps       []gap      `json:"gaps"`        // times in which nothing was queued or ran, the longest 100 of them by time
	RowVersion uint64     `json:"row_version"` // of the run that is shown, or a later one
	Execution  string     `json:"execution"`
}

// gap is a time in which nothing happened.
type gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// maxSteps bounds a page of steps.
const maxSteps = 10000

func (a *API) listRunSteps(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	id, err := runID(r)
	if err != nil {
		return nil, err
	}
	q, err := query(r, "execution", "after", "limit")
	if err != nil {
		return nil, err
	}
	after, err := q.number("after", 0, 1<<31)
	if err != nil {
		return nil, err
	}
	limit, err := q.number("limit", 1000, maxSteps)
	if err != nil {
		return nil, err
	}
	told, err := a.tell(r.Context(), id, q.Get("execution"))
	if err != nil {
		return nil, err
	}
	if err := a.addRaisers(r.Context(), told); err != nil {
		return nil, err
	}
	all := told.steps
	end := min(after+max(limit, 1), len(all))
	page := stepPage{Items: append([]runStep{}, all[min(after, len(all)):max(end, 0)]...), Total: len(all), Ended: told.run.Ended,
		Began: timeOrNil(told.run.Began), Newest: timeOrNil(told.run.Newest), Now: a.Now().UTC(), Gaps: gaps(told.run),
		RowVersion: told.instance.Record.Version, Execution: told.execution}
	if end < len(all) {
		page.Next = end
	}
	return &reply{body: &page}, nil
}

// told is an execution of a run with its steps.
type told struct {
	instance  *hub.Instance
	execution string
	events    []*history.Event
	total     int // events of the whole history
	run       *steps.Run
	steps     []runStep
}

// tell reads an execution, "" = the current one.
func (a *API) tell(ctx context.Context, id, execution string) (*told, error) {
	return a.tellUntil(ctx, id, execution, 0)
}

// tellUntil reads an execution as it was after so many events, 0 = all.
func (a *API) tellUntil(ctx context.Context, id, execution string, count int) (*told, error) {
	instance, err := a.Hub.Instance(ctx, id, false)
	if err != nil {
		return nil, err
	}
	events, err := a.Hub.History(ctx, id, execution)
	if err != nil {
		return nil, err
	}
	t := &told{instance: instance, execution: execution, total: len(events)}
	whole := count <= 0 || count >= len(events)
	if !whole {
		events = events[:count]
	}
	t.events, t.run = events, steps.Of(events)
	current := execution == "" || execution == instance.Execution
	if current {
		t.execution = instance.Execution
	}
	if current = current && whole; current {
		if instance.Pending.Timers == 0 {
			t.run.CancelTimers()
		}
	}
	t.steps = viewSteps(t.run, agent.StepsOf(events))
	names := map[string]string{}
	for i := range t.steps {
		if v := &t.steps[i]; v.Agent != "" {
			if names[v.Agent] == "" {
				names[v.Agent] = a.agentName(v.Agent)
			}
			if strings.EqualFold(v.Name, v.Agent) {
				v.Name = names[v.Agent]
			}
			v.Agent = names[v.Agent]
		}
	}
	_, turn := agent.AgentOf(instance.Name)
	if turn && a.Agents != nil {
		sends, err := a.sendsOf(ctx, id)
		if err != nil {
			return nil, err
		}
		for i := range t.steps {
			if v := &t.steps[i]; v.Kind == agent.StepTool && v.Status != agent.StepAsked {
				v.sent = sends[call{v.CallID, v.Step}]
			}
		}
	}
	for i := range t.steps {
		if v := &t.steps[i]; turn && v.isBookkeeping() {
			v.Kind = "internal"
		}
	}
	if current && !instance.Status.Terminal() {
		for _, name := range instance.Waits {
			if strings.HasPrefix(name, reserved) {
				continue // turns always wait for these
			}
			if turn && strings.HasPrefix(name, decisionEvent) {
				continue // the decision tells it
			}
			t.steps = append(t.steps, runStep{Kind: string(steps.Event), Name: name, Status: string(steps.Open), ScheduledAt: timeOrNil(t.run.Turn),
				Attempt: 1, Turn: t.run.Turns})
		}
	}
	if a.Agents != nil && current {
		if err := a.addDecisions(ctx, t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// call names a call of a tool in a run: by itself, and the model step that made it.
type call struct {
	id   string
	step int
}

// sendsOf returns the marks of the calls of a run.
func (a *API) sendsOf(ctx context.Context, run string) (map[call]*sent, error) {
	list, err := a.Agents.Service.Sends(ctx, run)
	sends := make(map[call]*sent, len(list))
	for _, s := range list {
		sends[call{s.CallID, s.Step}] = &sent{EffectID: s.EffectID, Effect: s.Effect, SentAt: timeOrNil(s.At), Sends: s.Attempt, Unknown: s.Open}
	}
	return sends, err
}

// addDecisions adds the decisions of a run to its steps, by the time when they were
// asked for.
func (a *API) addDecisions(ctx context.Context, t *told) error {
	page, err := a.Agents.Service.Decisions(ctx, agent.DecisionFilter{Run: t.instance.ID, Limit: maxSteps})
	if err != nil || len(page.Decisions) == 0 {
		return err
	}
	for _, d := range page.Decisions {
		s := runStep{Kind: "decision", Name: d.Tool, Status: string(steps.Open), ScheduledAt: timeOrNil(d.RequestedAt), CompletedAt: d.AnsweredAt,
			FireAt: d.Deadline, Attempt: 1, Agent: d.Agent, Step: d.Step, CallID: d.CallID, Decision: d.ID, Ask: d.Kind, Answer: d.Answer,
			DecidedBy: d.AnsweredBy, OnTimeout: d.OnTimeout}
		switch d.State {
		case agent.DecisionAnswered:
			s.Status = string(steps.Completed)
		case agent.DecisionExpired, agent.DecisionSuperseded:
			s.Status, s.Answer = string(steps.Canceled), d.State
		}
		t.steps = append(t.steps, s)
	}
	slices.SortStableFunc(t.steps, func(x, y runStep) int {
		if x.ScheduledAt == nil || y.ScheduledAt == nil {
			return 0
		}
		return x.ScheduledAt.Compare(*y.ScheduledAt)
	})
	return nil
}

// viewSteps returns what the API shows of steps; agents are those among them that
// agents made, in the same order.
func viewSteps(run *steps.Run, agents []agent.TurnStep) []runStep {
	byID := make(map[int32]*agent.TurnStep, len(agents))
	for i := range agents {
		byID[agents[i].ID] = &agents[i]
	}
	all := make([]runStep, len(run.Steps))
	for i := range run.Steps {
		s := &run.Steps[i]
		v := runStep{N: s.N, EventID: s.EventID, EndN: s.EndN, Kind: string(s.Kind), Name: s.Name, Version: s.Version, Status: string(s.Status),
			ScheduledAt: timeOrNil(s.Scheduled), DequeuedAt: timeOrNil(s.Dequeued), StartedAt: timeOrNil(s.Started),
			CompletedAt: timeOrNil(s.Completed), BackoffUntil: timeOrNil(s.BackoffUntil), FireAt: timeOrNil(s.FireAt), Worker: s.Worker,
			Attempt: s.Number, MaxAttempts: s.MaxAttempts, Run: s.Run, Target: s.Target, InputBytes: s.InputBytes, OutputBytes: s.OutputBytes,
			Failure: viewFailure(s.Failure), Turn: s.Turn, EndTurn: s.EndTurn}
		for _, at := range s.Attempts {
			v.Attempts = append(v.Attempts, stepAttempt{N: at.N, EventID: at.EventID, EndN: at.EndN, ScheduledAt: timeOrNil(at.Scheduled), DequeuedAt: timeOrNil(at.Dequeued),
				StartedAt: timeOrNil(at.Started), CompletedAt: timeOrNil(at.Completed), BackoffUntil: timeOrNil(at.BackoffUntil), Worker: at.Worker,
				Failure: viewFailure(at.Failure)})
		}
		if s.EventID >= 0 && (s.Kind == steps.Activity || s.Kind == steps.Child || s.Kind == steps.Entity) {
			v.ofAgent(byID[s.EventID])
		}
		all[i] = v
	}
	return all
}

// decisionEvent begins the names of the events by which a turn is told of an answer.
const decisionEvent = "decision:"

// isBookkeeping reports whether a step of a turn only tells it of a decision, or its
// session of it.
func (v *runStep) isBookkeeping() bool {
	switch steps.Kind(v.Kind) {
	case steps.Event:
		return strings.HasPrefix(v.Name, decisionEvent)
	case steps.Signal, steps.Entity:
		return strings.HasPrefix(v.Target, "@dafx-")
	}
	return false
}

// ofAgent adds what is known of a step that an agent made; nil = none did.
func (v *runStep) ofAgent(s *agent.TurnStep) {
	if s == nil {
		if strings.HasPrefix(v.Name, reserved) {
			v.Kind = "internal"
		}
		return
	}
	v.Kind, v.Step, v.CallID, v.Provider, v.Model = s.Kind, s.Step, s.CallID, s.Provider, s.Model
	if s.Name != "" {
		v.Name = s.Name
	} else {
		_, v.Name, _ = strings.Cut(v.Name, "/")
	}
	switch s.Kind {
	case agent.StepAgent:
		v.Agent, v.Session, v.Run = s.Name, s.Session, s.Run
	case agent.StepModel:
		v.Agent = v.Name
	}
	if s.Kind == agent.StepModel || s.Kind == agent.StepAgent {
		c := viewCost(s.Usage, s.Spent)
		v.cost = &c
	}
	if s.Status == agent.StepAsked {
		v.Status = s.Status
	}
	if s.Status == agent.StepFailed && v.Failure == nil {
		v.Status, v.Failure = s.Status, &failure{Type: "error", Message: s.Error}
	}
}

// maxGaps bounds the gaps that are told.
const maxGaps = 100

// gaps returns the longest times in which nothing of a run was queued or ran: it only
// waited for timers, events and people.
func gaps(run *steps.Run) []gap {
	type span struct{ from, to time.Time }
	var busy []span
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.Kind == steps.Timer || s.Kind == steps.Event {
			continue
		}
		for _, at := range append(s.Attempts, s.Attempt) {
			to := at.Completed
			if to.IsZero() {
				to = run.Newest
			}
			busy = append(busy, span{at.Scheduled, to})
		}
	}
	slices.SortFunc(busy, func(a, b span) int { return a.from.Compare(b.from) })
	all := []gap{}
	at := run.Began
	for _, s := range append(busy, span{run.Newest, run.Newest}) {
		if s.from.After(at) {
			all = append(all, gap{at.UTC(), s.from.UTC()})
		}
		if s.to.After(at) {
			at = s.to
		}
	}
	if len(all) > maxGaps {
		slices.SortFunc(all, func(a, b gap) int { return int(b.To.Sub(b.From) - a.To.Sub(a.From)) })
		all = all[:maxGaps]
		slices.SortFunc(all, func(a, b gap) int { return a.From.Compare(b.From) })
	}
	return all
}
