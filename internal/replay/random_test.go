package replay_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// program is random code: what it does next depends on the order in which its
// branches run.
type program struct {
	rand  *rand.Rand
	steps int
	trace []byte
}

var pings = perdure.NewEvent[int]("ping")

func randomProgram(seed uint64) func(*perdure.Context, struct{}) (string, error) {
	return func(ctx *perdure.Context, _ struct{}) (string, error) {
		p := &program{rand: rand.New(rand.NewPCG(seed, 0)), steps: 25}
		err := p.run(ctx, 0)
		if p.rand.IntN(4) == 0 {
			return "", perdure.ContinueAsNew(ctx, 1)
		}
		return fmt.Sprintf("%x %s", p.trace, ctx.NewID()), err
	}
}

func (p *program) run(ctx *perdure.Context, depth int) error {
	var open []perdure.Awaitable
	for p.steps > 0 {
		p.steps--
		what := p.rand.IntN(14)
		p.trace = append(p.trace, byte(depth), byte(what))
		switch what {
		case 0, 1:
			open = append(open, perdure.CallNamed[int](ctx, "a", p.steps))
		case 2:
			open = append(open, perdure.CallNamed[int](ctx, "r", p.steps, perdure.WithRetry(
				perdure.RetryPolicy{MaxAttempts: 3, Jitter: 0.3})))
		case 3:
			open = append(open, ctx.Timer(time.Duration(p.rand.IntN(100))*time.Second))
		case 4:
			open = append(open, pings.Wait(ctx))
		case 5:
			open = append(open, perdure.CallOrchestrationNamed[int](ctx, "c", 1))
		case 6:
			open = append(open, perdure.CallEntity[int](ctx, perdure.NewEntityID("e", "k"), "op", p.rand.IntN(9)))
		case 7:
			if depth < 3 {
				open = append(open, ctx.Go(func(ctx *perdure.Context) { _ = p.run(ctx, depth+1) }))
			}
		case 8, 9, 10:
			if len(open) > 0 {
				p.trace = append(p.trace, outcome(perdure.Any(ctx, open...)))
			}
		case 11:
			if len(open) > 0 {
				i := p.rand.IntN(len(open))
				if c, ok := open[i].(interface{ Cancel() }); ok {
					c.Cancel()
				}
				open = append(open[:i:i], open[i+1:]...)
			}
		case 12:
			ctx.SetCustomStatus(ctx.Rand().IntN(10))
			if ctx.Patch(fmt.Sprint(p.rand.IntN(3))) {
				_ = perdure.SignalEntity(ctx, perdure.NewEntityID("e", "k"), "op", ctx.Now())
			}
		case 13:
			unlock, err := perdure.Lock(ctx, perdure.NewEntityID("e", fmt.Sprint(p.rand.IntN(2))))
			if err == nil && p.rand.IntN(2) == 0 {
				unlock()
			}
		}
	}
	return perdure.All(ctx, open...)
}

func outcome(a perdure.Awaitable) byte {
	switch a := a.(type) {
	case *perdure.Task[int]:
		v, err := a.Await()
		if err != nil {
			return 200
		}
		return byte(v)
	case *perdure.Timer:
		return 201
	}
	return 202
}

// answers returns the messages that could end what is open in the history.
func answers(past []*history.Event) map[string]history.Body {
	open := map[string]history.Body{}
	n := 0
	for _, ev := range past {
		n++
		result := history.Some(fmt.Sprint(n % 100))
		key := fmt.Sprint(ev.ID)
		switch b := ev.Body.(type) {
		case *history.TaskScheduled:
			open[key] = &history.TaskCompleted{TaskScheduledID: ev.ID, Result: result}
			if b.Name == "r" && n%3 > 0 {
				open[key] = &history.TaskFailed{TaskScheduledID: ev.ID, Failure: perdure.FailureOf(errors.New("e"))}
			}
		case *history.TimerCreated:
			open[key] = &history.TimerFired{TimerID: ev.ID, FireAt: b.FireAt}
		case *history.SubOrchestrationInstanceCreated:
			open[key] = &history.SubOrchestrationInstanceCompleted{TaskScheduledID: ev.ID, Result: result}
		case *history.EntityOperationCalled:
			open[b.RequestID] = &history.EntityOperationCompleted{RequestID: b.RequestID, Output: result}
		case *history.EntityLockRequested:
			open[b.CriticalSectionID] = &history.EntityLockGranted{CriticalSectionID: b.CriticalSectionID}
		case *history.TaskCompleted:
			delete(open, fmt.Sprint(b.TaskScheduledID))
		case *history.TaskFailed:
			delete(open, fmt.Sprint(b.TaskScheduledID))
		case *history.TimerFired:
			delete(open, fmt.Sprint(b.TimerID))
		case *history.SubOrchestrationInstanceCompleted:
			delete(open, fmt.Sprint(b.TaskScheduledID))
		case *history.EntityOperationCompleted:
			delete(open, b.RequestID)
		case *history.EntityLockGranted:
			delete(open, b.CriticalSectionID)
		}
	}
	return open
}

// TestRandomProgramsReplay runs random programs against random hubs; run.turn
// compares each turn with a cold replay of the history before it.
func TestRandomProgramsReplay(t *testing.T) {
	ends := 0
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "program")
		reg := perdure.NewRegistry()
		perdure.AddOrchestrationNamed(reg, "test", randomProgram(seed))
		r := newRun(t, reg, "test", "")
		defer r.warm.Evict()
		r.start()
		suspended := false
		for turn := 0; r.ended == nil && turn < 60; turn++ {
			var messages []history.Body
			open := answers(r.past)
			for _, key := range slices.Sorted(maps.Keys(open)) {
				if rapid.IntRange(0, 2).Draw(rt, "answer") > 0 {
					messages = append(messages, open[key])
				}
			}
			if n := len(messages); n > 1 {
				k := rapid.IntRange(0, n-1).Draw(rt, "rotate")
				messages = append(messages[k:n:n], messages[:k]...)
			}
			for range rapid.IntRange(0, 2).Draw(rt, "pings") {
				messages = append(messages, raise("Ping", fmt.Sprint(turn)))
			}
			if rapid.IntRange(0, 9).Draw(rt, "suspend") == 0 || suspended {
				suspended = !suspended
				if suspended {
					messages = append(messages, &history.ExecutionSuspended{}, raise("ping", "7"))
				} else {
					messages = append([]history.Body{&history.ExecutionResumed{}}, messages...)
				}
			}
			if r.turn(messages...).Diverged != nil {
				rt.Fatalf("the program diverges from its own history: %+v", *r.last.Diverged)
			}
		}
		if r.ended != nil {
			ends++
		}
	})
	if ends == 0 {
		t.Error("no program ended")
	}
}
