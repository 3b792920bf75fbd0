package hubtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var timerCases = []testCase{
	{"Order", timerOrder},
	{"Cancel", timerCancel},
	{"Past", timerPast},
	{"Lengths", timerLengths},
	{"AfterRestart", timerRestart},
	{"Many", timerMany},
}

var eventCases = []testCase{
	{"BufferedInOrder", eventOrder},
	{"Case", eventCase},
	{"Waits", eventWaits},
	{"Unknown", eventUnknown},
	{"Ended", eventEnded},
	{"BetweenOrchestrations", eventSent},
	{"CancelledWait", eventCancelled},
	{"Timeout", eventTimeout},
}

var askCases = []testCase{
	{"Answers", askAnswers},
	{"Fails", askFails},
	{"Repeated", askRepeated},
	{"Entity", askEntity},
	{"Unknown", askUnknown},
}

func timerOrder(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			var order []string
			var branches []perdure.Awaitable
			for _, d := range []int{30, 10, 20} {
				branches = append(branches, ctx.Go(func(ctx *perdure.Context) {
					if ctx.Timer(time.Duration(d)*time.Second).Await() == nil {
						order = append(order, fmt.Sprintf("%d@%v", d, ctx.Now().Sub(epoch)))
					}
				}))
			}
			err := perdure.All(ctx, branches...)
			return strings.Join(order, " "), err
		})
	})
	e.start("run", "a", "")
	if next, want := e.settle(), epoch.Add(10*time.Second); !next.Equal(want) || !e.get("a").NextFireAt.Equal(want) {
		t.Errorf("the next timer is at %v, shown as %v, want %v", next, e.get("a").NextFireAt, want)
	}
	e.completes("a", `"10@10s 20@20s 30@30s"`)
}

func timerCancel(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			timer := ctx.Timer(time.Hour)
			if err := ctx.Timer(time.Second).Await(); err != nil {
				return "", err
			}
			timer.Cancel()
			canceled := timer.Await()
			_, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			return perdure.CodeOf(canceled).String(), err
		})
	})
	e.start("run", "a", "")
	e.advance(time.Second)
	if next := e.settle(); !next.IsZero() {
		t.Errorf("after the cancellation a timer is due at %v, want none", next)
	}
	e.raise("a", "go", "")
	e.completes("a", `"canceled"`)
}

func timerPast(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (bool, error) {
			a, b := ctx.Timer(-time.Hour), ctx.Timer(0)
			err := perdure.All(ctx, a, b)
			return a.Fired() && b.Fired(), err
		})
	})
	e.start("run", "a", "")
	e.completes("a", "true")
	if e.since() != 0 {
		t.Errorf("timers that are past took %v, want no time", e.since())
	}
}

func timerLengths(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, d time.Duration) (bool, error) {
			due := ctx.Now().Add(d)
			err := ctx.Timer(d).Await()
			return !ctx.Now().Before(due), err
		})
	})
	for i, d := range []time.Duration{
		time.Nanosecond, time.Microsecond, 1500 * time.Nanosecond, time.Second, 2 * time.Minute,
		48 * time.Hour, 10 * 365 * 24 * time.Hour,
	} {
		id, began := fmt.Sprint("t", i), e.clock.Now()
		e.start("run", id, fmt.Sprint(int64(d)))
		e.completes(id, "true")
		if took := e.clock.Now().Sub(began); took < d || took > d+2*time.Microsecond {
			t.Errorf("a timer of %v took %v", d, took)
		}
	}
}

func timerRestart(t *testing.T, s suite) {
	code := func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, d time.Duration) (time.Duration, error) {
			err := ctx.Timer(d).Await()
			return ctx.Now().Sub(epoch), err
		})
	}
	e := s.open(t, code)
	e.start("run", "soon", fmt.Sprint(int64(time.Minute)))
	e.start("run", "later", fmt.Sprint(int64(time.Hour)))
	e.settle()
	e.stop()
	e.clock.Advance(10 * time.Minute) // the first is due while the hub is down
	e.run(code)
	e.completes("soon", fmt.Sprint(int64(10*time.Minute)))
	e.completes("later", fmt.Sprint(int64(time.Hour)))
}

