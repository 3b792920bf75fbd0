package hubtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var lockCases = []testCase{
	{"Transfer", lockTransfer},
	{"Excludes", lockExcludes},
	{"OppositeOrders", lockOrders},
	{"Released", lockReleased},
	{"HolderEndsWhileAcquiring", lockEndedAcquiring},
	{"HolderPurged", lockPurged},
	{"UnlockWithoutRequest", lockForgotten},
	{"Nested", lockNested},
	{"AfterRestart", lockRestart},
}

var limitCases = []testCase{
	{"Bounds", limitBounds},
	{"FreedByCancel", limitFreed},
}

func entity(key string) perdure.EntityID { return perdure.NewEntityID("account", key) }

// lockers registers accounts and orchestrations that lock them.
func lockers(r *perdure.Registry) {
	perdure.AddEntity[account](r, "account")
	perdure.AddOrchestrationNamed(r, "transfer", func(ctx *perdure.Context, keys []string) (string, error) {
		from, to := entity(keys[0]), entity(keys[1])
		unlock, err := perdure.Lock(ctx, from, to)
		if err != nil {
			return "", err
		}
		defer unlock()
		if _, err := perdure.CallEntity[int](ctx, from, "withdraw", 1).Await(); err != nil {
			return "", err
		}
		_, err = perdure.CallEntity[int](ctx, to, "deposit", 1).Await()
		return "done", err
	})
	// hold locks the accounts and ends in the way that it is told.
	perdure.AddOrchestrationNamed(r, "hold", func(ctx *perdure.Context, keys []string) (string, error) {
		if len(keys) == 0 {
			return "continued", nil
		}
		var ids []perdure.EntityID
		for _, k := range keys {
			ids = append(ids, entity(k))
		}
		unlock, err := perdure.Lock(ctx, ids...)
		if err != nil {
			return "", err
		}
		ctx.SetCustomStatus("held")
		how, err := perdure.NewEvent[string]("end").Wait(ctx).Await()
		switch how {
		case "fail":
			return "", errors.New("failed")
		case "panic":
			panic("boom")
		case "continue":
			return "", perdure.ContinueAsNew(ctx, []string{})
		case "unlock":
			unlock()
			_, err = perdure.NewEvent[string]("end").Wait(ctx).Await()
		}
		return how, err
	})
}

func lockTransfer(t *testing.T, s suite) {
	e := s.open(t, lockers)
	for _, k := range []string{"a", "b", "c"} {
		e.signal("@account@"+k, "deposit", "100")
	}
	pairs := [][2]string{{"a", "b"}, {"b", "a"}, {"b", "c"}, {"c", "b"}, {"a", "c"}, {"c", "a"}}
	for i := range 60 {
		p := pairs[i%len(pairs)]
		e.start("transfer", fmt.Sprint("t", i), fmt.Sprintf(`["%s","%s"]`, p[0], p[1]))
	}
	for i := range 60 {
		e.completes(fmt.Sprint("t", i), `"done"`)
	}
	for _, k := range []string{"a", "b", "c"} {
		e.state("@account@"+k, `{"Balance":100}`)
		e.free(k)
	}
	if e.outside {
		return // which comes first is open
	}
	e.script("t0", "", `
		-1 orchestratorStarted
		0 executionStarted name=transfer input=`+"`"+`["a","b"]`+"`"+` instance={instanceId=t0 executionId="$1"}
		1 entityLockRequested criticalSectionId=$2 lockSet=[@account@a @account@b]
		-1 orchestratorStarted
		-1 entityLockGranted criticalSectionId=$2 lockSet=[@account@a @account@b] parentExecutionId="$1"
		2 entityOperationCalled requestId=$3 operation=withdraw input="1" targetInstanceId="@account@a"
		-1 orchestratorStarted
		-1 entityOperationCompleted requestId=$3 output="99"
		3 entityOperationCalled requestId=$4 operation=deposit input="1" targetInstanceId="@account@b"
		-1 orchestratorStarted
		-1 entityOperationCompleted requestId=$4 output="101"
		4 entityUnlockSent criticalSectionId=$2 targetInstanceId="@account@a"
		5 entityUnlockSent criticalSectionId=$2 targetInstanceId="@account@b"
		6 executionCompleted status=completed result=`+"`\"done\"`"+`
		`)
}

// free checks that nobody holds an account.
func (e *env) free(key string) {
	e.t.Helper()
	e.settle()
	if ent, err := e.hub.Entity(e.ctx, "@account@"+key); err == nil && (ent.LockedBy != "" || ent.Queue != 0) {
		e.t.Errorf("%s is locked by %q, %d operations wait; want it free", key, ent.LockedBy, ent.Queue)
	}
}

