package nodes_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/chaos/ledger"
)

// underLoad has clients work until do has returned and for a while after that, and
// returns what is wrong with what they were told.
func (c *cluster) underLoad(prefix string, do func()) (wrong []string) {
	c.Helper()
	ctx := within(c, 2*time.Minute)
	load := &ledger.Load{Ledger: ledger.New(), Hubs: c.hubs, Prefix: prefix, Lanes: 8, Seed: rand.Uint64()}
	loading, enough := context.WithCancel(ctx)
	defer enough()
	var running sync.WaitGroup
	running.Go(func() { load.Run(loading) })
	c.until("clients are at work", func() bool { return load.Ledger.Counts().Acknowledged > 100 })
	do()
	before := load.Ledger.Counts().Acknowledged
	c.until("clients are answered again", func() bool { return load.Ledger.Counts().Acknowledged > before+20 })
	enough()
	running.Wait()
	wrong = ledger.Judge(load.Settle(ctx, 20*time.Second), ledger.Want)
	c.Logf("%s: %+v, wrong %d", prefix, load.Ledger.Counts(), len(wrong))
	return wrong
}

// crashUnder has the database crash under load, five times, soon after synchronous_commit
// was set: nodes look at it when they connect, and connect less and less from then on.
func crashUnder(t *testing.T, setting string) (wrong []string) {
	c := startCluster(t, 3, "")
	c.server.Exec("postgres", "ALTER SYSTEM SET wal_writer_delay = '10s'") // so that nobody else writes what commits leave in memory
	c.server.Exec("postgres", "ALTER SYSTEM SET wal_writer_flush_after = '1GB'")
	return c.underLoad("run-"+setting+"-", func() {
		for range 5 {
			c.server.Exec("postgres", "ALTER SYSTEM SET synchronous_commit = "+setting)
			c.server.Exec("postgres", "SELECT pg_reload_conf()")
			c.server.Exec("postgres", "ALTER SYSTEM RESET synchronous_commit") // for the next start
			<-time.After(300 * time.Millisecond)
			c.server.Crash()
			<-time.After(2 * time.Second)
		}
	})
}

// TestT10_Control is the failing control of what TestHarms says of a database that
// crashes: with synchronous_commit off it loses what was acknowledged, and that is found.
func TestT10_Control(t *testing.T) {
	normalOnly(t)
	if !long() {
		t.Skip("it runs with PERDURE_LONG")
	}
	for _, w := range crashUnder(t, "on") {
		t.Error(w)
	}
	for range 2 {
		if len(crashUnder(t, "off")) > 0 {
			return
		}
	}
	t.Error("a database that forgets commits when it crashes was not noticed")
}

// TestT10_LaggingStandby promotes an asynchronous standby that has not heard of the last
// commits. These are lost, and that is reported; nobody goes on from what it had in
// memory, so that from then on all is as if they had never been.
func TestT10_LaggingStandby(t *testing.T) {
	normalOnly(t)
	if !long() {
		t.Skip("it runs with PERDURE_LONG")
	}
	c := startCluster(t, 3, "")
	standby := c.server.Standby(false)
	wrong := c.underLoad("run-lost-", func() {
		standby.Exec("postgres", "ALTER SYSTEM SET primary_conninfo = ''") // it hears no more
		standby.Exec("postgres", "SELECT pg_reload_conf()")
		c.until("the standby lags", func() bool {
			return c.server.Exec("postgres", "SELECT count(*) FROM pg_stat_replication") == "0"
		})
		<-time.After(time.Second)
		c.server.Kill()
		standby.Promote()
		c.server = standby
		for _, n := range c.nodes {
			n.proxy.Retarget(standby.Address())
		}
	})
	if len(wrong) == 0 {
		t.Error("nothing was lost by the promotion of a standby that lags: the test would not notice it")
	}
	said := ""
	for _, n := range c.nodes {
		text, err := os.ReadFile(n.log)
		if err != nil {
			t.Fatal(err)
		}
		said += string(text)
	}
	for _, want := range []string{"the database is another one than before", "the database lacks commits that were acknowledged"} {
		if !strings.Contains(said, want) {
			t.Errorf("no node says that %q", want)
		}
	}
	for _, w := range c.underLoad("run-after-", func() {}) {
		t.Error(w)
	}
	ctx := within(t, time.Minute)
	took := c.release(ctx, c.hubs, c.begin(ctx, "probe", fmt.Sprint("run-probe-", rand.Uint32()), probes), time.Now())
	t.Logf(`{"test": "lagging standby", "instances_with_losses": %d, "probes_s": %.2f}`, len(wrong), took.Seconds())
}