// timerMany has more timers due at a time than one group holds.
func timerMany(t *testing.T, s suite) {
	const n = 600
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, n int) (int, error) {
			fired := 0
			for i := range n {
				ctx.Go(func(ctx *perdure.Context) {
					if ctx.Timer(time.Hour+time.Duration(i/100)*time.Microsecond).Await() == nil {
						fired++
					}
				})
			}
			err := ctx.Timer(2 * time.Hour).Await()
			return fired, err
		})
	})
	e.start("run", "a", fmt.Sprint(n))
	var starting sync.WaitGroup
	for first := range 20 { // side by side, for a commit may have to wait for a disk
		starting.Go(func() {
			for i := first; i < n; i += 20 {
				if _, err := e.tryStart("run", fmt.Sprint("i", i), "1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	starting.Wait()
	e.completes("a", fmt.Sprint(n))
	e.settle()
	for i := range n {
		if in := e.get(fmt.Sprint("i", i)); in.Status != store.Completed || in.Output.S != "1" {
			t.Errorf("i%d is %v with output %s, want completed with 1", i, history.Status(in.Status), in.Output.S)
		}
	}
}

// taker takes n events and joins what they carry.
func taker(r *perdure.Registry) {
	perdure.AddOrchestrationNamed(r, "take", func(ctx *perdure.Context, n int) (string, error) {
		if n < 0 {
			if err := ctx.Timer(time.Minute).Await(); err != nil {
				return "", err
			}
			n = -n
		}
		var all []string
		for range n {
			v, err := perdure.NewEvent[int]("Go").Wait(ctx).Await()
			if err != nil {
				return "", err
			}
			all = append(all, fmt.Sprint(v))
		}
		return strings.Join(all, " "), nil
	})
}

// sequence is "0 1 2 ..." of n numbers, as JSON.
func sequence(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return `"` + strings.Join(all, " ") + `"`
}

func eventOrder(t *testing.T, s suite) {
	e := s.open(t, taker)
	e.start("take", "before-start", "20", at(epoch.Add(time.Hour)))
	e.start("take", "before-wait", "-20")
	e.start("take", "waiting", "20")
	e.start("take", "suspended", "20")
	e.control(hub.Suspend, "suspended")
	ids := []string{"before-start", "before-wait", "waiting", "suspended"}
	for i := range 20 {
		for _, id := range ids {
			e.raise(id, "go", fmt.Sprint(i))
		}
		if i == 10 {
			e.restart(taker)
		}
	}
	e.control(hub.Resume, "suspended")
	for _, id := range ids {
		e.completes(id, sequence(20))
	}
}

func eventCase(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	e.settle()
	if in := e.get("a"); in.WaitName != "go" || in.Phase != store.WaitingEvent {
		t.Errorf("it shows a wait for %q, phase %d, want go, waiting for an event", in.WaitName, in.Phase)
	}
	e.raise("a", "GO", `"x"`)
	e.completes("a", `"x"`)
	e.script("a", "", `
		-1 orchestratorStarted
		0 executionStarted name=wait instance={instanceId=a executionId="$1"}
		-1 orchestratorStarted
		-1 eventRaised name=GO input=`+"`\"x\"`"+`
		1 executionCompleted status=completed result=`+"`\"x\"`"+`
		`)
}

// eventWaits shows all events that a run waits for, also to a hub that took it
// over.
func eventWaits(t *testing.T, s suite) {
	register := func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "two", func(ctx *perdure.Context, _ string) (string, error) {
			b := perdure.NewEvent[string]("b").Wait(ctx)
			for _, name := range []string{"a", "b"} {
				perdure.NewEvent[string](name).Wait(ctx)
			}
			if _, err := b.Await(); err != nil {
				return "", err
			}
			return perdure.NewEvent[string]("c").Wait(ctx).Await()
		})
	}
	e := s.open(t, register)
	e.start("two", "r", "")
	e.settle()
	check := func(want ...string) {
		t.Helper()
		if got := e.get("r").Waits; !slices.Equal(got, want) {
			t.Errorf("it waits for %q, want %q", got, want)
		}
	}
	check("b", "a")
	e.restart(register)
	check("b", "a")
	e.raise("r", "b", `"x"`)
	e.settle()
	check("a", "b", "c")
	e.raise("r", "c", `"y"`)
	e.completes("r", `"y"`)
	check()
}

func eventUnknown(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.code("Raise(unknown)", e.hub.Raise(e.ctx, &hub.Raise{InstanceID: "nobody", Name: "go"}), perdure.NotFound)
	e.start("wait", "a", "")
	e.code("Raise(no name)", e.hub.Raise(e.ctx, &hub.Raise{InstanceID: "a"}), perdure.InvalidArgument)
	e.code("Raise(what the hub alone raises)", e.hub.Raise(e.ctx, &hub.Raise{InstanceID: "a", Name: "Perdure.Agent.TakeBack", Data: history.Some("{}")}), perdure.InvalidArgument)
	_, err := e.hub.Instance(e.ctx, "nobody", true)
	e.code("Instance(nobody)", err, perdure.NotFound)
	_, err = e.hub.History(e.ctx, "nobody", "")
	e.code("History(nobody)", err, perdure.NotFound)
}

func eventEnded(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("echo", "a", `"x"`)
	e.end("a")
	version := e.get("a").Version
	e.raise("a", "go", `"late"`)
	e.settle()
	if in := e.get("a"); in.Status != store.Completed || in.Version != version && !e.named {
		t.Errorf("after a late event it is %v, version %d, want version %d as before", in.Status, in.Version, version)
	}
}

func eventSent(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		taker(r)
		perdure.AddOrchestrationNamed(r, "send", func(ctx *perdure.Context, n int) (string, error) {
			for i := range n {
				if err := perdure.NewEvent[int]("go").Send(ctx, "taker", i); err != nil {
					return "", err
				}
			}
			return "sent", perdure.NewEvent[int]("go").Send(ctx, "nobody", 1)
		})
	})
	e.start("take", "taker", "50")
	e.start("send", "sender", "50")
	e.completes("sender", `"sent"`)
	e.completes("taker", sequence(50))
}

