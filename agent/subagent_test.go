package agent_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
	"github.com/perdure/perdure/store/memory"
)

// behaving is a model that answers as its function says, for the last message.
type behaving func(ctx context.Context, req *model.Request) model.Content

func (f behaving) Generate(ctx context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		c := f(ctx, req)
		if ctx.Err() != nil {
			yield(nil, context.Cause(ctx))
			return
		}
		yield(&model.Update{Role: model.RoleAssistant, Contents: model.Contents{c, &model.UsageContent{Details: model.Usage{TotalTokenCount: 10}}}}, nil)
	}
}

func saying(format string, args ...any) model.Content {
	return &model.Text{Text: fmt.Sprintf(format, args...)}
}

// calling is the call of a tool, with an id that differs from step to step.
func calling(req *model.Request, tool, arguments string) model.Content {
	return &model.FunctionCall{CallID: fmt.Sprintf("c%d", len(req.Messages)), Name: tool, Arguments: arguments}
}

func last(req *model.Request) *model.Message { return req.Messages[len(req.Messages)-1] }

// toolText is the result, or the error, in a message of a tool.
func toolText(m *model.Message) string {
	for _, c := range m.Contents {
		if r, ok := c.(*model.FunctionResult); ok {
			return string(r.Result) + r.Error
		}
	}
	return ""
}

func named(name string, m model.Model, tools ...agent.Tool) *agent.Agent {
	return &agent.Agent{Name: name, Description: "knows about " + name, Model: m, Tools: tools}
}

// TestAgentAsTool has an agent ask two others, one of which fails.
func TestAgentAsTool(t *testing.T) {
	physics := named("Physicist", behaving(func(_ context.Context, req *model.Request) model.Content {
		return saying("heat: %s", last(req).Text())
	}))
	chemistry := named("Chemist", modeltest.Script(t, modeltest.Fail(&model.Error{Provider: "script", Status: 400, Message: "out of order"})))
	m := modeltest.Script(t,
		modeltest.Call("Physicist", `{"query":"What is temperature?"}`).
			Then(modeltest.Call("Chemist", `{"query":"Same?"}`), modeltest.Call("Chemist", `{}`)),
		modeltest.Say("Heat."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, physics.AsTool(), chemistry.AsTool()), physics, chemistry))
	a := send(t, n, "k1", agent.Message{Text: "Temperature?"})
	r, err := n.Wait(ctxOf(t), a.Turn)
	if err != nil || r.Text != "Heat." {
		t.Fatalf("Wait() = %+v, %v, want Heat.", r, err)
	}
	if r.Usage.TotalTokenCount < 10 {
		t.Errorf("usage = %+v, want that of the other agent in it", r.Usage)
	}
	request := m.Requests()[1]
	got := ""
	for _, message := range request.Messages[2:] {
		got += toolText(message) + "\n"
	}
	want := "\"heat: What is temperature?\"\nscript 400: out of order\nthe arguments of Chemist are no object with a text query\n"
	if !strings.HasPrefix(got, want[:27]) || !strings.Contains(got, "out of order") || !strings.HasSuffix(got, "text query\n") {
		t.Errorf("the model was given the results\n%swant\n%s", got, want)
	}
	run := ""
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == agent.FrameAgent && f.Agent == "physicist" {
			run = f.Run
		}
	}
	i, err := n.client.Get(ctxOf(t), run)
	if err != nil || i.Parent != a.Turn {
		t.Errorf("Get(%q) = %+v, %v, want a run whose parent is the turn", run, i, err)
	}
	said := ""
	for f, err := range n.Stream(ctxOf(t), run, 0) {
		if err != nil {
			t.Fatal(err)
		}
		said += f.Delta
	}
	if want := "heat: What is temperature?"; said != want {
		t.Errorf("the stream of the other agent says %q, want %q", said, want)
	}
}

