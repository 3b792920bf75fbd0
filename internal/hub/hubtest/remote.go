package hubtest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// remoteCases drive hub.Workers. Numbers with a W are those of the wire's conformance
// statements.
var remoteCases = []testCase{
	{"Straight", remoteStraight},
	{"Own", remoteOwn},
	{"WaitsForWorker", remoteWaits},
	{"ComesMeanwhile", remoteMeanwhile},
	{"W14FirstDispatch", remoteFirst},
	{"W08StreamLoss", remoteLoss},
	{"W10W11Tokens", remoteTokens},
	{"Entity", remoteEntity},
}

// nobody is a process without code.
func nobody(*perdure.Registry) {}

// steps registers a chain of activities.
func steps(r *perdure.Registry) {
	perdure.AddActivityNamed(r, "echo", echo)
	perdure.AddOrchestrationNamed(r, "sequence", func(ctx *perdure.Context, n int) (string, error) {
		out := ""
		for i := range n {
			v, err := perdure.CallNamed[string](ctx, "echo", fmt.Sprint(i)).Await()
			if err != nil {
				return "", err
			}
			out += v
		}
		return out, nil
	})
}

func remoteStraight(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	wait := p.serve(steps)
	e.start("sequence", "a", "5")
	e.finishes("a", `"01234"`)
	p.stream.Close(false)
	wait()
}

func remoteOwn(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(&hub.Worker{Own: true, ID: "w1"})
	wait := p.serve(steps)
	for i := range 10 {
		e.start("sequence", fmt.Sprint(i), "5")
	}
	for i := range 10 {
		e.finishes(fmt.Sprint(i), `"01234"`)
	}
	p.stream.Close(false)
	wait()
}

// remoteWaits has all kinds of work wait for a worker, also over a restart.
func remoteWaits(t *testing.T, s suite) {
	for _, restart := range []bool{false, true} {
		e := s.open(t, nobody)
		for i := range 3 {
			e.start("sequence", fmt.Sprint(i), "2")
		}
		e.signal("@counter@k", "add", "1")
		e.settle()
		in := e.get("0")
		if in.Status != store.Pending || in.Phase != store.Stuck || !strings.Contains(in.PhaseCause, `orchestration "sequence"`) {
			t.Errorf("status %v, phase %d, cause %q, want pending and stuck with the name", in.Status, in.Phase, in.PhaseCause)
		}
		if restart {
			e.restart(nobody)
			e.settle()
		}
		p := e.connect(&hub.Worker{Filters: &hub.Filters{Orchestrations: []hub.NameFilter{{Name: "sequence"}}}})
		wait := p.serve(steps)
		e.until("it is stuck at its activity", func() bool { return strings.Contains(e.get("0").PhaseCause, `activity "echo"`) })
		q := e.connect(nil)
		waitQ := q.serve(func(r *perdure.Registry) {
			steps(r)
			counters(r)
		})
		for i := range 3 {
			e.finishes(fmt.Sprint(i), `"01"`)
		}
		e.until("the entity has its state", func() bool {
			ent, err := e.hub.Entity(e.ctx, "@counter@k")
			return err == nil && ent.State.S == "1"
		})
		p.stream.Close(false)
		q.stream.Close(false)
		wait()
		waitQ()
	}
}

