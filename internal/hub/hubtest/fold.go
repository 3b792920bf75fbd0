package hubtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var foldCases = []testCase{
	{"Drops", foldDrops},
	{"Failed", foldFailed},
	{"InEachStatus", foldStatuses},
	{"AtOnce", foldAtOnce},
	{"StartedByEntity", foldByEntity},
	{"StartedByOrchestration", foldByOrchestration},
	{"AfterContinueAsNew", foldContinued},
	{"WhileDown", foldWhileDown},
	{"NotAfterRewind", foldRewound},
	{"NotAfterReplace", foldReplaced},
	{"NotAfterPurge", foldPurged},
	{"RewoundParent", foldRewoundParent},
	{"Restart", foldRestart},
	{"Refused", foldRefused},
	{"Unasked", foldUnasked},
}

// foldKind is a kind of rows that the suite's runs name as foldable.
const foldKind = rowKind + 1

func fold(after time.Duration) startOption {
	return func(s *hub.Start) { s.Fold = &perdure.Fold{After: after, Rows: []uint16{uint16(foldKind)}} }
}

// foldCode registers, beside the code of echoCode, the orchestration big, which
// has payloads that are stored apart, and those that start runs with a fold.
func foldCode(r *perdure.Registry) {
	echoCode(r)
	perdure.AddActivityNamed(r, "large", func(context.Context, string) (string, error) { return strings.Repeat("x", 40_000), nil })
	perdure.AddOrchestrationNamed(r, "big", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.CallNamed[string](ctx, "large", "").Await()
	})
	perdure.AddOrchestrationNamed(r, "again", func(ctx *perdure.Context, n int) (int, error) {
		if _, err := perdure.CallNamed[string](ctx, "echo", "x").Await(); err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, nil
		}
		return 0, perdure.ContinueAsNew(ctx, n-1)
	})
	perdure.AddOrchestrationNamed(r, "parent", func(ctx *perdure.Context, in string) (string, error) {
		if _, err := perdure.StartOrchestration(ctx, "echo", in, perdure.WithID("detached"), perdure.WithFold(time.Hour)); err != nil {
			return "", err
		}
		return perdure.CallOrchestrationNamed[string](ctx, "echo", in, perdure.WithID("child"), perdure.WithFold(time.Hour)).Await()
	})
	perdure.AddOrchestrationNamed(r, "unlucky", func(ctx *perdure.Context, _ string) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, "fail", "", perdure.WithID("child"), perdure.WithFold(time.Hour)).Await()
	})
	perdure.AddEntityFunc(r, "starter", func(ctx *perdure.EntityContext) (any, error) {
		_, err := ctx.StartOrchestration("echo", "x", perdure.WithID("started"), perdure.WithFold(time.Hour, uint16(foldKind)))
		return nil, errors.Join(err, ctx.SetState(1))
	})
}

// isFolded checks that the history and payloads of a run are gone, since d after
// the test began.
func (e *env) isFolded(id string, d time.Duration) {
	e.t.Helper()
	in := e.get(id)
	if in.Folded.Sub(epoch) != d || in.Input.Set || in.Output.Set || in.HistoryBytes != 0 {
		e.t.Errorf("%s = folded at %v, input %v, output %v, %d bytes of history; want it folded after %v",
			id, in.Folded, in.Input, in.Output, in.HistoryBytes, d)
	}
	events, err := e.hub.History(e.ctx, id, "")
	if perdure.CodeOf(err) != perdure.FailedPrecondition || len(events) != 0 {
		e.t.Errorf("History(%s, folded) = %d events, %v, want code %v", id, len(events), err, perdure.FailedPrecondition)
	}
	for _, kind := range []store.RowKind{1, 5, 6, 7, foldKind} {
		if rows, _, err := e.hub.ReadRows(e.ctx, store.RowQuery{Kind: kind, Owner: id}); err != nil || len(rows) > 0 {
			e.t.Errorf("%d rows of kind %d are left of %s, %v", len(rows), kind, id, err)
		}
	}
}

// isWhole checks that a run has its history.
func (e *env) isWhole(id string) {
	e.t.Helper()
	events, err := e.hub.History(e.ctx, id, "")
	if in := e.get(id); err != nil || len(events) == 0 || !in.Folded.IsZero() {
		e.t.Errorf("%s has %d events, %v, folded at %v; want its history", id, len(events), err, in.Folded)
	}
}