// TestStopReachesAgents stops a turn whose agent waits for another one.
func TestStopReachesAgents(t *testing.T) {
	m := newEndless()
	slow := named("Slow", m)
	n := begin(t, &memory.Disk{}, registry(t, slow, joker(behaving(func(_ context.Context, req *model.Request) model.Content {
		if text := last(req).Text(); text != "go" {
			return saying("Re: %s", text)
		}
		return calling(req, "Slow", `{"query":"hang"}`)
	}), slow.AsTool())))
	a := send(t, n, "k1", agent.Message{Text: "go"})
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == agent.FrameAgent {
			if err := hears(t, n, f.Run); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if err := <-m.ended; err == nil {
		t.Error("the call of the other agent's model was not cancelled")
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if r := say(t, n, "k1", "Well?"); r.Text != "Re: Well?" {
		t.Errorf("the next answer = %q, want Re: Well?", r.Text)
	}
}

// TestAgentsInACircle come to an end.
func TestAgentsInACircle(t *testing.T) {
	circle := func(other string) model.Model {
		return behaving(func(_ context.Context, req *model.Request) model.Content {
			if text := toolText(last(req)); text != "" {
				return saying("%s", strings.Trim(text, `"`))
			}
			return calling(req, other, `{"query":"go on"}`)
		})
	}
	a := named("Joker", circle("Other"), agent.Named("Other").AsTool("the other"))
	b := named("Other", circle("Joker"), agent.Named("Joker").AsTool("the joker"))
	n := begin(t, &memory.Disk{}, registry(t, a, b))
	if r := say(t, n, "k1", "go"); !strings.Contains(r.Text, "nested 16 deep") {
		t.Errorf("answer = %q, want what the limit says", r.Text)
	}
}

// desk are three agents of which the first hands conversations over.
func desk() []*agent.Agent {
	triage := named("Joker", behaving(func(_ context.Context, req *model.Request) model.Content {
		if text := last(req).Text(); !strings.Contains(text, "refund") {
			return saying("Triage: %s", text)
		}
		return calling(req, "handoff_to_Refunds", `{}`)
	}))
	triage.Handoffs = []agent.Ref{agent.Named("Refunds")}
	refunds := named("Refunds", behaving(func(ctx context.Context, req *model.Request) model.Content {
		text := last(req).Text()
		switch {
		case strings.Contains(text, "bye"):
			return calling(req, "handoff_to_Joker", `{}`)
		case strings.Contains(text, "hang"):
			<-ctx.Done()
			return saying("")
		case toolText(last(req)) == `"order 7"`:
			return saying("Refunded order 7")
		case toolText(last(req)) != "":
			return calling(req, "find", `{"query":"x"}`)
		}
		return saying("Refunds: %s", text)
	}), agent.NewTool("find", "finds", func(context.Context, map[string]string) (string, error) { return "order 7", nil }, agent.WithEffect(agent.Pure)))
	refunds.Handoffs = []agent.Ref{agent.Named("Joker")}
	return []*agent.Agent{triage, refunds}
}

// conversation is what was said in a session, a line a message.
func conversation(t *testing.T, n *agent.Service, key string) string {
	t.Helper()
	list, err := n.Messages(ctxOf(t), session(t, key), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for i, m := range list {
		if m.Position != int64(i) {
			t.Errorf("message %d is at the position %d", i, m.Position)
		}
		text += string(m.Message.Role) + " " + m.Message.Text() + toolText(m.Message)
		for _, c := range m.Message.Contents.Calls() {
			text += c.Name
		}
		text += "\n"
	}
	return text
}

// TestHandoff hands a conversation over and, later, back.
func TestHandoff(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, desk()...))
	a := send(t, n, "k1", agent.Message{Text: "I want a refund"})
	r, err := n.Wait(ctxOf(t), a.Turn)
	if err != nil || r.Text != "Refunded order 7" || r.Agent != "Refunds" || r.Turn != a.Turn || r.Usage.TotalTokenCount != 30 {
		t.Fatalf("Wait() = %+v, %v, want the answer of Refunds, and 30 tokens", r, err)
	}
	said, offset, ends := "", int64(-1), 0
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Offset <= offset {
			t.Errorf("frame %+v after the offset %d", f, offset)
		}
		offset = f.Offset
		said += f.Delta
		if f.Type == agent.FrameEnd {
			ends++
		}
	}
	if said != "Refunded order 7" || ends != 1 {
		t.Errorf("the stream says %q and ends %d times, want the answer of Refunds and one end", said, ends)
	}
	if r := say(t, n, "k1", "thanks"); r.Text != "Refunds: thanks" || r.Agent != "Refunds" {
		t.Errorf("the next answer = %+v, want that of Refunds", r)
	}
	if r := say(t, n, "k1", "bye"); r.Agent != "Joker" {
		t.Errorf("the next answer = %+v, want that of Joker", r)
	}
	if r := say(t, n, "k1", "hello"); r.Text != "Triage: hello" || r.Agent != "Joker" {
		t.Errorf("the next answer = %+v, want that of Joker", r)
	}
	want := `user I want a refund
assistant handoff_to_Refunds
tool "The conversation was handed over."
assistant find
tool "order 7"
assistant Refunded order 7
user thanks
assistant Refunds: thanks
user bye
assistant handoff_to_Joker
tool "The conversation was handed over."
assistant Triage: 
user hello
assistant Triage: hello
`
	if got := conversation(t, n.Service, "k1"); got != want {
		t.Errorf("conversation =\n%swant\n%s", got, want)
	}
}