func (e *env) lockedBy(key, holder string) {
	e.t.Helper()
	e.settle()
	ent, err := e.hub.Entity(e.ctx, "@account@"+key)
	if err != nil || ent.LockedBy != holder {
		e.t.Errorf("Entity(%s) = %+v, %v, want it locked by %s", key, ent, err, holder)
	}
}

func lockExcludes(t *testing.T, s suite) {
	e := s.open(t, lockers)
	e.signal("@account@a", "deposit", "10")
	e.settle()
	e.start("hold", "h", `["a","b"]`)
	e.lockedBy("a", "h")
	e.lockedBy("b", "h")
	e.signal("@account@a", "deposit", "1")
	e.settle()
	e.start("transfer", "t", `["a","b"]`)
	e.status("t", store.Running)
	if ent, err := e.hub.Entity(e.ctx, "@account@a"); err != nil || ent.State.S != `{"Balance":10}` || ent.Queue == 0 {
		t.Errorf("Entity(a) = %+v, %v, want a balance of 10 and operations that wait", ent, err)
	}
	e.restart(lockers)
	e.status("t", store.Running)
	e.raise("h", "end", `"unlock"`)
	e.completes("t", `"done"`)
	e.state("@account@a", `{"Balance":10}`)
	e.state("@account@b", `{"Balance":1}`)
	e.status("h", store.Running)
	e.raise("h", "end", "")
	e.completes("h", `"unlock"`)
}

// lockOrders has holders ask for the same locks in opposite orders.
func lockOrders(t *testing.T, s suite) {
	e := s.open(t, lockers)
	sets := []string{`["a","b","c"]`, `["c","b","a"]`, `["b","c"]`, `["c","a"]`}
	for i := range 20 {
		id := fmt.Sprint("h", i)
		e.start("hold", id, sets[i%len(sets)])
		e.raise(id, "end", `"done"`)
	}
	for i := range 20 {
		e.completes(fmt.Sprint("h", i), `"done"`)
	}
	for _, k := range []string{"a", "b", "c"} {
		e.free(k)
	}
}

func lockReleased(t *testing.T, s suite) {
	e := s.open(t, lockers)
	ends := map[string]func(id string){
		"complete":  func(id string) { e.raise(id, "end", `"done"`) },
		"fail":      func(id string) { e.raise(id, "end", `"fail"`) },
		"panic":     func(id string) { e.raise(id, "end", `"panic"`) },
		"continue":  func(id string) { e.raise(id, "end", `"continue"`) },
		"terminate": func(id string) { e.control(hub.Terminate, id) },
		"cancel":    func(id string) { e.control(hub.Cancel, id) },
		"replace": func(id string) {
			e.start("hold", id, "[]", replace(history.StatusRunning, history.StatusTerminated))
		},
		"restarted": func(id string) {
			e.restart(lockers)
			e.control(hub.Terminate, id)
		},
	}
	for how, end := range ends {
		e.start("hold", how, `["a","b"]`)
		e.lockedBy("b", how)
		end(how)
		e.end(how)
		e.free("a")
		e.free("b")
		if got, err := e.ask("@account@b", "deposit", "", "1"); err != nil {
			t.Errorf("after %s Ask(deposit) = %s, %v", how, got, err)
		}
	}
}

// lockEndedAcquiring ends an orchestration that holds one lock and waits for
// another.
func lockEndedAcquiring(t *testing.T, s suite) {
	e := s.open(t, lockers)
	e.start("hold", "first", `["b"]`)
	e.lockedBy("b", "first")
	e.start("hold", "waits", `["a","b"]`)
	e.lockedBy("a", "waits")
	e.control(hub.Terminate, "waits")
	e.status("waits", store.Terminated)
	e.free("a")
	e.lockedBy("b", "first")
	e.raise("first", "end", `"done"`)
	e.completes("first", `"done"`)
	e.free("b")
	e.signal("@account@b", "deposit", "1")
	e.settle() // it must be there before it is taken out
	e.start("transfer", "t", `["b","a"]`)
	e.completes("t", `"done"`)
	e.free("a")
	e.free("b")
}

