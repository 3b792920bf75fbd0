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

var requestCases = []testCase{
	{"Repeated", requestRepeated},
	{"OtherContent", requestOther},
	{"AfterPurge", requestAfterPurge},
	{"Expires", requestExpires},
	{"ControlRepeated", requestControl},
	{"PurgeRepeated", requestPurge},
}

var payloadCases = []testCase{
	{"Large", payloadLarge},
	{"OverLimit", payloadOverLimit},
	{"RequestOverLimit", payloadRequest},
	{"NullAndEmpty", payloadNull},
	{"NotUTF8", payloadUTF8},
}

var faultCases = []testCase{
	{"Divergence", faultDivergence},
	{"Blocked", faultBlocked},
	{"Panic", faultPanic},
	{"DuplicateOnRestart", faultRestart},
}

func requestRepeated(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		taker(r)
		counters(r)
	})
	start := func() hub.Started {
		return must1(e, &hub.Start{RequestID: "s1", Name: "take", Input: history.Some("2")})
	}
	first := start()
	for i := range 3 {
		if got := start(); got.InstanceID != first.InstanceID || got.ExecutionID != first.ExecutionID || got.Existing != first.Existing {
			t.Errorf("Start(s1) = %+v, want %+v as before", got, first)
		}
		e.ok(e.hub.Raise(e.ctx, &hub.Raise{RequestID: "r1", InstanceID: first.InstanceID, Name: "go", Data: history.Some("0")}))
		e.ok(e.hub.Signal(e.ctx, &hub.Signal{RequestID: "g1", InstanceID: "@counter@k", Operation: "add", Input: history.Some("1")}))
		if i == 1 {
			e.restart(func(r *perdure.Registry) {
				taker(r)
				counters(r)
			})
		}
	}
	e.state("@counter@k", "1")
	e.status(first.InstanceID, store.Running)
	e.raise(first.InstanceID, "go", "1")
	e.completes(first.InstanceID, `"0 1"`)
	// the same id for another instance is another request
	e.ok(e.hub.Signal(e.ctx, &hub.Signal{RequestID: "g1", InstanceID: "@counter@j", Operation: "add", Input: history.Some("9")}))
	e.state("@counter@j", "9")
}

func requestOther(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "", func(r *hub.Start) { r.RequestID = "s1" })
	_, err := e.hub.Start(e.ctx, &hub.Start{RequestID: "s1", InstanceID: "a", Name: "echo"})
	e.code("Start(s1, another name)", err, perdure.Conflict)
	e.ok(e.hub.Raise(e.ctx, &hub.Raise{RequestID: "r1", InstanceID: "a", Name: "other", Data: history.Some("1")}))
	for _, r := range []*hub.Raise{{Name: "other", Data: history.Some("2")}, {Name: "go", Data: history.Some("1")}, {Name: "other"}} {
		r.RequestID, r.InstanceID = "r1", "a"
		e.code(fmt.Sprintf("Raise(r1, %s %v)", r.Name, r.Data), e.hub.Raise(e.ctx, r), perdure.Conflict)
	}
	_, err = e.hub.Control(e.ctx, &hub.Control{RequestID: "r1", InstanceID: "a", Kind: hub.Terminate})
	e.code("Control(r1)", err, perdure.Conflict)
	e.status("a", store.Running)
}

func requestAfterPurge(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	r := &hub.Start{RequestID: "s1", InstanceID: "a", Name: "echo", Input: history.Some(`"x"`)}
	must1(e, r)
	e.end("a")
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
	if st := must1(e, r); st.InstanceID != "a" {
		t.Errorf("Start(s1) = %+v, want the first answer", st)
	}
	e.settle()
	e.gone("a")
}

// requestControl repeats what changes the status that it needs.
func requestControl(t *testing.T, s suite) {
	var runs probe
	e := s.open(t, flaky(1, &runs))
	e.start("run", "a", `"x"`)
	e.fails("a")
	for range 2 {
		_, err := e.hub.Control(e.ctx, &hub.Control{RequestID: "w1", Kind: hub.Rewind, InstanceID: "a"})
		e.ok(err)
		e.completes("a", `"x!"`)
	}
	runs.check(t, "activities after a rewind", "good", "flaky", "flaky")
	for range 2 {
		_, err := e.hub.Control(e.ctx, &hub.Control{RequestID: "s1", Kind: hub.Restart, InstanceID: "a"})
		e.ok(err)
		e.completes("a", `"x!"`)
	}
	runs.check(t, "activities after a restart", "good", "flaky", "flaky", "good", "flaky")
}

