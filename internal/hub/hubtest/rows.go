package hubtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var rowCases = []testCase{
	{"WriteAndRead", rowsWrite},
	{"Conditions", rowsConditions},
	{"WithEvent", rowsEvent},
	{"OfTurns", rowsOfTurns},
	{"Watch", rowsWatch},
	{"WatchEnds", rowsWatchEnds},
	{"Refused", rowsRefused},
	{"NoneBesidePurge", rowsNone},
	{"Hold", rowsHold},
	{"HoldByForce", rowsHoldByForce},
	{"OfActivity", rowsOfActivity},
}

// rowKind is a kind of rows that no part of Perdure uses.
const rowKind store.RowKind = 60_000

// row is a row of the suite's kind.
func row(key, value string) store.Row {
	return store.Row{Kind: rowKind, Key: []byte(key), Value: []byte(value)}
}

func (e *env) write(r *hub.WriteRows) {
	e.t.Helper()
	e.ok(e.hub.WriteRows(e.ctx, r))
}

// rows checks the rows of an instance: keys and values in turn.
func (e *env) rows(owner string, want ...string) {
	e.t.Helper()
	rows, next, err := e.hub.ReadRows(e.ctx, store.RowQuery{Kind: rowKind, Owner: owner})
	if err != nil || next != nil {
		e.t.Fatalf("ReadRows(%s) = next %q, %v", owner, next, err)
	}
	var got []string
	for _, r := range rows {
		got = append(got, string(r.Key), string(r.Value))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		e.t.Errorf("rows of %s (-want +got):\n%s", owner, diff)
	}
}

func rowsWrite(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{row("k1", "1"), row("k2", "2")}})
	e.rows("a", "k1", "1", "k2", "2")
	deleted := row("k1", "")
	deleted.Delete = true
	e.write(&hub.WriteRows{RequestID: "r1", Owner: "a", Rows: []store.Row{deleted, row("k2", "3")}})
	e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{row("k2", "4")}})
	e.write(&hub.WriteRows{RequestID: "r1", Owner: "a", Rows: []store.Row{deleted, row("k2", "3")}}) // was done before
	e.restart(echoCode)
	e.rows("a", "k2", "4")
	e.control(hub.Terminate, "a")
	e.end("a")
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
	e.rows("a")
}

func rowsConditions(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	set := func(value string, want []byte) error {
		return e.hub.WriteRows(e.ctx, &hub.WriteRows{
			Owner: "a", Rows: []store.Row{row("k", value)}, If: []hub.RowCondition{{Kind: rowKind, Key: []byte("k"), Value: want}},
		})
	}
	e.ok(set("1", nil))
	e.code("WriteRows(if absent)", set("2", nil), perdure.Conflict)
	e.code("WriteRows(if 9)", set("2", []byte("9")), perdure.Conflict)
	e.rows("a", "k", "1")
	e.ok(set("2", []byte("1")))
	e.rows("a", "k", "2")
}

// rowsEvent decides something and tells the run in one commit.
func rowsEvent(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	decide := &hub.WriteRows{
		Owner: "a", Rows: []store.Row{row("k", "yes")}, If: []hub.RowCondition{{Kind: rowKind, Key: []byte("k")}},
		Event: &hub.Raise{Name: "go", Data: text(`"yes"`)},
	}
	e.write(decide)
	e.code("WriteRows(second decision)", e.hub.WriteRows(e.ctx, decide), perdure.Conflict)
	e.completes("a", `"yes"`)
	e.rows("a", "k", "yes")
}

// rowsNone writes no rows while the instance is purged: both calls are answered.
func rowsNone(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for range 20 {
		e.start("echo", "a", `"x"`)
		e.end("a")
		const writers = 20
		done := make(chan error, writers+1)
		for n := range writers {
			go func() { done <- e.hub.WriteRows(e.ctx, &hub.WriteRows{Owner: "a"}) }()
			if n == writers/2 {
				go func() {
					_, err := e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"a"}})
					done <- err
				}()
			}
		}
		for range writers + 1 {
			if err := receive(e, done); err != nil && perdure.CodeOf(err) != perdure.NotFound {
				t.Fatal(err)
			}
		}
	}
}

