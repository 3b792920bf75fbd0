package hubtest

import (
	"runtime"
	"strings"
	"sync"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
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
	events := make([]*history.Event, len(list))
	for i, b := range list {
		e, err := history.Decode(b)
		events[i] = must(p.e, e, err)
	}
	return events
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

// serve has the worker carry out what it gets with code, until its stream or the test
// ends; the function returned waits for that.
func (p *peer) serve(register func(r *perdure.Registry)) (wait func()) {
	reg := perdure.NewRegistry()
	register(reg)
	s := &server{p: p, code: replay.NewRunner(reg, replay.Options{}), warm: make(map[string]*replay.Execution)}
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		s.run(&wg)
	}()
	return wg.Wait
}

// server carries out a worker's items.
type server struct {
	p    *peer
	code *replay.Runner
	mu   sync.Mutex
	warm map[string]*replay.Execution // guarded by mu
}

func (s *server) run(wg *sync.WaitGroup) {
	for {
		w, err := s.p.stream.Next(s.p.e.ctx)
		if err != nil {
			break
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			s.do(w)
		}()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.warm {
		x.Evict()
	}
	s.warm = nil
}

// do carries an item out. What it says of it may be refused, when the hub has ended or
// the item was given to another worker.
func (s *server) do(w *hub.Work) {
	ctx, d := s.p.e.ctx, hub.Delivery{Token: w.Token}
	switch {
	case w.Orchestration != nil:
		result, ok := s.turn(w.Orchestration)
		s.p.workers.CompleteOrchestration(ctx, &hub.OrchestrationDone{Delivery: d, Result: result, NeedHistory: !ok})
	case w.Activity != nil:
		a := w.Activity
		info := perdure.ActivityInfo{
			Name: a.Name, InstanceID: a.InstanceID, ExecutionID: a.ExecutionID, TaskID: a.TaskID, Attempt: a.Attempt,
			Token: w.Token, EffectID: a.Effect,
			Heartbeat: func(any) error { return s.p.e.hub.Heartbeat(ctx, w.Token, history.Text{}) },
		}
		done := &hub.ActivityDone{Delivery: d}
		done.Result, done.Failure = s.code.RunActivity(ctx, info, a.Input)
		if done.Pending = replay.Pending(done.Failure); done.Pending {
			done.Failure = nil
		}
		s.p.workers.CompleteActivity(ctx, done)
	case w.Entity != nil:
		result := s.code.RunEntity(engine.EntityTurn{
			InstanceID: w.Entity.InstanceID, Time: s.p.e.clock.Now(), State: w.Entity.State, Operations: s.decode(w.Entity.Operations),
		})
		s.p.workers.CompleteEntity(ctx, &hub.EntityDone{Delivery: d, Result: result})
	}
}

// turn carries out a turn; false = it needs the history.
func (s *server) turn(w *hub.OrchestrationWork) (engine.TurnResult, bool) {
	key := w.InstanceID + "/" + w.ExecutionID
	s.mu.Lock()
	x := s.warm[key]
	delete(s.warm, key)
	s.mu.Unlock()
	if x != nil && !w.Warm {
		x.Evict()
		x = nil
	}
	var past []*history.Event
	if x == nil {
		if w.Warm {
			return engine.TurnResult{}, false
		}
		past = s.decode(w.Past)
		x = s.code.Open(w.InstanceID, w.ExecutionID)
	}
	result := x.Turn(past, s.decode(w.New))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.p.worker.Own && s.warm != nil {
		s.warm[key] = x
	} else {
		x.Evict()
	}
	return result, true
}

func (s *server) decode(list [][]byte) []*history.Event {
	events := make([]*history.Event, len(list))
	for i, b := range list {
		e, err := history.Decode(b)
		if err != nil {
			s.p.e.t.Errorf("an event cannot be decoded: %v", err)
			return nil
		}
		events[i] = e
	}
	return events
}

// kinds says which kinds an event script has.
func kindsOf(events []*history.Event) string {
	var names []string
	for _, line := range strings.Split(strings.TrimSpace(history.Script(events)), "\n") {
		if f := strings.Fields(line); len(f) > 1 {
			names = append(names, f[1])
		}
	}
	return strings.Join(names, " ")
}