func requestPurge(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "a", `"x"`)
	e.end("a")
	purge := &hub.Purge{RequestID: "p1", IDs: []string{"a"}}
	e.purge(purge, 1)
	e.start("echo", "a", `"y"`)
	e.end("a")
	e.purge(purge, 1) // which it has done before
	e.completes("a", `"y"`)
	e.purge(&hub.Purge{RequestID: "p2", IDs: []string{"a"}}, 1)
	e.gone("a")
}

func requestExpires(t *testing.T, s suite) {
	e := s.open(t, counters)
	signal := func() {
		e.ok(e.hub.Signal(e.ctx, &hub.Signal{RequestID: "g1", InstanceID: "@counter@k", Operation: "add", Input: history.Some("1")}))
	}
	signal()
	e.advance(23 * time.Hour)
	signal()
	e.state("@counter@k", "1")
	e.advance(2 * time.Hour)
	signal()
	e.state("@counter@k", "2")
}

// sized registers code that moves payloads of n bytes.
func sized(r *perdure.Registry) {
	perdure.AddActivityNamed(r, "make", func(_ context.Context, n int) (string, error) { return strings.Repeat("x", n), nil })
	perdure.AddActivityNamed(r, "measure", func(_ context.Context, s string) (int, error) { return len(s), nil })
	perdure.AddOrchestrationNamed(r, "make", func(ctx *perdure.Context, n int) (string, error) {
		return perdure.CallNamed[string](ctx, "make", n, perdure.WithRetry(perdure.RetryPolicy{})).Await()
	})
	perdure.AddOrchestrationNamed(r, "pass", func(ctx *perdure.Context, n int) (int, error) {
		big, err := perdure.CallNamed[string](ctx, "make", n).Await()
		if err != nil {
			return 0, err
		}
		if _, err := perdure.NewEvent[string]("go").Wait(ctx).Await(); err != nil {
			return 0, err
		}
		return perdure.CallNamed[int](ctx, "measure", big).Await()
	})
	perdure.AddOrchestrationNamed(r, "schedule", func(ctx *perdure.Context, n int) (int, error) {
		return perdure.CallNamed[int](ctx, "measure", strings.Repeat("x", n)).Await()
	})
	perdure.AddOrchestrationNamed(r, "return", func(_ *perdure.Context, n int) (string, error) { return strings.Repeat("x", n), nil })
	perdure.AddOrchestrationNamed(r, "continue", func(ctx *perdure.Context, s string) (int, error) {
		if len(s) < 100 {
			return 0, perdure.ContinueAsNew(ctx, strings.Repeat("x", 50_000))
		}
		return perdure.CallOrchestrationNamed[int](ctx, "len", s).Await()
	})
	perdure.AddOrchestrationNamed(r, "len", func(_ *perdure.Context, s string) (int, error) { return len(s), nil })
	perdure.AddEntityFunc(r, "big", func(ctx *perdure.EntityContext) (any, error) {
		var n int
		if err := ctx.Input(&n); err != nil {
			return nil, err
		}
		return strings.Repeat("y", n), ctx.SetState(strings.Repeat("x", n))
	})
}