func foldDrops(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	big := fmt.Sprintf("%q", strings.Repeat("i", 40_000))
	e.start("big", "a", big, fold(time.Hour), tags(map[string]string{"k": "v"}))
	e.start("echo", "other", big)
	e.end("other")
	before := e.end("a")
	stays, goes := row("k", "stays"), row("k", "goes")
	goes.Kind = foldKind
	e.write(&hub.WriteRows{Owner: "a", Rows: []store.Row{stays, goes}})
	e.advance(time.Hour - time.Microsecond)
	if in := e.get("a"); in.Input.S != big || len(in.Output.S) < 40_000 {
		t.Errorf("an hour less a moment after the end input %d, output %d bytes; want both", len(in.Input.S), len(in.Output.S))
	}
	e.isWhole("a")
	e.advance(time.Microsecond)
	e.isFolded("a", time.Hour)
	e.rows("a", "k", "stays")
	in := e.get("a")
	if in.Status != before.Status || in.Name != "big" || in.Tags["k"] != "v" || !in.Completed.Equal(before.Completed) ||
		!in.Updated.Equal(before.Updated) || in.Incarnation != before.Incarnation || in.Execution != before.Execution {
		t.Errorf("folded = %+v, want what lists show as before: %+v", in, before)
	}
	waited, err := e.hub.WaitCompletion(e.ctx, "a")
	if must(e, waited, err); waited.Folded.IsZero() || waited.Output.Set {
		t.Errorf("WaitCompletion(folded) = folded at %v, output %v", waited.Folded, waited.Output)
	}
	e.restart(foldCode)
	e.isFolded("a", time.Hour)
	e.isWhole("other")
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
	e.rows("a")
}

func foldFailed(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("fail", "a", "", fold(time.Hour))
	before := e.fails("a")
	e.advance(time.Hour)
	e.isFolded("a", time.Hour)
	if f := e.get("a").Failure; f == nil || f.Type != before.Type || f.Message != before.Message {
		t.Errorf("failure of a folded run = %+v, want %+v", f, before)
	}
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Rewind, InstanceID: "a"})
	e.code("Rewind(folded)", err, perdure.FailedPrecondition)
	_, err = e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a"})
	e.code("Restart(folded)", err, perdure.FailedPrecondition)
	_, err = e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a", NewID: true})
	e.code("Restart(folded, new id)", err, perdure.FailedPrecondition)
	e.isFolded("a", time.Hour)
}

func foldStatuses(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	for i, kind := range []hub.ControlKind{hub.Terminate, hub.Cancel} {
		id := fmt.Sprint("i", i)
		e.start("wait", id, "", fold(time.Minute))
		e.settle()
		e.control(kind, id)
	}
	e.start("wait", "later", "", at(epoch.Add(time.Hour)), fold(time.Minute))
	e.control(hub.Terminate, "later")
	e.advance(time.Minute)
	for _, id := range []string{"i0", "i1", "later"} {
		e.isFolded(id, time.Minute)
	}
}

func foldAtOnce(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("echo", "a", `"x"`, fold(0))
	e.end("a")
	e.settle()
	e.isFolded("a", 0)
}

func foldByEntity(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.signal("@starter@k", "go", "")
	e.settle()
	goes := row("k", "goes")
	goes.Kind = foldKind
	e.write(&hub.WriteRows{Owner: "started", Rows: []store.Row{goes}})
	e.isWhole("started")
	e.advance(time.Hour)
	e.isFolded("started", time.Hour)
}

func foldByOrchestration(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("parent", "p", `"x"`)
	e.completes("p", `"x"`)
	e.advance(time.Hour)
	e.isFolded("child", time.Hour)
	e.isFolded("detached", time.Hour)
	e.isWhole("p")
}

func foldContinued(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	first := e.start("again", "a", "3", fold(time.Hour))
	e.completes("a", "0")
	if events, err := e.hub.History(e.ctx, "a", first.ExecutionID); err != nil || len(events) == 0 {
		t.Errorf("History(first execution) = %d events, %v, want it kept until the fold", len(events), err)
	}
	e.advance(time.Hour)
	e.isFolded("a", time.Hour)
	if events, err := e.hub.History(e.ctx, "a", first.ExecutionID); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("History(first execution, folded) = %d events, %v", len(events), err)
	}
}

func foldWhileDown(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("echo", "a", `"x"`, fold(time.Hour))
	e.end("a")
	e.stop()
	e.clock.Advance(10 * 24 * time.Hour)
	e.run(foldCode)
	e.settle()
	e.isFolded("a", 10*24*time.Hour)
}

