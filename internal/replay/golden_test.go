package replay_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

var update = flag.Bool("update", false, "write the golden scripts")

// golden compares the history of the run and what its turns asked for beyond it
// with testdata/<name>.txt.
func (r *run) golden(name string) {
	r.t.Helper()
	var s strings.Builder
	for i, t := range r.turns {
		end := len(r.past)
		if i+1 < len(r.turns) {
			end = r.turns[i+1].begin
		}
		s.WriteString(history.Script(r.past[t.begin:end]))
		for _, a := range t.result.Actions {
			if note := noteOf(a); note != "" {
				fmt.Fprintf(&s, "\t%s\n", note)
			}
		}
		if t.result.CustomStatus.Set {
			fmt.Fprintf(&s, "\tstatus %s\n", t.result.CustomStatus.S)
		}
		if len(t.result.Waits) > 0 {
			fmt.Fprintf(&s, "\twaits %v\n", t.result.Waits)
		}
	}
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(s.String()), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		r.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), s.String()); diff != "" {
		r.t.Errorf("script %s (-want +got):\n%s", name, diff)
	}
}

// noteOf describes an action that leaves no event, or more than its event says.
func noteOf(a engine.Action) string {
	switch do := a.Do.(type) {
	case *engine.Cancel:
		return fmt.Sprintf("cancel %d", do.Task)
	case *engine.Reply:
		return fmt.Sprintf("reply %s %s %+v", do.Request, do.Result.S, do.Failure)
	case *engine.PutRows:
		return fmt.Sprintf("rows %d", len(do.Rows))
	case *engine.Terminate:
		return fmt.Sprintf("terminate %s %s", do.InstanceID, do.Reason.S)
	case *engine.ScheduleTask:
		if do.Attempt > 1 || do.Timeout > 0 || do.HeartbeatTimeout > 0 || do.LimitKey != "" {
			return fmt.Sprintf("task %d attempt=%d timeout=%v heartbeat=%v limit=%s:%d effect=%s",
				a.ID, do.Attempt, do.Timeout, do.HeartbeatTimeout, do.LimitKey, do.Limit, do.Effect)
		}
	case *engine.CreateTimer:
		if do.Retry != nil {
			return fmt.Sprintf("pause %d %+v", a.ID, *do.Retry)
		}
	case *engine.Complete:
		if do.Status == history.StatusContinuedAsNew {
			return fmt.Sprintf("continue %s version=%s\n%s", do.Result.S, do.NewVersion.S,
				strings.TrimSuffix("\t\t"+strings.ReplaceAll(history.Script(do.Carryover), "\n", "\n\t\t"), "\n\t\t"))
		}
	}
	return ""
}

func failed(id int32, typ, message string) *history.TaskFailed {
	return &history.TaskFailed{TaskScheduledID: id, Failure: &history.Failure{Type: typ, Message: message}}
}

func fired(id int32) *history.TimerFired { return &history.TimerFired{TimerID: id} }

func raise(name, data string) *history.EventRaised {
	return &history.EventRaised{Name: name, Input: history.Some(data)}
}

func Hello(context.Context, string) (string, error) { return "", nil }
func Child(*perdure.Context, int) (int, error)      { return 0, nil }

// orchestrate starts a run of code under the name "test".
func orchestrate[In, Out any](t *testing.T, input string, code func(*perdure.Context, In) (Out, error)) *run {
	t.Helper()
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "test", code)
	perdure.AddActivity(reg, Hello)
	return newRun(t, reg, "test", input)
}

func TestSequence(t *testing.T) {
	r := orchestrate(t, `"x"`, func(ctx *perdure.Context, in string) (string, error) {
		hello, err := perdure.Call(ctx, Hello, in, perdure.WithTags(map[string]string{"k": "v"}),
			perdure.WithTimeout(time.Minute), perdure.WithHeartbeatTimeout(time.Second),
			perdure.WithLimit("key", 3), perdure.WithVersion("2")).Await()
		if err != nil {
			return "", err
		}
		if err := ctx.Timer(time.Hour).Await(); err != nil {
			return "", err
		}
		n, err := perdure.CallOrchestration(ctx, Child, len(hello), perdure.WithID("child")).Await()
		ctx.SetCustomStatus(map[string]int{"n": n})
		return hello + fmt.Sprint(n), err
	})
	r.start()
	r.turn(done(1, `"say \"hello\""`))
	r.turn(fired(2))
	r.turn(&history.SubOrchestrationInstanceCompleted{TaskScheduledID: 3, Result: history.Some("7")})
	r.golden("sequence")
}

func TestFailureOfStepIsReturned(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		_, err := perdure.CallNamed[string](ctx, "charge", 5).Await()
		var step *perdure.StepError
		if !errors.As(err, &step) || step.Type != "canceled" || perdure.CodeOf(err) != perdure.Canceled {
			t.Errorf("error of the activity = %#v, want its type canceled", err)
		}
		return "", fmt.Errorf("order 5: %w", err)
	})
	r.start()
	r.turn(failed(1, "canceled", "no money"))
	r.golden("failure")
}

