package hubtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/series"
)

var seriesCases = []testCase{
	{"Counts", seriesCounts},
	{"OverRestarts", seriesOverRestarts},
	{"Models", seriesModels},
	{"KeptForDays", seriesKept},
}

// counted returns the sum of what was counted until now. The hub is restarted, so that
// what it has in memory is written.
func (e *env) counted(code func(*perdure.Registry)) *series.Bucket {
	e.t.Helper()
	e.restart(code)
	return e.written(epoch.Add(-time.Hour))
}

// written returns the sum of what was counted from a time on and is written.
func (e *env) written(from time.Time) *series.Bucket {
	e.t.Helper()
	var sum series.Bucket
	e.ok(series.Read(e.ctx, e.hub, from, e.clock.Now().Add(time.Hour), func(_ time.Time, b *series.Bucket) { sum.Merge(b) }))
	return &sum
}

// tally is the numbers of runs of a name, or of attempts of a step.
type tally struct{ Started, Completed, Failed, Stopped, Timed int64 }

func (e *env) runsCounted(b *series.Bucket, name string, want tally) {
	e.t.Helper()
	r := b.Run(series.RunKey{Name: name})
	got := tally{r.Started, r.Completed, r.Failed, r.Stopped, r.Took.Count()}
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("runs of %s that were counted (-want +got):\n%s", name, diff)
	}
}

func (e *env) stepsCounted(b *series.Bucket, name string, want tally) {
	e.t.Helper()
	s := b.Step(name)
	got := tally{Completed: s.Completed, Failed: s.Failed, Timed: s.Took.Count()}
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("attempts of %s that were counted (-want +got):\n%s", name, diff)
	}
	if n := s.Waited.Count(); n != want.Timed {
		e.t.Errorf("waits of %s that were counted = %d, want %d", name, n, want.Timed)
	}
}

// seriesCounts has runs and attempts counted once each, by how they end.
func seriesCounts(t *testing.T, s suite) {
	code := func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddActivityNamed(r, "broken", func(context.Context, string) (string, error) { return "", errors.New("no luck") })
		perdure.AddOrchestrationNamed(r, "steps", func(ctx *perdure.Context, _ string) (string, error) {
			for range 3 {
				if _, err := perdure.CallNamed[string](ctx, "echo", "x").Await(); err != nil {
					return "", err
				}
			}
			return perdure.CallNamed[string](ctx, "broken", "x").Await()
		})
	}
	e := s.open(t, code)
	e.start("echo", "a", `"x"`)
	e.start("echo", "b", `"x"`)
	e.start("steps", "c", "")
	e.start("wait", "d", "")
	e.start("wait", "e", "")
	e.completes("a", `"x"`)
	e.completes("b", `"x"`)
	e.fails("c")
	e.settle()
	e.advance(30 * time.Minute)
	e.control(hub.Terminate, "d")
	e.end("d")
	b := e.counted(code)
	e.runsCounted(b, "echo", tally{Started: 2, Completed: 2, Timed: 2})
	e.runsCounted(b, "steps", tally{Started: 1, Failed: 1, Timed: 1})
	e.runsCounted(b, "wait", tally{Started: 2, Stopped: 1, Timed: 1})
	e.stepsCounted(b, "echo", tally{Completed: 5, Timed: 5})
	e.stepsCounted(b, "broken", tally{Failed: 1, Timed: 1})
	took := b.Run(series.RunKey{Name: "wait"}).Took.Quantile(1)
	if took < 28*time.Minute || took > 32*time.Minute {
		t.Errorf("the run that was terminated after 30 min took %v, want it within 7 %%", took)
	}
	if b.Store.Count() == 0 {
		t.Error("no time of the store was counted, want some")
	}
	last := e.written(epoch.Add(time.Minute))
	e.runsCounted(last, "echo", tally{})
	e.runsCounted(last, "wait", tally{Stopped: 1, Timed: 1})
}

// seriesOverRestarts has what several processes count in the same minute added up.
func seriesOverRestarts(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for _, id := range []string{"a", "b", "c"} {
		e.start("echo", id, `"x"`)
		e.completes(id, `"x"`)
		e.restart(echoCode)
	}
	b := e.counted(echoCode)
	e.runsCounted(b, "echo", tally{Started: 3, Completed: 3, Timed: 3})
	e.stepsCounted(b, "echo", tally{Completed: 3, Timed: 3})
}

// seriesModels has the calls of models counted with what they took.
func seriesModels(t *testing.T, s suite) {
	type tokens struct{ InputTokenCount, OutputTokenCount, CachedInputTokenCount int64 }
	type answer struct {
		Model string           `json:"model"`
		Usage tokens           `json:"usage"`
		Spent map[string]int64 `json:"spent"`
	}
	code := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "perdure.model/a", func(_ context.Context, in int64) (answer, error) {
			if in == 0 {
				return answer{}, errors.New("the model is not there")
			}
			return answer{"m1", tokens{10 * in, in, 1}, map[string]int64{"usd": 1000 * in}}, nil
		})
		perdure.AddOrchestrationNamed(r, "ask", func(ctx *perdure.Context, _ string) (string, error) {
			for n := range int64(3) {
				if _, err := perdure.CallNamed[answer](ctx, "perdure.model/a", n).Await(); err != nil && n > 0 {
					return "", err
				}
			}
			return "", nil
		})
	}
	e := s.open(t, code)
	e.start("ask", "a", "")
	e.start("ask", "b", "", tags(map[string]string{"perdure.agent": "Writer"}))
	e.completes("a", `""`)
	e.completes("b", `""`)
	b := e.counted(code)
	want := map[series.ModelKey]series.Model{}
	for _, agent := range []string{"a", "Writer"} {
		want[series.ModelKey{Agent: agent, Model: "m1"}] = series.Model{Calls: 2, In: 30, Out: 3, Cached: 2, Nano: 3000}
		want[series.ModelKey{Agent: agent}] = series.Model{Errors: 1}
	}
	got := map[series.ModelKey]series.Model{}
	for k, m := range b.Models {
		got[k] = *m
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls of models that were counted (-want +got):\n%s", diff)
	}
	r := b.Run(series.RunKey{Name: "ask", Agent: "Writer"})
	if r.Completed != 1 {
		t.Errorf("runs of the agent that were counted = %d, want 1", r.Completed)
	}
}

// seriesKept has old counts deleted, and only these.
func seriesKept(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "a", `"x"`)
	e.completes("a", `"x"`)
	e.restart(echoCode)
	e.clock.Advance(series.Kept - time.Hour)
	e.start("echo", "b", `"x"`)
	e.completes("b", `"x"`)
	e.runsCounted(e.counted(echoCode), "echo", tally{Started: 2, Completed: 2, Timed: 2})
	e.clock.Advance(2 * time.Hour)
	e.settle()
	e.restart(echoCode) // a hub that begins looks for what is old
	e.settle()
	e.runsCounted(e.written(epoch.Add(-time.Hour)), "echo", tally{Started: 1, Completed: 1, Timed: 1})
}
