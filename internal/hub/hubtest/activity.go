package hubtest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var activityCases = []testCase{
	{"FailureChain", activityFailure},
	{"Panic", activityPanic},
	{"Unknown", activityUnknown},
	{"Timeout", activityTimeout},
	{"Heartbeat", activityHeartbeat},
	{"Canceled", activityCanceled},
	{"Info", activityInfo},
	{"FanOut", activityFanOut},
	{"Mixed", activityMixed},
	{"ResultWaits", activityResultWaits},
	{"ModelUsage", activityModelUsage},
	{"ModelUsageBelow", activityModelUsageBelow},
}

var errBase = errors.New("base")

func activityFailure(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "bad", func(context.Context, string) (string, error) {
			cause := &perdure.Error{Code: perdure.Unavailable, Message: "down", Cause: errBase}
			return "", fmt.Errorf("outer: %w", cause)
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			_, err := perdure.CallNamed[string](ctx, "bad", nil).Await()
			var step *perdure.StepError
			if !errors.As(err, &step) {
				return "", fmt.Errorf("the error is a %T", err)
			}
			var causes []string
			for c := step; c != nil; c = c.Cause {
				causes = append(causes, c.Message)
			}
			if perdure.CodeOf(err) != perdure.Unavailable {
				causes = append(causes, "without its code")
			}
			ctx.SetCustomStatus(strings.Join(causes, "|"))
			return "", err
		})
	})
	e.start("run", "a", "")
	f := e.fails("a")
	if got, want := e.get("a").CustomStatus.S, `"outer: down: base|down: base|base"`; got != want {
		t.Errorf("causes seen by the orchestration = %s, want %s", got, want)
	}
	var chain []string
	for c := f; c != nil; c = c.Inner {
		chain = append(chain, c.Message)
	}
	want := []string{"bad: outer: down: base", "outer: down: base", "down: base", "base"}
	if diff := cmp.Diff(want, chain); diff != "" {
		t.Errorf("recorded failure (-want +got):\n%s", diff)
	}
}

func activityPanic(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "bad", func(context.Context, string) (string, error) { panic("boom") })
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			_, err := perdure.CallNamed[string](ctx, "bad", nil).Await()
			var step *perdure.StepError
			if errors.As(err, &step) && strings.Contains(step.Stack, "activity.go") {
				return step.Type + " " + step.Message, nil
			}
			return "", err
		})
	})
	e.start("run", "a", "")
	e.completes("a", `"Panic boom"`)
}

// activityUnknown has an activity that nobody serves wait for its code.
func activityUnknown(t *testing.T, s suite) {
	code := func(known bool) func(*perdure.Registry) {
		return func(r *perdure.Registry) {
			if known {
				perdure.AddActivityNamed(r, "nowhere", echo)
			}
			perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, in string) (string, error) {
				return perdure.CallNamed[string](ctx, "nowhere", in).Await()
			})
		}
	}
	e := s.open(t, code(false))
	e.start("run", "a", `"x"`)
	e.start("run", "b", `"x"`)
	e.settle()
	if in := e.get("a"); in.Phase != store.Stuck || !strings.Contains(in.PhaseCause, "nowhere") {
		t.Errorf("phase %d, cause %q, want stuck with the activity's name", in.Phase, in.PhaseCause)
	}
	e.control(hub.Terminate, "b")
	e.status("b", store.Terminated)
	e.restart(code(true))
	e.completes("a", `"x"`)
}

func activityTimeout(t *testing.T, s suite) {
	began, ended := make(chan struct{}, 10), make(chan error, 10)
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "slow", func(ctx context.Context, _ string) (string, error) {
			began <- struct{}{}
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return "late", nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			_, err := perdure.CallNamed[string](ctx, "slow", nil, perdure.WithTimeout(time.Minute)).Await()
			return perdure.CodeOf(err).String(), nil
		})
	})
	e.start("run", "a", "")
	receive(e, began)
	e.clock.Advance(59 * time.Second)
	if in := e.get("a"); in.Status != store.Running {
		t.Errorf("before its time limit the run is %v, want running", in.Status)
	}
	e.clock.Advance(time.Second)
	if receive(e, ended) == nil {
		t.Error("the activity's context had no cause")
	}
	e.completes("a", `"deadline_exceeded"`)
}

