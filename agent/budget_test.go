package agent_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/perduretest"
	"github.com/perdure/perdure/store/memory"
)

// billed is a model that bills each call, answered or not, and knows its price.
type billed struct {
	behaving
	mu    sync.Mutex // guards the fields below
	bill  agent.Spending
	calls int
}

// inputTokens and outputTokens are those of each call.
const inputTokens, outputTokens = 100, 20

func (m *billed) Describe() model.Info {
	return model.Info{Provider: "script", Model: "billed", MaxOutputTokens: 50}
}

func (m *billed) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		m.mu.Lock()
		m.calls++
		m.bill.Calls++
		m.bill.Tokens += inputTokens + outputTokens
		m.bill.USD += prices["script/billed"].Cost(model.Usage{InputTokenCount: inputTokens, OutputTokenCount: outputTokens})
		m.mu.Unlock()
		c := m.behaving(ctx, req)
		if ctx.Err() != nil {
			yield(nil, context.Cause(ctx))
			return
		}
		yield(&model.Update{Contents: model.Contents{c, &model.UsageContent{Details: model.Usage{
			InputTokenCount: inputTokens, OutputTokenCount: outputTokens, TotalTokenCount: inputTokens + outputTokens,
		}}}}, nil)
	}
}

// total returns the provider's bill.
func (m *billed) total() agent.Spending {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bill
}

var prices = model.Prices{"script/billed": {Rates: model.Rates{Input: 10, Output: 50}}}

// spender is an agent whose model answers "stop" and else calls the tool.
func spender(b agent.Budget, m *billed) *agent.Agent {
	m.behaving = func(_ context.Context, req *model.Request) model.Content {
		if text := last(req).Text(); strings.HasPrefix(text, "stop") || req.Messages[0].Text() == "one" {
			return saying("stopped")
		}
		return calling(req, "noop", `{}`)
	}
	a := joker(m, pureTool("noop"))
	a.Budget, a.Prices, a.MaxSteps = b, prices, 1000
	return a
}

// openDecisions returns the open decisions.
func openDecisions(t *testing.T, s *agent.Service) []*agent.Decision {
	t.Helper()
	page, err := s.Decisions(ctxOf(t), agent.DecisionFilter{State: agent.DecisionPending})
	if err != nil {
		t.Fatal(err)
	}
	return page.Decisions
}

// asked returns the one open question about a budget.
func asked(t *testing.T, n *node) *agent.Decision {
	t.Helper()
	return pending(t, n, agent.DecisionBudget)
}

