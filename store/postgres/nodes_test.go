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

// TestForgottenConnections has a machine between a process and its database forget their
// connections, without a word to either side: the process soon does without them.
func TestForgottenConnections(t *testing.T) {
	const soon = 4500 * time.Millisecond // less than between two looks of who trusts in being told
	w := newWorld(t)
	one, two := w.open(false, postgres.Options{}), w.open(true, postgres.Options{})
	defer w.proxy.Thaw()
	for round := range 3 {
		since := w.server.Exec("test1", "SELECT clock_timestamp()")
		type answer struct {
			letters []store.Letter
			err     error
		}
		got := make(chan answer, 1)
		go func() {
			list, err := two.Receive(t.Context(), "two", 1)
			got <- answer{list, err}
		}()
		waits := `SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%perdure.letters%' AND query_start > '` + since + `'`
		for w.server.Exec("test1", waits) == "0" {
			time.Sleep(10 * time.Millisecond)
		}
		w.proxy.FreezeOpen()
		began := time.Now()
		if err := one.Send(t.Context(), &store.Letter{From: "one", To: "two", Data: []byte("hello"), Until: began.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		a := <-got
		took := time.Since(began)
		if len(a.letters) != 1 || a.err != nil || took > soon {
			t.Errorf("round %d: Receive() = %v, %v after %v, want a letter within %v", round, a.letters, a.err, took, soon)
		}
	}
}
