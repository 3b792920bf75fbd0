package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

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
