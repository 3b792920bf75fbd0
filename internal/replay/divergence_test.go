package replay_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

type code = func(*perdure.Context, struct{}) (string, error)

// recordedCode is the program that wrote the history of the divergence tests.
func recordedCode(ctx *perdure.Context, _ struct{}) (string, error) {
	a := call(ctx, "A")
	timer := ctx.Timer(time.Hour)
	_ = timer.Await()
	child := perdure.CallOrchestrationNamed[string](ctx, "Child", 1, perdure.WithID("child-1"))
	_, _ = child.Await()
	_ = perdure.SignalEntity(ctx, perdure.NewEntityID("e", "1"), "op", nil)
	_ = event.Send(ctx, "other", 1)
	_, _ = event.Wait(ctx).Await()
	b := call(ctx, "B")
	return a + b, ctx.Timer(time.Hour).Await()
}

var event = perdure.NewEvent[int]("event")

func call(ctx *perdure.Context, name string) string {
	v, _ := perdure.CallNamed[string](ctx, name, "x").Await()
	return v
}

// record runs recordedCode up to its last wait.
func recordHistory(t *testing.T) *run {
	t.Helper()
	r := orchestrate(t, "", recordedCode)
	r.start()
	r.turn(done(1, `"a"`))
	r.turn(fired(2))
	r.turn(&history.SubOrchestrationInstanceCompleted{TaskScheduledID: 3, Result: history.Some(`"c"`)})
	r.turn(raise("event", "1"))
	r.turn(done(6, `"b"`))
	return r
}

// replayWith replays the history of r with other code and gives it one more turn.
func (r *run) replayWith(t *testing.T, other code) engine.TurnResult {
	t.Helper()
	then := orchestrate(t, "", other)
	cold := then.runner.Open(r.id, r.exec)
	defer cold.Evict()
	return cold.Turn(r.past, r.fresh(fired(7)))
}

