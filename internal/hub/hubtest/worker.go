package hubtest

import (
	"runtime"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// peer is a worker outside of the hub's process, at a stream. Tests either take its
// items one by one, or have it serve code.
type peer struct {
	e       *env
	workers hub.Workers
	stream  hub.Stream
	worker  hub.Worker
}

// connect connects a worker; w = nil is one that takes everything.
func (e *env) connect(w *hub.Worker) *peer {
	e.t.Helper()
	if w == nil {
		w = &hub.Worker{}
	}
	workers, ok := e.hub.(hub.Workers)
	if !ok {
		e.t.Skip("the hub takes no workers")
	}
	s, err := workers.Connect(e.ctx, w)
	must(e, s, err)
	return &peer{e: e, workers: workers, stream: s, worker: *w}
}

// until waits for a condition to which workers bring the hub.
func (e *env) until(what string, holds func() bool) {
	e.t.Helper()
	for !holds() {
		if e.ctx.Err() != nil {
			e.t.Fatalf("it does not happen: %s", what)
		}
		runtime.Gosched()
	}
}

// finishes waits until workers have brought an orchestration to its end.
func (e *env) finishes(id, output string) {
	e.t.Helper()
	e.until(id+" ends", func() bool { return e.get(id).Status.Terminal() })
	e.completes(id, output)
}

// next waits for the worker's next item.
func (p *peer) next() *hub.Work {
	p.e.t.Helper()
	w, err := p.stream.Next(p.e.ctx)
	return must(p.e, w, err)
}

// turn waits for a turn.
func (p *peer) turn() (*hub.Work, []*history.Event) {
	p.e.t.Helper()
	w := p.next()
	if w.Orchestration == nil {
		p.e.t.Fatalf("Next() = %+v, want a turn", w)
	}
	return w, p.decode(w.Orchestration.New)
}

// activity waits for an activity.
func (p *peer) activity() *hub.Work {
	p.e.t.Helper()
	w := p.next()
	if w.Activity == nil {
		p.e.t.Fatalf("Next() = %+v, want an activity", w)
	}
	return w
}

// batch waits for a batch of operations.
func (p *peer) batch() (*hub.Work, []*history.Event) {
	p.e.t.Helper()
	w := p.next()
	if w.Entity == nil {
		p.e.t.Fatalf("Next() = %+v, want a batch", w)
	}
	return w, p.decode(w.Entity.Operations)
}

func (p *peer) decode(list [][]byte) []*history.Event {
	p.e.t.Helper()
	events, err := decode(list)
	return must(p.e, events, err)
}

// does completes a turn with actions.
func (p *peer) does(w *hub.Work, actions ...engine.Action) error {
	return p.workers.CompleteOrchestration(p.e.ctx, &hub.OrchestrationDone{
		Delivery: hub.Delivery{Token: w.Token}, Result: engine.TurnResult{Actions: actions},
	})
}

// result completes an activity.
func (p *peer) result(w *hub.Work, json string) error {
	return p.workers.CompleteActivity(p.e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: w.Token}, Result: history.Some(json)})
}

// schedule and finish are actions.
func schedule(id int32, name string) engine.Action {
	return engine.Action{ID: id, Do: &engine.ScheduleTask{Name: name, Input: history.Some(`"x"`)}}
}

func finish(id int32, json string) engine.Action {
	return engine.Action{ID: id, Do: &engine.Complete{Status: history.StatusCompleted, Result: history.Some(json)}}
}

// serve has the worker carry out what it gets with code, until its stream ends; the
// function returned waits for that.
func (p *peer) serve(register func(r *perdure.Registry)) (wait func()) {
	reg := perdure.NewRegistry()
	register(reg)
	s := newServer(p.e.hub, p.workers, p.e.clock, reg, &p.worker)
	return s.serve(p.e.ctx, p.stream)
}

// kindsOf says of which kinds events are.
func kindsOf(events []*history.Event) string {
	var names []string
	for _, line := range strings.Split(strings.TrimSpace(history.Script(events)), "\n") {
		if f := strings.Fields(line); len(f) > 1 {
			names = append(names, f[1])
		}
	}
	return strings.Join(names, " ")
}
