package perdure_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

func Greet(context.Context, string) (string, error)         { return "", nil }
func Flow(*perdure.Context, string) (string, error)         { return "", nil }
func Generic[T any](context.Context, T) (string, error)     { return "", nil }
func (shop) Charge(context.Context, string) (string, error) { return "", nil }

type shop struct{}

type nothing struct{}

type notEntity struct{}

func (*notEntity) Sum(a, b int) int      { return a + b }
func (*notEntity) SUM() (int, int)       { return 0, 0 }
func (*notEntity) Many(list ...int) bool { return len(list) > 0 }

func TestRegistryNames(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddActivity(reg, Greet)
	perdure.AddActivityNamed(reg, "Charge", shop{}.Charge)
	perdure.AddActivityNamed(reg, "closure", func(context.Context, int) (int, error) { return 0, nil })
	perdure.AddOrchestration(reg, Flow)
	perdure.AddEntityFunc(reg, "Door", func(*perdure.EntityContext) (any, error) { return nil, nil })
	perdure.AddOrchestrationVersion(reg, "Flow", "1", Flow)
	perdure.AddOrchestrationVersion(reg, "Other", "1", Flow)
	if err := reg.Err(); err != nil {
		t.Fatalf("Err() = %v, want nil", err)
	}
	got := [][]string{reg.Activities(), reg.Orchestrations(), reg.Entities()}
	want := [][]string{{"Charge", "Greet", "closure"}, {"Flow", "Other"}, {"door"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestRegistryReportsAllProblems(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddActivity(reg, Greet)
	perdure.AddActivity(reg, Greet)
	perdure.AddActivity(reg, shop{}.Charge)
	perdure.AddActivity(reg, Generic[int])
	perdure.AddOrchestration(reg, func(*perdure.Context, int) (int, error) { return 0, nil })
	perdure.AddOrchestrationNamed[int, int](reg, "nil", nil)
	perdure.AddOrchestrationNamed(reg, " ", Flow)
	perdure.AddOrchestrationVersion(reg, "Flow", "1", Flow)
	perdure.AddOrchestrationVersion(reg, "Flow", "1", Flow)
	perdure.AddOrchestrationVersion(reg, "Flow", "", Flow)
	perdure.AddOrchestrationVersion[int, int](reg, "Flow", "2", nil)
	perdure.AddActivityNamed[int, int](reg, "nothing", nil)
	perdure.AddEntity[notEntity](reg, "bad")
	perdure.AddEntity[nothing](reg, "empty")
	perdure.AddEntityFunc(reg, "a@b", func(*perdure.EntityContext) (any, error) { return nil, nil })
	perdure.AddEntityFunc(reg, "none", nil)
	err := reg.Err()
	if err == nil {
		t.Fatal("Err() = nil, want the problems")
	}
	for _, want := range []string{
		`activity "Greet": the name is registered already`,
		"shop.Charge is a method value: give it a name",
		"TestRegistryReportsAllProblems.func1 is a closure",
		"Generic[...] is generic",
		`orchestration "nil": the function is nil`,
		`orchestration " ": the name is empty`,
		`activity "nothing": the function is nil`,
		`orchestration "Flow" version "1": the name is registered already`,
		`orchestration "Flow": the version is empty`,
		`orchestration "Flow": the function is nil`,
		`entity "bad": method Many is no operation`,
		"method Sum is no operation",
		"differs from another only in case",
		`entity "empty": *perdure_test.nothing has no operations`,
		`entity "a@b": the name contains @`,
		`entity "none": the function is nil`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("Err() = %v\nwant it to say %q", err, want)
		}
	}
}

// scripted is a Runtime that keeps the steps begun.
type scripted struct {
	steps []*perdure.Step
	info  perdure.Info
}

func (s *scripted) Begin(step *perdure.Step)             { s.steps = append(s.steps, step) }
func (s *scripted) Wait(*perdure.Step, ...*perdure.Step) {}
func (s *scripted) Cancel(*perdure.Step)                 {}
func (s *scripted) Info() *perdure.Info                  { return &s.info }

func TestCallNames(t *testing.T) {
	named := func(context.Context, string) (string, error) { return "", nil }
	twice := func(context.Context, string) (string, error) { return "2", nil }
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "renamed", named)
	perdure.AddActivityNamed(reg, "one", twice)
	perdure.AddActivityNamed(reg, "two", twice)
	rt := &scripted{}
	ctx := perdure.NewContext(rt, reg)

	perdure.Call(ctx, named, "x")
	perdure.Call(ctx, Greet, "x")
	perdure.CallOrchestration(ctx, Flow, "x", perdure.WithID("id"))
	var got []string
	for _, s := range rt.steps {
		got = append(got, s.Name)
	}
	if diff := cmp.Diff([]string{"renamed", "Greet", "Flow"}, got); diff != "" {
		t.Errorf("names of the steps (-want +got):\n%s", diff)
	}

	var none func(context.Context, string) (string, error)
	for name, task := range map[string]*perdure.Task[string]{
		"two names": perdure.Call(ctx, twice, "x"),
		"nil":       perdure.Call(ctx, none, "x"),
		"closure":   perdure.Call(ctx, func(context.Context, string) (string, error) { return "", nil }, "x"),
		"id":        perdure.Call(ctx, Greet, "x", perdure.WithID("id")),
		"timeout":   perdure.CallOrchestration(ctx, Flow, "x", perdure.WithTimeout(1)),
		"limit":     perdure.Call(ctx, Greet, "x", perdure.WithLimit("k", 0)),
		"negative":  perdure.Call(ctx, Greet, "x", perdure.WithTimeout(-1)),
		"policy":    perdure.Call(ctx, Greet, "x", perdure.WithRetry(perdure.RetryPolicy{Backoff: 0.5, Jitter: 2, MaxAttempts: -1, Deadline: -1})),
		"input":     perdure.CallNamed[string](ctx, "x", make(chan int)),
		"child":     perdure.CallOrchestrationNamed[string](ctx, "x", 1, perdure.WithLimit("k", 1)),
	} {
		if _, err := task.Await(); perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("%s: Await() = %v, want invalid_argument", name, err)
		}
	}
	if len(rt.steps) != 3 {
		t.Errorf("invalid calls were scheduled: %d steps, want 3", len(rt.steps))
	}
	if _, err := perdure.StartOrchestration(ctx, "x", 1, perdure.WithRetry(perdure.RetryPolicy{})); err == nil {
		t.Error("StartOrchestration() with a retry policy = nil, want an error")
	}
}

func TestResultsThatDoNotFit(t *testing.T) {
	rt := &scripted{}
	ctx := perdure.NewContext(rt, perdure.NewRegistry())
	task := perdure.CallNamed[int](ctx, "x", 1)
	rt.steps[0].Complete(history.Some(`"no number"`))
	if _, err := task.Await(); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("Await() = %v, want invalid_argument", err)
	}
	null := perdure.CallNamed[int](ctx, "x", 1)
	rt.steps[1].Complete(history.Text{})
	if v, err := null.Await(); v != 0 || err != nil || !null.Done() {
		t.Errorf("Await() of an absent result = %v, %v, want 0", v, err)
	}
}
