package host_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/egress"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model/openai"
)

// The test kills a real process in the middle of calls of tools and models, and
// then holds what it has journaled against what the world has seen (T6 of
// docs/guarantees.md). The world, which is the sink of the tools' effects and the
// provider of the model, is this process: it outlives the killed one, and kills it
// at the moment that is wanted.

const (
	effectDir   = "PERDURE_TEST_EFFECT_DIR"
	effectWorld = "PERDURE_TEST_EFFECT_WORLD"
	effectClass = "PERDURE_TEST_EFFECT_CLASS" // of pay, instead of irreversible
)

// The tools of the agent, in the order in which orders use them.
var orderTools = []string{"lookup", "reserve", "pay", "notify", "ship"}

// clerk is the process that gets killed.
func clerk(dir, world string) error {
	client := &http.Client{Transport: egress.Transport(nil)}
	m, err := openai.New(openai.Config{Model: "scripted", BaseURL: world + "/v1", APIKey: "none"})
	if err != nil {
		return err
	}
	call := func(name string) func(context.Context, order) (string, error) {
		return func(ctx context.Context, in order) (string, error) { return act(ctx, client, world, name, in.Order) }
	}
	class := agent.Irreversible
	if os.Getenv(effectClass) == agent.Idempotent.String() {
		class = agent.Idempotent
	}
	registry := perdure.NewRegistry()
	if err := agent.Register(registry, &agent.Agent{Name: "Clerk", Model: m, Instructions: "Serve orders.", Tools: []agent.Tool{
		agent.NewTool("lookup", "looks an order up", call("lookup"), agent.WithEffect(agent.Pure)),
		agent.NewTool("reserve", "reserves goods", call("reserve"), agent.WithEffect(agent.Idempotent)),
		agent.NewTool("pay", "takes the money", call("pay"), agent.WithEffect(class), agent.AlwaysRequireApproval()),
		agent.NewTool("notify", "tells the customer", call("notify"), agent.WithEffect(agent.Reversible)),
		agent.NewTool("ship", "sends the goods", call("ship"), agent.WithReconcile(func(ctx context.Context, effect string, in order) (agent.Outcome, error) {
			return shipped(ctx, client, world, effect)
		})),
	}}); err != nil {
		return err
	}
	app, err := host.New(host.Config{Hub: dir, Addr: "127.0.0.1:0", Registry: registry})
	if err != nil {
		return err
	}
	go func() {
		<-app.Ready()
		fmt.Println(app.URL())
	}()
	return app.Run(context.Background())
}

type order struct{ Order string }

// act has the world carry out a tool for an order.
func act(ctx context.Context, client *http.Client, world, tool, order string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, world+"/tools/"+tool, strings.NewReader(order))
	if err != nil {
		return "", err
	}
	res, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: %w", agent.ErrOutcomeUnknown, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

// shipped asks the world what became of a call.
func shipped(ctx context.Context, client *http.Client, world, effect string) (agent.Outcome, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, world+"/effects/"+effect, nil)
	if err != nil {
		return agent.Outcome{}, err
	}
	res, err := client.Do(req)
	if err != nil {
		return agent.Outcome{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return agent.NotHappened(), err // who asks holds the directory: the old sender is dead
	}
	return agent.Happened(string(body)), nil
}

// process is the clerk at work.
type process struct {
	cmd *exec.Cmd
	url string
	end chan struct{} // closed when it is gone
}

// startClerk starts a clerk and waits until it serves; nil if it is killed first.
func startClerk(t *testing.T, w *world, dir string, env ...string) *process {
	t.Helper()
	return startClerkAs(t, w, "", dir, env...)
}

// startClerkAs starts a clerk that the world knows by a name.
func startClerkAs(t *testing.T, w *world, name, dir string, env ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), effectDir+"="+dir, effectWorld+"="+w.server.URL+"/by/"+name), env...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, end: make(chan struct{})}
	line := make(chan string, 1)
	go func() {
		defer close(p.end)
		r := bufio.NewReader(out)
		text, _ := r.ReadString('\n')
		line <- strings.TrimSpace(text)
		_, _ = io.Copy(io.Discard, r)
		_ = cmd.Wait()
	}()
	w.running(name, p)
	if p.url = <-line; p.url == "" {
		<-p.end
		if errs.Len() > 0 {
			t.Fatalf("the clerk has failed: %s", errs.String())
		}
		return nil
	}
	return p
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.end
}

// nonces of answers of the model differ from call to call, and so do what derives
// from them.
var nonces = regexp.MustCompile(`n[0-9]+`)

