package perdure_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

func TestValuesWithoutJSON(t *testing.T) {
	rt := &scripted{}
	ctx := perdure.NewContext(rt, perdure.NewRegistry())
	id := perdure.NewEntityID("e", "1")
	bad := make(chan int)
	_, task := perdure.CallEntity[int](ctx, id, "op", bad).Await()
	_, start := perdure.StartOrchestration(ctx, "x", bad)
	_, lock := perdure.Lock(ctx)
	_, data := perdure.NewRequest[chan int, int]("r").Data("1", bad)
	op := perdure.EntityOperation{Entity: id, Name: "op", Input: history.Some("x"), State: history.Some("x")}
	entity := perdure.NewEntityContext(&op)
	_, entityStart := entity.StartOrchestration("x", nil, perdure.WithTimeout(1))
	var n int
	for name, err := range map[string]error{
		"call entity":   task,
		"start":         start,
		"lock nothing":  lock,
		"request":       data,
		"signal entity": perdure.SignalEntity(ctx, id, "op", bad),
		"send event":    perdure.NewEvent[chan int]("e").Send(ctx, "i", bad),
		"continue":      perdure.ContinueAsNew(ctx, bad),
		"reply":         (&perdure.Request[int, chan int]{}).Reply(ctx, bad),
		"entity signal": entity.Signal(id, "op", bad),
		"entity start":  entityStart,
		"entity input":  entity.Input(&n),
		"entity state":  entity.State(&n),
		"set state":     entity.SetState(bad),
	} {
		if perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("%s: error = %v, want invalid_argument", name, err)
		}
	}
	if len(rt.steps)+len(op.Steps) != 0 {
		t.Errorf("invalid values began %d steps, want none", len(rt.steps)+len(op.Steps))
	}
	defer func() {
		if recover() == nil {
			t.Error("SetCustomStatus of a value without JSON did not panic")
		}
	}()
	ctx.SetCustomStatus(bad)
}

func TestTaskOf(t *testing.T) {
	rt := &scripted{}
	ctx := perdure.NewContext(rt, perdure.NewRegistry())
	if perdure.RuntimeOf(ctx) != rt {
		t.Error("RuntimeOf() is not the context's runtime")
	}
	task := perdure.TaskOf[int](ctx, perdure.Step{Kind: perdure.StepActivity, Name: "model"})
	rt.steps[0].Complete(history.Some("7"))
	rt.steps[0].Fail(&history.Failure{})
	if v, err := task.Await(); v != 7 || err != nil {
		t.Errorf("Await() = %v, %v, want the first outcome, 7", v, err)
	}
	text, err := perdure.Encode(map[string]int{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]int
	if err := perdure.Decode(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"a": 1}, back); diff != "" {
		t.Errorf("Decode(Encode()) (-want +got):\n%s", diff)
	}
	if err := perdure.Decode(history.Text{}, &back); err != nil || len(back) != 1 {
		t.Errorf("Decode of absent text = %v, %v, want the value left alone", back, err)
	}
}

func TestRequestOfClient(t *testing.T) {
	ask := perdure.NewRequest[struct{}, []int]("ask")
	data, err := ask.Data("id-1", struct{}{})
	if want := `{"requestId":"id-1","input":null}`; err != nil || data.S != want {
		t.Errorf("Data() = %s, %v, want %s", data.S, err, want)
	}
	got, err := ask.Answer(history.Some("[1,2]"))
	if diff := cmp.Diff([]int{1, 2}, got); diff != "" || err != nil {
		t.Errorf("Answer() = %v, %v, want [1 2]", got, err)
	}
	if _, err := ask.Answer(history.Some("5")); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("Answer(5) = %v, want invalid_argument", err)
	}
	rt := &scripted{}
	ctx := perdure.NewContext(rt, perdure.NewRegistry())
	task := ask.Wait(ctx)
	rt.steps[0].Complete(data)
	request, err := task.Await()
	if err != nil || request.ID() != "id-1" || ask.Name() != "ask" || rt.steps[0].Name != "ask" {
		t.Errorf("Await() = %+v, %v, want request id-1", request, err)
	}
}

func TestActivityOutsideOfAWorker(t *testing.T) {
	ctx := context.Background()
	if got := perdure.Activity(ctx); got.Name != "" {
		t.Errorf("Activity() = %+v, want the zero value", got)
	}
	if err := perdure.Heartbeat(ctx, 1); err != nil {
		t.Errorf("Heartbeat() = %v, want nil", err)
	}
	gone := errors.New("gone")
	ctx = perdure.WithActivity(ctx, perdure.ActivityInfo{Heartbeat: func(any) error { return gone }})
	if err := perdure.Heartbeat(ctx, 1); err != gone {
		t.Errorf("Heartbeat() = %v, want gone", err)
	}
}

func TestLongValuesAreCutInErrors(t *testing.T) {
	rt := &scripted{}
	task := perdure.CallNamed[int](perdure.NewContext(rt, perdure.NewRegistry()), "x", nil)
	rt.steps[0].Complete(history.Some(`"` + strings.Repeat("ü", 1000) + `"`))
	if _, err := task.Await(); err == nil || len(err.Error()) > 300 {
		t.Errorf("Await() = %v, want a short error", err)
	}
}

type wakes struct {
	name string
	log  *[]string
}

func (w *wakes) Wake() { *w.log = append(*w.log, w.name) }

func TestStepWakesItsWaiters(t *testing.T) {
	var log []string
	a, b, c, d := &wakes{"a", &log}, &wakes{"b", &log}, &wakes{"c", &log}, &wakes{"d", &log}
	var s perdure.Step
	for _, w := range []perdure.Waiter{a, b, c, d, b} {
		s.Subscribe(w)
	}
	s.Unsubscribe(a)
	s.Unsubscribe(c)
	s.Unsubscribe(b) // one of two
	s.Subscribe(a)
	s.Complete(history.Text{})
	s.Complete(history.Text{})
	s.Unsubscribe(a)
	if diff := cmp.Diff([]string{"d", "b", "a"}, log); diff != "" {
		t.Errorf("wakes (-want +got):\n%s", diff)
	}
}
