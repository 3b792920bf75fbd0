package chaos_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

const (
	// serverDir has this binary serve a folder at serverAddr.
	serverDir    = "PERDURE_TEST_SERVE"
	serverAddr   = "PERDURE_TEST_SERVE_AT"
	serverFaults = "PERDURE_TEST_SERVE_FAULTS"
	// killRounds is how often the server is killed.
	killRounds = "PERDURE_TEST_KILLS"
)

// serving is the process that gets killed.
func serving(dir, addr string) error {
	if err := configureFaults(os.Getenv(serverFaults)); err != nil {
		return err
	}
	app, err := host.New(host.Config{Hub: dir, Addr: addr})
	if err != nil {
		return err
	}
	go func() {
		<-app.Ready()
		fmt.Println("ready")
	}()
	return app.Run(context.Background())
}

// serverProcess is a server, and its successors at the same address.
type serverProcess struct {
	t         *testing.T
	dir, addr string
	cmd       *exec.Cmd
}

func (s *serverProcess) start() {
	s.t.Helper()
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), serverDir+"="+s.dir, serverAddr+"="+s.addr)
	var log strings.Builder
	s.cmd.Stderr = &log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		s.kill()
		s.t.Fatalf("the server does not start: %q, %v\n%s", line, err, log.String())
	}
}

// kill ends the process as kill -9 does.
func (s *serverProcess) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// load is a worker and clients that go on whatever becomes of their server.
type load struct {
	t      *testing.T
	server *serverProcess
	direct *client
	seen   *witness
	stop   func()
	kills  int

	mu   sync.Mutex // guards what follows
	sets [][]*wirepb.OrchestrationState
	acks int // of clients
	err  error
}

// loadLanes is how many sets of instances run at a time.
const loadLanes = 12

func startLoad(t *testing.T) *load {
	t.Helper()
	addr := freeAddr(t)
	ld := &load{t: t, seen: newWitness(), server: &serverProcess{t: t, dir: filepath.Join(t.TempDir(), "data"), addr: addr}}
	ld.server.start()
	t.Cleanup(ld.server.kill)
	ld.direct = &client{dial(t, addr), "default"}
	ctx, cancel := context.WithCancel(context.Background())
	more, enough := context.WithCancel(ctx)
	var working, lanes sync.WaitGroup
	w := &worker{conn: dial(t, addr), mortal: addr, hub: "default", id: "w", code: program, seen: ld.seen, retries: true}
	working.Go(func() { w.run(ctx) })
	for lane := range loadLanes {
		lanes.Go(func() {
			for n := 0; more.Err() == nil; n++ {
				ld.runSet(ctx, fmt.Sprintf("%d-%d", lane, n))
			}
		})
	}
	ld.stop = func() {
		enough()
		lanes.Wait()
		cancel()
		working.Wait()
	}
	t.Cleanup(func() { cancel(); lanes.Wait(); working.Wait() })
	return ld
}

// runSet runs instances that share their entities.
func (l *load) runSet(ctx context.Context, set string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	states := make([]*wirepb.OrchestrationState, together)
	var wg sync.WaitGroup
	for i := range states {
		wg.Go(func() {
			state, err := l.direct.start(ctx, fmt.Sprintf("%s/%d", set, i))
			l.mu.Lock()
			defer l.mu.Unlock()
			if states[i] = state; err != nil && l.err == nil {
				l.err = err
			}
			l.acks += 5
		})
	}
	wg.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sets = append(l.sets, states)
}

// round lets the server work for a moment, kills it and starts the next.
func (l *load) round() {
	l.t.Helper()
	atWork := l.seen.count() + 5
	for end := time.Now().Add(10 * time.Second); l.seen.count() < atWork && time.Now().Before(end); {
		<-time.After(time.Millisecond)
	}
	<-time.After(time.Duration(rand.IntN(150)) * time.Millisecond) // a kill comes at any moment
	l.server.kill()
	l.kills++
	l.server.start()
}

// TestW60_ServerKilled kills a server again and again under load: nothing that it has
// acknowledged to clients and workers is lost, and no event is twice in a history.
func TestW60_ServerKilled(t *testing.T) {
	normalOnly(t)
	rounds := 6
	if soak() {
		rounds = 100
	}
	if n, err := strconv.Atoi(os.Getenv(killRounds)); err == nil {
		rounds = n
	}
	l := startLoad(t)
	for range rounds {
		l.round()
	}
	l.stop()
	if l.err != nil {
		t.Fatal(l.err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for _, states := range l.sets {
		for _, w := range l.direct.judge(ctx, l.seen, states) {
			t.Error(w)
		}
	}
	if l.acks < 5*rounds || len(l.seen.acked) < 30*rounds || l.seen.again < rounds {
		t.Errorf("%d kills, %d acknowledgements to clients, %d to workers, %d items that came again: too little load",
			l.kills, l.acks, len(l.seen.acked), l.seen.again)
	}
	t.Logf("%d kills, %d acknowledgements to clients, %d to workers, %d items that came again",
		l.kills, l.acks, len(l.seen.acked), l.seen.again)
}
