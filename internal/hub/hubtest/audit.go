package hubtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/audit"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var auditCases = []testCase{
	{"EachChangeOnce", auditOnce},
	{"EntryAlone", auditAlone},
	{"Chains", auditChains},
	{"Kept", auditKept},
}

// as is the context of changes by someone.
func (e *env) as(by, action string) context.Context {
	return hub.WithActor(e.ctx, &hub.Actor{By: by, From: "10.0.0.1", Client: "suite", Action: action, Reason: "why not"})
}

// audited returns what the audit says about an instance, the oldest first. Over the wire
// it says so in the caller's name.
func (e *env) audited(id string) (list []string) {
	e.t.Helper()
	for _, a := range e.auditOf(id) {
		who := a.By
		if a.For != "" {
			who = a.For
		}
		list = append(list, fmt.Sprintf("%s: %s (%s)", who, a.Action, a.Reason))
	}
	return list
}

// auditOf returns the entries about an instance, the oldest first.
func (e *env) auditOf(id string) (list []*hub.Audit) {
	e.t.Helper()
	rows, _, err := e.hub.ReadRows(e.ctx, store.RowQuery{Kind: hub.RowAudit, Owner: id})
	e.ok(err)
	for _, row := range rows {
		a, _, err := audit.Read(row)
		e.ok(err)
		list = append(list, a)
	}
	return list
}

// whole checks all chains, which must have a number of entries.
func (e *env) whole(entries int) {
	e.t.Helper()
	r, err := audit.Check(e.ctx, e.hub, e.clock.Now(), nil, nil)
	e.ok(err)
	if r.Wrong != 0 || r.Entries != entries {
		e.t.Errorf("Check() = %d entries, %+v, want %d entries and nothing wrong", r.Entries, r.First, entries)
	}
}

// auditOnce makes changes of each kind, as someone, twice with one id, as nobody, and some
// that are refused.
func auditOnce(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		counters(r)
	})
	start := func(ctx context.Context, request string) error {
		_, err := e.hub.Start(ctx, &hub.Start{RequestID: request, Name: "wait", InstanceID: "a"})
		return err
	}
	e.ok(start(e.as("ann", "begin"), "r1"))
	e.ok(start(e.as("ann", "begin"), "r1"))
	e.code("a second Start", start(e.as("eve", "begin"), "r2"), perdure.AlreadyExists)
	control := func(ctx context.Context, kind hub.ControlKind) {
		t.Helper()
		_, err := e.hub.Control(ctx, &hub.Control{Kind: kind, InstanceID: "a"})
		e.ok(err)
	}
	control(e.as("bob", ""), hub.Suspend)
	control(e.ctx, hub.Resume)
	e.ok(e.hub.Raise(e.as("ann", "poke"), &hub.Raise{InstanceID: "a", Name: "other"}))
	e.code("Raise(nobody)", e.hub.Raise(e.as("eve", "poke"), &hub.Raise{InstanceID: "nobody", Name: "other"}), perdure.NotFound)
	e.ok(e.hub.WriteRows(e.as("ann", "note"), &hub.WriteRows{Owner: "a", Rows: []store.Row{row("k", "1")}}))
	control(e.as("bob", "end"), hub.Terminate)
	e.end("a")
	events, err := e.hub.History(e.ctx, "a", "")
	e.ok(err)
	poked := e.auditOf("a")[2]
	if !slices.ContainsFunc(events, func(x *history.Event) bool {
		raised, ok := x.Body.(*history.EventRaised)
		return ok && raised.Name == poked.Name && x.Time.Equal(poked.At)
	}) {
		t.Errorf("audit of Raise(other) = %+v, want name and time as in the history %+v", poked, events)
	}
	_, err = e.hub.Purge(e.as("ann", "purge"), &hub.Purge{IDs: []string{"a"}})
	e.ok(err)
	want := []string{"ann: begin (why not)", "bob: suspend (why not)", "ann: poke (why not)", "ann: note (why not)", "bob: end (why not)", "ann: purge (why not)"}
	if diff := cmp.Diff(want, e.audited("a")); diff != "" {
		t.Errorf("audit of a (-want +got):\n%s", diff)
	}
	e.ok(e.hub.Signal(e.as("ann", ""), &hub.Signal{InstanceID: "@counter@x", Operation: "add", Input: history.Some("1")}))
	_, err = e.hub.Ask(e.as("ann", ""), &hub.Ask{InstanceID: "@counter@x", Name: "get"})
	e.ok(err)
	if diff := cmp.Diff([]string{"ann: signal (why not)", "ann: ask (why not)"}, e.audited("@counter@x")); diff != "" {
		t.Errorf("audit of the entity (-want +got):\n%s", diff)
	}
	e.whole(8)
}

// auditAlone says that somebody has done something to what need be no instance.
func auditAlone(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.ok(e.hub.WriteRows(e.as("ann", "copy"), &hub.WriteRows{Owner: "~hub"}))
	e.code("WriteRows(nobody) by no one", e.hub.WriteRows(e.ctx, &hub.WriteRows{Owner: "nobody"}), perdure.NotFound)
	if diff := cmp.Diff([]string{"ann: copy (why not)"}, e.audited("~hub")); diff != "" {
		t.Errorf("audit of the hub (-want +got):\n%s", diff)
	}
	if _, err := e.hub.Instance(e.ctx, "~hub", false); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Instance(~hub) = %v, want not_found: nothing was made", err)
	}
	e.whole(1)
}