func payloadLarge(t *testing.T, s suite) {
	e := s.open(t, sized)
	const n = 100_000
	e.start("make", "make", fmt.Sprint(n))
	if in := e.end("make"); len(in.Output.S) != n+2 {
		t.Errorf("output has %d bytes, want %d", len(in.Output.S), n+2)
	}
	e.start("pass", "pass", fmt.Sprint(n))
	e.settle()
	e.restart(sized)
	e.raise("pass", "go", `"`+strings.Repeat("e", n)+`"`)
	e.completes("pass", fmt.Sprint(n))
	e.start("continue", "continue", "")
	e.completes("continue", "50000")
	e.start("len", "len", `"`+strings.Repeat("x", n)+`"`, at(epoch.Add(time.Hour)))
	e.completes("len", fmt.Sprint(n))
	if in := e.get("len"); len(in.Input.S) != n+2 {
		t.Errorf("input has %d bytes, want %d", len(in.Input.S), n+2)
	}
	if got, err := e.ask("@big@k", "set", "r", fmt.Sprint(n)); err != nil || len(got) != n+2 {
		t.Errorf("Ask(set) = %d bytes, %v, want %d", len(got), err, n+2)
	}
	e.purge(&hub.Purge{IDs: []string{"pass"}}, 1)
}

// payloadOverLimit checks that too much data is a final error that names who
// produced it.
func payloadOverLimit(t *testing.T, s suite) {
	e := s.open(t, sized)
	const n = 8<<20 + 1
	for name, producer := range map[string]string{"make": `activity "make"`, "schedule": `activity "measure"`, "return": "return"} {
		e.start(name, name, fmt.Sprint(n))
		f := e.fails(name)
		if text := failureText(f); !strings.Contains(text, producer) || !strings.Contains(text, "limit") {
			t.Errorf("failure of %s = %.300s, want the limit and %s", name, text, producer)
		}
	}
	if e.since() != 0 {
		t.Errorf("the failures took %v, want them final at once", e.since())
	}
	if _, err := e.ask("@big@k", "set", "", fmt.Sprint(n)); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("Ask(set too much) = %v, want an error that names the limit", err)
	}
	e.state("@big@k", "")
}

func payloadRequest(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	big := history.Some(`"` + strings.Repeat("x", 8<<20) + `"`)
	_, err := e.hub.Start(e.ctx, &hub.Start{Name: "echo", Input: big})
	e.code("Start(too much)", err, perdure.ResourceExhausted)
	e.code("Raise(too much)", e.hub.Raise(e.ctx, &hub.Raise{InstanceID: "a", Name: "go", Data: big}), perdure.ResourceExhausted)
	e.code("Signal(too much)", e.hub.Signal(e.ctx, &hub.Signal{InstanceID: "@a@b", Operation: "op", Input: big}), perdure.ResourceExhausted)
	_, err = e.hub.Ask(e.ctx, &hub.Ask{InstanceID: "a", Name: "go", Input: big})
	e.code("Ask(too much)", err, perdure.ResourceExhausted)
	_, err = e.hub.Control(e.ctx, &hub.Control{InstanceID: "a", Kind: hub.Terminate, Reason: big})
	e.code("Control(too much)", err, perdure.ResourceExhausted)
	e.status("a", store.Running)
}

func payloadNull(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for i, in := range []history.Text{{}, history.Some(""), history.Some("null"), history.Some(`""`)} {
		id := fmt.Sprint("i", i)
		must1(e, &hub.Start{Name: "wait", InstanceID: id, Input: in})
		e.ok(e.hub.Raise(e.ctx, &hub.Raise{InstanceID: id, Name: "other", Data: in}))
		e.settle()
		if got := e.get(id).Input; got != in {
			t.Errorf("input = %+v, want %+v", got, in)
		}
		events, err := e.hub.History(e.ctx, id, "")
		must(e, events, err)
		if b, ok := events[len(events)-1].Body.(*history.EventRaised); !ok || b.Input != in {
			t.Errorf("event = %v, want data %+v", events[len(events)-1], in)
		}
	}
}

func payloadUTF8(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	_, err := e.hub.Start(e.ctx, &hub.Start{Name: "echo", Input: history.Some("\"a\xff\"")})
	e.code("Start(not UTF-8)", err, perdure.InvalidArgument)
}

// versions of an orchestration, of which the second does not fit the history of
// the first.
func versioned(second bool) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddActivityNamed(r, "other", echo)
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			name := "echo"
			if second {
				name = "other"
			}
			v, err := perdure.CallNamed[string](ctx, name, "x").Await()
			if err != nil {
				return "", err
			}
			w, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			return v + w, err
		})
	}
}

