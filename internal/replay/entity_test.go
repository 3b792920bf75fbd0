package replay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/replay"
)

// Counter is an entity by its type.
type Counter struct{ N int }

func (c *Counter) Add(n int) int { c.N += n; return c.N }
func (c *Counter) Get() int      { return c.N }
func (c *Counter) Fail(ctx *perdure.EntityContext, n int) error {
	c.N += n
	_ = ctx.Signal(perdure.NewEntityID("other", "1"), "never", nil)
	return errors.New("no")
}
func (c *Counter) Panic() { c.N = 99; panic("oops") }
func (c *Counter) Announce(ctx *perdure.EntityContext) error {
	if _, err := ctx.StartOrchestration("Audit", c.N, perdure.WithVersion("2"), perdure.WithTags(map[string]string{"a": "b"})); err != nil {
		return err
	}
	if err := ctx.SignalAt(ctx.Now().Add(time.Hour), perdure.NewEntityID("Other", "K"), "tick", nil); err != nil {
		return err
	}
	if err := ctx.Terminate("run-2", "enough"); err != nil {
		return err
	}
	return ctx.RaiseEvent("run-1", "counted", c.N)
}
func (c *Counter) Reset(ctx *perdure.EntityContext) { ctx.DeleteState() }

func called(op, input string) *history.Event {
	return &history.Event{ID: -1, Body: &history.EntityOperationCalled{
		RequestID: "r-" + op, Operation: op, Input: history.NoneIfEmpty(input),
	}}
}

func value(s string) engine.OperationResult { return engine.OperationResult{Result: history.Some(s)} }

func newEntities(t *testing.T) *replay.Runner {
	t.Helper()
	reg := perdure.NewRegistry()
	perdure.AddEntity[Counter](reg, "Counter")
	perdure.AddEntityFunc(reg, "door", door)
	if err := reg.Err(); err != nil {
		t.Fatal(err)
	}
	return replay.NewRunner(reg, replay.Options{})
}

// door lets callers wait until it opens.
func door(ctx *perdure.EntityContext) (any, error) {
	var waiting []string
	if err := ctx.State(&waiting); err != nil {
		return nil, err
	}
	switch ctx.Operation() {
	case "wait":
		return nil, ctx.SetState(append(waiting, ctx.Defer()))
	case "open":
		for _, token := range waiting[1:] {
			if err := ctx.ResolveReply(token, "open"); err != nil {
				return nil, err
			}
		}
		ctx.FailReply(waiting[0], errors.New("too early"))
		perdure.OperationOf(ctx).Steps = append(perdure.OperationOf(ctx).Steps,
			perdure.EntityStep{Kind: perdure.EntityRows, Rows: []perdure.Row{{Kind: 3, Key: []byte("k")}}})
		ctx.DeleteState()
	}
	return nil, nil
}

func TestEntityOfType(t *testing.T) {
	runner := newEntities(t)
	got := runner.RunEntity(engine.EntityTurn{
		InstanceID: "@counter@a",
		Time:       epoch,
		State:      history.Some(`{"N":1}`),
		Operations: []*history.Event{
			called("ADD", "2"), called("fail", "5"), called("get", ""), called("panic", ""), called("none", ""),
			called("add", `"x"`), called("announce", ""), called("get", ""),
		},
	})
	for i, r := range got.Results {
		if r.Failure != nil {
			got.Results[i].Failure = &history.Failure{Type: r.Failure.Type, Message: r.Failure.Message, NonRetriable: r.Failure.NonRetriable}
		}
	}
	failure := func(typ, message string, final bool) engine.OperationResult {
		return engine.OperationResult{Failure: &history.Failure{Type: typ, Message: message, NonRetriable: final}}
	}
	want := engine.EntityResult{
		State: history.Some(`{"N":3}`),
		Results: []engine.OperationResult{
			value("3"), failure("errors.errorString", "no", false), value("3"), failure("Panic", "oops", false),
			failure("not_found", `entity operation @counter@a: there is no operation "none"`, true),
			failure("invalid_argument", `input of add: decode "x" into int: json: cannot unmarshal string into Go value of type int`, true),
			{}, value("3"),
		},
		Actions: []engine.EntityAction{
			&engine.StartOrchestration{
				InstanceID: "7cbd4ab9-9cfb-5a75-8d40-3e6a8e2d5f8c", Name: "Audit", Version: history.Some("2"),
				Input: history.Some("3"), Tags: map[string]string{"a": "b"},
			},
			&engine.SendSignal{InstanceID: "@other@K", Name: "tick", ScheduledTime: epoch.Add(time.Hour)},
			&engine.TerminateOrchestration{InstanceID: "run-2", Reason: history.Some(`"enough"`)},
			&engine.RaiseEvent{InstanceID: "run-1", Name: "counted", Data: history.Some("3")},
		},
	}
	if start, ok := got.Actions[0].(*engine.StartOrchestration); ok && len(start.InstanceID) == 36 {
		want.Actions[0].(*engine.StartOrchestration).InstanceID = start.InstanceID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("RunEntity() (-want +got):\n%s", diff)
	}
}