// remoteFirst checks what the first turn of an execution is given.
func remoteFirst(t *testing.T, s suite) {
	e := s.open(t, nobody)
	st := e.start("run", "a", `"x"`)
	e.raise("a", "One", "1")
	e.raise("a", "two", "2")
	p := e.connect(nil)
	w, events := p.turn()
	if diff := cmp.Diff("orchestratorStarted executionStarted eventRaised eventRaised", kindsOf(events)); diff != "" {
		t.Errorf("first turn (-want +got):\n%s", diff)
	}
	b := events[1].Body.(*history.ExecutionStarted)
	if w.Orchestration.ExecutionID != st.ExecutionID || b.Instance == nil || b.Instance.ExecutionID.S != st.ExecutionID {
		t.Errorf("execution = %q and %+v, want %q", w.Orchestration.ExecutionID, b.Instance, st.ExecutionID)
	}
	if got := events[2].Body.(*history.EventRaised).Name; got != "One" {
		t.Errorf("first event = %q, want One", got)
	}
	if in := e.get("a"); in.Status != store.Pending {
		t.Errorf("status = %v before the first turn has ended, want pending", in.Status)
	}
	e.raise("a", "three", "3")
	e.ok(p.does(w, schedule(1, "act")))
	if in := e.get("a"); in.Status != store.Running {
		t.Errorf("status = %v, want running", in.Status)
	}
	next := map[string]*hub.Work{}
	for range 2 {
		w := p.next()
		if w.Activity != nil {
			next["activity"] = w
		} else {
			next["turn"] = w
		}
	}
	w = next["turn"]
	if got := kindsOf(p.decode(w.Orchestration.New)); got != "orchestratorStarted eventRaised" {
		t.Errorf("second turn = %s, want the event that came meanwhile", got)
	}
	past := p.decode(w.Orchestration.Past)
	if got := kindsOf(past); got != "orchestratorStarted executionStarted eventRaised eventRaised taskScheduled" {
		t.Errorf("past = %s, want the first turn", got)
	}
	if a := next["activity"].Activity; a.Name != "act" || a.InstanceID != "a" || a.TaskID != 1 || a.Input.S != `"x"` || a.Attempt != 1 {
		t.Errorf("activity = %+v, want act of a with task 1", a)
	}
	e.ok(p.does(w, finish(2, `"done"`)))
	e.completes("a", `"done"`)
	e.script("a", "", strings.Join([]string{
		"-1 orchestratorStarted",
		"0 executionStarted name=run input=`\"x\"` instance={instanceId=a executionId=\"$1\"}",
		"-1 eventRaised name=One input=\"1\"",
		"-1 eventRaised name=two input=\"2\"",
		"1 taskScheduled name=act input=`\"x\"`",
		"-1 orchestratorStarted",
		"-1 eventRaised name=three input=\"3\"",
		"2 executionCompleted status=completed result=`\"done\"`",
		"",
	}, "\n"))
	p.stream.Close(false)
}

// remoteLoss ends streams that have items of all kinds.
func remoteLoss(t *testing.T, s suite) {
	for _, lost := range []bool{false, true} {
		e := s.open(t, nobody)
		p := e.connect(nil)
		e.start("run", "a", "")
		w, _ := p.turn()
		e.ok(p.does(w, schedule(1, "act")))
		p.activity()
		e.start("run", "b", "")
		p.turn()
		e.signal("@counter@k", "add", "1")
		p.batch()
		q := e.connect(nil)
		began := time.Now()
		p.stream.Close(lost)
		got := map[string]*hub.Work{}
		for range 3 {
			w := q.next()
			switch {
			case w.Orchestration != nil:
				got["b"] = w
			case w.Activity != nil:
				got["a"] = w
			case w.Entity != nil:
				got["e"] = w
			}
		}
		if d := time.Since(began); len(got) != 3 || d > 2*time.Second {
			t.Errorf("redelivered %v in %v, want all three kinds within 2s", got, d)
		}
		e.ok(q.result(got["a"], "1"))
		e.ok(q.does(got["b"], finish(1, `"b"`)))
		e.ok(q.workers.CompleteEntity(e.ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: got["e"].Token}, Result: engine.EntityResult{
			State: history.Some("1"), Results: []engine.OperationResult{{}},
		}}))
		w, _ = q.turn()
		e.ok(q.does(w, finish(2, `"a"`)))
		e.state("@counter@k", "1")
		e.completes("a", `"a"`)
		e.completes("b", `"b"`)
		q.stream.Close(false)
	}
}