// lockForgotten ends an orchestration before its request has come to the last
// entity, and never will: the unlock there is forgotten in time.
func lockForgotten(t *testing.T, s suite) {
	e := s.open(t, lockers)
	e.start("hold", "first", `["b"]`)
	e.lockedBy("b", "first")
	e.start("hold", "waits", `["a","b","c"]`)
	e.lockedBy("a", "waits")
	e.control(hub.Terminate, "waits")
	e.status("waits", store.Terminated)
	e.raise("first", "end", `"done"`)
	e.completes("first", `"done"`)
	e.advance(30 * time.Minute)
	e.purge(&hub.Purge{IDs: []string{"@account@c"}}, 1)
	if ent, err := e.hub.Entity(e.ctx, "@account@c"); err != nil || ent.State.Set || ent.LockedBy != "" {
		t.Errorf("Entity(unlocked early, purged) = %+v, %v, want it without state and lock", ent, err)
	}
	e.restart(lockers)
	e.advance(30 * time.Minute)
	for _, key := range []string{"a", "b", "c"} {
		e.gone("@account@" + key)
	}
	if next := e.settle(); !next.IsZero() {
		t.Errorf("something is due at %v, want nothing", next)
	}
}

func lockPurged(t *testing.T, s suite) {
	e := s.open(t, lockers)
	e.start("hold", "h", `["a"]`)
	e.lockedBy("a", "h")
	e.control(hub.Terminate, "h")
	e.end("h")
	e.purge(&hub.Purge{IDs: []string{"h"}}, 1)
	e.free("a")
	e.start("hold", "h", `["a"]`)
	e.lockedBy("a", "h")
}

func lockNested(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		lockers(r)
		perdure.AddOrchestrationNamed(r, "nested", func(ctx *perdure.Context, _ string) (string, error) {
			unlock, err := perdure.Lock(ctx, entity("a"))
			if err != nil {
				return "", err
			}
			defer unlock()
			_, err = perdure.Lock(ctx, entity("b"))
			return perdure.CodeOf(err).String(), nil
		})
	})
	e.start("nested", "n", "")
	e.completes("n", `"failed_precondition"`)
	e.free("a")
}

func lockRestart(t *testing.T, s suite) {
	e := s.open(t, lockers)
	e.start("hold", "h", `["a","b"]`)
	e.lockedBy("b", "h")
	e.start("hold", "next", `["b","a"]`)
	e.settle()
	e.restart(lockers)
	e.lockedBy("a", "h")
	e.raise("h", "end", `"done"`)
	e.completes("h", `"done"`)
	e.lockedBy("b", "next")
	e.raise("next", "end", `"done"`)
	e.completes("next", `"done"`)
	e.free("a")
	e.free("b")
}

// limited registers an activity of which two may run at a time.
func limited(began chan string, hold chan struct{}) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "scarce", func(ctx context.Context, in string) (string, error) {
			began <- in
			select {
			case <-hold:
				return in, nil
			case <-ctx.Done():
				return "", ctx.Err()
			}
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.CallNamed[string](ctx, "scarce", in, perdure.WithLimit("key", 2)).Await()
		})
		perdure.AddOrchestrationNamed(r, "free", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.CallNamed[string](ctx, "scarce", in).Await()
		})
	}
}

func limitBounds(t *testing.T, s suite) {
	began, hold := make(chan string, 99), make(chan struct{})
	e := s.open(t, limited(began, hold))
	for i := range 6 {
		e.start("run", fmt.Sprint("r", i), `"limited"`)
	}
	e.start("free", "f", `"free"`)
	for range 3 {
		receive(e, began)
	}
	if n := len(began); n > 0 {
		t.Errorf("%d more activities run than the limit allows", n)
	}
	close(hold)
	for i := range 6 {
		e.completes(fmt.Sprint("r", i), `"limited"`)
	}
	e.completes("f", `"free"`)
	if n := len(began); n != 4 {
		t.Errorf("%d activities ran later, want 4", n)
	}
}

func limitFreed(t *testing.T, s suite) {
	began, hold := make(chan string, 99), make(chan struct{})
	e := s.open(t, limited(began, hold))
	for _, id := range []string{"a", "b"} {
		e.start("run", id, `"`+id+`"`)
		receive(e, began)
	}
	for _, id := range []string{"waits", "next"} {
		e.start("run", id, `"`+id+`"`)
	}
	e.control(hub.Terminate, "waits") // it has no place yet
	_, err := e.hub.WaitCompletion(e.ctx, "waits")
	e.ok(err)
	e.control(hub.Terminate, "a")
	if got := receive(e, began); got != "next" {
		t.Errorf("%s runs, want next", got)
	}
	e.restart(limited(began, hold))
	receive(e, began)
	receive(e, began)
	close(hold)
	e.completes("b", `"b"`)
	e.completes("next", `"next"`)
	e.advance(time.Minute)
	if len(began) > 0 {
		t.Errorf("%s ran again", <-began)
	}
}
