package hubtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var rewindCases = []testCase{
	{"Activity", rewindActivity},
	{"Child", rewindChild},
	{"PurgedChild", rewindPurgedChild},
	{"Twice", rewindTwice},
	{"Retried", rewindRetried},
	{"HeldLock", rewindLocked},
	{"LockJustGranted", rewindGranted},
	{"Refused", rewindRefused},
}

var purgeCases = []testCase{
	{"ByID", purgeByID},
	{"Filter", purgeFilter},
	{"Recursive", purgeRecursive},
	{"DryRun", purgeDryRun},
	{"Running", purgeRunning},
	{"Entity", purgeEntity},
	{"EntityThatDefers", purgeDeferring},
	{"LockedEntity", purgeLocked},
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

func (e *env) purge(r *hub.Purge, want int) {
	e.t.Helper()
	p, err := e.hub.Purge(e.ctx, r)
	if err != nil || p.Count != want || !p.Complete {
		e.t.Errorf("Purge(%+v) = %+v, %v, want %d instances, complete", r, p, err, want)
	}
}

// gone checks that an instance is no more.
func (e *env) gone(id string) {
	e.t.Helper()
	_, err := e.hub.Instance(e.ctx, id, false)
	e.code("Instance("+id+")", err, perdure.NotFound)
}

func purgeByID(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "a", `"x"`)
	e.end("a")
	e.purge(&hub.Purge{IDs: []string{"a", "nobody"}}, 1)
	e.gone("a")
	e.purge(&hub.Purge{IDs: []string{"a"}}, 0)
	e.start("echo", "a", `"y"`)
	e.completes("a", `"y"`)
}

func purgeFilter(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for i := range 6 {
		e.start([]string{"echo", "fail"}[i%2], fmt.Sprint("i", i), `"x"`)
		e.end(fmt.Sprint("i", i))
		e.clock.Advance(time.Hour)
	}
	e.start("wait", "running", "")
	e.purge(&hub.Purge{Filter: &store.Query{Statuses: []store.Status{store.Failed}, CreatedTo: epoch.Add(90 * time.Minute)}}, 1)
	e.gone("i1")
	e.purge(&hub.Purge{Filter: &store.Query{Limit: 1}}, 5)
	e.status("running", store.Running)
}

func purgeRecursive(t *testing.T, s suite) {
	e := s.open(t, parents)
	for _, id := range []string{"a", "b"} {
		e.start("grandparent", id, `{"Name":"echo"}`)
		e.end(id)
	}
	e.purge(&hub.Purge{IDs: []string{"a"}, Recursive: true}, 3)
	e.gone("a:0001:0001")
	e.purge(&hub.Purge{IDs: []string{"b"}}, 1)
	e.status("b:0001", store.Completed)
}

func purgeDryRun(t *testing.T, s suite) {
	e := s.open(t, parents)
	e.start("grandparent", "a", `{"Name":"echo"}`)
	e.end("a")
	e.start("wait", "w", "")
	e.purge(&hub.Purge{IDs: []string{"a"}, Recursive: true, DryRun: true}, 3)
	e.purge(&hub.Purge{Filter: &store.Query{}, DryRun: true}, 3)
	e.status("a", store.Completed)
	e.status("a:0001", store.Completed)
}

func purgeRunning(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	_, err := e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"a"}})
	e.code("Purge(running)", err, perdure.FailedPrecondition)
	e.status("a", store.Running)
	e.purge(&hub.Purge{Filter: &store.Query{}}, 0)
	e.status("a", store.Running)
}

func purgeEntity(t *testing.T, s suite) {
	e := s.open(t, counters)
	e.signal("@counter@k", "add", "1")
	e.settle()
	e.purge(&hub.Purge{IDs: []string{"@counter@k"}}, 1)
	e.gone("@counter@k")
	e.signal("@counter@k", "add", "5")
	e.state("@counter@k", "5")
}

// purgeDeferring purges an entity that owes answers to an orchestration and to a
// client.
func purgeDeferring(t *testing.T, s suite) {
	e := s.open(t, deferring)
	e.start("call", "a", "")
	e.settle()
	answered := make(chan error, 1)
	go func() {
		_, err := e.ask("@queue@k", "wait", "", "")
		answered <- err
	}()
	for ent, err := e.hub.Entity(e.ctx, "@queue@k"); !strings.Contains(ent.State.S, ","); ent, err = e.hub.Entity(e.ctx, "@queue@k") {
		must(e, ent, err)
	}
	e.purge(&hub.Purge{IDs: []string{"@queue@k"}}, 1)
	if err := receive(e, answered); err == nil || !strings.Contains(err.Error(), "deleted") {
		t.Errorf("Ask() = %v, want that the entity was deleted", err)
	}
	if f := e.fails("a"); !strings.Contains(failureText(f), "deleted") {
		t.Errorf("failure = %s, want that the entity was deleted", failureText(f))
	}
	e.gone("@queue@k")
}

// purgeLocked purges an entity that is held: others wait on, and an unlock that
// came before its request is not forgotten.
func purgeLocked(t *testing.T, s suite) {
	e := s.open(t, lockers)
	e.signal("@account@a", "deposit", "10")
	e.settle()
	e.start("hold", "h", `["a"]`)
	e.lockedBy("a", "h")
	e.start("hold", "next", `["a"]`)
	e.settle()
	e.purge(&hub.Purge{IDs: []string{"@account@a"}}, 1)
	e.lockedBy("a", "h")
	if ent, err := e.hub.Entity(e.ctx, "@account@a"); err != nil || ent.State.Set {
		t.Errorf("Entity(purged) = %+v, %v, want no state", ent, err)
	}
	e.restart(lockers)
	e.lockedBy("a", "h")
	e.raise("h", "end", `"done"`)
	e.completes("h", `"done"`)
	e.lockedBy("a", "next")
	e.purge(&hub.Purge{IDs: []string{"@account@a"}}, 1)
	e.raise("next", "end", `"done"`)
	e.completes("next", `"done"`)
	e.gone("@account@a")
}
