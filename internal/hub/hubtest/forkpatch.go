package hubtest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// chainOf registers a run of three activities, each of which is given what the one before
// has returned.
func chainOf(runs *probe) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "add", func(_ context.Context, in string) (string, error) {
			runs.note("%s", in)
			return in + "+", nil
		})
		perdure.AddOrchestrationNamed(r, "chain", func(ctx *perdure.Context, in string) (v string, err error) {
			v = in
			for range 3 {
				if v, err = perdure.CallNamed[string](ctx, "add", v).Await(); err != nil {
					return "caught: " + err.Error(), nil
				}
			}
			return v, nil
		})
	}
}

// forkOutcome forks a run with another outcome of a step, which is one that it has before
// the cut, one that it has not there, or a failure.
func forkOutcome(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, chainOf(&runs))
	e.start("chain", "r", `"a"`)
	e.completes("r", `"a+++"`)
	events := e.history("r")
	second := 1 + slices.IndexFunc(events, func(ev *history.Event) bool {
		b, ok := ev.Body.(*history.TaskScheduled)
		return ok && b.Input.S == `"a+"`
	})
	var ended int
	for i, ev := range events {
		if b, ok := ev.Body.(*history.TaskCompleted); ok && b.TaskScheduledID == events[second-1].ID {
			ended = i + 1
		}
	}
	for name, c := range map[string]struct {
		to    int
		patch hub.Patch
		want  string
		runs  []string
	}{
		"at-end":  {ended, hub.Patch{Event: second, Result: history.Some(`"x"`)}, `"x+"`, []string{"x"}},
		"in-past": {ended + 1, hub.Patch{Event: second, Result: history.Some(`"y"`)}, `"y+"`, []string{"y"}},
		"failed":  {ended, hub.Patch{Event: second, Failure: &history.Failure{Type: "T", Message: "no"}}, `"caught: add: no"`, nil},
	} {
		before := runs.count()
		_, err := e.hub.Start(e.ctx, &hub.Start{InstanceID: name, Fork: &hub.Fork{Run: "r", To: c.to, Patch: &c.patch}})
		e.ok(err)
		e.completes(name, c.want)
		if diff := cmp.Diff(c.runs, runs.since(before)); diff != "" {
			t.Errorf("%s: activities (-want +got):\n%s", name, diff)
		}
	}
	for what, f := range map[string]*hub.Fork{
		"of an event that schedules nothing": {Run: "r", To: ended, Patch: &hub.Patch{Event: 2}},
		"of an event that is not there":      {Run: "r", To: ended, Patch: &hub.Patch{Event: 99}},
		"of a step after the cut":            {Run: "r", To: 4, Patch: &hub.Patch{Event: second}},
	} {
		_, err := e.hub.Start(e.ctx, &hub.Start{InstanceID: "none", Fork: f})
		e.code("Start(fork with another outcome "+what+")", err, perdure.FailedPrecondition)
	}
	e.completes("r", `"a+++"`)
}

// forkInput forks a run with another input: from its beginning it is as if it was begun
// with that, else the code has it when it is replayed.
func forkInput(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, chainOf(&runs))
	e.start("chain", "r", `"a"`)
	e.completes("r", `"a+++"`)
	_, err := e.hub.Start(e.ctx, &hub.Start{InstanceID: "f", Input: history.Some(`"b"`), Fork: &hub.Fork{Run: "r", To: 1}})
	e.ok(err)
	e.completes("f", `"b+++"`)
	_, err = e.hub.Start(e.ctx, &hub.Start{InstanceID: "g", Input: history.Some(`"b"`), Fork: &hub.Fork{Run: "r", To: 6}})
	e.ok(err)
	e.completes("g", `"a+++"`)
	for _, id := range []string{"f", "g"} {
		if in := e.get(id); in.Input.S != `"b"` {
			t.Errorf("Instance(%s).Input = %s, want that of the fork", id, in.Input.S)
		}
	}
}