// TestBudget has a turn wait when its budget is used up, go on when that is
// raised, and end when it is not.
func TestBudget(t *testing.T) {
	for name, c := range map[string]struct{ budget, more agent.Budget }{
		"calls":  {agent.Budget{Calls: 3}, agent.Budget{Calls: 1}},
		"tokens": {agent.Budget{Tokens: 12_000}, agent.Budget{Tokens: 3000}},
		"usd":    {agent.Budget{USD: agent.Dollars(0.12)}, agent.Budget{USD: agent.Dollars(0.05)}},
	} {
		t.Run(name, func(t *testing.T) {
			m := &billed{}
			n := begin(t, &memory.Disk{}, registry(t, spender(c.budget, m)))
			a := send(t, n, "k1", agent.Message{Text: "go"})
			d := asked(t, n)
			before := m.total()
			if d.Kind != agent.DecisionBudget || d.Run != a.Turn || d.Budget == nil || d.Budget.Spent != before || before.Calls < 2 || d.Budget.Reserved != (agent.Spending{}) {
				t.Errorf("decision = %+v with %+v, want the bill %+v as spent", d, d.Budget, before)
			}
			// An event that is no decision decides nothing.
			if err := n.client.Raise(ctxOf(t), a.Turn, "decision:"+d.ID, map[string]any{"answer": "raise"}); err != nil {
				t.Fatal(err)
			}
			for _, bad := range []agent.Answer{{Answer: "raise"}, {Answer: "approve"}, {Answer: "stop", Raise: &c.more}, {Answer: "raise", Raise: &agent.Budget{Calls: -1}}, {Answer: "raise", Raise: &agent.Budget{Time: time.Hour}}} {
				if _, err := n.Decide(ctxOf(t), d.ID, bad); perdure.CodeOf(err) != perdure.InvalidArgument {
					t.Errorf("Decide(%+v) = %v, want invalid_argument", bad, err)
				}
			}
			if _, err := n.hub.Idle(ctxOf(t)); err != nil || m.total() != before {
				t.Errorf("the bill has risen from %+v to %+v without a decision", before, m.total())
			}
			if _, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &c.more}); err != nil {
				t.Fatal(err)
			}
			second := asked(t, n)
			if m.total().Calls <= before.Calls || second.ID == d.ID {
				t.Errorf("after %+v more the bill is %+v, want more than %+v", c.more, m.total(), before)
			}
			if _, err := n.Decide(ctxOf(t), second.ID, agent.Answer{Answer: agent.AnswerStop}); err != nil {
				t.Fatal(err)
			}
			if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.ResourceExhausted {
				t.Errorf("Wait() = %v, want resource_exhausted", err)
			}
			shown := ""
			for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
				if err != nil {
					t.Fatal(err)
				}
				if f.Type == agent.FrameDecision || f.Type == agent.FrameDecided {
					shown += fmt.Sprint(f.Type, " ", f.Decision == d.ID, " ", f.Kind, "; ")
				}
			}
			if want := "decision true budget; decided true budget; decision false budget; decided false budget; "; shown != want {
				t.Errorf("the stream shows %q, want %q", shown, want)
			}
			if r := say(t, n, "k1", "stop"); r.Text != "stopped" || r.Spent.Calls != 1 {
				t.Errorf("the next answer = %+v, want stopped with one call", r)
			}
			idle(t, n)
			if s, err := n.Session(ctxOf(t), session(t, "k1")); err != nil || s.Spent != m.total() {
				t.Errorf("the session has spent %+v, %v, want the bill %+v", s.Spent, err, m.total())
			}
		})
	}
}

// TestBudgetTime has no call begin when the time is over.
func TestBudgetTime(t *testing.T) {
	m := &billed{}
	a := spender(agent.Budget{Time: time.Minute}, m)
	n := begin(t, &memory.Disk{}, registry(t, a))
	wait := make(chan struct{})
	said := m.behaving
	m.behaving = func(ctx context.Context, req *model.Request) model.Content {
		if m.total().Calls == 2 {
			<-wait
		}
		return said(ctx, req)
	}
	accepted := send(t, n, "k1", agent.Message{Text: "go"})
	for m.total().Calls < 2 {
		time.Sleep(time.Millisecond)
	}
	n.clock.Advance(2 * time.Minute)
	close(wait)
	d := asked(t, n)
	if !d.Budget.Late || m.total().Calls != 2 {
		t.Errorf("decision = %+v after %d calls, want that the time is over after 2", d.Budget, m.total().Calls)
	}
	if _, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &agent.Budget{Time: time.Minute}}); err != nil {
		t.Fatal(err)
	}
	for m.total().Calls < 4 {
		time.Sleep(time.Millisecond)
	}
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), accepted.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
}

// TestStopWhileBudgetIsAskedFor ends a turn that waits for a decision.
func TestStopWhileBudgetIsAskedFor(t *testing.T) {
	m := &billed{}
	n := begin(t, &memory.Disk{}, registry(t, spender(agent.Budget{Calls: 1}, m)))
	a := send(t, n, "k1", agent.Message{Text: "go"})
	d := asked(t, n)
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if d, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: agent.AnswerStop}); perdure.CodeOf(err) != perdure.Conflict || d.State != agent.DecisionSuperseded {
		t.Errorf("Decide() = %+v, %v, want a conflict with a superseded decision", d, err)
	}
}

// TestBudgetWithoutPrice is refused where it would mean nothing.
func TestBudgetWithoutPrice(t *testing.T) {
	a := joker(behaving(nil))
	a.Budget.USD = agent.Dollars(1)
	if err := agent.Register(perdure.NewRegistry(), a); err == nil || !strings.Contains(err.Error(), "set Agent.Prices") {
		t.Errorf("Register() = %v, want what to do", err)
	}
}

