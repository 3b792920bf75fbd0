package host_test

import (
	"bytes"
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
)

// bank is where an agent pays: it counts the payments by who is paid.
type bank struct {
	mu   sync.Mutex
	paid map[string]int
	gate chan struct{} // the model answers nothing before it is closed
}

// pays is a model that has whoever the user names paid.
func (b *bank) pays(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		select {
		case <-b.gate:
		case <-ctx.Done():
			yield(nil, ctx.Err())
			return
		}
		last := req.Messages[len(req.Messages)-1]
		if last.Role == model.RoleTool {
			yield(&model.Update{Contents: []model.Content{&model.Text{Text: "paid"}}, FinishReason: "stop"}, nil)
			return
		}
		yield(&model.Update{Contents: []model.Content{&model.FunctionCall{
			CallID: "c", Name: "pay", Arguments: `{"to":"` + last.Text() + `"}`,
		}}, FinishReason: "tool_calls"}, nil)
	}
}

type payee struct {
	To string `json:"to"`
}

func (b *bank) pay(_ context.Context, in payee) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paid[in.To]++
	return "done", nil
}

func (b *bank) times(to string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.paid[to]
}

// in returns a configuration of an app whose agent pays.
func (b *bank) in(t *testing.T, dir string, opts ...agent.ToolOption) host.Config {
	cfg := config(dir)
	cfg.Registry = perdure.NewRegistry()
	pay := agent.NewTool("pay", "Pays somebody.", b.pay, opts...)
	if err := agent.Register(cfg.Registry, &agent.Agent{Name: "Clerk", Model: model.Func(b.pays), Tools: []agent.Tool{pay}}); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// backedUp has the agent asked to pay three people, takes a backup before the model has
// answered, and lets it go on to the end. It returns the backup and the turns.
func (b *bank) backedUp(t *testing.T, ctx context.Context, people ...string) (file []byte, turns []string) {
	t.Helper()
	app, stop := start(t, b.in(t, t.TempDir()))
	service := agent.NewService(app.Client())
	for _, to := range people {
		a, err := service.Send(ctx, agent.SessionID{Agent: "Clerk", Key: to}, agent.Message{Text: to})
		if err != nil {
			t.Fatal(err)
		}
		turns = append(turns, a.Turn)
	}
	h, err := app.Client().Hub(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, turn := range turns { // which has begun in the backup
		if _, err := h.WaitStart(ctx, turn); err != nil {
			t.Fatal(err)
		}
	}
	var to bytes.Buffer
	if _, err := app.Backup(ctx, &to, "default"); err != nil {
		t.Fatal(err)
	}
	close(b.gate)
	for i, turn := range turns {
		if _, err := service.Wait(ctx, turn); err != nil || b.times(people[i]) != 1 {
			t.Fatalf("Wait() = %v, %s was paid %d times, want once", err, people[i], b.times(people[i]))
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes(), turns
}

// holds waits until so many decisions about a restore are open.
func holds(t *testing.T, ctx context.Context, s *agent.Service, n int) []*agent.Decision {
	t.Helper()
	for {
		page, err := s.Decisions(ctx, agent.DecisionFilter{Kind: agent.DecisionRestoreHold, State: agent.DecisionPending})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Decisions) == n {
			return page.Decisions
		}
		time.Sleep(10 * time.Millisecond) // between two looks
	}
}

// TestT22_HeldAfterRestore restores a backup after which three payments were made: none
// is made again before a person releases its run, or the hub. What is new pays at once.
func TestT22_HeldAfterRestore(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	b := &bank{paid: map[string]int{}, gate: make(chan struct{})}
	file, turns := b.backedUp(t, ctx, "ann", "bob", "cleo")
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := host.Restore(ctx, dir, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	app, stop := start(t, b.in(t, dir))
	service := agent.NewService(app.Client())
	held := holds(t, ctx, service, 3)
	said := func(key, text string) {
		t.Helper()
		a, err := service.Send(ctx, agent.SessionID{Agent: "Clerk", Key: key}, agent.Message{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := service.Wait(ctx, a.Turn); err != nil || b.times(text) != 1 {
			t.Errorf("Wait() of a message in session %s = %v, %s was paid %d times, want once", key, err, text, b.times(text))
		}
	}
	said("new", "dora")
	ann := held[slices.IndexFunc(held, func(d *agent.Decision) bool { return d.Run == turns[0] })]
	if !strings.Contains(ann.Reason, "restored from a backup of 2") || len(ann.Holds) != 2 || b.times("ann") != 1 {
		t.Errorf("the decision = %+v, want a reason, the turn and its session; ann was paid %d times, want once", ann, b.times("ann"))
	}
	if err := stop(); err != nil { // and nothing is forgotten
		t.Fatal(err)
	}
	app, _ = start(t, b.in(t, dir))
	service = agent.NewService(app.Client())
	if _, err := service.Decide(ctx, ann.ID, agent.Answer{Answer: agent.AnswerApprove, By: "me"}); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("Decide(approve) = %v, want InvalidArgument", err)
	}
	other := agent.Answer{Answer: agent.AnswerReleaseHub, By: "me", ArgsHash: "of another call"}
	if _, err := service.Decide(ctx, ann.ID, other); perdure.CodeOf(err) != perdure.Conflict {
		t.Errorf("Decide(release_hub) of other arguments = %v, want Conflict", err)
	}
	holds(t, ctx, service, 3) // and nobody was released
	if _, err := service.Decide(ctx, ann.ID, agent.Answer{Answer: agent.AnswerRelease, By: "me"}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Wait(ctx, turns[0]); err != nil || b.times("ann") != 2 {
		t.Errorf("Wait() = %v, ann was paid %d times, want twice", err, b.times("ann"))
	}
	said("ann", "emil") // its session was released, too
	bob := holds(t, ctx, service, 2)[0]
	if _, err := service.Decide(ctx, bob.ID, agent.Answer{Answer: agent.AnswerReleaseHub, By: "me"}); err != nil {
		t.Fatal(err)
	}
	for i, to := range []string{"bob", "cleo"} {
		if _, err := service.Wait(ctx, turns[i+1]); err != nil || b.times(to) != 2 {
			t.Errorf("Wait() = %v, %s was paid %d times, want twice", err, to, b.times(to))
		}
	}
	said("cleo", "fred")
}

// TestT22_ReconciledAfterRestore restores such a backup where the tool can tell what was
// paid: nobody is asked, and nobody is paid twice.
func TestT22_ReconciledAfterRestore(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	b := &bank{paid: map[string]int{}, gate: make(chan struct{})}
	file, turns := b.backedUp(t, ctx, "ann")
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := host.Restore(ctx, dir, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	app, _ := start(t, b.in(t, dir, agent.WithReconcile(func(_ context.Context, _ string, in payee) (agent.Outcome, error) {
		return agent.Happened("done, " + in.To), nil
	})))
	if _, err := agent.NewService(app.Client()).Wait(ctx, turns[0]); err != nil || b.times("ann") != 1 {
		t.Errorf("Wait() = %v, ann was paid %d times, want once", err, b.times("ann"))
	}
}

// TestT22_Control makes a hub of the backup as if nobody had worked on it since: the
// payments are made again.
func TestT22_Control(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	b := &bank{paid: map[string]int{}, gate: make(chan struct{})}
	file, turns := b.backedUp(t, ctx, "ann")
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := host.Move(ctx, dir, bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	app, _ := start(t, b.in(t, dir))
	if _, err := agent.NewService(app.Client()).Wait(ctx, turns[0]); err != nil || b.times("ann") != 2 {
		t.Errorf("Wait() = %v, ann was paid %d times, want twice: the control has found nothing", err, b.times("ann"))
	}
}
