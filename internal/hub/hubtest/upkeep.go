package hubtest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var upkeepCases = []testCase{
	{"W41Ended", upkeepEnded},
	{"EndedInvalidCursor", upkeepCursor},
	{"W58Entities", upkeepEntities},
	{"Clean", upkeepClean},
	{"TerminateNow", upkeepTerminate},
	{"TerminateNowBeforeStart", upkeepTerminatePending},
	{"TerminateNowWithoutCode", upkeepTerminateUnknown},
}

// upkeep is the hub's Upkeep; hubs elsewhere need not have it.
func (e *env) upkeep() hub.Upkeep {
	e.t.Helper()
	u, ok := e.hub.(hub.Upkeep)
	if !ok {
		e.t.Skipf("%T has no upkeep", e.hub)
	}
	return u
}

func upkeepEnded(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	u := e.upkeep()
	e.start("wait", "late", "")
	e.start("wait", "lives", "")
	e.signal("@account@a", "deposit", "1")
	for _, id := range []string{"c", "a", "b"} {
		e.start("echo", id, `"x"`)
		e.end(id)
		e.advance(time.Second)
	}
	e.start("fail", "f", "")
	e.end("f")
	e.start("wait", "t", "")
	e.control(hub.Terminate, "t")
	e.settle()
	read := func(q hub.EndedQuery) (all []string) {
		t.Helper()
		for {
			ids, next, err := u.Ended(e.ctx, &q)
			e.ok(err)
			all = append(all, ids...)
			if next == "" {
				return all
			}
			q.After = next
		}
	}
	for _, c := range []struct {
		name string
		q    hub.EndedQuery
		want []string
	}{
		{"all", hub.EndedQuery{}, []string{"c", "a", "b", "f", "t"}},
		{"pages", hub.EndedQuery{Limit: 2}, []string{"c", "a", "b", "f", "t"}},
		{"from", hub.EndedQuery{From: epoch.Add(time.Second)}, []string{"a", "b", "f", "t"}},
		{"to", hub.EndedQuery{To: epoch.Add(time.Second)}, []string{"c"}},
		{"statuses", hub.EndedQuery{Statuses: []store.Status{store.Failed, store.Terminated, store.Running}}, []string{"f", "t"}},
		{"none that end", hub.EndedQuery{Statuses: []store.Status{store.Running}}, nil},
	} {
		if diff := cmp.Diff(c.want, read(c.q)); diff != "" {
			t.Errorf("Ended(%s) (-want +got):\n%s", c.name, diff)
		}
	}
	// Between two pages one ends, one of the first page is purged, another begun anew.
	first, next, err := u.Ended(e.ctx, &hub.EndedQuery{Limit: 2})
	e.ok(err)
	e.advance(time.Second)
	e.raise("late", "go", `"x"`)
	e.end("late")
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
	e.start("wait", "c", "", replace(history.StatusCompleted))
	e.settle()
	all := slices.Concat(first, read(hub.EndedQuery{Limit: 2, After: next}))
	if diff := cmp.Diff([]string{"c", "a", "b", "f", "t", "late"}, all); diff != "" {
		t.Errorf("Ended() with changes between its pages (-want +got):\n%s", diff)
	}
}

func upkeepCursor(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	_, _, err := e.upkeep().Ended(e.ctx, &hub.EndedQuery{After: "%"})
	e.code("Ended(bad cursor)", err, perdure.InvalidArgument)
	_, _, err = e.upkeep().Entities(e.ctx, &hub.EntityQuery{After: "%"})
	e.code("Entities(bad cursor)", err, perdure.InvalidArgument)
}

func upkeepEntities(t *testing.T, s suite) {
	e := s.open(t, lockers)
	u := e.upkeep()
	for _, k := range []string{"a", "b", "c"} {
		e.signal("@account@"+k, "deposit", "1")
		e.settle()
		e.advance(time.Second)
	}
	e.start("hold", "h", `["locked"]`)
	e.lockedBy("locked", "h")
	read := func(q hub.EntityQuery) (all []string) {
		t.Helper()
		for {
			list, next, err := u.Entities(e.ctx, &q)
			e.ok(err)
			for _, ent := range list {
				all = append(all, fmt.Sprintf("%s %v %s %s", ent.ID, ent.Modified.Sub(epoch), ent.LockedBy, ent.State.S))
			}
			if next == "" {
				return all
			}
			q.After = next
		}
	}
	for _, c := range []struct {
		name string
		q    hub.EntityQuery
		want []string
	}{
		{"all", hub.EntityQuery{}, []string{"@account@a 0s  ", "@account@b 1s  ", "@account@c 2s  "}},
		{"pages", hub.EntityQuery{Limit: 1}, []string{"@account@a 0s  ", "@account@b 1s  ", "@account@c 2s  "}},
		{"prefix", hub.EntityQuery{Prefix: "@account@b"}, []string{"@account@b 1s  "}},
		{"range", hub.EntityQuery{From: epoch.Add(time.Second), To: epoch.Add(2 * time.Second)}, []string{"@account@b 1s  "}},
		{"state", hub.EntityQuery{Prefix: "@account@a", State: true}, []string{`@account@a 0s  {"Balance":1}`}},
		{"transient", hub.EntityQuery{Transient: true, From: epoch.Add(2 * time.Second)}, []string{"@account@c 2s  ", "@account@locked 3s h "}},
	} {
		if diff := cmp.Diff(c.want, read(c.q)); diff != "" {
			t.Errorf("Entities(%s) (-want +got):\n%s", c.name, diff)
		}
	}
	e.raise("h", "end", `"done"`)
	e.completes("h", `"done"`)
	if got := read(hub.EntityQuery{Transient: true, Prefix: "@account@l"}); got != nil {
		t.Errorf("Entities() = %q, want none: an entity without state vanishes with its lock", got)
	}
}