// progress waits until the hub has heard of an activity's progress.
func (e *env) progress(id, json string) {
	e.t.Helper()
	const kind = 7 // of the rows that keep it
	for e.ctx.Err() == nil {
		rows, _, err := e.hub.ReadRows(e.ctx, store.RowQuery{Kind: kind, Owner: id})
		if err != nil || len(rows) == 1 && string(rows[0].Value) == json {
			e.ok(err)
			return
		}
	}
	e.t.Fatalf("the hub has not heard of progress %s", json)
}

func activityHeartbeat(t *testing.T, s suite) {
	began, beat, ended := make(chan struct{}), make(chan any), make(chan struct{})
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "slow", func(ctx context.Context, _ string) (string, error) {
			began <- struct{}{}
			for {
				select {
				case progress := <-beat:
					if err := perdure.Heartbeat(ctx, progress); err != nil {
						return "", err
					}
					began <- struct{}{}
				case <-ctx.Done():
					if perdure.Heartbeat(ctx, "late") == nil {
						return "", errors.New("a heartbeat was taken after the end")
					}
					close(ended)
					return "", ctx.Err()
				}
			}
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			_, err := perdure.CallNamed[string](ctx, "slow", nil, perdure.WithHeartbeatTimeout(time.Minute)).Await()
			return perdure.CodeOf(err).String(), nil
		})
	})
	e.start("run", "a", "")
	receive(e, began)
	for i := range 5 {
		e.clock.Advance(40 * time.Second)
		beat <- map[string]int{"done": i}
		receive(e, began)
		e.progress("a", fmt.Sprintf(`{"done":%d}`, i))
	}
	if in := e.get("a"); in.Status != store.Running {
		t.Fatalf("with heartbeats the run is %v, want running", history.Status(in.Status))
	}
	for done := false; !done; {
		e.clock.Advance(time.Minute)
		select {
		case <-ended:
			done = true
		default:
		}
		if e.ctx.Err() != nil {
			t.Fatal("a silent activity was not ended")
		}
	}
	e.completes("a", `"deadline_exceeded"`)
}

func activityCanceled(t *testing.T, s suite) {
	began, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "slow", func(ctx context.Context, _ string) (string, error) {
			began <- struct{}{}
			<-ctx.Done()
			ended <- struct{}{}
			return "", ctx.Err()
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "slow", nil).Await()
		})
		perdure.AddOrchestrationNamed(r, "give-up", func(ctx *perdure.Context, _ string) (string, error) {
			slow := perdure.CallNamed[string](ctx, "slow", nil)
			if _, err := perdure.NewEvent[string]("stop").Wait(ctx).Await(); err != nil {
				return "", err
			}
			slow.Cancel()
			_, err := slow.Await()
			return perdure.CodeOf(err).String(), nil
		})
	})
	e.start("run", "a", "")
	receive(e, began)
	e.control(hub.Terminate, "a")
	receive(e, ended)
	e.status("a", store.Terminated)
	e.start("give-up", "b", "")
	receive(e, began)
	e.raise("b", "stop", "")
	receive(e, ended)
	e.completes("b", `"canceled"`)
}

func activityInfo(t *testing.T, s suite) {
	var effects probe
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "info", func(ctx context.Context, _ string) (string, error) {
			i := perdure.Activity(ctx)
			if i.EffectID == "" || i.Token == "" || i.Worker == "" {
				return "", perdure.NonRetryable(fmt.Errorf("incomplete: %+v", i))
			}
			effects.note("%s", i.EffectID)
			if i.Attempt < 2 {
				return "", errors.New("again")
			}
			return fmt.Sprint(i.Name, i.InstanceID, i.TaskID, i.Attempt, i.Tags), nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "info", nil, perdure.WithTags(map[string]string{"k": "v"}),
				perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 2})).Await()
		})
	})
	e.start("run", "a", "")
	e.completes("a", `"infoa3 2 map[k:v]"`)
	if effects.count() == 2 && effects.notes[0] != effects.notes[1] {
		t.Errorf("effect ids of two attempts = %q, want the same", effects.notes)
	}
}

// activityFanOut calls 10,000 activities at once.
func activityFanOut(t *testing.T, s suite) {
	n := 10_000
	if testing.Short() {
		n = 1000
	}
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "double", func(_ context.Context, in int) (int, error) { return 2 * in, nil })
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, n int) (int, error) {
			tasks := make([]*perdure.Task[int], n)
			for i := range tasks {
				tasks[i] = perdure.CallNamed[int](ctx, "double", i)
			}
			sum := 0
			for _, task := range tasks {
				v, err := task.Await()
				if err != nil {
					return 0, err
				}
				sum += v
			}
			return sum, nil
		})
	})
	e.start("run", "a", fmt.Sprint(n))
	e.completes("a", fmt.Sprint(n*(n-1)))
	if v := e.get("a").Version; v > uint64(n*3/4) && !e.outside {
		t.Errorf("a fan-out of %d took %d commits, want far fewer", n, v)
	}
}

