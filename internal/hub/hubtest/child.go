package hubtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var childCases = []testCase{
	{"Ids", childIDs},
	{"FailureChain", childFailure},
	{"Terminated", childTerminated},
	{"LiveID", childLive},
	{"EndedID", childEnded},
	{"TerminateRecursive", childRecursive},
	{"CancelTask", childCancelTask},
	{"Inherits", childInherits},
	{"Detached", childDetached},
}

var continueCases = []testCase{
	{"Burst", continueBurst},
	{"DropEvents", continueDrop},
	{"ManyTimes", continueMany},
	{"StaleResults", continueStale},
	{"OfChild", continueChild},
}

// parents registers orchestrations that call others: parent calls what its input
// says, grandparent calls parent, top calls grandparent.
func parents(r *perdure.Registry) {
	echoCode(r)
	type call struct{ Name, ID string }
	perdure.AddOrchestrationNamed(r, "parent", func(ctx *perdure.Context, c call) (string, error) {
		var opts []perdure.Option
		if c.ID != "" {
			opts = append(opts, perdure.WithID(c.ID))
		}
		return perdure.CallOrchestrationNamed[string](ctx, c.Name, "in", opts...).Await()
	})
	perdure.AddOrchestrationNamed(r, "grandparent", func(ctx *perdure.Context, c call) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, "parent", c).Await()
	})
	perdure.AddOrchestrationNamed(r, "top", func(ctx *perdure.Context, c call) (string, error) {
		return perdure.CallOrchestrationNamed[string](ctx, "grandparent", c).Await()
	})
}

func childIDs(t *testing.T, s suite) {
	e := s.open(t, parents)
	e.start("parent", "a", `{"Name":"echo"}`)
	e.start("parent", "b", `{"Name":"echo","ID":"mine"}`)
	e.completes("a", `"in"`)
	e.completes("b", `"in"`)
	for id, parent := range map[string]string{"a:0001": "a", "mine": "b"} {
		if in := e.get(id); in.Parent != parent || in.ParentTask != 1 || in.Input.S != `"in"` || in.Root != parent {
			t.Errorf("child %s has parent %q, task %d, root %q, input %s; want %q, 1", id, in.Parent, in.ParentTask, in.Root, in.Input.S, parent)
		}
	}
	e.start("top", "t", `{"Name":"echo","ID":"low"}`)
	e.completes("t", `"in"`)
	for id, parent := range map[string]string{"t:0001": "t", "t:0001:0001": "t:0001", "low": "t:0001:0001"} {
		if in := e.get(id); in.Parent != parent || in.Root != "t" {
			t.Errorf("child %s has parent %q and root %q, want %q and t", id, in.Parent, in.Root, parent)
		}
	}
}

func childFailure(t *testing.T, s suite) {
	e := s.open(t, parents)
	e.start("grandparent", "a", `{"Name":"fail"}`)
	var chain []string
	for f := e.fails("a"); f != nil; f = f.Inner {
		chain = append(chain, f.Message)
	}
	want := []string{"parent: fail: no luck", "fail: no luck", "no luck"}
	if diff := cmp.Diff(want, chain); diff != "" {
		t.Errorf("failure (-want +got):\n%s", diff)
	}
}

func childTerminated(t *testing.T, s suite) {
	e := s.open(t, parents)
	e.start("parent", "a", `{"Name":"wait","ID":"a-child"}`)
	e.start("parent", "b", `{"Name":"wait","ID":"b-child"}`)
	e.settle()
	e.control(hub.Terminate, "a-child")
	e.control(hub.Cancel, "b-child")
	for _, id := range []string{"a", "b"} {
		if f := e.fails(id); !strings.Contains(failureText(f), id+"-child") {
			t.Errorf("failure of %s = %s, want the child's id", id, failureText(f))
		}
	}
}

func childLive(t *testing.T, s suite) {
	e := s.open(t, parents)
	e.start("wait", "taken", "")
	e.start("parent", "a", `{"Name":"echo","ID":"taken"}`)
	if f := e.fails("a"); !strings.Contains(failureText(f), "exists") {
		t.Errorf("failure = %s, want that the id exists", failureText(f))
	}
	e.raise("taken", "go", `"x"`)
	e.completes("taken", `"x"`)
}

func childEnded(t *testing.T, s suite) {
	e := s.open(t, parents)
	e.start("fail", "taken", "")
	e.end("taken")
	e.start("parent", "a", `{"Name":"echo","ID":"taken"}`)
	e.completes("a", `"in"`)
	e.completes("taken", `"in"`)
}

func childRecursive(t *testing.T, s suite) {
	e := s.open(t, parents)
	for _, id := range []string{"deep", "flat"} {
		e.start("grandparent", id, `{"Name":"wait"}`)
		e.settle()
		if got := e.get(id).Pending.Children; got != 1 {
			t.Errorf("%s shows %d children, want 1", id, got)
		}
		_, err := e.hub.Control(e.ctx, &hub.Control{
			Kind: hub.Terminate, InstanceID: id, Reason: history.Some(`"why"`), Recursive: id == "deep",
		})
		e.ok(err)
	}
	for _, id := range []string{"deep", "deep:0001", "deep:0001:0001", "flat"} {
		e.status(id, store.Terminated)
		if got := e.get(id).Output.S; got != `"why"` {
			t.Errorf("output of %s = %s, want the reason", id, got)
		}
	}
	e.status("flat:0001", store.Running)
}