func TestEventsAreBufferedAndCarriedOver(t *testing.T) {
	left, right := perdure.NewEvent[int]("left"), perdure.NewEvent[string]("right")
	r := orchestrate(t, "0", func(ctx *perdure.Context, n int) (int, error) {
		v, err := left.Wait(ctx).Await()
		if err != nil {
			return 0, err
		}
		gaveUp := left.Wait(ctx)
		gaveUp.Cancel()
		if _, err := gaveUp.Await(); perdure.CodeOf(err) != perdure.Canceled {
			t.Errorf("Await of a cancelled wait = %v, want canceled", err)
		}
		if v == 3 {
			return 0, perdure.ContinueAsNew(ctx, n+1, perdure.ContinueWithVersion("2"))
		}
		if err := right.Send(ctx, "other", fmt.Sprint(v)); err != nil {
			return 0, err
		}
		if _, err := left.Wait(ctx).Await(); err != nil {
			return 0, err
		}
		return 0, perdure.ContinueAsNew(ctx, n+1)
	})
	r.start(raise("right", `"a"`))
	r.turn(raise("LEFT", "1"), raise("Right", `"b"`))
	r.turn(raise("left", "2"), raise("left", "3"), raise("right", `"c"`), done(9, "null"))
	r.golden("events")
}

func TestSuspensionHoldsMessages(t *testing.T) {
	event := perdure.NewEvent[int]("e")
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (int, error) {
		a, _ := event.Wait(ctx).Await()
		if _, err := perdure.Call(ctx, Hello, "x").Await(); err != nil {
			return 0, err
		}
		b, _ := event.Wait(ctx).Await()
		return 10*a + b, nil
	})
	r.start()
	r.turn(raise("e", "1"), &history.ExecutionSuspended{}, raise("e", "2"))
	r.turn(done(1, `""`))
	r.turn(&history.ExecutionResumed{})
	r.golden("suspend")
}

func TestTerminateWhileSuspended(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (int, error) {
		unlock, err := perdure.Lock(ctx, perdure.NewEntityID("b", "1"), perdure.NewEntityID("A", "2"), perdure.NewEntityID("b", "1"))
		if err != nil {
			return 0, err
		}
		defer unlock()
		return 0, ctx.Timer(time.Hour).Await()
	})
	r.start()
	r.turn(&history.ExecutionSuspended{})
	r.turn(raise("x", "1"), &history.ExecutionTerminated{Input: history.Some(`"why"`)}, raise("y", "2"))
	r.golden("terminate")
	if got := r.turn(raise("x", "1")); len(got.Actions) != 0 {
		t.Errorf("Turn() after the end = %+v, want nothing", got)
	}
}

func TestRetry(t *testing.T) {
	policy := perdure.RetryPolicy{MaxAttempts: 4, FirstInterval: time.Second, Backoff: 3, Jitter: 0.5}
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		return perdure.Call(ctx, Hello, "x", perdure.WithRetry(policy), perdure.WithTimeout(time.Minute)).Await()
	})
	r.start()
	r.turn(failed(1, "e", "one"))
	r.turn(fired(2))
	wait := failed(3, "e", "two")
	wait.Failure = perdure.FailureOf(perdure.RetryAfter(errors.New("two"), time.Hour))
	r.turn(wait)
	r.turn(fired(4))
	r.turn(failed(5, "e", "three"))
	r.turn(fired(6))
	r.turn(failed(7, "e", "four"))
	r.golden("retry")
}

func TestRetryStops(t *testing.T) {
	final := failed(1, "e", "no")
	final.Failure.NonRetriable = true
	for name, c := range map[string]struct {
		policy perdure.RetryPolicy
		failed *history.TaskFailed
	}{
		"non-retriable": {perdure.RetryPolicy{}, final},
		"type":          {perdure.RetryPolicy{NonRetryable: []string{"bad"}}, failed(1, "bad", "m")},
		"deadline":      {perdure.RetryPolicy{FirstInterval: time.Minute, Deadline: time.Minute}, failed(1, "e", "m")},
		"attempts":      {perdure.RetryPolicy{MaxAttempts: 1}, failed(1, "e", "m")},
	} {
		r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
			return perdure.Call(ctx, Hello, "x", perdure.WithRetry(c.policy)).Await()
		})
		r.start()
		r.turn(c.failed)
		if r.ended == nil || r.ended.Status != history.StatusFailed {
			t.Errorf("%s: the step is repeated: %+v", name, r.last.Actions)
		}
	}
}

func TestChildIsRetriedAndCancelled(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (int, error) {
		a := perdure.CallOrchestration(ctx, Child, 1, perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 2}))
		b := perdure.CallOrchestrationNamed[int](ctx, "Child", 2)
		c := perdure.Call(ctx, Hello, "x")
		v, err := a.Await()
		b.Cancel()
		c.Cancel()
		return v, err
	})
	r.start()
	r.turn(&history.SubOrchestrationInstanceFailed{TaskScheduledID: 1, Failure: &history.Failure{Type: "e", Message: "m"}})
	r.turn(fired(4))
	r.turn(&history.SubOrchestrationInstanceCompleted{TaskScheduledID: 5, Result: history.Some("3")})
	r.golden("child")
}