// TestStopAfterHandoff stops a turn that another agent answers.
func TestStopAfterHandoff(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, desk()...))
	say(t, n, "k1", "refund")
	a := send(t, n, "k1", agent.Message{Text: "hang"})
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == agent.FrameStep {
			break
		}
	}
	if _, err := n.Stop(ctxOf(t), session(t, "k1")); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.Canceled {
		t.Errorf("Wait() = %v, want canceled", err)
	}
	if f := lastFrame(t, n, a.Turn); f.Status != "canceled" {
		t.Errorf("the stream ends with %+v, want canceled", f)
	}
	if r := say(t, n, "k1", "thanks"); r.Text != "Refunds: thanks" {
		t.Errorf("the next answer = %q, want that of Refunds", r.Text)
	}
	conversation(t, n.Service, "k1") // is dense
}

// TestTerminatedAfterHandoff ends the run of the agent that was given the
// conversation from outside: what it has said is not written over.
func TestTerminatedAfterHandoff(t *testing.T) {
	n := begin(t, &memory.Disk{}, registry(t, desk()...))
	say(t, n, "k1", "refund")
	a := send(t, n, "k1", agent.Message{Text: "hang"})
	run := ""
	for f, err := range n.Stream(ctxOf(t), a.Turn, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Type == agent.FrameAgent {
			run = f.Run
		}
		if f.Type == agent.FrameStep {
			break
		}
	}
	if err := n.client.Terminate(ctxOf(t), run, client.Ending{}); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Wait(ctxOf(t), a.Turn); err == nil {
		t.Error("Wait() = nil, want the end of the run")
	}
	say(t, n, "k1", "thanks")
	conversation(t, n.Service, "k1") // is dense
}

// TestCrashInHandoff drops the process at every commit of a turn in which agents
// call each other and hand the conversation over.
func TestCrashInHandoff(t *testing.T) {
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: offsets,
		Register: func(reg *perdure.Registry) {
			agents := desk()
			expert := named("find", behaving(func(_ context.Context, req *model.Request) model.Content { return saying("order 7") }))
			agents[1].Tools = []agent.Tool{agent.Named("find").AsTool("finds")}
			if err := agent.Register(reg, append(agents, expert)...); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			agents := agent.NewService(e.Client())
			a, err := agents.Send(t.Context(), session(t, "k1"), agent.Message{Text: "refund", CorrelationID: "a"})
			if err != nil {
				t.Fatal(err)
			}
			if r, err := agents.Wait(t.Context(), a.Turn); err != nil || r.Text != "Refunded order 7" {
				t.Errorf("Wait() = %+v, %v, want Refunded order 7", r, err)
			}
			e.Settle()
			if got := strings.Count(conversation(t, agents, "k1"), "\n"); got != 6 {
				t.Errorf("the conversation has %d messages, want 6", got)
			}
		},
	})
	if done.Commits < 10 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
}
