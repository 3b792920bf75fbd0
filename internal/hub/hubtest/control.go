package hubtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var controlCases = []testCase{
	{"SuspendResume", controlSuspend},
	{"SuspendHoldsResults", controlHolds},
	{"Terminate", controlTerminate},
	{"Cancel", controlCancel},
	{"CancelsItself", controlItself},
	{"TerminateScheduled", controlScheduled},
	{"Unknown", controlUnknown},
	{"Ended", controlEnded},
}

var restartCases = []testCase{
	{"SameID", restartSame},
	{"NewID", restartNew},
	{"OwnID", restartAs},
	{"Version", restartVersion},
	{"Refused", restartRefused},
}

func controlSuspend(t *testing.T, s suite) {
	e := s.open(t, taker)
	e.start("take", "a", "2")
	e.settle()
	e.raise("a", "go", "0")
	e.settle()
	e.control(hub.Suspend, "a")
	e.status("a", store.Suspended)
	e.raise("a", "go", "1")
	e.control(hub.Suspend, "a") // again changes nothing
	e.status("a", store.Suspended)
	e.restart(taker)
	e.status("a", store.Suspended)
	e.control(hub.Resume, "a")
	e.completes("a", `"0 1"`)
	if e.outside {
		return // the hub may hold events of a suspended run back, or give them to its code
	}
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=take input="2" instance={instanceId=a executionId="$1"}
		-1 orchestratorStarted
		-1 eventRaised name=go input="0"
		-1 orchestratorStarted
		-1 executionSuspended
		-1 orchestratorStarted
		-1 eventRaised name=go input="1"
		-1 orchestratorStarted
		-1 executionSuspended
		-1 orchestratorStarted
		-1 executionResumed
		1 executionCompleted status=completed result=`+"`\"0 1\"`"+`
		`)
}

func controlHolds(t *testing.T, s suite) {
	hold, began := make(chan struct{}), make(chan struct{}, 9)
	var second probe
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "slow", func(ctx context.Context, _ string) (string, error) {
			began <- struct{}{}
			select {
			case <-hold:
			case <-ctx.Done():
			}
			return "x", ctx.Err()
		})
		perdure.AddActivityNamed(r, "after", func(context.Context, string) (string, error) {
			second.note("ran")
			return "y", nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			timer := ctx.Timer(time.Minute)
			if _, err := perdure.CallNamed[string](ctx, "slow", nil).Await(); err != nil {
				return "", err
			}
			v, err := perdure.CallNamed[string](ctx, "after", nil).Await()
			if err == nil {
				err = timer.Await()
			}
			return v, err
		})
	})
	e.start("run", "a", "")
	receive(e, began)
	e.control(hub.Suspend, "a")
	close(hold)
	e.advance(time.Hour)
	e.status("a", store.Suspended)
	if second.count() > 0 {
		t.Error("a suspended run went on")
	}
	e.control(hub.Resume, "a")
	e.completes("a", `"y"`)
}

func controlTerminate(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for _, c := range []struct {
		id        string
		output    history.Text
		suspended bool
	}{{"value", history.Some(`{"a":1}`), false}, {"none", history.Text{}, false}, {"empty", history.Some(""), false}, {"suspended", history.Some("1"), true}} {
		e.start("wait", c.id, "")
		if c.suspended {
			e.control(hub.Suspend, c.id)
		}
		id, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Terminate, InstanceID: c.id, Reason: c.output})
		if e.ok(err); id != c.id {
			t.Errorf("Control() = %q, want %q", id, c.id)
		}
		in := e.end(c.id)
		if in.Status != store.Terminated || in.Output != c.output {
			t.Errorf("%s ended %v with %+v, want terminated with %+v", c.id, in.Status, in.Output, c.output)
		}
	}
}

func controlCancel(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	e.control(hub.Cancel, "a")
	e.status("a", store.Canceled)
}

// controlItself has runs return errors with the code Canceled: their own ends them
// as canceled, that of an activity is a failure like any other.
func controlItself(t *testing.T, s suite) {
	gaveUp := &perdure.Error{Code: perdure.Canceled, Message: "nobody wants it"}
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "stopped", func(context.Context, string) (string, error) { return "", gaveUp })
		perdure.AddOrchestrationNamed(r, "own", func(ctx *perdure.Context, _ string) (string, error) {
			return "", fmt.Errorf("after thinking: %w", gaveUp)
		})
		perdure.AddOrchestrationNamed(r, "step", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "stopped", "").Await()
		})
		perdure.AddOrchestrationNamed(r, "given up", func(ctx *perdure.Context, _ string) (string, error) {
			task := perdure.NewEvent[string]("go").Wait(ctx)
			task.Cancel()
			return task.Await()
		})
		perdure.AddOrchestrationNamed(r, "parent", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "own", "", perdure.WithID("child")).Await()
		})
	})
	for name, want := range map[string]store.Status{
		"own": store.Canceled, "given up": store.Canceled, "step": store.Failed, "parent": store.Failed,
	} {
		e.start(name, name, "")
		in := e.end(name)
		if in.Status != want || in.Failure == nil {
			t.Errorf("%s ended %v with failure %s, want %v", name, history.Status(in.Status), failureText(in.Failure), history.Status(want))
		}
	}
	if f := e.get("own").Failure; f.Type != perdure.Canceled.String() || !strings.Contains(f.Message, "nobody wants it") {
		t.Errorf("failure of the canceled run = %s, want its error", failureText(f))
	}
	if f := e.get("parent").Failure; !strings.Contains(failureText(f), "nobody wants it") {
		t.Errorf("failure of the parent = %s, want the child's", failureText(f))
	}
	e.status("child", store.Canceled)
}