// activityMixed checks the shape of a history with each kind of step.
func activityMixed(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			if _, err := perdure.CallNamed[string](ctx, "echo", "x").Await(); err != nil {
				return "", err
			}
			if err := ctx.Timer(time.Second).Await(); err != nil {
				return "", err
			}
			return perdure.CallOrchestrationNamed[string](ctx, "echo", "y").Await()
		})
	})
	e.start("run", "a", "")
	e.completes("a", `"y"`)
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=run instance={instanceId=a executionId="$1"}
		1 taskScheduled name=echo input=`+"`\"x\"`"+`
		-1 orchestratorStarted
		-1 taskCompleted taskScheduledId=1 result=`+"`\"x\"`"+`
		2 timerCreated fireAt=2026-01-02T03:04:06Z
		-1 orchestratorStarted
		-1 timerFired fireAt=2026-01-02T03:04:06Z timerId=2
		3 subOrchestrationInstanceCreated instanceId=a:0003 name=echo input=`+"`\"y\"`"+`
		-1 orchestratorStarted
		-1 subOrchestrationInstanceCompleted taskScheduledId=3 result=`+"`\"y\"`"+`
		4 executionCompleted status=completed result=`+"`\"y\"`"+`
		`)
	e.script("a:0003", "", `
		-1 orchestratorStarted
		0 executionStarted name=echo input=`+"`\"y\"`"+` instance={instanceId=a:0003 executionId="$1"} parent={taskScheduledId=3 name="run" instance={instanceId=a executionId="$2"}}
		1 taskScheduled name=echo input=`+"`\"y\"`"+`
		-1 orchestratorStarted
		-1 taskCompleted taskScheduledId=1 result=`+"`\"y\"`"+`
		2 executionCompleted status=completed result=`+"`\"y\"`"+`
		`)
}

// activityResultWaits has the result of an activity wait for code that does not run:
// when the hub is back the activity is not run again.
func activityResultWaits(t *testing.T, s suite) {
	var runs probe
	began := make(chan struct{}, 1)
	interrupted := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "act", func(ctx context.Context, _ string) (string, error) {
			began <- struct{}{}
			<-ctx.Done()
			return "", ctx.Err()
		})
	}
	counted := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "act", func(context.Context, string) (string, error) {
			runs.note("ran")
			return "x", nil
		})
	}
	run := func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "act", nil).Await()
		})
	}
	e := s.open(t, func(r *perdure.Registry) { interrupted(r); run(r) })
	e.start("run", "a", "")
	receive(e, began)
	e.restart(counted)
	e.settle()
	runs.check(t, "runs of the activity without its orchestration", "ran")
	e.restart(func(r *perdure.Registry) { counted(r); run(r) })
	e.completes("a", `"x"`)
	runs.check(t, "runs of the activity", "ran")
}