func faultDivergence(t *testing.T, s suite) {
	e := s.open(t, versioned(false))
	for _, id := range []string{"a", "b", "c"} {
		e.start("run", id, "")
	}
	e.settle()
	before, err := e.hub.History(e.ctx, "a", "")
	must(e, before, err)
	e.restart(versioned(true))
	for _, id := range []string{"a", "b", "c"} {
		e.raise(id, "go", `"1"`)
	}
	e.settle()
	in := e.get("a")
	for _, want := range []string{"echo", "other", "fault.go:"} {
		if in.Phase != store.Stuck || !strings.Contains(in.PhaseCause, want) {
			t.Errorf("phase %d, cause %q, want stuck with %q", in.Phase, in.PhaseCause, want)
		}
	}
	after, err := e.hub.History(e.ctx, "a", "")
	if must(e, after, err); history.Script(after) != history.Script(before) {
		t.Errorf("the history has %d events, want the %d of before", len(after), len(before))
	}
	e.raise("a", "go", `"2"`)
	e.control(hub.Terminate, "b")
	e.status("b", store.Terminated)
	e.start("echo", "new", `"x"`) // others go on
	e.completes("new", `"x"`)
	e.restart(versioned(true))
	e.settle()
	if in := e.get("c"); in.Phase != store.Stuck {
		t.Errorf("after a restart with the same code phase %d, want stuck", in.Phase)
	}
	e.restart(versioned(false))
	e.completes("a", `"x1"`)
	e.completes("c", `"x1"`)
}

// faultBlocked has a turn that waits for a channel.
func faultBlocked(t *testing.T, s suite) {
	block := make(chan string)
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "block", func(*perdure.Context, string) (string, error) { return <-block, nil })
	})
	if e.outside {
		t.Skip("a hub does not see why a turn elsewhere does not end")
	}
	e.start("block", "a", "")
	e.start("echo", "b", `"x"`)
	if in, err := e.hub.WaitCompletion(e.ctx, "b"); err != nil || in.Output.S != `"x"` {
		t.Errorf("another instance ended with %+v, %v, want x", in, err)
	}
	for e.get("a").Phase != store.Stuck && e.ctx.Err() == nil {
		e.clock.Advance(10 * time.Second)
	}
	if in := e.get("a"); !strings.Contains(in.PhaseCause, "fault.go:") {
		t.Errorf("cause = %q, want the stack", in.PhaseCause)
	}
	e.raise("a", "go", "1")
	block <- "free"
	if in, err := e.hub.WaitCompletion(e.ctx, "a"); err != nil || in.Output.S != `"free"` {
		t.Errorf("after it was freed it ended with %+v, %v, want free", in, err)
	}
}

func faultPanic(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		echoCode(r)
		perdure.AddOrchestrationNamed(r, "panic", func(*perdure.Context, string) (string, error) { panic("boom") })
	})
	e.start("panic", "a", "")
	f := e.fails("a")
	if f.Type != "Panic" || f.Message != "boom" || !strings.Contains(f.Stack.S, "fault.go:") {
		t.Errorf("failure = %s: %s, stack %s; want the panic with its stack", f.Type, f.Message, f.Stack.S)
	}
	e.start("echo", "b", `"x"`)
	e.completes("b", `"x"`)
}

// faultRestart restarts the hub between all steps of a run.
func faultRestart(t *testing.T, s suite) {
	var runs probe
	code := func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "step", func(_ context.Context, i int) (int, error) {
			runs.note("%d", i)
			return i, nil
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, n int) (int, error) {
			sum := 0
			for i := range n {
				v, err := perdure.CallNamed[int](ctx, "step", i).Await()
				if err != nil {
					return 0, err
				}
				if _, err := perdure.NewEvent[string]("go").Wait(ctx).Await(); err != nil {
					return 0, err
				}
				sum += v
			}
			return sum, nil
		})
	}
	e := s.open(t, code)
	e.start("run", "a", "4")
	for range 4 {
		e.settle()
		e.restart(code)
		e.settle()
		e.raise("a", "go", "")
	}
	e.completes("a", "6")
	runs.check(t, "steps", "0", "1", "2", "3")
}