// TestSummarizerWithoutPrice is refused as well.
func TestSummarizerWithoutPrice(t *testing.T) {
	a := spender(agent.Budget{USD: agent.Dollars(1)}, &billed{})
	a.Compaction = &agent.Compaction{MaxTokens: 1, Summarize: true, Summarizer: behaving(nil)}
	if err := agent.Register(perdure.NewRegistry(), a); err == nil || !strings.Contains(err.Error(), "set Agent.Prices") {
		t.Errorf("Register() = %v, want what to do", err)
	}
}

// TestCalledAgentWithoutPrice calls an agent, whose model has no price, within a
// budget in money: its model is not called, and the calling one is told why.
func TestCalledAgentWithoutPrice(t *testing.T) {
	m := &billed{behaving: func(context.Context, *model.Request) model.Content { return saying("fact") }}
	expert := named("Expert", m)
	expert.Prices = model.Prices{}
	lead := &billed{behaving: func(_ context.Context, req *model.Request) model.Content {
		if last(req).Role == model.RoleTool {
			return saying("%s", toolText(last(req)))
		}
		return calling(req, "Expert", `{"query":"?"}`)
	}}
	a := joker(lead, expert.AsTool())
	a.Budget, a.Prices = agent.Budget{USD: agent.Dollars(10)}, prices
	n := begin(t, &memory.Disk{}, registry(t, a, expert))
	r := say(t, n, "k1", "go")
	if !strings.Contains(r.Text, "set Agent.Prices") || m.total().Calls != 0 || r.Spent != lead.total() {
		t.Errorf("answer = %q after %d calls and %+v spent, want what to do, no call and %+v", r.Text, m.total().Calls, r.Spent, lead.total())
	}
}

// TestRaiseBeforeItIsLate raises a budget, of which calls and not the time are used
// up: the time grows too.
func TestRaiseBeforeItIsLate(t *testing.T) {
	m := &billed{}
	n := begin(t, &memory.Disk{}, registry(t, spender(agent.Budget{Calls: 1, Time: time.Hour}, m)))
	send(t, n, "k1", agent.Message{Text: "go"})
	for calls := int64(1); calls < 3; calls++ {
		d := asked(t, n)
		if want := time.Hour + time.Duration(calls-1)*time.Minute; d.Budget.Limit.Time != want || d.Budget.Late {
			t.Errorf("after %d calls the limit is %+v, late %t, want %v", calls, d.Budget.Limit, d.Budget.Late, want)
		}
		decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &agent.Budget{Calls: 1, Time: time.Minute}})
	}
	d := asked(t, n) // no call runs that the time would end
	n.clock.Advance(30 * time.Minute)
	decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &agent.Budget{Calls: 1}})
	if d := asked(t, n); d.Budget.Late || m.total().Calls != 4 {
		t.Errorf("after half an hour: late %t and %d calls, want the time not over, and 4", d.Budget.Late, m.total().Calls)
	}
}

// TestLostCallIsBooked cuts the power in the middle of calls of the model: what
// they may have cost is booked, and the budget holds.
func TestLostCallIsBooked(t *testing.T) {
	m := &billed{}
	a := spender(agent.Budget{Tokens: 20_000}, m)
	hang := make(chan struct{}, 10)
	m.behaving = func(ctx context.Context, _ *model.Request) model.Content {
		if m.total().Calls <= 2 {
			hang <- struct{}{}
			<-ctx.Done()
		}
		return saying("done")
	}
	disk := &memory.Disk{}
	n := begin(t, disk, registry(t, a))
	accepted := send(t, n, "k1", agent.Message{Text: "go"})
	for range 2 {
		<-hang
		disk.Crash()
		n.stop()
		n = begin(t, disk, registry(t, a))
	}
	r, err := n.Wait(ctxOf(t), accepted.Turn)
	if err != nil {
		t.Fatal(err)
	}
	bill := m.total()
	if bill.Calls != 3 || r.Spent.Calls != 3 || r.Spent.Tokens <= bill.Tokens {
		t.Errorf("spent %+v for the bill %+v, want three calls and more tokens than were billed", r.Spent, bill)
	}
}

