package sdk_test

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/process"
)

// killRounds says how often the server is killed.
const killRounds = "PERDURE_KILL_ROUNDS"

// rounds returns the number in the environment, 50 in the soak, else few.
func rounds(t *testing.T) int {
	if text := os.Getenv(killRounds); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(killRounds, err)
		}
		return n
	}
	if os.Getenv("PERDURE_SOAK") != "" {
		return 50
	}
	return 4
}

// goHalf is the code in Go of the test that kills the server; the other half is in
// testdata/js/killcode.mjs.
func goHalf() *perdure.Registry {
	reg := perdure.NewRegistry()
	echo := func(_ context.Context, n int) (int, error) { return n, nil }
	event := perdure.NewEvent[string]("go")
	perdure.AddActivityNamed(reg, "GoEcho", echo)
	perdure.AddOrchestrationNamed(reg, "GoChild", func(ctx *perdure.Context, n int) (int, error) {
		return perdure.CallNamed[int](ctx, "jsEcho", n).Await()
	})
	perdure.AddOrchestrationNamed(reg, "GoFlow", func(ctx *perdure.Context, n int) ([]any, error) {
		a, b := perdure.CallNamed[int](ctx, "jsEcho", n), perdure.CallNamed[int](ctx, "GoEcho", n)
		if err := perdure.All(ctx, a, b); err != nil {
			return nil, err
		}
		said, err := event.Wait(ctx).Await()
		if err != nil {
			return nil, err
		}
		c, err := perdure.CallOrchestrationNamed[int](ctx, "JsChild", n).Await()
		if err != nil {
			return nil, err
		}
		if err := ctx.Timer(50 * time.Millisecond).Await(); err != nil {
			return nil, err
		}
		first, _ := a.Await() // they have ended
		second, _ := b.Await()
		return []any{first, second, said, c}, nil
	})
	return reg
}

// TestW60KillsWithWorkers kills the server at random moments while workers in JavaScript and Go
// run 500 orchestrations that call each other's code: all end as they should after
// restarts, no history holds an event twice, and no call that was acknowledged is
// lost. killclient.mjs starts them and checks them.
func TestW60KillsWithWorkers(t *testing.T) {
	needJS(t, "testdata/js")
	const name, count = "kills", 500
	kills := rounds(t)
	s := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second+time.Duration(kills)*5*time.Second)
	defer cancel()
	pause := max(10, kills*1500/count) // ms between two starts, so that they go on during all kills
	client := node(ctx, s, "killclient.mjs", name, strconv.Itoa(count), strconv.Itoa(pause))
	complaints := &process.Log{}
	client.Stderr = complaints
	out, err := client.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("killclient.mjs has not made its hub: %v\n%s", client.Wait(), complaints.Tail())
	}
	worker := node(ctx, s, "killcode.mjs", name)
	worker.Stderr = complaints
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = worker.Process.Kill(); _ = worker.Wait() }()
	app, err := host.New(host.Config{
		Hub: "Endpoint=http://" + s.Addr + ";TaskHub=" + name + ";Authentication=None", Addr: "127.0.0.1:0", Registry: goHalf(),
	})
	if err != nil {
		t.Fatal(err)
	}
	remote, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- app.Run(remote) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	killing := make(chan error, 1)
	go func() { killing <- killAtRandom(ctx, s, kills) }()
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if err := client.Wait(); err != nil {
		t.Errorf("killclient.mjs = %v\n%s\nrunning: %s", err, complaints.Tail(), running(s, name))
	}
	if err := <-killing; err != nil {
		t.Error(err)
	}
	t.Logf("%d kills; %s", kills, strings.Join(said, "; "))
}

// running returns what the API says of some runs of a hub that have not ended.
func running(s *process.Server, hub string) string {
	request, err := http.NewRequest(http.MethodGet, "http://"+s.Addr+"/api/v1/runs?filter=-status:completed&limit=5", nil)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("taskhub", hub)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body) // what there is of it
	return string(text)
}

// killAtRandom kills the server and starts it again, so often.
func killAtRandom(ctx context.Context, s *process.Server, times int) error {
	for range times {
		select {
		case <-time.After(time.Duration(rand.IntN(2500)) * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		s.Kill()
		if err := s.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// node returns a script of testdata/js that talks to the server.
func node(ctx context.Context, s *process.Server, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", args...)
	cmd.Dir = filepath.Join("testdata", "js")
	cmd.Env = append(os.Environ(), "PERDURE_ADDRESS="+s.Addr)
	cmd.WaitDelay = time.Second
	return cmd
}
