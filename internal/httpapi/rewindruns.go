package httpapi

import (
	"context"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/steps"
	"github.com/perdure/perdure/store"
)

// rewoundRun is a run below the one that is rewound, and what becomes of it.
type rewoundRun struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Becomes says what becomes of it: it is rewound to its beginning; has failed and is
	// retried from before that; was ended and resumes; still runs and goes on; has answered,
	// and is told that again; or begins anew, since it is no more or was begun by somebody
	// else meanwhile: then what it did outside is done again, under new effect ids.
	Becomes string `json:"becomes" choices:"rewound retried resumed goes_on answered anew"`
	// Later are the names of the steps that are given up, and run again if the code comes to
	// them.
	Later []string `json:"steps_given_up"`
	Waits []string `json:"events_forgotten"` // names of the events that have to be raised again
}

// What becomes of runs below.
const (
	becomesRewound  = "rewound"
	becomesRetried  = "retried"
	becomesResumed  = "resumed"
	becomesGoingOn  = "goes_on"
	becomesAnswered = "answered"
	becomesAnew     = "anew"
)

// maxRunsBelow bounds how many runs below are looked at.
const maxRunsBelow = 200

// addRun tells what becomes of the run of a step that is given up; open = the step itself
// stays, and waits for the run again.
func (a *API) addRun(ctx context.Context, p *rewound, s *runStep, parent string, task int32, open bool) error {
	if len(p.Runs) >= maxRunsBelow {
		p.MoreRuns = true
		return nil
	}
	below := rewoundRun{ID: s.Run, Name: s.Name, Later: []string{}, Waits: []string{}}
	in, err := a.Hub.Instance(ctx, s.Run, false)
	switch code := perdure.CodeOf(err); {
	case err != nil && code != perdure.NotFound:
		return err
	case err != nil:
		below.Becomes = becomesAnew
	case in.Session != "": // which knows that it was asked already
		below.Becomes = becomesAnswered
	default:
		below.Becomes = becomes(in, parent, task, open)
	}
	p.Runs = append(p.Runs, below)
	if below.Becomes != becomesRewound {
		return nil
	}
	return a.addRewound(ctx, p, len(p.Runs)-1, in)
}

// becomes says what becomes of a run below.
func becomes(in *hub.Instance, parent string, task int32, open bool) string {
	same := in.Parent == "" && in.ParentTask == 0 || in.Parent == parent && in.ParentTask == task
	switch {
	case !in.Status.Terminal():
		return becomesGoingOn
	case !same:
		return becomesAnew
	case !open:
		return becomesRewound
	case in.Status == store.Failed:
		return becomesRetried
	case in.Status == store.Completed:
		return becomesAnswered
	}
	return becomesResumed
}

// addRewound tells what becomes of the steps of a run that is rewound to its beginning,
// and of the runs below it.
func (a *API) addRewound(ctx context.Context, p *rewound, i int, in *hub.Instance) error {
	if !in.Folded.IsZero() {
		return nil // nobody knows them
	}
	t, err := a.tell(ctx, in.ID, in.Execution)
	if err != nil {
		return err
	}
	if a.Agents != nil && len(t.events) > 0 {
		of, err := a.Agents.Service.Rewind(ctx, in.ID, t.events, 1)
		if err != nil {
			return err
		}
		for _, d := range of.Asks {
			p.Decisions = append(p.Decisions, rewoundAsking{Kind: d.Kind, Tool: d.Tool, CallID: d.CallID, Step: d.Step, Run: in.ID})
		}
	}
	for k := range t.steps {
		s := &t.steps[k]
		switch {
		case s.N == 0 || s.Kind == "internal" || s.Kind == string(steps.Timer) || s.Kind == "decision":
		case s.Kind == string(steps.Event):
			p.Runs[i].Waits = append(p.Runs[i].Waits, s.Name)
		default:
			p.Runs[i].Later = append(p.Runs[i].Later, s.Name)
		}
		if s.Run != "" && s.N > 0 {
			if err := a.addRun(ctx, p, s, in.ID, t.events[s.N-1].ID, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// staysOpen reports whether the step that the n-th event has scheduled stays when the run
// is rewound to the event to, and is open again.
func staysOpen(events []*history.Event, n, to int) bool {
	return n-1 < engine.TurnOf(events, min(to, len(events))-1)
}
