package shard

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// gated is a store on which commits of an instance are durable only once the gate is
// open.
type gated struct {
	store.Store
	id   string
	gate chan struct{}
}

func (g *gated) Submit(ctx context.Context, group *store.Group) (store.Receipt, error) {
	r, err := g.Store.Submit(ctx, group)
	if err == nil && slices.ContainsFunc(group.Commits, func(c *store.Commit) bool { return c.ID == g.id }) {
		return gatedReceipt{r, g.gate}, nil
	}
	return r, err
}

type gatedReceipt struct {
	store.Receipt
	gate chan struct{}
}

func (r gatedReceipt) Wait(ctx context.Context) ([]store.Refused, error) {
	<-r.gate
	return r.Receipt.Wait(ctx)
}

// TestW11RepeatedCompletionIsDurable has a worker complete an activity twice at once:
// neither is told that it was accepted before it is durable.
func TestW11RepeatedCompletionIsDurable(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	disk := &memory.Disk{}
	open := func() *memory.Hub {
		s, err := memory.Open(disk)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	code := replay.NewRunner(perdure.NewRegistry(), replay.Options{})
	run := func(o *Owner) (stop func()) {
		running, end := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- o.Run(running) }()
		return func() {
			end()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	next := func(s hub.Stream) *hub.Work {
		t.Helper()
		w, err := s.Next(ctx)
		must(err)
		return w
	}

	s := open()
	o, err := New(Config{Store: s, Code: code})
	must(err)
	stop := run(o)
	_, err = o.Start(ctx, &hub.Start{Name: "run", InstanceID: "a"})
	must(err)
	stream, err := o.Connect(ctx, &hub.Worker{})
	must(err)
	must(o.CompleteOrchestration(ctx, &hub.OrchestrationDone{Delivery: hub.Delivery{Token: next(stream).Token}, Result: engine.TurnResult{
		Actions: []engine.Action{{ID: 1, Do: &engine.ScheduleTask{Name: "act"}}},
	}}))
	token := next(stream).Token
	stop()
	must(s.Close())

	g := &gated{Store: open(), id: "a", gate: make(chan struct{})}
	o, err = New(Config{Store: g, Code: code})
	must(err)
	answers := make(chan error, 2)
	for range 2 {
		go func() {
			answers <- o.CompleteActivity(ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: token}, Result: history.Some("1")})
		}()
	}
	for both := false; !both; { // they are taken in together
		o.mail.mu.Lock()
		both = len(o.mail.items) == 2
		o.mail.mu.Unlock()
	}
	stop = run(o)
	openGate := sync.OnceFunc(func() { close(g.gate) })
	defer func() {
		openGate()
		stop()
	}()
	_, err = o.call(ctx, "", func(_ *loop, c *call) { c.end(nil, nil) }) // both have been looked at
	must(err)
	for range 1000 {
		runtime.Gosched()
		select {
		case err := <-answers:
			t.Fatalf("CompleteActivity() = %v before the result is durable", err)
		default:
		}
	}
	openGate()
	for range 2 {
		must(<-answers)
	}
}