// rowsOfTurns has an entity write rows.
func rowsOfTurns(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddEntityFunc(r, "log", func(ctx *perdure.EntityContext) (any, error) {
			op := perdure.OperationOf(ctx)
			op.Steps = append(op.Steps, perdure.EntityStep{Kind: perdure.EntityRows, Rows: []perdure.Row{
				{Kind: uint16(rowKind), Key: []byte(ctx.Operation()), Value: []byte("x")},
			}})
			return nil, ctx.SetState(1)
		})
	})
	e.signal("@log@k", "a", "")
	e.signal("@log@k", "b", "")
	e.settle()
	e.rows("@log@k", "a", "x", "b", "x")
}

// rowsWatch writes right after a watch has begun: nothing is missed, of one owner
// and of all.
func rowsWatch(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	e.start("wait", "b", "")
	one, err := e.hub.WatchRows(e.ctx, rowKind, "a")
	must(e, one, err)
	all, err := e.hub.WatchRows(e.ctx, rowKind, "")
	must(e, all, err)
	for range 100 {
		e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{row("k", "1")}})
		receive(e, one)
		receive(e, all)
	}
	other := row("k", "1")
	other.Kind++
	e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{other}})
	for range 3 { // they share a value
		e.write(&hub.WriteRows{Owner: "b", Rows: []store.Row{row("k", "1")}})
	}
	receive(e, all)
	if len(one) > 0 || len(all) > 0 && !e.named { // over the wire the first may have been told before the others came
		t.Errorf("%d and %d values are left of rows of another kind, another owner or that were told, want none", len(one), len(all))
	}
}

// rowsWatchEnds ends watches in each way.
func rowsWatchEnds(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "a", `"x"`)
	e.end("a")
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	watch := func(ctx context.Context, owner string) <-chan struct{} {
		t.Helper()
		w, err := e.hub.WatchRows(ctx, rowKind, owner)
		return must(e, w, err)
	}
	ended := func(what string, w <-chan struct{}) {
		t.Helper()
		select {
		case _, open := <-w:
			if open {
				t.Errorf("a watch told of a row, want that it ended with %s", what)
			}
		case <-e.ctx.Done():
			t.Fatalf("a watch did not end with %s", what)
		}
	}
	cancelled, purged, stopped := watch(ctx, "a"), watch(e.ctx, "a"), watch(e.ctx, "")
	cancel()
	ended("its context", cancelled)
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
	ended("the purge of its owner", purged)
	later := watch(e.ctx, "a") // of the next incarnation
	e.start("wait", "a", "")
	e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{row("k", "1")}})
	receive(e, later)
	receive(e, stopped)
	e.stop()
	ended("the hub", later)
	ended("the hub", stopped)
}

func rowsRefused(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.code("WriteRows(nobody)", e.hub.WriteRows(e.ctx, &hub.WriteRows{Owner: "nobody", Rows: []store.Row{row("k", "1")}}), perdure.NotFound)
	e.start("wait", "a", "")
	own := row("k", "1")
	own.Kind = 1
	e.code("WriteRows(kind of the engine)", e.hub.WriteRows(e.ctx, &hub.WriteRows{Owner: "a", Rows: []store.Row{own}}), perdure.InvalidArgument)
	foreign := row("k", "1")
	foreign.Owner = "b"
	e.code("WriteRows(another's)", e.hub.WriteRows(e.ctx, &hub.WriteRows{Owner: "a", Rows: []store.Row{foreign}}), perdure.InvalidArgument)
}