func TestEntityIsDeleted(t *testing.T) {
	runner := newEntities(t)
	for _, op := range []string{"delete", "reset"} {
		got := runner.RunEntity(engine.EntityTurn{
			InstanceID: "@counter@a", State: history.Some(`{"N":1}`),
			Operations: []*history.Event{called(op, "")},
		})
		if got.State.Set || got.Results[0].Failure != nil {
			t.Errorf("after %s the state is %+v, want none", op, got.State)
		}
	}
	got := runner.RunEntity(engine.EntityTurn{InstanceID: "@counter@a", Operations: []*history.Event{
		{Body: &history.EntityOperationSignaled{Operation: "add", Input: history.Some("1")}},
	}})
	if got.State != history.Some(`{"N":1}`) {
		t.Errorf("state of a new entity = %+v, want N 1", got.State)
	}
}

func TestEntityDefersReplies(t *testing.T) {
	runner := newEntities(t)
	got := runner.RunEntity(engine.EntityTurn{InstanceID: "@door@1", Operations: []*history.Event{
		called("wait", ""), called("wait", ""), called("open", ""),
	}})
	want := engine.EntityResult{
		Results: []engine.OperationResult{{Deferred: true}, {Deferred: true}, {}},
		Actions: []engine.EntityAction{
			&engine.ResolveReply{Token: "r-wait", Result: history.Some(`"open"`)},
			&engine.ResolveReply{Token: "r-wait", Failure: &history.Failure{Type: "errors.errorString", Message: "too early"}},
			&engine.PutEntityRows{Rows: []engine.Row{{Kind: 3, Key: []byte("k")}}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("RunEntity() (-want +got):\n%s", diff)
	}
}

func TestUnknownEntity(t *testing.T) {
	runner := newEntities(t)
	for _, id := range []string{"@nobody@1", "no id"} {
		got := runner.RunEntity(engine.EntityTurn{InstanceID: id, State: history.Some("1"), Operations: []*history.Event{called("x", "")}})
		if !got.Unknown || got.State != history.Some("1") || len(got.Results) > 0 {
			t.Errorf("RunEntity(%s) = %+v, want unknown", id, got)
		}
	}
	if !runner.KnowsEntity("COUNTER") || runner.KnowsEntity("nobody") {
		t.Error("KnowsEntity(COUNTER), KnowsEntity(nobody) are not true, false")
	}
}

func TestActivities(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "echo", func(ctx context.Context, n int) (string, error) {
		if n < 0 {
			return "", perdure.NonRetryable(&perdure.Error{Code: perdure.NotFound, Message: "gone"})
		}
		return perdure.Activity(ctx).EffectID, perdure.Heartbeat(ctx, n)
	})
	perdure.AddActivityNamed(reg, "later", func(context.Context, struct{}) (string, error) {
		return "", perdure.ErrPending
	})
	perdure.AddActivityNamed(reg, "panics", func(context.Context, struct{}) (string, error) { panic("oops") })
	runner := replay.NewRunner(reg, replay.Options{})
	var progress []any
	run := func(name, input string) (history.Text, *history.Failure) {
		return runner.RunActivity(t.Context(), perdure.ActivityInfo{
			Name: name, EffectID: "e1",
			Heartbeat: func(v any) error { progress = append(progress, v); return nil },
		}, history.NoneIfEmpty(input))
	}
	if got, f := run("echo", "3"); f != nil || got != history.Some(`"e1"`) {
		t.Errorf("RunActivity(echo) = %v, %+v, want e1", got, f)
	}
	if diff := cmp.Diff([]any{3}, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if _, f := run("echo", "-1"); f == nil || f.Type != "not_found" || !f.NonRetriable {
		t.Errorf("RunActivity(echo -1) failed with %+v, want a final not_found", f)
	}
	if _, f := run("echo", "x"); f == nil || f.Type != "invalid_argument" || !f.NonRetriable {
		t.Errorf("RunActivity(echo x) failed with %+v, want a final invalid_argument", f)
	}
	if _, f := run("later", ""); !replay.Pending(f) {
		t.Errorf("RunActivity(later) = %+v, want pending", f)
	}
	if _, f := run("panics", ""); f == nil || f.Type != "Panic" || !f.Stack.Set || replay.Pending(f) {
		t.Errorf("RunActivity(panics) failed with %+v, want a panic with its stack", f)
	}
	if _, f := run("nobody", ""); f == nil || f.Type != "not_found" {
		t.Errorf("RunActivity(nobody) failed with %+v, want not_found", f)
	}
	if runner.KnowsActivity("nobody") || !runner.KnowsActivity("echo") {
		t.Error("KnowsActivity(nobody), KnowsActivity(echo) are not false, true")
	}
}