func TestEntities(t *testing.T) {
	counter := perdure.NewEntityID("Counter", "c@1")
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (int, error) {
		if err := perdure.SignalEntityAt(ctx, epoch.Add(time.Hour), counter, "add", 1); err != nil {
			return 0, err
		}
		unlock, err := perdure.Lock(ctx, counter)
		if err != nil {
			return 0, err
		}
		if _, err := perdure.Lock(ctx, counter); perdure.CodeOf(err) != perdure.FailedPrecondition {
			t.Errorf("Lock() while locks are held = %v, want failed_precondition", err)
		}
		n, err := perdure.CallEntity[int](ctx, counter, "get", nil).Await()
		if err != nil {
			return 0, err
		}
		unlock()
		unlock()
		_, err = perdure.CallEntity[int](ctx, counter, "fail", n).Await()
		return n, err
	})
	r.start()
	r.turn(&history.EntityLockGranted{CriticalSectionID: requestID(r.past)})
	r.turn(&history.EntityOperationCompleted{RequestID: requestID(r.past), Output: history.Some("5")})
	r.turn(&history.EntityOperationFailed{RequestID: requestID(r.past), Failure: &history.Failure{Type: "t", Message: "m"}})
	r.golden("entities")
}

// requestID returns the newest id of a call or section.
func requestID(past []*history.Event) (id string) {
	for _, ev := range past {
		switch b := ev.Body.(type) {
		case *history.EntityLockRequested:
			id = b.CriticalSectionID
		case *history.EntityOperationCalled:
			id = b.RequestID
		}
	}
	return id
}

func TestRequests(t *testing.T) {
	ask := perdure.NewRequest[string, int]("ask")
	data, err := ask.Data("r1", "six")
	if err != nil {
		t.Fatal(err)
	}
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		first, err := ask.Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		if err := first.Reply(ctx, len(first.Input)); err != nil {
			return "", err
		}
		second, err := ask.Wait(ctx).Await()
		if err != nil {
			return "", err
		}
		second.Fail(ctx, errors.New("closed"))
		_, err = ask.Wait(ctx).Await()
		return first.Input, err
	})
	r.start(raise("ask", data.S))
	r.turn(raise("ask", `{"requestId":"r2"}`))
	r.turn(raise("ask", `5`))
	r.golden("requests")
}

func TestBranchesAndMap(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) ([]string, error) {
		return perdure.Map(ctx, []string{"a", "b", "c", "d"}, 2, func(ctx *perdure.Context, s string) (string, error) {
			one, err := perdure.Call(ctx, Hello, s).Await()
			if err != nil {
				return "", err
			}
			return perdure.Call(ctx, Hello, one+"!").Await()
		})
	})
	r.start()
	r.turn(done(2, `"B"`), done(1, `"A"`))
	r.turn(done(3, `"B!"`))
	r.turn(done(4, `"A!"`), done(5, `"C"`))
	r.turn(done(6, `"D"`), done(7, `"C!"`), done(8, `"D!"`))
	r.golden("map")
}

func TestPatch(t *testing.T) {
	old := func(ctx *perdure.Context, _ struct{}) (string, error) {
		if _, err := perdure.Call(ctx, Hello, "old").Await(); err != nil {
			return "", err
		}
		return perdure.Call(ctx, Hello, "end").Await()
	}
	patched := func(ctx *perdure.Context, _ struct{}) (string, error) {
		word := "old"
		if ctx.Patch("word") {
			word = "new"
		}
		if _, err := perdure.Call(ctx, Hello, word).Await(); err != nil {
			return "", err
		}
		if ctx.Patch("word") {
			return "patched", nil
		}
		return perdure.Call(ctx, Hello, "end").Await()
	}
	r := orchestrate(t, "", patched).start()
	r.turn(done(2, `""`))
	r.golden("patch")

	r = orchestrate(t, "", old).start()
	then := orchestrate(t, "", patched)
	cold := then.runner.Open(r.id, r.exec)
	defer cold.Evict()
	got := cold.Turn(r.past, r.fresh(done(1, `""`)))
	want := r.turn(done(1, `""`))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a run from before the patch differs (-old code +patched):\n%s", diff)
	}
}

func TestDetachedStartAndRows(t *testing.T) {
	r := orchestrate(t, "", func(ctx *perdure.Context, _ struct{}) (string, error) {
		id, err := perdure.StartOrchestration(ctx, "Other", 1)
		if err != nil {
			return "", err
		}
		rt := perdure.RuntimeOf(ctx)
		rt.Begin(&perdure.Step{Kind: perdure.StepRows, Rows: []perdure.Row{{Kind: 1}}})
		rt.Begin(&perdure.Step{Kind: perdure.StepTerminate, Target: "x", Input: history.Some(`"y"`)})
		return id, ctx.Timer(0).Await()
	})
	r.start()
	r.turn(fired(2))
	r.golden("detached")
}
