package nodes_test

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgproxy"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// normalOnly skips a test in the fault build, where only the controls run.
func normalOnly(t *testing.T) {
	t.Helper()
	if fault.Enabled {
		t.Skip("it runs in the normal build")
	}
}

// cluster is nodes on one database, each behind a proxy of its own.
type cluster struct {
	testing.TB
	server   *pgtest.Server // the one that takes writes
	database string
	address  string // of the database, for nodes
	logs     string // folder
	nodes    []*node
	hubs     []hub.Hub // of each node, for clients
}

// worker is the role of the nodes. It owns nothing and may do nothing but read and write
// the tables.
const worker = "worker"

// startCluster starts n nodes on a new database with an audit. faults are of all nodes.
func startCluster(t testing.TB, n int, faults string) *cluster {
	t.Helper()
	c := &cluster{TB: t, server: pgtest.Start(t)}
	c.server.Exec("postgres", "ALTER SYSTEM SET track_commit_timestamp = on")
	c.server.Restart()
	c.server.Exec("postgres", "CREATE ROLE "+worker+" LOGIN")
	c.start(n, faults)
	return c
}

// start makes the database and starts its nodes.
func (c *cluster) start(n int, faults string) {
	c.Helper()
	address := c.server.Database()
	u, err := url.Parse(address)
	if err != nil {
		c.Fatal(err)
	}
	c.database = strings.TrimPrefix(u.Path, "/")
	if err := postgres.Migrate(c.Context(), address); err != nil {
		c.Fatal(err)
	}
	c.server.Exec(c.database, audit)
	c.server.Exec(c.database, "GRANT USAGE ON SCHEMA perdure, audit TO "+worker)
	c.server.Exec(c.database, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA perdure, audit TO "+worker)
	u.User = url.User(worker)
	c.address, c.logs = u.String(), c.TempDir()
	for i := range n {
		c.add(i, faults)
	}
	c.each(c.nodes, (*node).start)
	c.Cleanup(func() {
		if c.Failed() {
			for _, n := range c.nodes {
				c.Logf("the end of the log of %s:\n%s", n.name, n.logEnd())
			}
		}
	})
}

func (c *cluster) add(i int, faults string) {
	c.Helper()
	p, err := pgproxy.Start(c.server.Address())
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(p.Close)
	name := fmt.Sprint("node-", i+1)
	through, err := p.URL(c.address + "&application_name=" + name)
	if err != nil {
		c.Fatal(err)
	}
	node := &node{t: c.TB, name: name, url: through, addr: freeAddr(c), proxy: p, fault: faults, log: filepath.Join(c.logs, name)}
	c.nodes = append(c.nodes, node)
	c.Cleanup(node.kill)
	h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: node.addr, TaskHub: "default"}, Patience: time.Second})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = h.Close() })
	c.hubs = append(c.hubs, h)
}

// of is the cluster as a subtest has it.
func (c *cluster) of(t testing.TB) *cluster {
	mine := *c
	mine.TB = t
	for _, n := range c.nodes {
		n.t = t
	}
	return &mine
}

// each does something with nodes at the same time.
func (c *cluster) each(nodes []*node, do func(*node) error) {
	c.Helper()
	var all sync.WaitGroup
	for _, n := range nodes {
		all.Go(func() {
			if err := do(n); err != nil {
				c.Error(err)
			}
		})
	}
	all.Wait()
	if c.Failed() {
		c.FailNow()
	}
}

// others are the hubs of all nodes but one.
func (c *cluster) others(victim int) (list []hub.Hub) {
	for i, h := range c.hubs {
		if i != victim {
			list = append(list, h)
		}
	}
	return list
}

// sql asks the database itself.
func (c *cluster) sql(query string) string {
	c.Helper()
	return c.server.Exec(c.database, query)
}

// number is sql, for a number.
func (c *cluster) number(query string) int {
	c.Helper()
	n, err := strconv.Atoi(c.sql(query))
	if err != nil {
		c.Fatalf("%s: %v", query, err)
	}
	return n
}

// shards is how many shards a node holds, by the database.
func (c *cluster) shards(n *node) int {
	c.Helper()
	_, port, _ := strings.Cut(n.addr, ":")
	return c.number("SELECT count(*) FROM perdure.leases JOIN perdure.nodes ON name = node AND nodes.hub = leases.hub WHERE advertise LIKE '%:" + port + "'")
}

// until waits for a condition.
func (c *cluster) until(what string, is func() bool) {
	c.Helper()
	for end := time.Now().Add(40 * time.Second); !is(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			c.Fatalf("in vain waited until %s", what)
		}
	}
}

// within bounds what a test waits for.
func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// holdSnapshot opens a transaction that sees the database as it is now, until release is
// called.
func (c *cluster) holdSnapshot() (release func()) {
	c.Helper()
	conn, err := pgx.Connect(c.Context(), c.server.URL(c.database))
	if err != nil {
		c.Fatal(err)
	}
	for _, sql := range []string{"BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM perdure.instances"} {
		if _, err := conn.Exec(c.Context(), sql); err != nil {
			c.Fatal(err)
		}
	}
	return func() { _ = conn.Close(context.Background()) }
}