// activityModelUsage has the record of a run tell what its model steps took and who ran
// the last: each outcome counts once, whatever happens to the run.
func activityModelUsage(t *testing.T, s suite) {
	type tokens struct{ InputTokenCount, OutputTokenCount, CachedInputTokenCount int64 }
	type answer struct {
		Model string           `json:"model"`
		Usage tokens           `json:"usage"`
		Spent map[string]int64 `json:"spent"`
	}
	var fixed atomic.Bool
	code := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "perdure.model/a", func(_ context.Context, in int64) (answer, error) {
			return answer{"m" + strconv.FormatInt(in, 10), tokens{10 * in, in, 1}, map[string]int64{"usd": 1000 * in}}, nil
		})
		perdure.AddActivityNamed(r, "like", func(context.Context, string) (answer, error) {
			return answer{"other", tokens{1000, 1000, 1000}, nil}, nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (int64, error) {
			for n := int64(1); n <= 2; n++ {
				if _, err := perdure.CallNamed[answer](ctx, "perdure.model/a", n).Await(); err != nil {
					return 0, err
				}
			}
			if _, err := perdure.CallNamed[answer](ctx, "like", "").Await(); err != nil {
				return 0, err
			}
			if !fixed.Load() {
				return 0, errors.New("not yet")
			}
			a, err := perdure.CallNamed[answer](ctx, "perdure.model/a", 3).Await()
			return a.Usage.InputTokenCount, err
		})
	}
	e := s.open(t, code)
	e.start("run", "a", "")
	e.fails("a")
	check := func(when string, want history.Usage) {
		t.Helper()
		if in := e.get("a"); in.Usage != want || in.Worker == "" {
			t.Errorf("%s: usage %+v at worker %q, want %+v at one", when, in.Usage, in.Worker, want)
		}
		page, err := e.hub.List(e.ctx, store.Query{Limit: 1})
		if e.ok(err); len(page.Items) != 1 {
			t.Fatalf("%s: the list has %d runs, want 1", when, len(page.Items))
		}
		in := page.Items[0] // lists of the protocol have no more than the protocol's fields
		if known := in.HistoryEvents > 0; known && in.Usage != want {
			t.Errorf("%s: the list has usage %+v, want %+v", when, in.Usage, want)
		}
	}
	check("failed", history.Usage{In: 30, Out: 3, Cached: 2, Nano: 3000, Model: "m2"})
	fixed.Store(true)
	e.restart(code)
	e.control(hub.Rewind, "a")
	e.completes("a", "30")
	check("rewound", history.Usage{In: 60, Out: 6, Cached: 3, Nano: 6000, Model: "m3"})
}

// activityModelUsageBelow has runs tell what the models of their children took, once each,
// also when they fail and are rewound.
func activityModelUsageBelow(t *testing.T, s suite) {
	type tokens struct{ InputTokenCount, OutputTokenCount int64 }
	type answer struct {
		Model string           `json:"model"`
		Usage tokens           `json:"usage"`
		Spent map[string]int64 `json:"spent"`
	}
	var fixed atomic.Bool
	code := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "perdure.model/a", func(_ context.Context, in int64) (answer, error) {
			return answer{"m", tokens{10 * in, in}, map[string]int64{"usd": 1000 * in}}, nil
		})
		call := func(ctx *perdure.Context, in int64) error {
			_, err := perdure.CallNamed[answer](ctx, "perdure.model/a", in).Await()
			return err
		}
		perdure.AddOrchestrationNamed(r, "low", func(ctx *perdure.Context, _ string) (string, error) {
			if err := call(ctx, 1); err != nil {
				return "", err
			}
			if !fixed.Load() {
				return "", errors.New("not yet")
			}
			return "", call(ctx, 2)
		})
		perdure.AddOrchestrationNamed(r, "middle", func(ctx *perdure.Context, _ string) (string, error) {
			if err := call(ctx, 4); err != nil {
				return "", err
			}
			return perdure.CallOrchestrationNamed[string](ctx, "low", "", perdure.WithID("l")).Await()
		})
		perdure.AddOrchestrationNamed(r, "top", func(ctx *perdure.Context, _ string) (string, error) {
			other := perdure.CallOrchestrationNamed[string](ctx, "idle", "", perdure.WithID("i"))
			if _, err := perdure.CallOrchestrationNamed[string](ctx, "middle", "", perdure.WithID("m")).Await(); err != nil {
				return "", err
			}
			return other.Await()
		})
		perdure.AddOrchestrationNamed(r, "idle", func(*perdure.Context, string) (string, error) { return "", nil })
	}
	e := s.open(t, code)
	e.start("top", "t", "")
	e.fails("t")
	check := func(when string, want map[string][2]history.Usage) {
		t.Helper()
		for id, u := range want {
			if in := e.get(id); in.Usage != u[0] || in.Below != u[1] {
				t.Errorf("%s: %s took %+v, below it %+v, want %+v and %+v", when, id, in.Usage, in.Below, u[0], u[1])
			}
		}
	}
	took := func(n int64) history.Usage { return history.Usage{In: 10 * n, Out: n, Nano: 1000 * n, Model: "m"} }
	none := history.Usage{}
	check("failed", map[string][2]history.Usage{"l": {took(1), none}, "m": {took(4), took(1)}, "t": {none, took(5)}, "i": {}})
	fixed.Store(true)
	e.control(hub.Rewind, "t")
	e.completes("t", `""`)
	check("rewound", map[string][2]history.Usage{"l": {took(3), none}, "m": {took(4), took(3)}, "t": {none, took(7)}, "i": {}})
}
