package agent

import (
	"context"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/steps"
	"github.com/perdure/perdure/store"
)

// Rewinding is what a rewind of a run to an event means for decisions.
type Rewinding struct {
	// To is the event, from 1, to which the run is to be rewound: the one asked for (0 = what
	// has failed is given up), or an earlier one if between both a decision was asked for that would stay open for
	// ever, since it was made already. It is asked for again then.
	To int
	// Asks are the decisions that will be asked for when the calls come again.
	Asks []Asking
}

// Asking is a decision that will be asked for.
type Asking struct {
	Kind   string // DecisionApproval or DecisionOutcomeUnknown
	Tool   string
	CallID string
	Step   int // model step that made the call
}

// Rewind tells what a rewind of a run to the n-th of its events, or of a failed one to
// before its failure (0), means for decisions. Events are those of its current execution. A call that was sent under a send mark is
// not sent again by itself: what became of it is asked.
func (s *Service) Rewind(ctx context.Context, run string, events []*history.Event, n int) (*Rewinding, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	decisions, err := decisionsOf(ctx, h, run)
	if err != nil {
		return nil, err
	}
	r, told := &Rewinding{Asks: []Asking{}}, steps.Of(events)
	var fates []steps.Fate
	if n == 0 {
		fates, _, _ = told.BeforeFailure(events)
	} else {
		r.To = beforeAsking(events, decisions, n)
		fates = told.Rewind(events, r.To)
	}
	seen := map[string]bool{}
	for i, fate := range fates {
		step := &told.Steps[i]
		if fate == steps.Reused || step.Kind != steps.Activity || step.N < 1 {
			continue
		}
		effect := effectOf(events[step.N-1])
		if effect == "" || seen[effect] {
			continue
		}
		seen[effect] = true
		mark, _, err := markOf(ctx, h, run, effect)
		if err != nil {
			return nil, err
		}
		if mark != nil && !mark.Repeatable {
			r.Asks = append(r.Asks, Asking{DecisionOutcomeUnknown, mark.Tool, mark.CallID, mark.Step})
			continue
		}
		if i := slices.IndexFunc(decisions, func(d *storedDecision) bool { return d.EffectID == effect && d.Kind == DecisionApproval }); i >= 0 {
			d := decisions[i]
			r.Asks = append(r.Asks, Asking{DecisionApproval, d.Tool, d.CallID, d.Step})
		}
	}
	return r, nil
}

// RewindTo lets a run that has ended go on from a point in its history, as
// client.Client.RewindTo does, and tells what that means for decisions. If the run would
// wait there for a decision that was made already, it goes back to before that was asked
// for: without this such a run waits for ever.
//
// A turn of a session is rewound only while it is the session's last and nothing runs or
// waits in that, else FailedPrecondition: the session takes back what the turn has said,
// and goes on from what it says now. Who has been given its answer is not told another one.
// The event 0 means before the failure of a turn that has failed. A turn that has handed
// its conversation over is not rewound, nor one of an agent that keeps conversations
// elsewhere, nor any to before a message that was sent to it while it ran.
func (s *Service) RewindTo(ctx context.Context, run string, p client.RewindPoint, opts ...client.Option) (*Rewinding, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	in, err := h.Instance(ctx, run, false)
	if err != nil {
		return nil, err
	}
	if asked := p; p.Asked == nil {
		p.Asked = &asked
	}
	if p.Execution == "" {
		p.Execution = in.Execution // whose events are read, and none that comes meanwhile
	}
	events, err := h.History(ctx, run, p.Execution)
	if err != nil {
		return nil, err
	}
	of := &Rewinding{To: p.Event, Asks: []Asking{}}
	if in.Session != "" && p.Event == 0 && len(events) > 0 {
		p.Event = LastFailure(events)
	}
	if p.Event >= 1 && p.Event <= len(events) { // else it is refused, or a repeat
		if of, err = s.Rewind(ctx, run, events, p.Event); err != nil {
			return nil, err
		}
		p.Event = of.To
	}
	if in.Session != "" {
		return of, s.rewindTurn(ctx, h, run, *p.Asked, p.Reason, opts)
	}
	return of, s.client.RewindTo(ctx, run, p, opts...)
}

// rewindTurn has a session rewind its last turn, and returns when it is.
func (s *Service) rewindTurn(ctx context.Context, h hub.Hub, turn string, asked client.RewindPoint, reason string, opts []client.Option) error {
	session, ok := sessionOfTurn(turn)
	if !ok {
		return rewindRefused(turn, "its id is none of a session's turn")
	}
	// A turn that was terminated does not tell its end: somebody has to look.
	if _, err := s.unblock(hub.WithActor(ctx, nil), h, session); err != nil && perdure.CodeOf(err) != perdure.ResourceExhausted {
		return err
	}
	opts = append([]client.Option{client.WithRequestID(NewSessionKey())}, opts...)
	return s.client.Ask(ctx, session.String(), opRewind, rewindRequest{
		Turn: turn, Event: asked.Event, Execution: asked.Execution, Reason: reason,
	}, nil, opts...)
}