func upkeepClean(t *testing.T, s suite) {
	e := s.open(t, lockers)
	u := e.upkeep()
	e.signal("@account@a", "deposit", "1")
	e.start("hold", "h", `["a","b"]`)
	e.lockedBy("b", "h")
	all := &hub.CleanEntities{Empty: true, Locks: true}
	if got, err := u.CleanEntities(e.ctx, all); err != nil || got != (hub.Cleaned{}) {
		t.Errorf("CleanEntities() = %+v, %v, want nothing to do", got, err)
	}
	e.lockedBy("b", "h")
	e.control(hub.Terminate, "h")
	if got, err := u.CleanEntities(e.ctx, all); err != nil || got != (hub.Cleaned{}) {
		t.Errorf("CleanEntities() = %+v, %v, want nothing to do after a holder has ended", got, err)
	}
	e.free("a")
	e.free("b")
}

func upkeepTerminate(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		lockers(r)
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "parent", func(ctx *perdure.Context, _ string) (string, error) {
			_, err := perdure.CallOrchestrationNamed[string](ctx, "wait", nil, perdure.WithID("child")).Await()
			return fmt.Sprint(err != nil), nil
		})
	})
	u := e.upkeep()
	e.start("wait", "a", "")
	e.start("wait", "suspended", "")
	e.control(hub.Suspend, "suspended")
	e.start("parent", "p", "")
	e.start("echo", "done", `"x"`)
	e.end("done")
	e.start("hold", "h", `["k"]`)
	e.lockedBy("k", "h")
	e.start("hold", "asks", `["k"]`)
	e.until("it asks", func() bool { return e.get("asks").Phase != 0 && e.get("asks").Status == store.Running })
	left, err := u.TerminateNow(e.ctx, []string{"a", "suspended", "child", "done", "h", "asks", "@account@k", "nobody", ""}, text("why"))
	e.ok(err)
	if diff := cmp.Diff([]string{"done", "h", "asks", "@account@k", "nobody", ""}, left); diff != "" {
		t.Errorf("TerminateNow() leaves alone (-want +got):\n%s", diff)
	}
	for _, id := range []string{"a", "suspended", "child"} {
		if in := e.get(id); in.Status != store.Terminated || in.Output != text("why") {
			t.Errorf("%s is %v with output %v, want terminated with its reason", id, history.Status(in.Status), in.Output)
		}
	}
	e.completes("p", `"true"`)
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=wait instance={instanceId=a executionId="$1"}
		-1 orchestratorStarted
		-1 executionTerminated input="why"
		3 executionCompleted status=terminated result="why"
		`)
	e.status("h", store.Running)
}

func upkeepTerminatePending(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", `"in"`, at(epoch.Add(time.Hour)))
	left, err := e.upkeep().TerminateNow(e.ctx, []string{"a"}, history.Text{})
	if err != nil || len(left) > 0 {
		t.Fatalf("TerminateNow() = %q, %v, want all ended", left, err)
	}
	e.status("a", store.Terminated)
	e.advance(2 * time.Hour)
	e.status("a", store.Terminated)
	if in := e.get("a"); in.Input != text(`"in"`) {
		t.Errorf("input of a = %v, want what it was started with", in.Input)
	}
}

func upkeepTerminateUnknown(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("new-code", "a", "")
	for i := range 3 {
		e.raise("a", "go", fmt.Sprint(i))
	}
	e.settle()
	e.restart(echoCode)
	left, err := e.upkeep().TerminateNow(e.ctx, []string{"a"}, text("1"))
	if err != nil || len(left) > 0 {
		t.Fatalf("TerminateNow() = %q, %v, want all ended", left, err)
	}
	e.status("a", store.Terminated)
	e.restart(echoCode)
	e.status("a", store.Terminated)
}
