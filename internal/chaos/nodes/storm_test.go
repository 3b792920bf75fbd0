package nodes_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/remote"
)

// swarmAt has this binary be many workers of what listens there: "ADDRESS FIRST COUNT".
const (
	swarmAt     = "PERDURE_TEST_SWARM"
	swarmFaults = "PERDURE_TEST_SWARM_FAULTS"
)

// errand is a run that has one worker do something, by the name of its activity.
func errand(ctx *perdure.Context, activity string) (string, error) {
	return perdure.CallNamed[string](ctx, activity, activity).Await()
}

// ofWorker is the activity that only worker i has.
func ofWorker(i int) string { return fmt.Sprint("worker-", i) }

// swarm is the process that is many workers, each with a connection of its own.
func swarm(what, faults string) error {
	if err := configureFaults(faults); err != nil {
		return err
	}
	var addr string
	var first, count int
	if _, err := fmt.Sscan(what, &addr, &first, &count); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	var all sync.WaitGroup
	errs := make(chan error, count)
	for i := first; i < first+count; i++ {
		r := perdure.NewRegistry()
		perdure.AddActivityNamed(r, ofWorker(i), echo)
		h, err := remote.Dial(remote.Config{Target: remote.Target{Addr: addr, TaskHub: "default"}, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		w, err := remote.NewWorker(remote.WorkerConfig{Hub: h, Registry: r, Activities: 1})
		if err != nil {
			return err
		}
		all.Go(func() {
			errs <- w.Run(ctx)
			_ = h.Close()
		})
	}
	fmt.Println("ready")
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// startSwarm starts such a process. It ends with the test.
func (c *cluster) startSwarm(addr string, first, count int, faults string) {
	c.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", swarmAt, addr, first, count), swarmFaults+"="+faults)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.Fatal(err)
	}
	if _, err = cmd.StdinPipe(); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		c.Fatalf("the workers do not start: %q, %v", line, err)
	}
}

// balancer spreads connections over the nodes that take some, as those do that stand in
// front of clusters.
type balancer struct {
	addr     string
	away     atomic.Bool  // it takes no connections
	connects atomic.Int64 // that a node took
	refused  atomic.Int64 // that it did not take
}

func (c *cluster) balance() *balancer {
	c.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.Fatal(err)
	}
	b := &balancer{addr: l.Addr().String()}
	var nodes []string
	for _, n := range c.nodes {
		nodes = append(nodes, n.addr)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; ; i++ {
			in, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { b.pass(ctx, in, nodes, i) })
		}
	})
	c.Cleanup(func() {
		_ = l.Close()
		cancel()
		all.Wait()
	})
	return b
}

// pass connects one who comes with the first of the nodes that takes it.
func (b *balancer) pass(ctx context.Context, in net.Conn, nodes []string, first int) {
	defer func() { _ = in.Close() }()
	if b.away.Load() {
		b.refused.Add(1)
		return
	}
	for k := range nodes {
		out, err := net.Dial("tcp", nodes[(first+k)%len(nodes)])
		if err != nil {
			continue
		}
		b.connects.Add(1)
		closed := context.AfterFunc(ctx, func() { _ = in.Close(); _ = out.Close() })
		defer closed()
		var both sync.WaitGroup
		for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
			both.Go(func() {
				_, _ = io.Copy(way[0], way[1])
				_ = in.Close()
				_ = out.Close()
			})
		}
		both.Wait()
		return
	}
}

// rpcs is how many calls of gRPC the living nodes have answered, by themselves.
func (c *cluster) rpcs() (n int) {
	c.Helper()
	for _, node := range c.nodes {
		if node.cmd == nil {
			continue
		}
		answer, err := http.Get("http://" + node.addr + "/metrics")
		if err != nil {
			c.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			c.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "perdure_rpcs_total{") {
				count, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
				if err != nil {
					c.Fatalf("%q: %v", line, err)
				}
				n += int(count)
			}
		}
	}
	return n
}