// TestAgentsShareBudget has agents spend what the turn that calls them may spend.
func TestAgentsShareBudget(t *testing.T) {
	m := &billed{behaving: func(_ context.Context, req *model.Request) model.Content { return saying("fact") }}
	expert := named("Expert", m)
	expert.Prices = prices
	lead := &billed{behaving: func(_ context.Context, req *model.Request) model.Content {
		if last(req).Role == model.RoleTool {
			return saying("%s", toolText(last(req)))
		}
		return calling(req, "Expert", `{"query":"?"}`)
	}}
	a := joker(lead, expert.AsTool())
	a.Budget, a.Prices = agent.Budget{Calls: 2}, prices
	n := begin(t, &memory.Disk{}, registry(t, a, expert))
	accepted := send(t, n, "k1", agent.Message{Text: "go"})
	d := asked(t, n) // the third call, by the lead
	if want := add(m.total(), lead.total()); d.Budget.Spent != want || d.Run != accepted.Turn {
		t.Errorf("decision = %+v of %s, want %+v spent by the turn", d.Budget, d.Run, want)
	}
	if _, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &agent.Budget{Calls: 1}}); err != nil {
		t.Fatal(err)
	}
	r, err := n.Wait(ctxOf(t), accepted.Turn)
	if err != nil || r.Text != `"fact"` || r.Spent.Calls != 3 {
		t.Errorf("Wait() = %+v, %v, want fact after 3 calls", r, err)
	}

	// The other agent is refused: the model is told.
	a.Budget.Calls = 1
	n = begin(t, &memory.Disk{}, registry(t, a, expert))
	accepted = send(t, n, "k1", agent.Message{Text: "go"})
	d = asked(t, n)
	if _, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: agent.AnswerStop}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), accepted.Turn); perdure.CodeOf(err) != perdure.ResourceExhausted {
		t.Errorf("Wait() = %v, want resource_exhausted", err)
	}
}

// swarm is an orchestration of n agents under one pool.
func swarm(n int, b agent.Budget) func(ctx *perdure.Context, _ string) (agent.Spending, error) {
	return func(ctx *perdure.Context, _ string) (agent.Spending, error) {
		pool := agent.NewPool(ctx, b)
		tasks := make([]perdure.Awaitable, n)
		for i := range tasks {
			tasks[i] = agent.Named("Joker").Run(ctx, fmt.Sprint("go ", i), agent.Under(pool))
		}
		err := perdure.All(ctx, tasks...)
		return pool.Spent(), err
	}
}

