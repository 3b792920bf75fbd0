package nodes_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store/postgres/pgproxy"
)

// A node's work goes on elsewhere within limit; guarantee G15.
const limit = 10 * time.Second

// harms are what a cluster of three nodes has to suffer.
func harms(cuts *int) []harm {
	return []harm{
		{name: "G15 killed", strike: func(c *cluster, victim int) { c.nodes[victim].kill() }, mend: restart},
		{name: "T08 frozen", strike: func(c *cluster, victim int) { c.nodes[victim].freeze() }, mend: thaw},
		{name: "T09 half-open", strike: func(c *cluster, victim int) { c.nodes[victim].proxy.Freeze() }, mend: thaw},
		{name: "T09 mid-batch", strike: func(c *cluster, victim int) { c.freezeMidBatch(c.Context(), c.nodes[victim]) }, mend: thaw},
		{name: "T10 restarted", spare: true, strike: func(c *cluster, _ int) { c.server.Restart() }},
		{name: "T10 crashed", spare: true, strike: func(c *cluster, _ int) { c.server.Crash() }},
		{name: "T10 sessions ended", spare: true, strike: func(c *cluster, _ int) {
			for range 5 {
				c.endSessions()
				<-time.After(time.Duration(rand.IntN(200)) * time.Millisecond) // at any moment
			}
		}},
		exhausted(),
		refused(),
		commitCut(cuts),
	}
}

// restart starts the next process of a node that was killed.
func restart(c *cluster, victim int) {
	c.Helper()
	if err := c.nodes[victim].start(); err != nil {
		c.Fatal(err)
	}
}

// thaw lets a node go on, and what it says to the database, when others have its shards.
func thaw(c *cluster, victim int) {
	c.Helper()
	n := c.nodes[victim]
	c.until("others have the shards of "+n.name, func() bool { return c.shards(n) == 0 })
	n.proxy.Thaw()
	n.thaw()
}

// TestHarms breaks nodes, their database and what lies between under load, and judges
// after each harm what clients were told, what workers were given to do, how long it took
// until work went on, and who committed, by the database. Nodes are killed; frozen past
// their leases; cut off without a word, also in the middle of a batch whose locks the
// database then holds for them. The database restarts, crashes, ends sessions, lets
// nobody in, refuses commits in passing, and is cut off right before and after it
// commits.
func TestHarms(t *testing.T) {
	normalOnly(t)
	c := startCluster(t, 3, "")
	cuts, n := 0, rounds(1)
	all := harms(&cuts)
	if !long() {
		all = []harm{all[0], all[1], all[5], all[9]} // killed, frozen, a crashed database, cuts
	}
	for _, h := range all {
		t.Run(h.name, func(t *testing.T) {
			c := c.of(t)
			var f figures
			for range n {
				c.round(h, &f)
				if t.Failed() {
					break
				}
			}
			c.judgeJournal()
			f.report(t, h.name, limit)
		})
		if t.Failed() {
			return // the cluster may be of no use any more
		}
	}
	c.known()
	if cuts < 10*n {
		t.Errorf("%d cuts, want at least %d", cuts, 10*n)
	}
	for _, n := range c.nodes {
		if took := n.stop(); took > 5*time.Second {
			t.Errorf("%s takes %v to end in order", n.name, took)
		}
	}
}

// TestT10_Promotion promotes a synchronous standby when its primary has crashed: nothing
// that was acknowledged is lost.
func TestT10_Promotion(t *testing.T) {
	normalOnly(t)
	var f figures
	for range rounds(1) {
		c := startCluster(t, 3, "")
		standby := c.server.Standby(true)
		c.round(harm{name: "promote", spare: true, strike: func(c *cluster, _ int) {
			c.server.Kill()
			standby.Promote()
			c.server = standby
			for _, n := range c.nodes {
				n.proxy.Retarget(standby.Address())
			}
		}}, &f)
		c.judgeJournal()
		c.each(c.nodes, func(n *node) error { n.stop(); return nil })
	}
	f.report(t, "T10 promotion", limit)
}

// freezeMidBatch freezes a node, and what it says to the database, when the database has
// all statements of a group but not the message that commits them.
func (c *cluster) freezeMidBatch(ctx context.Context, n *node) {
	c.Helper()
	struck := n.proxy.Arm(pgproxy.Strike{Do: pgproxy.Freeze, When: isGroup})
	for i := 0; ; i++ {
		select {
		case <-struck:
			n.freeze()
			return
		case <-time.After(20 * time.Millisecond): // there may be no other load
			id := fmt.Sprintf("run-mid-batch-%d-%d", n.cmd.Process.Pid, i)
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			_, _ = c.hubs[slices.Index(c.nodes, n)].Start(short, &hub.Start{InstanceID: id, Name: "probe", Input: history.Some("0"), RequestID: "s"})
			cancel()
		}
	}
}

// exhausted lets the role of the nodes have no further connection for a moment, and
// ends those that it has. Then the database lets nobody in for a moment.
func exhausted() harm {
	return harm{name: "T10 nobody let in", spare: true, strike: func(c *cluster, _ int) {
		for _, closed := range [][2]string{
			{"ALTER ROLE " + worker + " CONNECTION LIMIT 0", "ALTER ROLE " + worker + " CONNECTION LIMIT -1"},
			{"ALTER DATABASE " + c.database + " ALLOW_CONNECTIONS false", "ALTER DATABASE " + c.database + " ALLOW_CONNECTIONS true"},
		} {
			c.server.Exec("postgres", closed[0])
			c.endSessions()
			<-time.After(time.Second)
			c.server.Exec("postgres", closed[1])
		}
	}}
}

// refused has the database refuse commits with all that it may say in passing.
func refused() harm {
	return harm{name: "T10 refused", spare: true, strike: func(c *cluster, _ int) {
		for i, state := range []string{"40001", "40P01", "55P03", "57014", "53200"} {
			p := c.nodes[i%len(c.nodes)].proxy
			select {
			case <-p.Arm(pgproxy.Strike{Do: pgproxy.Fail, State: state}):
			case <-time.After(patience):
				c.Errorf("no commit could be refused with %s", state)
			}
		}
	}}
}

// commitCut cuts connections ten times, in turn before and after a commit.
func commitCut(cuts *int) harm {
	return harm{name: "T11 commit cut", spare: true, strike: func(c *cluster, _ int) {
		for i := range 10 {
			p := c.nodes[rand.IntN(len(c.nodes))].proxy
			struck := p.Arm(pgproxy.Strike{Where: pgproxy.Where(i % 2), Nth: 1 + rand.IntN(8), When: isGroup})
			select {
			case <-struck:
				*cuts++
			case <-time.After(patience):
				c.Error("no commit could be cut")
			}
		}
	}}
}

// isGroup tells groups of commits from what else nodes write.
func isGroup(c pgproxy.Commit) bool { return c.Has("perdure.feed") }

// known checks that the database has no instance that nobody has started.
func (c *cluster) known() {
	c.Helper()
	for _, id := range c.list("SELECT encode(id, 'escape') FROM perdure.instances LIMIT 100000") {
		if !strings.HasPrefix(id, "run-") {
			c.Errorf("the database has an instance %q that nobody started", id)
		}
	}
}