// errands has each worker do something, and returns how long it took until all had.
func (c *cluster) errands(ctx context.Context, hubs []hub.Hub, prefix string, workers int) time.Duration {
	c.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			id := fmt.Sprintf("run-%s-%d", prefix, i)
			_, err := ledger.Insist(ctx, hubs, i, 5*time.Second, func(ctx context.Context, h hub.Hub) error {
				_, err := h.Start(ctx, &hub.Start{RequestID: "s", InstanceID: id, Name: "errand", Input: history.Some(strconv.Quote(ofWorker(i)))})
				return err
			})
			if err == nil {
				err = c.completes(ctx, hubs, id, i)
			}
			if err != nil {
				c.Errorf("%s: %v", id, err)
			}
		})
	}
	all.Wait()
	return time.Since(began)
}

// survivorsCPU is the processor time of the nodes that live.
func (c *cluster) survivorsCPU() time.Duration {
	var ticks int64
	for _, n := range c.nodes {
		if n.cmd != nil {
			ticks += processTicks(n.cmd.Process.Pid)
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// storm has many workers connected to three nodes, of which one is killed, and what
// spreads connections takes none for three seconds after that. It returns what a storm
// would show, of connections, calls or work for the nodes.
func storm(t *testing.T, workers int, quiet time.Duration, faults string) (wrong []string) {
	t.Helper()
	c := startCluster(t, 3, "")
	ctx := within(t, 8*time.Minute)
	b := c.balance()
	c.startSwarm(b.addr, 0, workers/2, faults)
	c.startSwarm(b.addr, workers/2, workers-workers/2, faults)
	came := c.errands(ctx, c.hubs, "before", workers)
	<-time.After(quiet) // what their coming has caused is over

	const away = 3 * time.Second
	victim := rand.IntN(len(c.nodes))
	lost := workers / len(c.nodes)
	b.away.Store(true)
	back := time.AfterFunc(away, func() { b.away.Store(false) })
	defer back.Stop()
	c.nodes[victim].kill()
	died := time.Now()
	connects, calls, cpu := b.connects.Load(), c.rpcs(), c.survivorsCPU()
	served := c.errands(ctx, c.others(victim), "after", workers)
	afterCalls, afterCPU := c.rpcs()-calls, c.survivorsCPU()-cpu

	calls, cpu = c.rpcs(), c.survivorsCPU()
	<-time.After(quiet)
	quietCalls, quietCPU := c.rpcs()-calls, float64(c.survivorsCPU()-cpu)/float64(quiet)
	again := c.errands(ctx, c.others(victim), "later", workers)
	connects = b.connects.Load() - connects
	refused := b.refused.Load()
	t.Logf(`{"test": "no storm", "faults": %q, "workers": %d, "lost": %d, "came_s": %.1f, "served_again_s": %.1f, "connects": %d, "refused": %d, "calls": %d, "cpu_s": %.2f, "then_quiet_s": %.0f, "quiet_calls": %d, "quiet_cpu_share": %.3f, "errands_later_s": %.1f, "after_s": %.0f}`,
		faults, workers, lost, came.Seconds(), served.Seconds(), connects, refused, afterCalls, afterCPU.Seconds(), quiet.Seconds(), quietCalls, quietCPU, again.Seconds(), time.Since(died).Seconds())
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	expect(served <= 30*time.Second, "all workers are served again after %v, want 30 s", served)
	expect(int(refused) >= lost/2 && int(refused) <= 15*lost, "%d connections were tried in vain in %v after a node with about %d workers was killed, want a few each, and 15 at most", refused, away, lost)
	expect(int(connects) >= lost/2 && int(connects) <= 3*lost, "%d connections after a node with about %d workers was killed, want about one each, and 3 at most", connects, lost)
	most := 40 * workers // of these 3 to start, wait and report, and what nodes say of the workers
	expect(afterCalls <= most, "the survivors answered %d calls until all were served, want %d at most", afterCalls, most)
	most = 3*workers*int(quiet/time.Second)/10 + 100
	expect(quietCalls <= most, "the survivors answered %d calls in %v without work, want %d at most", quietCalls, quiet, most)
	expect(quietCPU <= 0.25, "the survivors use %.0f %% of a core without work, want 25 %% at most", 100*quietCPU)
	return wrong
}

// TestNoStorm has 500 workers connected to three nodes, of which one is killed: its
// workers go to the others, all are served again soon, and neither connections nor calls
// nor work for the nodes pile up.
func TestNoStorm(t *testing.T) {
	normalOnly(t)
	workers, quiet := 60, 5*time.Second
	if soak() {
		workers, quiet = 500, 30*time.Second
	}
	for _, w := range storm(t, workers, quiet, "") {
		t.Error(w)
	}
}