func eventCancelled(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			first := perdure.NewEvent[string]("go").Wait(ctx)
			if _, err := perdure.NewEvent[string]("cancel").Wait(ctx).Await(); err != nil {
				return "", err
			}
			first.Cancel()
			return perdure.NewEvent[string]("go").Wait(ctx).Await()
		})
	})
	e.start("run", "a", "")
	e.raise("a", "cancel", "")
	e.raise("a", "go", `"x"`)
	e.completes("a", `"x"`)
}

func eventTimeout(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "approval", func(ctx *perdure.Context, _ string) (string, error) {
			decision, timeout := perdure.NewEvent[bool]("decision").Wait(ctx), ctx.Timer(24*time.Hour)
			if perdure.Any(ctx, decision, timeout) == timeout {
				return "escalated", nil
			}
			timeout.Cancel()
			yes, err := decision.Await()
			return fmt.Sprint(yes), err
		})
	})
	e.start("approval", "a", "")
	e.start("approval", "b", "")
	e.raise("b", "Decision", "true")
	e.completes("b", `"true"`)
	e.completes("a", `"escalated"`)
	if e.since() != 24*time.Hour {
		t.Errorf("it escalated after %v, want 24h", e.since())
	}
}

// asked is code that answers requests.
func asked(answers *probe) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "server", func(ctx *perdure.Context, n int) (int, error) {
			for range n {
				req, err := perdure.NewRequest[int, string]("double").Wait(ctx).Await()
				if err != nil {
					return 0, err
				}
				if req.Input < 0 {
					req.Fail(ctx, errors.New("negative"))
				} else if err := req.Reply(ctx, fmt.Sprint(2*req.Input)); err != nil {
					return 0, err
				}
			}
			return n, nil
		})
		perdure.AddEntityFunc(r, "echo", func(ctx *perdure.EntityContext) (any, error) {
			var in string
			if err := ctx.Input(&in); err != nil {
				return nil, err
			}
			answers.note("%s", in)
			if ctx.Operation() == "fail" {
				return nil, errors.New("no " + in)
			}
			return in, ctx.SetState(in)
		})
	}
}

