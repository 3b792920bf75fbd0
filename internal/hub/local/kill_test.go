package local_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
)

// The test kills a real process, again and again, while it starts runs and
// raises events, and then holds what was acknowledged, what the store has and
// what the activities did against each other (T4 of docs/guarantees.md).

const (
	killDir    = "PERDURE_TEST_KILL_DIR"
	killFaults = "PERDURE_TEST_KILL_FAULTS"
	eventsEach = 8
	// driven runs at a time, of so many new ones a round that the process is
	// killed at work.
	driven  = 64
	newRuns = 3000
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		if err := killed(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// sinks writes to the file that stands for the outside world.
type sinks struct {
	mu   sync.Mutex
	file *os.File // guarded by mu
}

// act leaves a line in the sink and returns a number that no other run has.
func (s *sinks) act(ctx context.Context, _ int) (string, error) {
	nonce := strconv.FormatUint(rand.Uint64(), 36)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := fmt.Fprintf(s.file, "%s %s\n", perdure.Activity(ctx).EffectID, nonce)
	return nonce, err
}

var tick = perdure.NewEvent[int]("tick")

// gather runs activities and waits for events by turns, through a child and
// through continue-as-new, and returns the events in the order of their arrival.
func gather(ctx *perdure.Context, got []int) ([]int, error) {
	n, err := tick.Wait(ctx).Await()
	if err != nil {
		return nil, err
	}
	if _, err := perdure.CallNamed[string](ctx, "act", n).Await(); err != nil {
		return nil, err
	}
	got = append(got, n)
	if len(got) == eventsEach {
		return got, nil
	}
	if n%3 == 2 {
		return nil, perdure.ContinueAsNew(ctx, got)
	}
	if n%3 == 1 {
		if _, err := perdure.CallOrchestrationNamed[string](ctx, "step", n).Await(); err != nil {
			return nil, err
		}
	}
	return gather(ctx, got)
}

func step(ctx *perdure.Context, n int) (string, error) {
	return perdure.CallNamed[string](ctx, "act", n).Await()
}

func killRegistry(s *sinks) *perdure.Registry {
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, gather)
	perdure.AddOrchestration(reg, step)
	perdure.AddActivityNamed(reg, "act", s.act)
	return reg
}

func openKilled(dir string) (*pebble.DB, *local.Hub, *pebble.Hub, error) {
	file, err := os.OpenFile(filepath.Join(dir, "sink"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, nil, err
	}
	db, err := pebble.Open(filepath.Join(dir, "data"), pebble.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	s, err := db.Hub("default", true)
	if err != nil {
		return nil, nil, nil, err
	}
	h, err := local.New(local.Config{Store: s, Registry: killRegistry(&sinks{file: file})})
	return db, h, s, err
}

// killed is the process that gets killed: it reads what is acknowledged so far,
// then starts runs and raises events until it dies, one line an answer.
func killed(dir string) error {
	if err := configureFaults(os.Getenv(killFaults)); err != nil {
		return err
	}
	_, h, _, err := openKilled(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	failed := make(chan error, 1)
	go func() { failed <- h.Run(ctx) }()
	var wg sync.WaitGroup
	work := make(chan []string)
	for range driven {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for f := range work {
				next, _ := strconv.Atoi(f[1])
				drive(ctx, os.Stdout, h, f[0], next)
			}
		}()
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() { // one line for each run: id and the next event
		work <- strings.Fields(lines.Text())
	}
	close(work)
	wg.Wait()
	fmt.Println("idle")
	return <-failed
}

// drive starts a run, if next is negative, and raises its events, with a line to
// out for each that is acknowledged.
func drive(ctx context.Context, out io.Writer, h hub.Hub, id string, next int) {
	if next < 0 {
		_, err := h.Start(ctx, &hub.Start{RequestID: "start-" + id, InstanceID: id, Name: "gather", Input: history.Some("[]")})
		if err != nil {
			return
		}
		fmt.Fprintln(out, "started", id)
		next = 0
	}
	for ; next < eventsEach; next++ {
		err := h.Raise(ctx, &hub.Raise{
			RequestID: fmt.Sprint("event-", next), InstanceID: id, Name: "Tick", Data: history.Some(strconv.Itoa(next)),
		})
		if err != nil {
			return
		}
		fmt.Fprintln(out, "raised", id, next)
	}
}

func TestT04_KillNine(t *testing.T) {
	rounds := 6
	if os.Getenv("PERDURE_SOAK") != "" {
		rounds = 60
	}
	dir := t.TempDir()
	next := make(map[string]int) // the next event to be raised; -1 = not started
	acks, idle, round := 0, 0, 0
	for ; round < rounds || acks < 100*rounds && round < 5*rounds; round++ {
		addRuns(next, round)
		n, ended := killRound(t, dir, next, time.Duration(1+rand.IntN(400))*time.Millisecond)
		if acks += n; ended {
			idle++
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if acks < 50*rounds || idle > round/2 {
		t.Errorf("%d acknowledgements in %d rounds, %d of them without work in the end: too little load", acks, round, idle)
	}
	t.Logf("%d rounds, %d acknowledgements, %d rounds without work in the end", round, acks, idle)
	settleKilled(t, dir, next)
}

// addRuns gives a round new runs to start, and forgets those of the last that
// were not started.
func addRuns(next map[string]int, round int) {
	for id, n := range next {
		if n < 0 {
			delete(next, id)
		}
	}
	for i := range newRuns {
		next[fmt.Sprintf("run-%d-%d", round, i)] = -1
	}
}

// killRound lets a process work for a while from its first answer on, kills it, and takes note of what it
// acknowledged.
func killRound(t *testing.T, dir string, next map[string]int, wait time.Duration) (acks int, idle bool) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killDir+"="+dir)
	var in strings.Builder
	for id, n := range next {
		if n < eventsEach {
			fmt.Fprintln(&in, id, n)
		}
	}
	cmd.Stdin = strings.NewReader(in.String())
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { cmd.Process.Signal(syscall.SIGKILL) }
	killer := time.AfterFunc(30*time.Second, kill)
	defer killer.Stop()
	lines := bufio.NewReader(out)
	for first := true; ; first = false {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break // a line that was cut was not acknowledged
		}
		if first { // it is at work now
			killer.Reset(wait)
		}
		f := strings.Fields(line)
		switch {
		case len(f) == 2 && f[0] == "started":
			next[f[1]], acks = 0, acks+1
		case len(f) == 3 && f[0] == "raised":
			n, _ := strconv.Atoi(f[2])
			next[f[1]], acks = n+1, acks+1
		case len(f) == 1 && f[0] == "idle":
			idle = true
		}
	}
	if err := cmd.Wait(); err != nil && errs.Len() > 0 {
		t.Errorf("the process failed: %s", errs.String())
	}
	return acks, idle
}

// settleKilled lets everything end in this process, and judges.
func settleKilled(t *testing.T, dir string, next map[string]int) {
	t.Helper()
	db, h, s, err := openKilled(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	stop := make(chan error, 1)
	run, end := context.WithCancel(ctx)
	go func() { stop <- h.Run(run) }()
	for id, n := range next {
		if n < 0 {
			continue
		}
		if _, err := h.Instance(ctx, id, false); err != nil {
			t.Errorf("acknowledged start of %s is lost: %v", id, err)
			continue
		}
		drive(ctx, io.Discard, h, id, n)
		in, err := h.WaitCompletion(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if want := "[0,1,2,3,4,5,6,7]"; in.Status != store.Completed || in.Output.S != want {
			t.Errorf("%s: got %s (status %d, %v), want %s", id, in.Output.S, in.Status, in.Failure, want)
		}
	}
	judgeSink(t, ctx, dir, h, s)
	end()
	if err := <-stop; err != nil {
		t.Errorf("Run() = %v", err)
	}
}

// judgeSink checks that no activity ran again after its outcome was recorded: in
// the sink the recorded outcome is the last of its effect id.
func judgeSink(t *testing.T, ctx context.Context, dir string, h *local.Hub, s store.Reads) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "sink"))
	if err != nil {
		t.Fatal(err)
	}
	last := map[string]string{} // by effect id
	ran := 0
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 {
			last[f[0]] = f[1]
			ran++
		}
	}
	page, err := h.List(ctx, store.Query{Limit: 100_000, Budget: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	recorded := 0
	for _, in := range page.Items {
		if !in.Status.Terminal() {
			continue // its start was not acknowledged
		}
		events, err := h.History(ctx, in.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		done := map[int32]bool{}
		for _, e := range events {
			b, ok := e.Body.(*history.TaskCompleted)
			if !ok {
				continue
			}
			recorded++
			if done[b.TaskScheduledID] {
				t.Errorf("%s: task %d completed twice in its history", in.ID, b.TaskScheduledID)
			}
			done[b.TaskScheduledID] = true
			effect := fmt.Sprintf("%s/%s/%d", in.ID, in.Execution, b.TaskScheduledID)
			if got := strconv.Quote(last[effect]); got != b.Result.S {
				t.Errorf("%s: recorded %s, but a run after that gave %s", effect, b.Result.S, got)
			}
		}
	}
	if recorded == 0 {
		t.Error("no recorded activity was found")
	}
	t.Logf("%d runs of activities, %d recorded in the last executions", ran, recorded)
}