// TestPoolSpent asks a pool what was spent as soon as a run under it has ended.
func TestPoolSpent(t *testing.T) {
	reg := registry(t, joker(&billed{behaving: func(context.Context, *model.Request) model.Content { return saying("done") }}))
	perdure.AddOrchestrationNamed(reg, "Once", func(ctx *perdure.Context, _ string) (agent.Spending, error) {
		pool := agent.NewPool(ctx, agent.Budget{Calls: 2})
		_, err := agent.Named("Joker").Run(ctx, "go", agent.Under(pool)).Text()
		return pool.Spent(), err
	})
	n := begin(t, &memory.Disk{}, reg)
	started, err := n.client.Start(ctxOf(t), "Once", "", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if spent, err := client.Result[agent.Spending](ctxOf(t), n.client, started.ID); err != nil || spent.Calls != 1 {
		t.Errorf("Spent() = %+v, %v, want that of 1 call", spent, err)
	}
}

// TestPool runs 100 agents under one budget, with power cuts: what is spent and
// reserved never exceeds it, and the bill never what is booked.
func TestPool(t *testing.T) {
	var mu sync.Mutex // guards limit
	limit := agent.Budget{Tokens: 300_000, USD: agent.Dollars(4), Calls: 220}
	first := limit
	more := agent.Budget{Tokens: 300_000, USD: agent.Dollars(4), Calls: 100}
	within := func(s agent.Spending) bool {
		mu.Lock()
		defer mu.Unlock()
		return s.Tokens <= limit.Tokens && s.USD <= limit.USD && s.Calls <= limit.Calls
	}
	m := &billed{}
	called := make(chan struct{}, 10_000)
	m.behaving = func(_ context.Context, req *model.Request) model.Content {
		if b := m.total(); !within(b) {
			t.Errorf("the bill %+v exceeds the budget", b)
		}
		called <- struct{}{}
		if last(req).Role != model.RoleTool {
			return calling(req, "noop", `{}`)
		}
		return saying("done")
	}
	a := joker(m, pureTool("noop"))
	a.Prices = prices
	disk := &memory.Disk{}
	reg := func() *perdure.Registry {
		reg := registry(t, a)
		perdure.AddOrchestrationNamed(reg, "Swarm", swarm(100, first))
		return reg
	}
	n := begin(t, disk, reg())
	started, err := n.client.Start(ctxOf(t), "Swarm", "", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	crashes, calls := 0, 0
	done := make(chan struct{})
	var spent agent.Spending
	await := func() {
		defer close(done)
		if spent, err = client.Result[agent.Spending](ctxOf(t), n.client, started.ID); err != nil {
			t.Error(err)
		}
	}
	for over := false; !over; {
		select {
		case <-called:
			if calls++; calls%30 != 0 || crashes == 5 {
				continue
			}
			disk.Crash() // in the middle of many calls
			n.stop()
			n = begin(t, disk, reg())
			if crashes++; crashes == 5 {
				go await()
			}
		case <-time.After(20 * time.Millisecond):
			for _, d := range openDecisions(t, n.Service) {
				if total := add(d.Budget.Spent, d.Budget.Reserved); !within(total) {
					t.Errorf("spent and reserved are %+v, more than the budget", total)
				}
				mu.Lock() // the calls that it allows begin right after
				limit.Tokens, limit.USD, limit.Calls = limit.Tokens+more.Tokens, limit.USD+more.USD, limit.Calls+more.Calls
				mu.Unlock()
				decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &more})
			}
		case <-done:
			over = true
		}
	}
	if b := m.total(); spent.Tokens < b.Tokens || spent.USD < b.USD || spent.Calls < b.Calls {
		t.Errorf("booked %+v, billed %+v: want no less booked than billed", spent, b)
	}
	if spent.Calls < 200 || !within(spent) {
		t.Errorf("booked %+v, want at least the 200 calls, and at most the budget %+v", spent, limit)
	}
}

// TestCrashWithBudget drops the process at every commit of a turn that calls an
// agent and waits for its budget to be raised.
func TestCrashWithBudget(t *testing.T) {
	var calls *atomic.Int64 // of models, in a run of the scenario
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Varies: true, // a call that was lost is booked and reserved anew
		Register: func(reg *perdure.Registry) {
			calls = &atomic.Int64{}
			mine := calls
			count := func() { mine.Add(1) } // also of calls that a crash has left behind
			expert := named("Expert", behaving(func(context.Context, *model.Request) model.Content {
				count()
				return saying("fact")
			}))
			a := joker(behaving(func(_ context.Context, req *model.Request) model.Content {
				count()
				if last(req).Role == model.RoleTool {
					return saying("Done.")
				}
				return calling(req, "Expert", `{"query":"?"}`)
			}), expert.AsTool())
			a.Budget = agent.Budget{Calls: 2}
			if err := agent.Register(reg, a, expert); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			agents := agent.NewService(e.Client())
			a, err := agents.Send(t.Context(), session(t, "k1"), agent.Message{Text: "go", CorrelationID: "a"})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // a call that was lost costs one of the calls
				e.Settle()
				for _, d := range openDecisions(t, agents) {
					if _, err := agents.Decide(t.Context(), d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &agent.Budget{Calls: 3}}); err != nil {
						t.Error(err)
					}
				}
			}
			if r, err := agents.Wait(t.Context(), a.Turn); err != nil || r.Text != "Done." {
				t.Errorf("Wait() = %+v, %v, want Done.", r, err)
			} else if billed := calls.Load(); r.Spent.Calls < billed || billed > 4 {
				t.Errorf("booked %d calls, billed %d, want no less, and at most one lost", r.Spent.Calls, billed)
			}
			e.Settle()
			if s, err := agents.Session(t.Context(), session(t, "k1")); err != nil || s.Spent.Calls < calls.Load() {
				t.Errorf("Session() = %+v, %v, want all calls booked", s, err)
			}
		},
	})
	if done.Commits < 15 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
}

func add(a, b agent.Spending) agent.Spending {
	return agent.Spending{Tokens: a.Tokens + b.Tokens, USD: a.USD + b.USD, Calls: a.Calls + b.Calls}
}
