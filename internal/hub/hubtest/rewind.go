package hubtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

var rewindCases = []testCase{
	{"Activity", rewindActivity},
	{"Child", rewindChild},
	{"PurgedChild", rewindPurgedChild},
	{"W44LivingChild", rewindLivingChild},
	{"W44CompletedChild", rewindCompletedChild},
	{"Twice", rewindTwice},
	{"Retried", rewindRetried},
	{"HeldLock", rewindLocked},
	{"LockJustGranted", rewindGranted},
	{"Refused", rewindRefused},
	{"Foretold", rewindForetold},
}

// flaky registers an activity that fails the first n times that it runs, and
// orchestrations that need it.
func flaky(n int, runs *probe) func(*perdure.Registry) {
	var failures atomic.Int64
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "good", func(_ context.Context, in string) (string, error) {
			runs.note("good")
			return in, nil
		})
		perdure.AddActivityNamed(r, "flaky", func(_ context.Context, in string) (string, error) {
			runs.note("flaky")
			if failures.Add(1) <= int64(n) {
				return "", errors.New("not yet")
			}
			return in + "!", nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, in string) (string, error) {
			in, err := perdure.CallNamed[string](ctx, "good", in).Await()
			if err != nil {
				return "", err
			}
			return perdure.CallNamed[string](ctx, "flaky", in).Await()
		})
		perdure.AddOrchestrationNamed(r, "parent", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "run", in, perdure.WithID("child")).Await()
		})
		perdure.AddOrchestrationNamed(r, "retried", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.CallNamed[string](ctx, "flaky", in,
				perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 2})).Await()
		})
	}
}

func rewindActivity(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, flaky(1, &runs))
	e.start("run", "a", `"x"`)
	e.fails("a")
	first := e.get("a").Execution
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: "a", Reason: history.Some("fixed")})
	e.ok(err)
	e.completes("a", `"x!"`)
	runs.check(t, "activities", "good", "flaky", "flaky")
	if in := e.get("a"); in.Execution == first || in.Failure != nil {
		t.Errorf("after the rewind execution %s, failure %v; want another and none", in.Execution, in.Failure)
	}
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=run input=`+"`\"x\"`"+` instance={instanceId=a executionId="$1"}
		1 taskScheduled name=good input=`+"`\"x\"`"+`
		-1 orchestratorStarted
		-1 taskCompleted taskScheduledId=1 result=`+"`\"x\"`"+`
		-1 orchestratorStarted
		-1 orchestratorStarted
		-1 executionRewound reason="fixed"
		-1 genericEvent data="seed:$2"
		-1 orchestratorStarted
		2 taskScheduled name=flaky input=`+"`\"x\"`"+` attempt=1
		-1 orchestratorStarted
		-1 taskCompleted taskScheduledId=2 result=`+"`\"x!\"`"+` attempt=1
		3 executionCompleted status=completed result=`+"`\"x!\"`"+`
		`)
	if events, err := e.hub.History(e.ctx, "a", first); err != nil || len(events) == 0 {
		t.Errorf("History(before the rewind) = %d events, %v, want it kept", len(events), err)
	}
}

func rewindChild(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, flaky(1, &runs))
	e.start("parent", "a", `"x"`)
	e.fails("a")
	e.control(hub.Rewind, "a")
	e.completes("a", `"x!"`)
	e.completes("child", `"x!"`)
	runs.check(t, "activities", "good", "flaky", "flaky")
}

func rewindPurgedChild(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, flaky(1, &runs))
	e.start("parent", "a", `"x"`)
	e.fails("a")
	if p, err := e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"child"}}); err != nil || p.Count != 1 {
		t.Fatalf("Purge(child) = %+v, %v", p, err)
	}
	e.control(hub.Rewind, "a")
	e.completes("a", `"x!"`)
	runs.check(t, "activities", "good", "flaky", "good", "flaky")
}

// family registers a parent of two children, of which one fails the first time and
// the other, "late", waits for an event and then runs an activity.
func family(runs *probe) func(*perdure.Registry) {
	code := flaky(1, runs)
	return func(r *perdure.Registry) {
		code(r)
		perdure.AddOrchestrationNamed(r, "wait", func(ctx *perdure.Context, _ string) (string, error) {
			v, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			if err != nil {
				return "", err
			}
			return perdure.CallNamed[string](ctx, "good", v).Await()
		})
		perdure.AddOrchestrationNamed(r, "both", func(ctx *perdure.Context, in string) (string, error) {
			late := perdure.CallOrchestrationNamed[string](ctx, "wait", nil, perdure.WithID("late"))
			a, err := perdure.CallOrchestrationNamed[string](ctx, "run", in, perdure.WithID("child")).Await()
			if err != nil {
				return "", err
			}
			b, err := late.Await()
			return a + b, err
		})
	}
}

// rewindLivingChild rewinds a parent with a child that has not ended.
func rewindLivingChild(t *testing.T, s suite) {
	for _, restart := range []bool{false, true} {
		var runs probe
		code := family(&runs)
		e := s.open(t, code)
		e.start("both", "a", `"x"`)
		e.fails("a")
		e.control(hub.Rewind, "a")
		e.settle()
		if restart {
			e.restart(code)
		}
		e.raise("late", "go", `"y"`)
		e.completes("a", `"x!y"`)
		e.completes("late", `"y"`)
	}
}

// rewindCompletedChild rewinds a parent with a child that has completed after the
// parent's end: it is not run again.
func rewindCompletedChild(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, family(&runs))
	e.start("both", "a", `"x"`)
	e.fails("a")
	e.raise("late", "go", `"y"`)
	e.completes("late", `"y"`)
	runs.check(t, "activities", "good", "flaky", "good")
	e.control(hub.Rewind, "a")
	e.completes("a", `"x!y"`)
	runs.check(t, "activities", "good", "flaky", "good", "flaky")
}

func rewindTwice(t *testing.T, s suite) {
	for name, id := range map[string]string{"run": "a", "parent": "b"} {
		var runs probe
		e := s.open(t, flaky(2, &runs))
		e.start(name, id, `"x"`)
		for range 2 {
			e.fails(id)
			e.control(hub.Rewind, id)
		}
		e.completes(id, `"x!"`)
		runs.check(t, "activities of "+name, "good", "flaky", "flaky", "flaky")
	}
}

func rewindRetried(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, flaky(3, &runs))
	e.start("retried", "a", `"x"`)
	e.fails("a")
	e.control(hub.Rewind, "a")
	e.completes("a", `"x!"`)
}

func rewindRefused(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "running", "")
	e.start("echo", "completed", `"x"`)
	e.end("completed")
	for _, id := range []string{"running", "completed"} {
		_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: id})
		e.code("Control(rewind, "+id+")", err, perdure.FailedPrecondition)
	}
}