func TestT15_ClassicCodeChangesDiverge(t *testing.T) {
	type context = *perdure.Context
	tail := func(ctx context) {
		_ = event.Send(ctx, "other", 1)
		_, _ = event.Wait(ctx).Await()
		call(ctx, "B")
		_ = ctx.Timer(time.Hour).Await()
	}
	middle := func(ctx context) {
		_, _ = perdure.CallOrchestrationNamed[string](ctx, "Child", 1, perdure.WithID("child-1")).Await()
		_ = perdure.SignalEntity(ctx, perdure.NewEntityID("e", "1"), "op", nil)
		tail(ctx)
	}
	changes := []struct {
		name     string
		code     func(context)
		expected string
		got      string
	}{
		{"renamed activity", func(ctx context) { call(ctx, "A2") }, `1 taskScheduled "A"`, `1 taskScheduled "A2"`},
		{"activity added before", func(ctx context) { call(ctx, "New"); call(ctx, "A") }, `1 taskScheduled "A"`, `1 taskScheduled "New"`},
		{"activity added beside", func(ctx context) {
			perdure.CallNamed[string](ctx, "A", "x")
			perdure.CallNamed[string](ctx, "New", "x").Await()
		}, `end of the turn`, `2 taskScheduled "New"`},
		{"first activity removed", func(ctx context) { _ = ctx.Timer(time.Hour).Await() }, `1 taskScheduled "A"`, `1 timerCreated`},
		{"activities swapped", func(ctx context) { call(ctx, "B"); call(ctx, "A") }, `1 taskScheduled "A"`, `1 taskScheduled "B"`},
		{"timer replaced by activity", func(ctx context) { call(ctx, "A"); call(ctx, "Sleep") }, `2 timerCreated`, `2 taskScheduled "Sleep"`},
		{"timer removed", func(ctx context) { call(ctx, "A"); middle(ctx) }, `2 timerCreated`, `2 subOrchestrationInstanceCreated "Child" to "child-1"`},
		{"timer not awaited", func(ctx context) { call(ctx, "A"); ctx.Timer(time.Hour); middle(ctx) }, `end of the turn`, `3 subOrchestrationInstanceCreated "Child" to "child-1"`},
		{"returns early", func(ctx context) { call(ctx, "A") }, `2 timerCreated`, `2 executionCompleted "completed"`},
		{"returns at once", func(context) {}, `1 taskScheduled "A"`, `1 executionCompleted "completed"`},
		{"activity becomes a child", func(ctx context) {
			perdure.CallOrchestrationNamed[string](ctx, "A", "x").Await()
		}, `1 taskScheduled "A"`, `1 subOrchestrationInstanceCreated "A"`},
		{"child's id changed", func(ctx context) {
			call(ctx, "A")
			_ = ctx.Timer(time.Hour).Await()
			perdure.CallOrchestrationNamed[string](ctx, "Child", 1, perdure.WithID("child-2")).Await()
		}, `3 subOrchestrationInstanceCreated "Child" to "child-1"`, `3 subOrchestrationInstanceCreated "Child" to "child-2"`},
		{"child's name changed", func(ctx context) {
			call(ctx, "A")
			_ = ctx.Timer(time.Hour).Await()
			perdure.CallOrchestrationNamed[string](ctx, "Kid", 1, perdure.WithID("child-1")).Await()
		}, `3 subOrchestrationInstanceCreated "Child" to "child-1"`, `3 subOrchestrationInstanceCreated "Kid" to "child-1"`},
		{"signal to another entity", func(ctx context) {
			call(ctx, "A")
			_ = ctx.Timer(time.Hour).Await()
			perdure.CallOrchestrationNamed[string](ctx, "Child", 1).Await()
			_ = perdure.SignalEntity(ctx, perdure.NewEntityID("e", "2"), "op", nil)
		}, `4 entityOperationSignaled "op" to "@e@1"`, `4 entityOperationSignaled "op" to "@e@2"`},
		{"signal becomes a call", func(ctx context) {
			call(ctx, "A")
			_ = ctx.Timer(time.Hour).Await()
			perdure.CallOrchestrationNamed[string](ctx, "Child", 1).Await()
			perdure.CallEntity[int](ctx, perdure.NewEntityID("e", "1"), "op", nil).Await()
		}, `4 entityOperationSignaled "op" to "@e@1"`, `4 entityOperationCalled "op" to "@e@1"`},
		{"signal removed", func(ctx context) {
			call(ctx, "A")
			_ = ctx.Timer(time.Hour).Await()
			perdure.CallOrchestrationNamed[string](ctx, "Child", 1).Await()
			tail(ctx)
		}, `4 entityOperationSignaled "op" to "@e@1"`, `4 eventSent "event" to "other"`},
		{"event wait removed", func(ctx context) {
			call(ctx, "A")
			_ = ctx.Timer(time.Hour).Await()
			perdure.CallOrchestrationNamed[string](ctx, "Child", 1).Await()
			_ = perdure.SignalEntity(ctx, perdure.NewEntityID("e", "1"), "op", nil)
			_ = event.Send(ctx, "other", 1)
			call(ctx, "B")
		}, `end of the turn`, `6 taskScheduled "B"`},
		{"waits for another event", func(ctx context) {
			call(ctx, "A")
			_ = ctx.Timer(time.Hour).Await()
			perdure.CallOrchestrationNamed[string](ctx, "Child", 1).Await()
			_ = perdure.SignalEntity(ctx, perdure.NewEntityID("e", "1"), "op", nil)
			_ = event.Send(ctx, "other", 1)
			perdure.NewEvent[int]("event2").Wait(ctx).Await()
		}, `6 taskScheduled "B"`, `nothing: the code waits`},
		{"lock added", func(ctx context) { _, _ = perdure.Lock(ctx, perdure.NewEntityID("e", "1")) },
			`1 taskScheduled "A"`, `1 entityLockRequested to "@e@1"`},
		{"panics", func(ctx context) { call(ctx, "A"); panic("oops") }, `2 timerCreated`, `panic: oops`},
		{"concurrent branch added", func(ctx context) {
			ctx.Go(func(ctx context) { call(ctx, "Side") })
			call(ctx, "A")
		}, `end of the turn`, `2 taskScheduled "Side"`},
	}
	r := recordHistory(t)
	if got := r.replayWith(t, recordedCode); got.Diverged != nil {
		t.Fatalf("the code diverges from its own history: %+v", *got.Diverged)
	}
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			got := r.replayWith(t, func(ctx *perdure.Context, _ struct{}) (string, error) {
				c.code(ctx)
				return "", nil
			})
			if got.Diverged == nil {
				t.Fatalf("Turn() = %+v, want a divergence", got)
			}
			d := *got.Diverged
			want := engine.Divergence{Event: d.Event, Expected: c.expected, Got: c.got, Where: d.Where}
			if diff := cmp.Diff(engine.TurnResult{Diverged: &want}, got); diff != "" {
				t.Errorf("Turn() (-want +got):\n%s", diff)
			}
			if d.Event < 2 || d.Event >= len(r.past) {
				t.Errorf("the divergence is at event %d of %d", d.Event, len(r.past))
			}
			nowhere := strings.HasPrefix(c.name, "returns") || c.got == "nothing: the code waits"
			if nowhere != (d.Where == "") || !nowhere && !strings.Contains(d.Where, "divergence_test.go:") {
				t.Errorf("the divergence is at %q in the code", d.Where)
			}
		})
	}
}