func childCancelTask(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			child := perdure.CallOrchestrationNamed[string](ctx, "wait", nil, perdure.WithID("c"))
			if err := ctx.Timer(time.Second).Await(); err != nil {
				return "", err
			}
			child.Cancel()
			_, err := child.Await()
			return perdure.CodeOf(err).String(), nil
		})
	})
	e.start("run", "a", "")
	e.completes("a", `"canceled"`)
	e.status("c", store.Terminated)
}

func childInherits(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, _ string) (string, error) {
			p := ctx.Parent()
			return fmt.Sprint(ctx.Version(), ctx.Tags(), p.InstanceID, p.Name), nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "child", nil,
				perdure.WithVersion("7"), perdure.WithTags(map[string]string{"k": "v"})).Await()
		})
	})
	e.start("run", "a", "")
	e.completes("a", `"7map[k:v]arun"`)
}

func childDetached(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, id string) (string, error) {
			return perdure.StartOrchestration(ctx, "echo", "x", perdure.WithID(id))
		})
	})
	e.start("run", "a", `"b"`)
	e.completes("a", `"b"`)
	e.completes("b", `"x"`)
	if p := e.get("b").Parent; p != "" {
		t.Errorf("a started orchestration has the parent %q, want none", p)
	}
	e.start("wait", "live", "")
	e.start("run", "c", `"live"`)
	e.completes("c", `"live"`)
	e.status("live", store.Running)
}

// collector takes events until it has them all, in executions of three.
func collector(r *perdure.Registry) {
	type state struct {
		Want int
		Got  []int
	}
	perdure.AddOrchestrationNamed(r, "collect", func(ctx *perdure.Context, st state) (string, error) {
		for range 3 {
			if len(st.Got) == st.Want {
				return strings.Trim(fmt.Sprint(st.Got), "[]"), nil
			}
			v, err := perdure.NewEvent[int]("go").Wait(ctx).Await()
			if err != nil {
				return "", err
			}
			st.Got = append(st.Got, v)
		}
		return "", perdure.ContinueAsNew(ctx, st)
	})
}

func continueBurst(t *testing.T, s suite) {
	const n = 100
	e := s.open(t, func(r *perdure.Registry) {
		collector(r)
		perdure.AddOrchestrationNamed(r, "send", func(ctx *perdure.Context, to string) (string, error) {
			for i := range n {
				if err := perdure.NewEvent[int]("go").Send(ctx, to, i); err != nil {
					return "", err
				}
			}
			return "sent", nil
		})
	})
	input := fmt.Sprintf(`{"Want":%d}`, n)
	e.start("collect", "at-once", input)
	e.start("collect", "each", input)
	first := e.get("at-once").Execution
	e.start("send", "sender", `"at-once"`)
	for i := range n {
		if i == n-1 {
			e.settle()
		}
		e.raise("each", "go", fmt.Sprint(i))
	}
	e.completes("at-once", sequence(n))
	e.completes("each", sequence(n))
	if e.get("at-once").Execution == first {
		t.Error("the execution is the first one, want another")
	}
	e.script("each", "", `
		-1 orchestratorStarted
		0 executionStarted name=collect input=`+"`"+`{"Want":100,"Got":[`+strings.ReplaceAll(strings.Trim(sequence(99), `"`), " ", ",")+`]}`+"`"+` instance={instanceId=each executionId="$1"}
		-1 orchestratorStarted
		-1 eventRaised name=go input="99"
		1 executionCompleted status=completed result=`+"`"+sequence(100)+"`"+`
		`)
	if events, err := e.hub.History(e.ctx, "at-once", first); err != nil || len(events) < 5 {
		t.Errorf("History(first execution) = %d events, %v, want it kept", len(events), err)
	}
}

func continueDrop(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, n int) (string, error) {
			if n == 0 {
				if _, err := perdure.NewEvent[string]("next").Wait(ctx).Await(); err != nil {
					return "", err
				}
				return "", perdure.ContinueAsNew(ctx, 1, perdure.DropEvents(), perdure.ContinueWithVersion("2"))
			}
			v, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			return ctx.Version() + v, err
		})
	})
	e.start("run", "a", "0")
	e.raise("a", "go", `"dropped"`)
	e.raise("a", "next", "")
	e.settle()
	e.raise("a", "go", `"kept"`)
	e.completes("a", `"2kept"`)
}

func continueMany(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, n int) (int, error) {
			if n == 500 {
				return n, nil
			}
			return 0, perdure.ContinueAsNew(ctx, n+1)
		})
	})
	e.start("run", "a", "0")
	e.completes("a", "500")
}

// continueStale leaves a timer and an activity open when it continues.
func continueStale(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, n int) (string, error) {
			if n == 0 {
				ctx.Timer(time.Minute)
				perdure.CallNamed[string](ctx, "echo", "stale")
				return "", perdure.ContinueAsNew(ctx, 1)
			}
			timer := ctx.Timer(time.Hour)
			v, err := perdure.CallNamed[string](ctx, "echo", "new").Await()
			return v, errors.Join(err, timer.Await())
		})
	})
	e.start("run", "a", "0")
	e.completes("a", `"new"`)
	if e.since() != time.Hour {
		t.Errorf("it took %v, want 1h", e.since())
	}
}

func continueChild(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "child", func(ctx *perdure.Context, n int) (int, error) {
			if n < 3 {
				return 0, perdure.ContinueAsNew(ctx, n+1)
			}
			return n, nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (int, error) {
			return perdure.CallOrchestrationNamed[int](ctx, "child", 0).Await()
		})
	})
	e.start("run", "a", "")
	e.completes("a", "3")
}
