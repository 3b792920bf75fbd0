package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
	"github.com/perdure/perdure/store/storetest"
)

// cluster is processes that share a hub. Its clock is turned forward by turning back
// the times that the database keeps.
type cluster struct {
	harness
	dbs []*postgres.DB
}

func newCluster(t *testing.T, server *pgtest.Server) *cluster {
	c := &cluster{harness: harness{t: t, server: server, url: server.Database()}}
	t.Cleanup(func() {
		for _, db := range c.dbs {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return c
}

func (c *cluster) Open(ctx context.Context) (storetest.Shared, error) { return c.open(ctx) }

func (c *cluster) open(ctx context.Context) (*postgres.Hub, error) {
	db, err := postgres.Open(ctx, c.url, postgres.Options{Logger: quiet()})
	if err != nil {
		return nil, err
	}
	c.dbs = append(c.dbs, db)
	return db.Hub("default", true)
}

func (c *cluster) Pass(ctx context.Context, d time.Duration) error {
	by := fmt.Sprintf("interval '%d ms'", d.Milliseconds())
	return c.exec(ctx, `UPDATE perdure.nodes SET until = until - `+by+`, lives = lives - `+by+`; UPDATE perdure.letters SET until = until - `+by)
}

const leaseTime = 5 * time.Second

func TestNodes(t *testing.T) {
	server := pgtest.Start(t)
	storetest.RunNodes(t, func(t *testing.T) storetest.Cluster { return newCluster(t, server) })
}

// TestHints has one process wait for what another one does: it is told, and would not
// have looked by itself in this time.
func TestHints(t *testing.T) {
	ctx := t.Context()
	c := newCluster(t, pgtest.Start(t))
	one, err := c.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for n := range 10 {
		got := make(chan time.Time, 1)
		go func() {
			list, err := two.Receive(ctx, "two", 10)
			if err != nil || len(list) != 1 {
				t.Errorf("Receive() = %v, %v, want a letter", list, err)
			}
			got <- time.Now()
		}()
		time.Sleep(time.Duration(n) * 30 * time.Millisecond) // at different times of its looks
		sent := time.Now()
		if err := one.Send(ctx, &store.Letter{From: "one", To: "two", Data: []byte("hello"), Until: sent.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if (<-got).Sub(sent) < 200*time.Millisecond {
			told++
		}
	}
	if told < 6 {
		t.Errorf("%d of 10 letters came within 200 ms, want most", told)
	}
}