// auditChains has many change many instances at once, over several starts of the hub.
func auditChains(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	const many = 12
	id := func(n int) string { return fmt.Sprintf("run%d", n) }
	for n := range many {
		e.start("wait", id(n), "")
	}
	for round := range 3 {
		var calls sync.WaitGroup
		errs := make([]error, 4*many)
		for n := range errs {
			calls.Go(func() {
				// of one shard each, so that they are in each other's way
				errs[n] = e.hub.WriteRows(e.as("ann", "note"), &hub.WriteRows{Owner: fmt.Sprintf("@n%d@%d", n%3, n), Rows: nil})
				if errs[n] == nil {
					errs[n] = e.hub.Raise(e.as("ann", "poke"), &hub.Raise{InstanceID: id(n % many), Name: "other"})
				}
			})
		}
		calls.Wait()
		for _, err := range errs {
			e.ok(err)
		}
		e.whole((round + 1) * 8 * many)
		e.restart(echoCode)
	}
	e.whole(3 * 8 * many)
}

// auditKept lets the time of entries pass: they are deleted, but for the newest of each
// chain, from which it goes on.
func auditKept(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	note := func(owner string) {
		t.Helper()
		e.ok(e.hub.WriteRows(e.as("ann", "note"), &hub.WriteRows{Owner: owner}))
	}
	for range 3 {
		note("~a")
		note("~b")
	}
	sweep := func(by time.Duration) {
		t.Helper()
		e.settle()
		e.clock.Advance(by)
		e.restart(echoCode) // a hub that begins looks for what is old
		e.settle()
	}
	sweep(hub.AuditLife - time.Hour)
	e.whole(6)
	note("~a")
	sweep(2 * time.Hour)
	e.whole(2) // the new one, and the newest of the other chain
	note("~a")
	note("~b")
	e.whole(4)
	if got := e.audited("~b"); len(got) != 2 {
		t.Errorf("audit of ~b = %v, want the newest of old and the new one", got)
	}
	sweep(hub.AuditLife + time.Hour)
	e.whole(2)
}

var executionCases = []testCase{
	{"Listed", executionsListed},
	{"Purged", executionsPurged},
}

// executions returns those that a run was in before, the oldest first, as how it left them.
func (e *env) executions(id string) (left []hub.Execution) {
	e.t.Helper()
	rows, _, err := e.hub.ReadRows(e.ctx, store.RowQuery{Kind: hub.RowExecution, Owner: id})
	e.ok(err)
	for _, row := range rows {
		past, err := hub.ReadExecution(row)
		e.ok(err)
		left = append(left, *past)
	}
	return left
}

// executionsListed has a run continue as new and be rewound: what it left is listed, and
// can be read, over restarts too.
func executionsListed(t *testing.T, s suite) {
	code := func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "rounds", func(ctx *perdure.Context, n int) (string, error) {
			if n < 2 {
				return "", perdure.ContinueAsNew(ctx, n+1)
			}
			return "", fmt.Errorf("no luck")
		})
	}
	e := s.open(t, code)
	e.start("rounds", "a", "0")
	e.fails("a")
	e.advance(time.Hour)
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: "a", To: 2})
	e.ok(err)
	e.fails("a")
	check := func() {
		t.Helper()
		left := e.executions("a")
		var rewound []bool
		var ids []string
		for _, x := range left {
			rewound, ids = append(rewound, x.Rewound), append(ids, x.ID)
			events, err := e.hub.History(e.ctx, "a", x.ID)
			e.ok(err)
			if int64(len(events)) != x.Events || x.Left.Before(x.Began) {
				t.Errorf("execution %+v has %d events, want as many as listed", x, len(events))
			}
		}
		if diff := cmp.Diff([]bool{false, false, true}, rewound); diff != "" {
			t.Errorf("executions that were left by a rewind (-want +got):\n%s", diff)
		}
		if current := e.get("a").Execution; slices.Contains(ids, current) {
			t.Errorf("executions = %v, want them without the current one %s", ids, current)
		}
	}
	check()
	e.restart(code)
	check()
}

// executionsPurged has the list go with the run, and begin anew with its next incarnation.
func executionsPurged(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "twice", func(ctx *perdure.Context, n int) (int, error) {
			if n == 0 {
				return 0, perdure.ContinueAsNew(ctx, 1)
			}
			return n, nil
		})
	})
	for range 2 {
		e.start("twice", "a", "0")
		e.completes("a", "1")
		if left := e.executions("a"); len(left) != 1 {
			t.Errorf("executions = %+v, want the one that it has left", left)
		}
		_, err := e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"a"}})
		e.ok(err)
		if left := e.executions("a"); len(left) != 0 {
			t.Errorf("executions after a purge = %+v, want none", left)
		}
	}
}