// tellRewound tells a session what became of the rewind of its last turn, if the rewinder
// has ended without a word, since somebody has terminated it.
func (s *Service) tellRewound(ctx context.Context, h hub.Hub, session SessionID, state *sessionState) error {
	again, turn := state.Again, state.Running.Turn
	r, err := h.Instance(ctx, again.Rewinder, false)
	switch {
	case perdure.CodeOf(err) == perdure.NotFound:
		return nil // it is being started
	case err != nil:
		return err
	case !r.Status.Terminal() || r.Status == store.Completed: // it tells, or has told
		return nil
	}
	in := &rewinding{rewindRequest: rewindRequest{Turn: turn}, Plan: &rewindPlan{Execution: again.Execution}}
	why, open, err := in.became(ctx, h, nil)
	if err != nil || open {
		return err
	}
	told := rewound{Rewinder: again.Rewinder, Refused: why, End: -1}
	if why != "" {
		told.Refused = "it was to be rewound, and who was to do that was stopped"
	} else if last, err := lastFrame(ctx, h, turn); err != nil {
		return err
	} else if last != nil {
		told.End = last.Offset
	}
	text, err := perdure.Encode(told)
	if err != nil {
		return err
	}
	return h.Signal(ctx, &hub.Signal{RequestID: "rewound " + again.Rewinder, InstanceID: session.String(), Operation: opRewound, Input: text})
}

// Rewindable returns nil if a turn of a session is its last one and the session rests, so
// that the turn may be rewound; else FailedPrecondition, which says why not.
func (s *Service) Rewindable(ctx context.Context, turn string) error {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	session, ok := sessionOfTurn(turn)
	if !ok {
		return rewindRefused(turn, "its id is none of a session's turn")
	}
	state, err := readSession(ctx, h, session)
	if perdure.CodeOf(err) == perdure.NotFound {
		return rewindRefused(turn, "its session is gone")
	}
	if err != nil {
		return err
	}
	return state.refusesRewind(turn)
}

// RewindableTo returns the event to which a turn of a session would be rewound, if it may
// be: an earlier one than asked for as Rewind tells. Errors are those of RewindTo.
func (s *Service) RewindableTo(ctx context.Context, turn string, p client.RewindPoint) (event int, err error) {
	if err := s.Rewindable(ctx, turn); err != nil {
		return 0, err
	}
	h, err := s.client.Hub(ctx)
	if err != nil {
		return 0, err
	}
	plan, err := s.planTurn(ctx, h, rewindRequest{Turn: turn, Event: p.Event, Execution: p.Execution})
	if err != nil {
		return 0, err
	}
	return plan.Event, nil
}

// decisionsOf returns the decisions that a run has asked for.
func decisionsOf(ctx context.Context, h hub.Rows, run string) ([]*storedDecision, error) {
	var all []*storedDecision
	for after := []byte(nil); ; {
		rows, next, err := h.ReadRows(ctx, store.RowQuery{Kind: rowDecision, Owner: run, After: after, Limit: 1000})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			d, err := readDecision(row)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		if after = next; next == nil {
			return all, nil
		}
	}
}

// effectOf returns the effect id of the step that the event schedules, "" = it has none.
func effectOf(e *history.Event) string {
	if e.Meta == nil {
		return ""
	}
	return string(e.Meta.Effect)
}

// beforeAsking returns the event to which a rewind must go so that the run waits for no
// decision that was asked for before it and made after it.
func beforeAsking(events []*history.Event, decisions []*storedDecision, n int) int {
	for moved := true; moved; {
		moved = false
		for _, d := range decisions {
			asked := askedIn(events, d)
			if asked < 0 || asked+1 >= n || madeBefore(events[:n-1], d) || engine.TurnOf(events, n-1) < asked {
				continue
			}
			n, moved = asked+1, true
		}
	}
	return n
}

// askedIn returns the index of the event that begins the turn which has asked for the
// decision, -1 if none of these did.
func askedIn(events []*history.Event, d *storedDecision) int {
	return slices.IndexFunc(events, func(e *history.Event) bool {
		_, begins := e.Body.(*history.OrchestratorStarted)
		return begins && e.Time.Equal(d.RequestedAt)
	})
}

// madeBefore reports whether the turn has been told of the decision, or that its time is
// over.
func madeBefore(events []*history.Event, d *storedDecision) bool {
	name := decisionEvent(d.ID)
	return slices.ContainsFunc(events, func(e *history.Event) bool {
		b, ok := e.Body.(*history.EventRaised)
		if ok {
			return strings.EqualFold(b.Name, name)
		}
		_, fired := e.Body.(*history.TimerFired)
		return fired && d.Deadline != nil && !e.Time.Before(*d.Deadline)
	})
}
