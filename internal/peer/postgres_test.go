package peer_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestPostgres has three nodes on a database, called at one, with a worker at another, by
// links and by letters; the third is lost under way. Each call counts once.
func TestPostgres(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprintf("cut=%t", cut), func(t *testing.T) {
			url := server.Database()
			open := func() (shared, func()) {
				db, err := postgres.Open(context.Background(), url, postgres.Options{})
				if err != nil {
					t.Fatal(err)
				}
				s, err := db.Hub("default", true)
				if err != nil {
					t.Fatal(err)
				}
				return s, func() {
					if err := db.Close(); err != nil {
						t.Errorf("Close() = %v", err)
					}
				}
			}
			c := &cluster{
				t: t, code: func(string) *perdure.Registry { return perdure.NewRegistry() }, open: open,
				wires: &wires{cut: cut}, nodes: make(map[string]*clusterNode), told: make(map[string]time.Time),
			}
			var closed func()
			c.store, closed = open()
			defer closed()
			c.join("a", "b", "c")
			c.settled()
			callsCount(t, c)
			c.close()
		})
	}
}

// callsCount starts runs and raises events at node a, has a worker of node b carry them
// out, and loses node c.
func callsCount(t *testing.T, c *cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	reg := perdure.NewRegistry()
	perdure.AddActivityNamed(reg, "double", func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	perdure.AddOrchestrationNamed(reg, "run", func(ctx *perdure.Context, _ string) (int, error) {
		events, sum := perdure.NewEvent[int]("go"), 0
		for range 3 {
			v, err := events.Wait(ctx).Await()
			if err != nil {
				return 0, err
			}
			if v, err = perdure.CallNamed[int](ctx, "double", v).Await(); err != nil {
				return 0, err
			}
			sum += v
		}
		return sum, nil
	})
	leave, err := hubtest.Serve(ctx, front{c.node("b").Hub, c.idle}, &hub.Worker{Own: true, Activities: 3}, reg, clock.System())
	if err != nil {
		t.Fatal(err)
	}
	a := c.node("a")
	var group sync.WaitGroup
	for i := range 24 {
		id := c.at([]string{"a", "b", "c"}[i%3], fmt.Sprint("run", i, "-"))
		group.Go(func() {
			if _, err := a.Start(ctx, &hub.Start{RequestID: "s", InstanceID: id, Name: "run"}); err != nil {
				t.Errorf("Start(%s) = %v", id, err)
			}
			for k := range 3 {
				r := &hub.Raise{RequestID: fmt.Sprint("r", k), InstanceID: id, Name: "go", Data: history.Some(fmt.Sprint(1 << (4 * k)))}
				if err := a.Raise(ctx, r); err != nil {
					t.Errorf("Raise(%s) = %v", id, err)
				}
				time.Sleep(time.Duration(i) * 50 * time.Millisecond) // so that some are under way when the node is lost
			}
			in, err := a.WaitCompletion(ctx, id)
			if err != nil || in.Status != store.Completed || in.Output.S != "546" {
				t.Errorf("WaitCompletion(%s) = %+v, %v, want each event once: 546", id, in, err)
			}
		})
	}
	time.Sleep(time.Second) // some are under way
	began, lost := time.Now(), make(chan struct{})
	go func() {
		defer close(lost)
		c.kill("c")
	}()
	group.Wait()
	t.Logf("all have ended %v after the node was lost", time.Since(began))
	<-lost
	leave()
}