func TestDivergencePointsToTheEvent(t *testing.T) {
	r := recordHistory(t)
	got := r.replayWith(t, func(ctx *perdure.Context, _ struct{}) (string, error) {
		call(ctx, "A")
		return call(ctx, "C"), nil
	})
	if got.Diverged == nil {
		t.Fatalf("Turn() = %+v, want a divergence", got)
	}
	ev := r.past[got.Diverged.Event]
	if _, ok := ev.Body.(*history.TimerCreated); !ok {
		t.Errorf("the divergence is at %v, want the timer", ev)
	}
}

func TestContinueAsNewInRecordedTurnDiverges(t *testing.T) {
	r := recordHistory(t)
	got := r.replayWith(t, func(ctx *perdure.Context, _ struct{}) (string, error) {
		call(ctx, "A")
		return "", perdure.ContinueAsNew(ctx, 1)
	})
	if got.Diverged == nil || got.Diverged.Got != "continue as new" {
		t.Errorf("Turn() = %+v, want a divergence by continue as new", got)
	}
}

func TestHarmlessEventsAreTolerated(t *testing.T) {
	r := recordHistory(t)
	var past []*history.Event
	for i, ev := range r.past {
		if _, ok := ev.Body.(*history.OrchestratorStarted); ok && i > 0 {
			past = append(past, &history.Event{ID: -1, Body: &history.OrchestratorCompleted{}})
		}
		past = append(past, ev, &history.Event{ID: -1, Body: &history.GenericEvent{Data: history.Some("note")}},
			&history.Event{ID: -1}, &history.Event{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: 99}},
			&history.Event{ID: -1, Body: &history.TaskCompleted{TaskScheduledID: 2}})
	}
	r.past = past
	if got := r.replayWith(t, recordedCode); got.Diverged != nil || len(got.Actions) != 1 {
		t.Errorf("Turn() = %+v, want its end", got)
	}
}

func TestUnknownOrchestration(t *testing.T) {
	r := orchestrate(t, "", recordedCode)
	r.started.Name = "nobody"
	if got := r.start().last; !got.Unknown || len(got.Actions) > 0 {
		t.Errorf("Turn() = %+v, want unknown", got)
	}
	if r.runner.Knows("nobody") || !r.runner.Knows("test") {
		t.Error(fmt.Sprint("Knows(nobody), Knows(test) = ", r.runner.Knows("nobody"), r.runner.Knows("test"), ", want false, true"))
	}
}
