package httpapi

import (
	"context"

	"github.com/perdure/perdure"
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
	Becomes string   `json:"becomes" choices:"rewound retried resumed goes_on answered anew"`
	Again   []string `json:"steps_run_again"` // names of the steps that run again at once
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

// addRun tells what becomes of the run of a step of the run above that is not reused.
func (a *API) addRun(ctx context.Context, p *rewound, above *told, s fated) error {
	if len(p.Runs) >= maxRunsBelow {
		p.MoreRuns = true
		return nil
	}
	below := rewoundRun{ID: s.step.Run, Name: s.step.Name, Again: []string{}, Later: []string{}, Waits: []string{}}
	in, err := a.Hub.Instance(ctx, below.ID, false)
	switch code := perdure.CodeOf(err); {
	case err != nil && code != perdure.NotFound:
		return err
	case err != nil:
		below.Becomes = becomesAnew
	case in.Session != "": // which knows that it was asked already
		below.Becomes = becomesAnswered
	default:
		below.Becomes = becomes(in, above.instance.ID, above.events[s.step.N-1].ID, s.open)
	}
	p.Runs = append(p.Runs, below)
	switch below.Becomes {
	case becomesRewound, becomesRetried, becomesResumed:
		return a.addRunSteps(ctx, p, len(p.Runs)-1, in)
	}
	return nil
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

// addRunSteps tells what becomes of the steps of a run below, and of the runs below it.
func (a *API) addRunSteps(ctx context.Context, p *rewound, i int, in *hub.Instance) error {
	if !in.Folded.IsZero() {
		return nil // nobody knows them
	}
	t, err := a.tell(ctx, in.ID, in.Execution)
	if err != nil || len(t.events) == 0 {
		return err
	}
	to := 1
	switch p.Runs[i].Becomes {
	case becomesRetried:
		to = 0
	case becomesResumed:
		to = len(t.events)
	}
	if _, err := a.addAsking(ctx, p, t, to, in.ID); err != nil {
		return err
	}
	for _, s := range p.fates(t, to) {
		p.Runs[i].add(s.step, s.fate, to == 1)
		if s.step.Run != "" && s.fate != steps.Reused {
			if err := a.addRun(ctx, p, t, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes a step of the run in; anew = it is begun with what its step begins it with now,
// so that nothing is sure to run again.
func (r *rewoundRun) add(s *runStep, fate steps.Fate, anew bool) {
	switch {
	case fate == steps.Reused || s.Kind == string(steps.Timer):
	case s.Kind == string(steps.Event):
		r.Waits = append(r.Waits, s.Name)
	case fate == steps.Again && !anew:
		r.Again = append(r.Again, s.Name)
	default:
		r.Later = append(r.Later, s.Name)
	}
}
