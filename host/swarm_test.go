package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/openai"
)

// effectSwarm has the process that gets killed run many agents under one budget.
const effectSwarm = "PERDURE_TEST_EFFECT_SWARM"

// The agents, what they may spend together, and by how much that is raised when it
// is used up: a call that a kill has hidden costs all that was reserved for it.
const swarmSize = 100

var (
	swarmBudget = agent.Budget{Tokens: 900_000, Calls: 300}
	swarmMore   = agent.Budget{Tokens: 300_000, Calls: 50}
)

// swarm is the process that gets killed.
func swarm(dir, world string) error {
	m, err := openai.New(openai.Config{Model: "scripted", BaseURL: world + "/v1", APIKey: "none"})
	if err != nil {
		return err
	}
	registry := perdure.NewRegistry()
	most := 200
	look := agent.NewTool("look", "looks something up", func(context.Context, order) (string, error) { return "seen", nil }, agent.WithEffect(agent.Pure))
	if err := agent.Register(registry, &agent.Agent{Name: "Scout", Model: m, MaxOutputTokens: &most, Tools: []agent.Tool{look}}); err != nil {
		return err
	}
	perdure.AddOrchestrationNamed(registry, "Swarm", func(ctx *perdure.Context, _ string) (agent.Spending, error) {
		pool := agent.NewPool(ctx, swarmBudget)
		tasks := make([]perdure.Awaitable, swarmSize)
		for i := range tasks {
			tasks[i] = agent.Named("Scout").Run(ctx, fmt.Sprint("scout ", i), agent.Under(pool))
		}
		err := perdure.All(ctx, tasks...)
		return pool.Spent(), err
	})
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

// Tokens of each call, as the provider bills them.
const swarmInput, swarmOutput = 150, 30

// scout is the model of the swarm. It bills a call when it comes.
func (w *world) scout(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		w.mu.Lock()
		w.bill.Calls++
		w.bill.Tokens += swarmInput + swarmOutput
		w.mu.Unlock()
		pause := time.NewTimer(20 * time.Millisecond)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
			return
		}
		var c model.Content = &model.Text{Text: "done"}
		finish := model.FinishStop
		if req.Messages[len(req.Messages)-1].Role != model.RoleTool {
			c, finish = &model.FunctionCall{CallID: fmt.Sprint("c", rand.Uint64()), Name: "look", Arguments: `{"Order":"x"}`}, model.FinishToolCalls
		}
		yield(&model.Update{Role: model.RoleAssistant, FinishReason: finish, Contents: model.Contents{c, &model.UsageContent{Details: model.Usage{
			InputTokenCount: swarmInput, OutputTokenCount: swarmOutput, TotalTokenCount: swarmInput + swarmOutput,
		}}}}, nil)
	}
}

// TestT06_SwarmKilled runs 100 agents under one budget in a process that is killed
// again and again: what is spent and reserved never exceeds the budget, and the
// provider's bill never what is booked.
func TestT06_SwarmKilled(t *testing.T) {
	w := newWorld(t)
	w.swarm = true
	w.env = []string{effectSwarm + "=1"}
	dir := filepath.Join(t.TempDir(), "data")
	kills := 8 // a call that was running in more than 10 crashes is not made again
	limit := agent.Spending{Tokens: swarmBudget.Tokens, Calls: swarmBudget.Calls}
	within := func(s agent.Spending) bool { return s.Tokens <= limit.Tokens && s.Calls <= limit.Calls }
	p, started, killed := (*process)(nil), false, 0
	var alarm *time.Timer
	for deadline := time.Now().Add(w.patience); ; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the swarm has not ended in time, after %d kills", killed)
		}
		if p == nil || gone(p) {
			if p = startClerk(t, w, dir, w.env...); p != nil && killed < kills {
				killed++
				target := p
				alarm = time.AfterFunc(time.Duration(5+rand.IntN(100))*time.Millisecond, func() { w.killNow(target) })
				defer alarm.Stop()
			}
			continue
		}
		if !started {
			status, _ := w.http(t, p, "POST", "/api/v1/runs", `{"name":"Swarm","id":"swarm-1","input":""}`, "swarm-1")
			started = status >= 200 && status < 300
			continue
		}
		w.mu.Lock()
		bill := w.bill
		w.mu.Unlock()
		if !within(bill) {
			t.Errorf("the bill %+v exceeds the budget %+v", bill, limit)
		}
		status, body := w.http(t, p, "GET", "/api/v1/decisions?state=pending&kind=budget", "", "")
		var page struct{ Items []agent.Decision }
		if status != http.StatusOK || json.Unmarshal(body, &page) != nil {
			continue
		}
		for _, d := range page.Items {
			if total := (agent.Spending{Tokens: d.Budget.Spent.Tokens + d.Budget.Reserved.Tokens, Calls: d.Budget.Spent.Calls + d.Budget.Reserved.Calls}); !within(total) {
				t.Errorf("spent and reserved are %+v, more than the budget %+v", total, limit)
			}
			answer := fmt.Sprintf(`{"answer":"raise","raise":{"tokens":%d,"calls":%d}}`, swarmMore.Tokens, swarmMore.Calls)
			before := limit
			limit.Tokens, limit.Calls = limit.Tokens+swarmMore.Tokens, limit.Calls+swarmMore.Calls // what it allows begins right after
			if status, _ := w.http(t, p, "POST", "/api/v1/decisions/"+d.ID, answer, d.ID); status >= 400 {
				limit = before
			}
		}
		status, body = w.http(t, p, "GET", "/api/v1/runs/swarm-1", "", "")
		var run struct {
			Status string
			Output agent.Spending
		}
		if status != http.StatusOK || json.Unmarshal(body, &run) != nil || run.Status == "running" || run.Status == "pending" {
			continue
		}
		if run.Status != "completed" || run.Output.Calls < 2*swarmSize || !within(run.Output) {
			t.Fatalf("the swarm has ended: %s, want it completed within %+v", body, limit)
		}
		w.mu.Lock()
		bill = w.bill
		w.mu.Unlock()
		if run.Output.Tokens < bill.Tokens || run.Output.Calls < bill.Calls {
			t.Errorf("booked %+v, billed %+v: want no less booked than billed", run.Output, bill)
		}
		t.Logf("%d kills; booked %+v, billed %+v", killed, run.Output, bill)
		p.kill()
		return
	}
}
