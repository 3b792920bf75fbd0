package replay_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

func TestRewind(t *testing.T) {
	entity := perdure.NewEntityID("e", "1")
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		a := perdure.CallNamed[string](ctx, "A", "x")
		b := perdure.CallNamed[string](ctx, "B", "x", perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 2}))
		c := perdure.CallOrchestrationNamed[string](ctx, "C", "x")
		if _, err := perdure.CallEntity[int](ctx, entity, "op", ctx.NewID()).Await(); err != nil {
			return "", err
		}
		if err := perdure.All(ctx, a, b, c); err != nil {
			return "", err
		}
		return ctx.NewID(), nil
	})
	r.started.Parent = &history.ParentInstance{Instance: &history.Instance{InstanceID: "p", ExecutionID: history.Some("old")}}
	r.start()
	r.turn(done(1, `"a"`), failed(2, "e", "m"))
	r.turn(&history.EntityOperationCompleted{RequestID: requestID(r.past), Output: history.Some("1")})
	r.turn(fired(5))
	r.turn(failed(6, "e", "m"), &history.SubOrchestrationInstanceFailed{TaskScheduledID: 3})
	if r.ended == nil || r.ended.Status != history.StatusFailed {
		t.Fatalf("the run ended with %+v, want failed", r.ended)
	}

	r.rewind()
	r.turn()
	r.turn(&history.SubOrchestrationInstanceCompleted{TaskScheduledID: 3}, failed(2, "e", "again"))
	r.turn(fired(5))
	r.turn(failed(6, "e", "m"))
	r.golden("rewound")

	r.rewind()
	r.turn()
	r.turn(done(2, `"b"`))
	if r.ended.Status != history.StatusCompleted {
		t.Fatalf("after the second rewind the run ended with %+v, want completed", r.ended)
	}
	cold := r.runner.Open(r.id, "another execution")
	defer cold.Evict()
	last := r.turns[len(r.turns)-1]
	got := cold.Turn(r.past[:last.begin], r.past[last.begin:last.end])
	if diff := cmp.Diff(r.last, got); diff != "" {
		t.Errorf("the ids depend on the new execution's id (-want +got):\n%s", diff)
	}
}

// TestRewindCallsEntitiesAgain wants a call of an entity that has failed to be open again.
func TestRewindCallsEntitiesAgain(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (int, error) {
		return perdure.CallEntity[int](ctx, perdure.NewEntityID("e", "1"), "op", nil).Await()
	}).start()
	r.turn(&history.EntityOperationFailed{RequestID: requestID(r.past), Failure: &history.Failure{Type: "e", Message: "closed"}})
	if r.ended == nil || r.ended.Status != history.StatusFailed {
		t.Fatalf("the run ended with %+v, want failed", r.ended)
	}
	if again := r.rewind().Redeliver; len(again) > 0 {
		t.Errorf("a rewind delivers %v again, want the failure forgotten", again)
	}
	r.turn()
	if r.ended != nil {
		t.Fatalf("the rewound run ended with %+v, want that it waits for the entity", r.ended)
	}
	r.turn(&history.EntityOperationCompleted{RequestID: requestID(r.past), Output: history.Some("1")})
	if r.ended == nil || r.ended.Status != history.StatusCompleted {
		t.Errorf("the rewound run ended with %+v, want completed", r.ended)
	}
}

// rewind has the ended run rewound, goes on with its new history and returns what the
// orchestrator has answered.
func (r *run) rewind() *engine.Rewind {
	r.t.Helper()
	e := r.runner.Open(r.id, r.exec)
	got := e.Turn(r.past, r.fresh(&history.ExecutionRewound{
		Reason: history.Some("why"), ParentExecutionID: history.Some("new"),
	}))
	e.Evict()
	if len(got.Actions) != 1 {
		r.t.Fatalf("Turn(ExecutionRewound) = %+v, want a rewind", got)
	}
	rewound, ok := got.Actions[0].Do.(*engine.Rewind)
	if !ok || got.Actions[0].ID != -1 {
		r.t.Fatalf("Turn(ExecutionRewound) = %+v, want a rewind", got)
	}
	r.past, r.turns, r.ended = rewound.NewHistory, nil, nil
	r.exec += "0"
	r.turns = []recordedTurn{{0, len(r.past), engine.TurnResult{}}}
	r.now = r.now.Add(time.Minute)
	r.warm.Evict()
	r.warm = r.runner.Open(r.id, r.exec)
	r.cold = true
	return rewound
}

func TestRewindKeepsTheChildsStart(t *testing.T) {
	r := orchestrate(t, "", recordedCode)
	r.started.Parent = &history.ParentInstance{Instance: &history.Instance{InstanceID: "p", ExecutionID: history.Some("old")}}
	r.start()
	r.turn(&history.ExecutionTerminated{})
	r.rewind()
	got := r.past[1].Body.(*history.ExecutionStarted).Parent.Instance
	want := &history.Instance{InstanceID: "p", ExecutionID: history.Some("new")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parent of the rewound child (-want +got):\n%s", diff)
	}
	if old := r.started.Parent.Instance.ExecutionID.S; old != "old" {
		t.Errorf("the old history was changed: parent's execution = %s, want old", old)
	}
}

func TestRewindKeepsFailuresThatWereHandled(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		if _, err := perdure.CallNamed[string](ctx, "risky", "x").Await(); err == nil {
			return "", nil
		}
		if _, err := perdure.CallNamed[string](ctx, "instead", "x").Await(); err != nil {
			return "", err
		}
		return perdure.CallNamed[string](ctx, "last", "x").Await()
	}).start()
	r.turn(failed(1, "e", "m"))
	r.turn(done(2, `""`))
	r.turn(failed(3, "e", "m"))
	r.rewind()
	r.turn()
	if len(r.last.Actions) != 1 || r.last.Actions[0].ID != 3 {
		t.Fatalf("Turn() after the rewind = %+v, want the last activity again", r.last)
	}
	r.turn(done(3, `"ok"`))
	if r.ended == nil || r.ended.Result.S != `"ok"` {
		t.Errorf("the rewound run ended with %+v, want ok", r.ended)
	}
}
