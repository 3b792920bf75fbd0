package perduretest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/perduretest"
)

var decision = perdure.NewEvent[bool]("Decision")

func Notify(context.Context, string) (string, error)  { return "told", nil }
func Publish(context.Context, string) (string, error) { return "", errors.New("not in tests") }

func Approval(ctx *perdure.Context, draft string) (string, error) {
	if _, err := perdure.Call(ctx, Notify, draft).Await(); err != nil {
		return "", err
	}
	approval, timeout := decision.Wait(ctx), ctx.Timer(24*time.Hour)
	if perdure.Any(ctx, approval, timeout) == timeout {
		return "escalated", nil
	}
	timeout.Cancel()
	if yes, err := approval.Await(); err != nil || !yes {
		return "rejected", err
	}
	return perdure.Call(ctx, Publish, draft,
		perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3, FirstInterval: time.Minute})).Await()
}

func Parent(ctx *perdure.Context, draft string) (string, error) {
	return perdure.CallOrchestration(ctx, Approval, draft).Await()
}

func approvals() *perdure.Registry {
	r := perdure.NewRegistry()
	perdure.AddActivity(r, Notify)
	perdure.AddActivity(r, Publish)
	perdure.AddOrchestration(r, Approval)
	perdure.AddOrchestration(r, Parent)
	return r
}

func TestTimeSkips(t *testing.T) {
	env := perduretest.New(t, approvals())
	began := env.Now()
	out, err := perduretest.Run(env, Approval, "x")
	if err != nil || out != "escalated" {
		t.Errorf("Run() = %q, %v, want escalated", out, err)
	}
	if d := env.Now().Sub(began); d != 24*time.Hour {
		t.Errorf("it took %v, want 24h", d)
	}
}

func TestScript(t *testing.T) {
	down := errors.New("down")
	env := perduretest.New(t, approvals(),
		perduretest.Outcomes("Publish", perduretest.Fail(down), perduretest.Fail(down), perduretest.Return("ok")))
	id := perduretest.Start(env, Approval, "x")
	env.After(time.Hour, func() {
		if err := client.Raise(env.Context(), env.Client(), id, decision, true); err != nil {
			t.Error(err)
		}
	})
	out, err := perduretest.Result[string](env, id)
	if err != nil || out != "ok" {
		t.Errorf("Result() = %q, %v, want ok", out, err)
	}
	var got []string
	for _, c := range env.Calls("Publish") {
		got = append(got, fmt.Sprintf("%d %s %s", c.Attempt, c.Input, c.Time.Format("15:04")))
	}
	want := []string{`1 "x" 01:00`, `2 "x" 01:01`, `3 "x" 01:03`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Calls(Publish) (-want +got):\n%s", diff)
	}
}

func TestScriptEnds(t *testing.T) {
	env := perduretest.New(t, approvals(), perduretest.Outcomes("Notify"))
	if out, err := perduretest.Run(env, Approval, "x"); err == nil {
		t.Errorf("Run() = %q, want that the script has ended", out)
	}
}

func TestReplace(t *testing.T) {
	env := perduretest.New(t, approvals(), perduretest.ReplaceOrchestration("Approval",
		func(_ *perdure.Context, draft string) (string, error) { return "stand-in for " + draft, nil }))
	if out, err := perduretest.Run(env, Parent, "x"); err != nil || out != "stand-in for x" {
		t.Errorf("Run() = %q, %v, want the stand-in's", out, err)
	}
	env = perduretest.New(t, approvals(), perduretest.Replace("Notify",
		func(context.Context, string) (string, error) { return "", errors.New("replaced") }))
	if out, err := perduretest.Run(env, Approval, "x"); err == nil {
		t.Errorf("Run() = %q, want the error of the replacement", out)
	}
}

func TestAdvance(t *testing.T) {
	env := perduretest.New(t, approvals())
	id := perduretest.Start(env, Approval, "x")
	env.Advance(24*time.Hour - time.Second)
	if in, err := env.Client().Get(env.Context(), id); err != nil || in.Status != client.Running {
		t.Errorf("before its time it is %+v, %v, want running", in, err)
	}
	env.Advance(time.Second)
	if in, err := env.Client().Get(env.Context(), id); err != nil || in.Status != client.Completed {
		t.Errorf("at its time it is %+v, %v, want completed", in, err)
	}
}

func TestCrash(t *testing.T) {
	env := perduretest.New(t, approvals())
	id := perduretest.Start(env, Approval, "x")
	env.Settle()
	env.Crash()
	if out, err := perduretest.Result[string](env, id); err != nil || out != "escalated" {
		t.Errorf("Result() = %q, %v, want escalated", out, err)
	}
	if n := len(env.Calls("Notify")); n != 1 {
		t.Errorf("Notify ran %d times, want once", n)
	}
}