// rowsHold keeps an instance that has ended, until the row that holds it is gone.
func rowsHold(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	hold := store.Row{Kind: hub.RowHold, Key: []byte("h"), Value: []byte("not yet")}
	e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{hold}})
	e.control(hub.Terminate, "a")
	e.end("a")
	_, err := e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"a"}})
	e.code("Purge(held)", err, perdure.FailedPrecondition)
	e.purge(&hub.Purge{Filter: &store.Query{}}, 0)
	_, err = e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a"})
	e.code("Restart(held)", err, perdure.FailedPrecondition)
	e.restart(echoCode)
	_, err = e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"a"}})
	e.code("Purge(held, after a restart)", err, perdure.FailedPrecondition)
	hold.Delete = true
	e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{hold}})
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
}

// rowsHoldByForce purges what is held, and below it, which the audit tells.
func rowsHoldByForce(t *testing.T, s suite) {
	e := s.open(t, parents)
	e.start("grandparent", "a", `{"Name":"wait"}`)
	e.settle()
	hold := func(id, key, why string) {
		e.write(&hub.WriteRows{Owner: id, Rows: []store.Row{{Kind: hub.RowHold, Key: []byte(key), Value: []byte(why)}}})
	}
	hold("a", "1", "a call of pay")
	hold("a", "2", "a call of ship")
	hold("a:0001", "3", "a call of tell")
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Terminate, InstanceID: "a", Recursive: true})
	e.ok(err)
	for _, id := range []string{"a", "a:0001", "a:0001:0001"} {
		e.end(id)
	}
	_, err = e.hub.Purge(e.ctx, &hub.Purge{IDs: []string{"a"}, Recursive: true})
	e.code("Purge(held)", err, perdure.FailedPrecondition)
	if text := fmt.Sprint(err); !strings.Contains(text, "a call of pay") || !strings.Contains(text, "a call of ship") {
		t.Errorf("Purge(held) = %v, want both calls named", err)
	}
	e.purge(&hub.Purge{IDs: []string{"a"}, Recursive: true, Force: true, DryRun: true}, 3)
	e.status("a", store.Terminated)
	force := &hub.Purge{RequestID: "p", IDs: []string{"a"}, Recursive: true, Force: true}
	for range 2 { // a repeat is answered
		if _, err := e.hub.Purge(e.as("ann", "purge"), force); err != nil {
			t.Fatalf("Purge(by force) = %v", err)
		}
		e.gone("a")
		e.restart(parents)
	}
	e.gone("a:0001")
	for id, want := range map[string][]string{"a": {"a call of pay", "a call of ship"}, "a:0001": {"a call of tell"}, "a:0001:0001": nil} {
		entries := e.auditOf(id)
		if last := entries[len(entries)-1]; len(entries) != 1 || !slices.Equal(last.GivenUp, want) {
			t.Errorf("audit of %s = %d entries, the last %+v, want one that gives up %q", id, len(entries), last, want)
		}
	}
}

// rowsOfActivity has an activity write while it is wanted, and after its run was
// terminated.
func rowsOfActivity(t *testing.T, s suite) {
	running, ended := make(chan string, 1), make(chan struct{})
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "write", func(ctx context.Context, _ string) (string, error) {
			running <- perdure.Activity(ctx).Token
			<-ctx.Done()
			close(ended)
			return "", ctx.Err()
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "write", nil).Await()
		})
	})
	e.start("run", "a", "")
	token := receive(e, running)
	write := func(owner, token string) error {
		return e.hub.WriteRows(e.ctx, &hub.WriteRows{Owner: owner, Activity: token, Rows: []store.Row{row("k", token)}})
	}
	e.ok(write("a", token))
	e.code("WriteRows(forged token)", write("a", "forged"), perdure.FailedPrecondition)
	e.control(hub.Terminate, "a")
	e.end("a")
	<-ended
	e.code("WriteRows(token of a terminated run)", write("a", token), perdure.FailedPrecondition)
	e.rows("a", "k", token)
}