func (e *env) ask(id, name, requestID, input string) (string, error) {
	answer, err := e.hub.Ask(e.ctx, &hub.Ask{RequestID: requestID, InstanceID: id, Name: name, Input: history.NoneIfEmpty(input)})
	return answer.S, err
}

func askAnswers(t *testing.T, s suite) {
	e := s.open(t, asked(new(probe)))
	e.start("server", "a", "20")
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			got, err := e.ask("a", "Double", "", fmt.Sprint(i))
			if want := fmt.Sprintf(`"%d"`, 2*i); err != nil || got != want {
				t.Errorf("Ask(%d) = %s, %v, want %s", i, got, err, want)
			}
		})
	}
	wg.Wait()
	e.completes("a", "20")
}

func askFails(t *testing.T, s suite) {
	e := s.open(t, asked(new(probe)))
	e.start("server", "a", "2")
	if _, err := e.ask("a", "double", "", "-1"); err == nil || !strings.Contains(err.Error(), "negative") {
		t.Errorf("Ask(-1) = %v, want the orchestration's error", err)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	_, err := e.hub.Ask(ctx, &hub.Ask{InstanceID: "a", Name: "other", Input: history.Some("1")})
	e.code("Ask(cancelled)", err, perdure.Canceled)
	e.settle()
	if got, err := e.ask("a", "double", "", "4"); err != nil || got != `"8"` {
		t.Errorf("Ask(4) = %s, %v, want 8", got, err)
	}
	e.completes("a", "2")
}

func askRepeated(t *testing.T, s suite) {
	e := s.open(t, asked(new(probe)))
	e.start("server", "a", "2")
	for range 3 {
		if got, err := e.ask("a", "double", "r1", "3"); err != nil || got != `"6"` {
			t.Errorf("Ask(r1, 3) = %s, %v, want 6", got, err)
		}
	}
	e.restart(asked(new(probe)))
	if got, err := e.ask("a", "double", "r1", "3"); err != nil || got != `"6"` {
		t.Errorf("Ask(r1, 3) after a restart = %s, %v, want 6", got, err)
	}
	if got, err := e.ask("a", "double", "r2", "5"); err != nil || got != `"10"` {
		t.Errorf("Ask(r2, 5) = %s, %v, want 10", got, err)
	}
	e.completes("a", "2")
}

func askEntity(t *testing.T, s suite) {
	var answers probe
	e := s.open(t, asked(&answers))
	for range 2 {
		if got, err := e.ask("@echo@k", "say", "r1", `"x"`); err != nil || got != `"x"` {
			t.Errorf("Ask(say x) = %s, %v, want x", got, err)
		}
	}
	if _, err := e.ask("@echo@k", "fail", "", `"y"`); err == nil || !strings.Contains(err.Error(), "no y") {
		t.Errorf("Ask(fail) = %v, want the entity's error", err)
	}
	answers.check(t, "operations", "x", "y")
}

func askUnknown(t *testing.T, s suite) {
	e := s.open(t, asked(new(probe)))
	_, err := e.ask("nobody", "double", "", "1")
	e.code("Ask(nobody)", err, perdure.NotFound)
	e.start("server", "a", "0")
	e.end("a")
	_, err = e.ask("a", "double", "", "1")
	e.code("Ask(ended)", err, perdure.FailedPrecondition)
}