// remoteTokens checks which completions count.
func remoteTokens(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	e.start("run", "a", "")
	old, _ := p.turn()
	p.stream.Close(false)
	p = e.connect(nil)
	w, _ := p.turn()
	e.code("CompleteOrchestration(stale)", p.does(old, finish(1, `"old"`)), perdure.NotFound)
	e.code("CompleteOrchestration(no token)", p.does(&hub.Work{Token: "x"}, finish(1, `"old"`)), perdure.NotFound)
	e.code("CompleteActivity(of a turn)", p.result(w, "1"), perdure.NotFound)
	e.ok(p.does(w, schedule(1, "act")))
	e.ok(p.does(w, schedule(1, "act")))
	act := p.activity()
	e.ok(p.result(act, `"r"`))
	e.ok(p.result(act, `"other"`))
	w, events := p.turn()
	e.ok(p.result(act, `"other"`))
	if got := history.Script(events[1:]); !strings.Contains(got, `"r"`) || len(events) != 2 {
		t.Errorf("second turn = %s, want the first result", got)
	}
	done := &hub.OrchestrationDone{Delivery: hub.Delivery{InstanceID: "a"}}
	done.Result.Actions = append(done.Result.Actions, finish(2, `"end"`))
	e.ok(p.workers.CompleteOrchestration(e.ctx, done))
	e.code("CompleteOrchestration(nothing outstanding)", p.workers.CompleteOrchestration(e.ctx, done), perdure.NotFound)
	e.ok(p.does(w, finish(2, `"other"`)))
	e.ok(p.result(act, `"other"`))
	e.completes("a", `"end"`)
	e.restart(nobody)
	p = &peer{e: e, workers: e.hub.(hub.Workers)}
	e.ok(p.does(w, finish(2, `"other"`)))
	e.ok(p.result(act, `"other"`))
	e.code("CompleteOrchestration(stale)", p.does(old, finish(1, `"old"`)), perdure.NotFound)
	e.completes("a", `"end"`)
}

func remoteEntity(t *testing.T, s suite) {
	e := s.open(t, nobody)
	p := e.connect(nil)
	wait := p.serve(counters)
	for range 5 {
		e.signal("@counter@k", "add", "2")
	}
	if got, err := e.ask("@counter@k", "get", "", ""); err != nil || got != "10" {
		t.Errorf("Ask(get) = %s, %v, want 10", got, err)
	}
	p.stream.Close(false)
	wait()
}

// remoteMeanwhile connects a worker while messages for runs that wait for it are being
// stored.
func remoteMeanwhile(t *testing.T, s suite) {
	for range 3 {
		e := s.open(t, nobody)
		if _, ok := e.hub.(hub.Workers); !ok {
			t.Skip("the hub takes no workers")
		}
		const n = 30
		for i := range n {
			e.start("waiting", fmt.Sprint(i), `"in"`)
			e.signal(fmt.Sprint("@counter@", i), "add", "1")
		}
		e.settle()
		var raising sync.WaitGroup
		for i := range n {
			raising.Add(2)
			go func() {
				defer raising.Done()
				e.raise(fmt.Sprint(i), "go", `"x"`)
			}()
			go func() {
				defer raising.Done()
				e.signal(fmt.Sprint("@counter@", i), "add", "1")
			}()
		}
		p := e.connect(nil)
		wait := p.serve(func(r *perdure.Registry) {
			counters(r)
			event := perdure.NewEvent[string]("go")
			perdure.AddOrchestrationNamed(r, "waiting", func(ctx *perdure.Context, _ string) (string, error) {
				return event.Wait(ctx).Await()
			})
		})
		raising.Wait()
		for i := range n {
			e.finishes(fmt.Sprint(i), `"x"`)
			e.until("both signals have come", func() bool {
				ent, err := e.hub.Entity(e.ctx, fmt.Sprint("@counter@", i))
				return err == nil && ent.State.S == "2"
			})
		}
		p.stream.Close(false)
		wait()
	}
}
