package hubtest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
)

// Serve connects a worker to a hub, with filters for what the registry knows, and has
// it carry that out until the function returned is called, which waits for what runs.
// The worker has asked for work when Serve returns.
func Serve(ctx context.Context, h Hub, w *hub.Worker, reg *perdure.Registry, c clock.Clock) (stop func(), err error) {
	workers, ok := h.(hub.Workers)
	if !ok {
		return nil, errors.New("the hub takes no workers")
	}
	worker := *w
	worker.Filters = FiltersOf(reg)
	stream, err := workers.Connect(ctx, &worker)
	if err != nil {
		return nil, err
	}
	s := newServer(h, workers, c, reg, w)
	ask, cancel := context.WithCancel(ctx)
	cancel()
	if first, err := stream.Next(ask); first != nil { // it has asked from now on
		s.start(ctx, first)
	} else if perdure.CodeOf(err) != perdure.Canceled {
		return nil, err
	}
	wait := s.serve(ctx, stream)
	return func() {
		stream.Close(false)
		wait()
	}, nil
}

// FiltersOf are filters for the code of a registry.
func FiltersOf(reg *perdure.Registry) *hub.Filters {
	f := &hub.Filters{}
	for _, name := range reg.Orchestrations() {
		f.Orchestrations = append(f.Orchestrations, hub.NameFilter{Name: name})
	}
	for _, name := range reg.Activities() {
		f.Activities = append(f.Activities, hub.NameFilter{Name: name})
	}
	for _, name := range reg.Entities() {
		f.Entities = append(f.Entities, strings.ToLower(name))
	}
	return f
}

// server carries out a worker's items.
type server struct {
	hub     hub.Activities
	workers hub.Workers
	clock   clock.Clock
	code    *replay.Runner
	worker  hub.Worker

	wg     sync.WaitGroup
	mu     sync.Mutex
	ended  bool                         // guarded by mu
	warm   map[string]*replay.Execution // guarded by mu
	turns  map[string]*sync.Mutex       // guarded by mu; held while one of the execution is out
	cancel map[string]context.CancelCauseFunc
}

var errStops = errors.New("the worker stops")

func newServer(h hub.Activities, w hub.Workers, c clock.Clock, reg *perdure.Registry, as *hub.Worker) *server {
	return &server{
		hub: h, workers: w, clock: c, code: replay.NewRunner(reg, replay.Options{}), worker: *as,
		warm: make(map[string]*replay.Execution), turns: make(map[string]*sync.Mutex), cancel: make(map[string]context.CancelCauseFunc),
	}
}

// serve carries out what the stream gives until it ends.
func (s *server) serve(ctx context.Context, stream hub.Stream) (wait func()) {
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		for {
			w, err := stream.Next(ctx)
			if err != nil {
				break
			}
			s.start(ctx, w)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended = true
		for _, x := range s.warm {
			x.Evict()
		}
		clear(s.warm)
		for _, cancel := range s.cancel {
			cancel(errStops)
		}
	}()
	return s.wg.Wait
}

func (s *server) start(ctx context.Context, w *hub.Work) {
	if w.Cancel != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if cancel := s.cancel[w.Token]; cancel != nil {
			cancel(errors.New(w.Cancel.Reason))
		}
		return
	}
	run, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	s.cancel[w.Token] = cancel
	s.mu.Unlock()
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		s.do(run, w)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.cancel, w.Token)
		cancel(nil)
	}()
}

// do carries an item out. What it says of it may be refused, when the hub has ended or
// the item was given to another worker.
func (s *server) do(ctx context.Context, w *hub.Work) {
	d, all := hub.Delivery{Token: w.Token}, context.WithoutCancel(ctx)
	switch {
	case w.Orchestration != nil:
		key := w.Orchestration.InstanceID + "/" + w.Orchestration.ExecutionID
		defer s.alone(key)() // what a turn leaves counts once the hub has accepted it
		result, ok := s.turn(w.Orchestration, key)
		if err := s.workers.CompleteOrchestration(all, &hub.OrchestrationDone{Delivery: d, Result: result, NeedHistory: !ok}); err != nil {
			s.drop(key)
		}
	case w.Activity != nil:
		a := w.Activity
		info := perdure.ActivityInfo{
			Name: a.Name, InstanceID: a.InstanceID, ExecutionID: a.ExecutionID, TaskID: a.TaskID, Attempt: a.Attempt,
			Token: w.Token, Worker: s.worker.ID, EffectID: a.Effect, Tags: a.Tags, Deadline: a.Deadline,
			Heartbeat: func(progress any) error {
				var text history.Text
				if b, err := json.Marshal(progress); err == nil && progress != nil {
					text = history.Some(string(b))
				}
				return s.hub.Heartbeat(all, w.Token, text)
			},
		}
		done := &hub.ActivityDone{Delivery: d}
		done.Result, done.Failure = s.code.RunActivity(ctx, info, a.Input)
		if done.Pending = replay.Pending(done.Failure); done.Pending {
			done.Failure = nil
		}
		if context.Cause(ctx) == errStops {
			return // it was interrupted
		}
		s.workers.CompleteActivity(all, done)
	case w.Entity != nil:
		operations, err := decode(w.Entity.Operations)
		if err != nil {
			return
		}
		result := s.code.RunEntity(engine.EntityTurn{
			InstanceID: w.Entity.InstanceID, Time: s.clock.Now(), State: w.Entity.State, Operations: operations,
		})
		s.workers.CompleteEntity(all, &hub.EntityDone{Delivery: d, Result: result})
	}
}

// alone waits until no other turn of an execution is carried out, or waits for the hub to
// accept it.
func (s *server) alone(key string) (done func()) {
	s.mu.Lock()
	turn := s.turns[key]
	if turn == nil {
		turn = &sync.Mutex{}
		s.turns[key] = turn
	}
	s.mu.Unlock()
	turn.Lock()
	return turn.Unlock
}

// drop gives up what a turn has left that the hub has refused.
func (s *server) drop(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.warm[key]; x != nil {
		x.Evict()
		delete(s.warm, key)
	}
}

// turn carries out a turn; false = it needs the history.
func (s *server) turn(w *hub.OrchestrationWork, key string) (engine.TurnResult, bool) {
	s.mu.Lock()
	x := s.warm[key]
	delete(s.warm, key)
	s.mu.Unlock()
	if x != nil && !w.Warm {
		x.Evict()
		x = nil
	}
	if x == nil && w.Warm {
		return engine.TurnResult{}, false
	}
	past, err := decode(w.Past)
	fresh, err2 := decode(w.New)
	if err := errors.Join(err, err2); err != nil {
		return engine.TurnResult{Blocked: err.Error()}, true
	}
	if x == nil {
		x = s.code.Open(w.InstanceID, w.ExecutionID)
	}
	result := x.Turn(past, fresh)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.worker.Own && !s.ended {
		s.warm[key] = x
	} else {
		x.Evict()
	}
	return result, true
}

func decode(list [][]byte) ([]*history.Event, error) {
	events := make([]*history.Event, len(list))
	for i, b := range list {
		var err error
		if events[i], err = history.Decode(b); err != nil {
			return nil, err
		}
	}
	return events, nil
}