func controlScheduled(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "a", `"x"`, at(epoch.Add(time.Hour)))
	e.control(hub.Terminate, "a")
	e.status("a", store.Terminated)
	e.advance(2 * time.Hour)
	e.status("a", store.Terminated)
	e.start("echo", "b", `"x"`, at(epoch.Add(4*time.Hour)))
	e.control(hub.Suspend, "b")
	e.advance(3 * time.Hour)
	e.status("b", store.Suspended)
	e.control(hub.Resume, "b")
	e.completes("b", `"x"`)
}

func controlUnknown(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for kind, name := range map[hub.ControlKind]string{
		hub.Suspend: "suspend", hub.Resume: "resume", hub.Terminate: "terminate",
		hub.Cancel: "cancel", hub.Restart: "restart", hub.Rewind: "rewind",
	} {
		_, err := e.hub.Control(e.ctx, &hub.Control{Kind: kind, InstanceID: "nobody"})
		e.code(name+"(nobody)", err, perdure.NotFound)
	}
}

func controlEnded(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "a", `"x"`)
	e.end("a")
	for _, kind := range []hub.ControlKind{hub.Suspend, hub.Resume, hub.Terminate, hub.Cancel} {
		e.control(kind, "a")
		e.status("a", store.Completed)
	}
}

func restartSame(t *testing.T, s suite) {
	var runs probe
	code := func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, in string) (string, error) {
			if !ctx.IsReplaying() {
				runs.note("%s%s%s", in, ctx.Version(), ctx.Tags()["k"])
			}
			return in, nil
		})
	}
	e := s.open(t, code)
	must1(e, &hub.Start{
		Name: "run", InstanceID: "a", Input: history.Some(`"x"`), Version: history.Some("1"), Tags: map[string]string{"k": "v"},
	})
	e.end("a")
	first := e.get("a").Execution
	id, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a"})
	if e.ok(err); id != "a" {
		t.Errorf("Control(restart) = %q, want a", id)
	}
	e.completes("a", `"x"`)
	if e.get("a").Execution == first {
		t.Error("the execution is the old one, want another")
	}
	_, err = e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a", Input: history.Some(`"y"`)})
	e.ok(err)
	e.completes("a", `"y"`)
	runs.check(t, "runs", "x1v", "x1v", "y1v")
}

func restartNew(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", `"x"`)
	id, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a", NewID: true})
	if e.ok(err); id == "" || id == "a" {
		t.Fatalf("Control(restart) = %q, want a new id", id)
	}
	e.raise(id, "go", `"new"`)
	e.completes(id, `"new"`)
	if got := e.get(id).Input.S; got != `"x"` {
		t.Errorf("its input = %s, want that of the first", got)
	}
	e.status("a", store.Running)
}

func restartAs(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", `"x"`)
	again := &hub.Control{RequestID: "r", Kind: hub.Restart, InstanceID: "a", As: "b"}
	for range 2 { // a repeat is answered
		id, err := e.hub.Control(e.ctx, again)
		if e.ok(err); id != "b" {
			t.Fatalf("Control(restart as b) = %q, want b", id)
		}
	}
	e.raise("b", "go", `"new"`)
	e.completes("b", `"new"`)
	if got := e.get("b").Input.S; got != `"x"` {
		t.Errorf("its input = %s, want that of the first", got)
	}
	e.status("a", store.Running)
	for _, taken := range []string{"a", "b"} { // one runs, one has ended
		_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a", As: taken})
		e.code("Control(restart as "+taken+")", err, perdure.AlreadyExists)
	}
	_, err := e.hub.Control(e.ctx, &hub.Control{RequestID: "r", Kind: hub.Restart, InstanceID: "a", As: "b", Input: history.Some(`"y"`)})
	e.code("Control(restart as b with another input)", err, perdure.Conflict)
	_, err = e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a", As: "@not@this"})
	e.code("Control(restart as an entity)", err, perdure.InvalidArgument)
	_, err = e.hub.Control(e.ctx, &hub.Control{RequestID: "r", Kind: hub.Restart, InstanceID: "a", As: "b"})
	e.ok(err)
	e.completes("b", `"new"`)
}

func restartVersion(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, in string) (string, error) {
			if !ctx.IsReplaying() {
				runs.note("%s=%s", ctx.InstanceID(), ctx.Version())
			}
			return in, nil
		})
	})
	must1(e, &hub.Start{Name: "run", InstanceID: "a", Input: history.Some(`"x"`), Version: history.Some("1")})
	e.end("a")
	for _, r := range []*hub.Control{{Version: history.Some("2")}, {}, {Version: history.Some("3"), As: "b"}, {Version: history.Some(""), As: "c"}} {
		r.Kind, r.InstanceID = hub.Restart, "a"
		id, err := e.hub.Control(e.ctx, r)
		e.ok(err)
		e.completes(id, `"x"`)
	}
	runs.check(t, "runs", "a=1", "a=2", "a=2", "b=3", "c=")
}

func restartRefused(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	e.settle()
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Restart, InstanceID: "a"})
	e.code("Control(restart a running one)", err, perdure.FailedPrecondition)
	e.status("a", store.Running)
}
