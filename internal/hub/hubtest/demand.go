package hubtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// demandCases drive hub.Demand.
var demandCases = []testCase{
	{"Counts", demandCounts},
	{"Watch", demandWatch},
}

// demand returns the hub as one that tells its demand.
func (e *env) demand() hub.Demand {
	e.t.Helper()
	b, ok := e.hub.(hub.Demand)
	if !ok {
		e.t.Skip("the hub does not tell its demand")
	}
	return b
}

// loads waits until the demand is as wanted.
func (e *env) loads(when string, want ...hub.Load) {
	e.t.Helper()
	var last []hub.Load
	for {
		got, err := e.demand().Demand(e.ctx)
		if err != nil {
			e.t.Fatalf("Demand() %s = %v at last, then %v; want %v", when, last, err, want)
		}
		if last = got; len(got) == 0 && len(want) == 0 || cmp.Equal(got, want) {
			return
		}
	}
}

// demandCounts follows work of all kinds through its life.
func demandCounts(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) { perdure.AddActivityNamed(r, "here", echo) })
	e.loads("at the beginning")
	for i := range 3 {
		e.start("run", fmt.Sprint(i), "")
	}
	e.signal("@Counter@k", "add", "1")
	e.loads("without a worker", hub.Load{Kind: hub.Orchestrations, Name: "run", Waiting: 3}, hub.Load{Kind: hub.EntityItems, Name: "counter", Waiting: 1})
	e.restart(nobody)
	e.loads("after a restart", hub.Load{Kind: hub.Orchestrations, Name: "run", Waiting: 3}, hub.Load{Kind: hub.EntityItems, Name: "counter", Waiting: 1})
	p := e.connect(&hub.Worker{Orchestrations: 1, Filters: &hub.Filters{Orchestrations: []hub.NameFilter{{Name: "run"}}}})
	w, _ := p.turn()
	e.loads("with a turn at a worker", hub.Load{Kind: hub.Orchestrations, Name: "run", Waiting: 2, Running: 1}, hub.Load{Kind: hub.EntityItems, Name: "counter", Waiting: 1})
	e.ok(p.workers.Abandon(e.ctx, hub.Delivery{Token: w.Token}))
	w, _ = p.turn()
	e.loads("with a turn that was given back", hub.Load{Kind: hub.Orchestrations, Name: "run", Waiting: 2, Running: 1}, hub.Load{Kind: hub.EntityItems, Name: "counter", Waiting: 1})
	e.ok(p.does(w, schedule(1, "act")))
	q := e.connect(&hub.Worker{Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}, Entities: []string{"counter"}}})
	work := map[bool]*hub.Work{}
	for range 2 {
		w := q.next()
		work[w.Activity != nil] = w
	}
	if w, _ = p.turn(); w == nil {
		t.Fatal("no second turn")
	}
	e.loads("with work of all kinds", hub.Load{Kind: hub.Orchestrations, Name: "run", Waiting: 1, Running: 1},
		hub.Load{Kind: hub.ActivityItems, Name: "act", Running: 1}, hub.Load{Kind: hub.EntityItems, Name: "counter", Running: 1})
	e.ok(p.workers.CompleteOrchestration(e.ctx, &hub.OrchestrationDone{Delivery: hub.Delivery{Token: w.Token}, Result: engine.TurnResult{Blocked: "no such code"}}))
	e.clock.Advance(time.Second) // the pause of the one that was given back is over
	w, _ = p.turn()
	e.loads("with a turn that no worker can do", hub.Load{Kind: hub.Orchestrations, Name: "run", Running: 1, Held: 1},
		hub.Load{Kind: hub.ActivityItems, Name: "act", Running: 1}, hub.Load{Kind: hub.EntityItems, Name: "counter", Running: 1})
	e.ok(q.workers.CompleteEntity(e.ctx, &hub.EntityDone{Delivery: hub.Delivery{Token: work[false].Token}, Result: engine.EntityResult{
		State: history.Some("1"), Results: []engine.OperationResult{{}},
	}}))
	e.ok(q.result(work[true], "1"))
	e.ok(p.does(w, finish(1, `"end"`)))
	w, _ = p.turn() // of the run whose activity has ended
	e.ok(p.does(w, finish(2, `"end"`)))
	e.loads("with nothing else", hub.Load{Kind: hub.Orchestrations, Name: "run", Held: 1})
	e.ok(endOf(e.hub.Control(e.ctx, &hub.Control{Kind: hub.Terminate, InstanceID: held(e)})))
	e.loads("at the end")
	p.stream.Close(false)
	q.stream.Close(false)
}

// held is the run that has not ended.
func held(e *env) string {
	for i := range 3 {
		if id := fmt.Sprint(i); !e.get(id).Status.Terminal() {
			return id
		}
	}
	e.t.Fatal("all runs have ended")
	return ""
}

func endOf(_ string, err error) error { return err }

// demandWatch is told of work that comes, is taken and is done, and of the end.
func demandWatch(t *testing.T, s suite) {
	e := s.open(t, nobody)
	changed, err := e.demand().WatchDemand(e.ctx)
	must(e, changed, err)
	told := func(what string) {
		t.Helper()
		select {
		case _, open := <-changed:
			if !open {
				t.Fatalf("the watch has ended when %s", what)
			}
		case <-e.ctx.Done():
			t.Fatalf("nobody is told that %s", what)
		}
	}
	e.start("run", "a", "")
	told("work has come")
	e.loads("then", hub.Load{Kind: hub.Orchestrations, Name: "run", Waiting: 1})
	p := e.connect(nil)
	w, _ := p.turn()
	told("it was taken")
	e.loads("then", hub.Load{Kind: hub.Orchestrations, Name: "run", Running: 1})
	e.ok(p.does(w, finish(1, `"end"`)))
	told("it is done")
	e.loads("then")
	p.stream.Close(false)
	e.stop()
	for range changed { // it is closed
	}
}
