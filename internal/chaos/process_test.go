package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// processAddr has this binary be a worker of a hub there that holds what it gets.
const processAddr = "PERDURE_TEST_WORKER_OF"

// held are the filters of workers that hold items.
func held() *wirepb.WorkItemFilters {
	return &wirepb.WorkItemFilters{
		Orchestrations: []*wirepb.OrchestrationFilter{{Name: "child"}},
		Activities:     []*wirepb.ActivityFilter{{Name: "double"}},
		Entities:       []*wirepb.EntityFilter{{Name: "acc"}},
	}
}

// holding is the process: it writes a line for each item, and ends its stream in order
// when it is asked to end.
func holding(addr string) error {
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var out sync.Mutex
	w := &worker{conn: conn, hub: "default", id: fmt.Sprint("process-", os.Getpid()), seen: newWitness(), filters: held()}
	w.do = func(_ context.Context, work *hub.Work, _ older) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(keyOf(work))
	}
	w.run(ctx)
	return conn.Close()
}

// process is a worker that is a process of its own.
type process struct {
	cmd   *exec.Cmd
	items chan string
}

// startProcess starts a worker that holds what it gets.
func startProcess(t *testing.T, addr string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), items: make(chan string, 1000)}
	p.cmd.Env = append(os.Environ(), processAddr+"="+addr)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.items <- lines.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-ended
		_ = p.cmd.Wait()
	})
	return p
}

// holds waits until the process has so many items and returns their names.
func (p *process) holds(t *testing.T, n int) map[string]bool {
	t.Helper()
	items := make(map[string]bool)
	for late := time.After(20 * time.Second); len(items) < n; {
		select {
		case key := <-p.items:
			items[key] = true
		case <-late:
			t.Fatalf("the process has got %d items, want %d", len(items), n)
		}
	}
	return items
}

func (p *process) end(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// TestT12_WorkerKilled kills a process that holds a hundred items of all kinds: another
// worker has all of them within 2 s.
func TestT12_WorkerKilled(t *testing.T) {
	normalOnly(t)
	addr := serve(t, config())
	c := &client{dial(t, addr), "default"}
	const turns, activities, batches = 34, 33, 33
	for i := range turns {
		c.begin(t, "child", fmt.Sprint("turn-", i), i)
	}
	for i := range batches {
		c.signal(t, fmt.Sprint("@acc@", i), 1)
	}
	acts := helper(t, addr, func(f *flow) { f.finish(f.result(f.double(f.input))) }, "acts")
	for i := range activities {
		c.begin(t, "acts", fmt.Sprint("activity-", i), i)
	}
	p := startProcess(t, addr)
	want := p.holds(t, turns+activities+batches)
	other := hold(t, addr, "default", held())
	p.end(t, syscall.SIGKILL)
	began := time.Now()
	got := make(map[string]*hub.Work)
	for len(got) < len(want) {
		work := other.next(t)
		if key := keyOf(work); want[key] && got[key] == nil {
			got[key] = work
		} else {
			t.Errorf("another worker gets %s, want what the process had, once", key)
		}
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the items of a worker that was killed were with another after %v, want 2 s", took)
	}
	other.serveRest()
	for key, work := range got {
		if err := other.as(t, work.Token, work); err != nil {
			t.Errorf("completion of %s = %v", key, err)
		}
	}
	for i := range max(turns, activities) {
		if i < turns {
			c.ends(t, fmt.Sprint("turn-", i), 2*i)
		}
		if i < activities {
			c.ends(t, fmt.Sprint("activity-", i), 2*i)
		}
	}
	for i := range batches {
		if _, a, err := c.entity(t.Context(), fmt.Sprint("@acc@", i)); err != nil || a.N != 1 {
			t.Errorf("entity %d = %+v, %v, want 1", i, a, err)
		}
	}
	acts.seen.none(t)
	other.seen.none(t)
}

// TestT12_LossesAreCounted has workers be lost with a turn, an activity and a batch:
// after ten losses each is parked. Workers that end in order are not counted.
func TestT12_LossesAreCounted(t *testing.T) {
	normalOnly(t)
	addr := serve(t, config())
	c := &client{dial(t, addr), "default"}
	helper(t, addr, func(f *flow) { f.finish(f.result(f.double(f.input))) }, "acts")
	c.begin(t, "child", "turn", 1)
	c.begin(t, "acts", "activity", 1)
	c.signal(t, "@acc@batch", 1)
	const planned, losses = 12, 10
	for range planned {
		h := hold(t, addr, "default", held())
		for range 3 {
			h.next(t)
		}
		h.stop()
	}
	// From the second loss on items come one at a time to a stream, so that only one is
	// blamed.
	lost := make(map[string]int)
	for len(lost) < 3 || parked(lost, losses) < 3 {
		p := startProcess(t, addr)
		for key := range p.holds(t, 1) {
			kind, _, _ := strings.Cut(key, " ")
			lost[kind]++
			for more := true; more; {
				select {
				case key := <-p.items:
					kind, _, _ := strings.Cut(key, " ")
					lost[kind]++
				case <-time.After(20 * time.Millisecond):
					more = false
				}
			}
		}
		p.end(t, syscall.SIGKILL)
		_ = p.cmd.Wait()
		for kind, n := range lost {
			if n > losses+1 {
				t.Fatalf("%s was handed out again after %d losses, want it parked", kind, n-1)
			}
		}
	}
	after := hold(t, addr, "default", held())
	select {
	case work := <-after.items:
		t.Errorf("%s comes again after its losses %v, want it parked", keyOf(work), lost)
	case <-time.After(200 * time.Millisecond):
	}
	for _, id := range []string{"turn", "activity"} {
		c.isStuck(t, addr, id)
	}
}

func parked(lost map[string]int, losses int) (n int) {
	for _, l := range lost {
		if l > losses {
			n++
		}
	}
	return n
}
