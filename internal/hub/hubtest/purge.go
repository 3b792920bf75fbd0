package hubtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var purgeCases = []testCase{
	{"ByID", purgeByID},
	{"Filter", purgeFilter},
	{"Recursive", purgeRecursive},
	{"DryRun", purgeDryRun},
	{"Running", purgeRunning},
	{"Entity", purgeEntity},
	{"EntityThatDefers", purgeDeferring},
	{"LockedEntity", purgeLocked},
	{"W42RecursiveOfRunning", purgeFamily},
	{"W42Batch", purgeBatch},
	{"W42Timeout", purgeTimeout},
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

// purgeFamily purges a run that lives with its children that have ended: nothing is
// deleted.
func purgeFamily(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "parent", func(ctx *perdure.Context, _ string) (string, error) {
			if _, err := perdure.CallOrchestrationNamed[string](ctx, "echo", "x", perdure.WithID("child")).Await(); err != nil {
				return "", err
			}
			return perdure.NewEvent[string]("go").Wait(ctx).Await()
		})
	})
	e.start("parent", "p", "")
	e.settle()
	for _, dry := range []bool{true, false} {
		_, err := e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"p"}, Recursive: true, DryRun: dry})
		e.code("Purge(running parent)", err, perdure.FailedPrecondition)
	}
	e.status("child", store.Completed)
	e.raise("p", "go", `"x"`)
	e.end("p")
	e.purge(&hub.Purge{IDs: []string{"p"}, Recursive: true}, 2)
}

func purgeBatch(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "live", "")
	for _, id := range []string{"a", "b"} {
		e.start("echo", id, `"x"`)
		e.end(id)
	}
	e.purge(&hub.Purge{IDs: []string{"a", "live", "nobody", "b"}, SkipLive: true}, 2)
	e.status("live", store.Running)
}

func purgeTimeout(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for _, id := range []string{"a", "b"} {
		e.start("echo", id, `"x"`)
		e.end(id)
	}
	for name, r := range map[string]*hub.Purge{
		"ids": {IDs: []string{"a", "b"}}, "filter": {Filter: &store.Query{}}, "family": {IDs: []string{"a"}, Recursive: true},
	} {
		r.Timeout = time.Nanosecond
		if p, err := e.hub.Purge(e.ctx, r); err != nil || p.Complete || p.Count > 0 {
			t.Errorf("Purge(%s, no time) = %+v, %v, want it incomplete", name, p, err)
		}
	}
	e.purge(&hub.Purge{Filter: &store.Query{}, Timeout: time.Minute}, 2)
}