// foldRewound rewinds a run that is to be folded: only its second end counts.
func foldRewound(t *testing.T, s suite) {
	var runs probe
	code := flaky(1, &runs)
	e := s.open(t, code)
	e.start("run", "a", `"x"`, fold(time.Hour))
	e.fails("a")
	e.advance(30 * time.Minute)
	e.control(hub.Rewind, "a")
	e.completes("a", `"x!"`)
	if next := e.settle(); next.Sub(epoch) != 90*time.Minute {
		t.Errorf("after the rewind something is due after %v, want only the fold after 90 minutes", next.Sub(epoch))
	}
	e.advance(45 * time.Minute)
	e.isWhole("a")
	e.advance(15 * time.Minute)
	e.isFolded("a", 90*time.Minute)
	if next := e.settle(); !next.IsZero() {
		t.Errorf("after the fold something is due at %v, want nothing", next)
	}
	runs.check(t, "activities", "good", "flaky", "flaky")
}

func foldReplaced(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("echo", "a", `"x"`, fold(time.Hour))
	e.end("a")
	e.advance(59 * time.Minute) // the timer is in memory now
	e.start("echo", "a", `"y"`, replace(history.StatusCompleted), fold(2*time.Hour))
	e.end("a")
	e.advance(time.Hour)
	e.isWhole("a")
	e.advance(time.Hour)
	e.isFolded("a", 59*time.Minute+2*time.Hour)
}

func foldPurged(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("echo", "a", `"x"`, fold(time.Hour))
	e.end("a")
	e.advance(59 * time.Minute)
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
	e.start("echo", "a", `"y"`)
	e.completes("a", `"y"`)
	e.advance(time.Hour)
	e.isWhole("a")
}

// foldRewoundParent rewinds a run whose failed child was folded: what the child
// had done is not known any more and is not done again.
func foldRewoundParent(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("unlucky", "p", "")
	e.fails("p")
	e.advance(time.Hour)
	e.isFolded("child", time.Hour)
	e.control(hub.Rewind, "p")
	if f := e.fails("p"); !strings.Contains(failureText(f), "fold") {
		t.Errorf("failure of the rewound parent = %s, want that the child was folded", failureText(f))
	}
	e.isFolded("child", time.Hour)
	e.purge(&hub.Purge{IDs: []string{"child"}}, 1)
	e.control(hub.Rewind, "p")
	if f := e.fails("p"); !strings.Contains(failureText(f), "no luck") {
		t.Errorf("failure after the purge of the child = %s, want that it ran", failureText(f))
	}
	e.advance(time.Hour)
	e.isFolded("child", 2*time.Hour)
}

func foldRestart(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("echo", "a", `"x"`, fold(time.Hour))
	e.end("a")
	e.advance(30 * time.Minute)
	again := &hub.Control{RequestID: "r", Kind: hub.Restart, InstanceID: "a"}
	_, err := e.hub.Control(e.ctx, again)
	e.ok(err)
	e.completes("a", `"x"`)
	anew := &hub.Control{RequestID: "n", Kind: hub.Restart, InstanceID: "a", NewID: true}
	fresh, err := e.hub.Control(e.ctx, anew)
	e.ok(err)
	e.advance(59 * time.Minute)
	e.isWhole("a")
	e.advance(time.Minute)
	e.isFolded("a", 90*time.Minute)
	_, err = e.hub.Control(e.ctx, again)
	e.ok(err) // it is known, and nothing happens
	if id, err := e.hub.Control(e.ctx, anew); err != nil || id != fresh {
		t.Errorf("Control(restart under a new id, repeated) = %q, %v, want %q again", id, err, fresh)
	}
	e.isFolded("a", 90*time.Minute)
	_, err = e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a", Input: text(`"y"`)})
	e.ok(err)
	e.completes("a", `"y"`)
	e.isWhole("a")
}

func foldRefused(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	_, err := e.tryStart("echo", "a", "", fold(-1))
	e.code("Start(negative fold)", err, perdure.InvalidArgument)
	_, err = e.tryStart("echo", "a", "", func(s *hub.Start) { s.Fold = &perdure.Fold{Rows: []uint16{2}} })
	e.code("Start(fold of the runtime's rows)", err, perdure.InvalidArgument)
}

// foldUnasked lets much time pass over runs that were started without a fold.
func foldUnasked(t *testing.T, s suite) {
	e := s.open(t, foldCode)
	e.start("echo", "a", `"x"`)
	before := e.end("a")
	e.advance(1000 * time.Hour)
	e.isWhole("a")
	if in := e.get("a"); in.Record.Version != before.Record.Version && !e.named {
		t.Errorf("its version = %d, want %d as before", in.Record.Version, before.Record.Version)
	}
}