// TestT06_EffectCut kills the process at each point of a turn with 4 calls of the
// model and 5 of tools, and at random moments.
func TestT06_EffectCut(t *testing.T) {
	rounds := 30
	if n, err := strconv.Atoi(os.Getenv("PERDURE_EFFECT_ROUNDS")); err == nil {
		rounds = n
	} else if os.Getenv("PERDURE_SOAK") != "" {
		rounds = 200
	}
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "data")
	p := startClerk(t, w, dir)
	undisturbed := w.serve(t, &p, dir, []string{"order-0"})["order-0"]
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 6))
	for round := 1; round <= rounds; round++ {
		var orders []string
		for i := range 4 {
			orders = append(orders, fmt.Sprintf("order-%d-%d", round, i))
		}
		w.plan(chance, orders)
		for o, got := range w.serve(t, &p, dir, orders) {
			if want := strings.ReplaceAll(undisturbed, "order-0", o); got != want {
				t.Errorf("%s: the conversation is\n%s\nwant\n%s", o, got, want)
			}
		}
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	p.kill()
	w.judge(t, rounds)
}

// TestT06_ControlIdempotent is the control: a payment that is declared idempotent,
// which it is not, is made twice.
func TestT06_ControlIdempotent(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "data")
	env := effectClass + "=" + agent.Idempotent.String()
	p := startClerk(t, w, dir, env)
	w.cuts["order-1"] = &cut{tool: "pay", after: true}
	w.env = []string{env}
	w.serve(t, &p, dir, []string{"order-1"})
	p.kill()
	if n := len(w.committed("order-1", "pay")); n != 2 {
		t.Errorf("the payment was made %d times, want twice: the test would not see a repetition", n)
	}
}

// serve has orders served, whatever happens to the process meanwhile, and returns
// the conversations about them without what differs from call to call.
func (w *world) serve(t *testing.T, p **process, dir string, orders []string) map[string]string {
	t.Helper()
	return w.serveAt(t, func() *process {
		if *p == nil || gone(*p) {
			*p = startClerk(t, w, dir, w.env...)
		}
		return *p
	}, orders)
}

// serveAt is serve, which asks the process that it is told each time; nil = there is
// none now.
func (w *world) serveAt(t *testing.T, next func() *process, orders []string) map[string]string {
	t.Helper()
	deadline := time.Now().Add(w.patience)
	told, done := map[string]bool{}, map[string]string{}
	for len(done) < len(orders) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d orders were served in time", len(done), len(orders))
		}
		p := next()
		if p == nil {
			continue
		}
		for _, o := range orders {
			if !told[o] {
				status, _ := w.http(t, p, "POST", "/api/v1/agents/Clerk/sessions/"+o+"/messages", `{"message":"`+o+`"}`, o)
				told[o] = status == http.StatusAccepted
			}
			if _, over := done[o]; told[o] && !over {
				if text, ended := w.conversation(t, p, o); ended {
					done[o] = text
				}
			}
		}
		w.decide(t, p)
		time.Sleep(2 * time.Millisecond)
	}
	return done
}

func gone(p *process) bool {
	select {
	case <-p.end:
		return true
	default:
		return false
	}
}

// http asks the process; the status is 0 if it does not answer.
func (w *world) http(t *testing.T, p *process, method, path, body, key string) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, b
}

// conversation returns what was said about an order, and whether it has ended.
func (w *world) conversation(t *testing.T, p *process, o string) (text string, ended bool) {
	t.Helper()
	status, body := w.http(t, p, "GET", "/api/v1/agents/Clerk/sessions/"+o+"/messages?limit=100", "", "")
	var page struct {
		Items []struct {
			Position int
			Message  json.RawMessage
		}
	}
	if status != http.StatusOK || json.Unmarshal(body, &page) != nil {
		return "", false
	}
	for i, m := range page.Items {
		if m.Position != i {
			t.Errorf("%s: message %d is at the position %d", o, i, m.Position)
		}
		text += w.describe(t, o, m.Message) + "\n"
	}
	return text, strings.Contains(text, "is served")
}

// decide answers what is asked: payments are approved, and of calls with an unknown
// outcome the world knows what became of them.
func (w *world) decide(t *testing.T, p *process) {
	t.Helper()
	status, body := w.http(t, p, "GET", "/api/v1/decisions?state=pending", "", "")
	var page struct{ Items []agent.Decision }
	if status != http.StatusOK || json.Unmarshal(body, &page) != nil {
		return
	}
	for _, d := range page.Items {
		answer := `{"answer":"approve"}`
		if d.Kind == agent.DecisionOutcomeUnknown {
			answer = w.outcome(t, &d)
		}
		w.http(t, p, "POST", "/api/v1/decisions/"+d.ID, answer, d.ID)
	}
}
