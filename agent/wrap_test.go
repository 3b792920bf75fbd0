package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/perduretest"
)

// askWrapped says something to the agent, in a session.
func askWrapped(ctx *perdure.Context, prompt string) (string, error) {
	return agent.Named("Joker").Run(ctx, prompt, agent.InSession("k")).Text()
}

// askAlone says something to the agent, in a conversation of its own.
func askAlone(ctx *perdure.Context, prompt string) (string, error) {
	return agent.Named("Joker").Run(ctx, prompt).Text()
}

// wrappedEnv runs an agent with the orchestration askWrapped.
func wrappedEnv(t *testing.T, a *agent.Agent) *perduretest.Env {
	t.Helper()
	reg := perdure.NewRegistry()
	perdure.AddOrchestration(reg, askWrapped)
	if err := agent.Register(reg, a); err != nil {
		t.Fatal(err)
	}
	return perduretest.New(t, reg)
}

// created are members that a conversation gives to messages.
var created = regexp.MustCompile(`,"CreatedAt":"[^"]*"`)

// A wrapped agent is given the conversation as it was, with content that Perdure
// does not know.
func TestWrap(t *testing.T) {
	odd := json.RawMessage(`{"Type":"hologram","z":[1.50,{"b":1,"a":null}],"x":"<&>"}`)
	theirs := &foreignAgent{script: says(sayText("ha"), sayText("ha"), odd)}
	e := wrappedEnv(t, agent.Wrap("Joker", theirs.Run))
	for _, prompt := range []string{"one", "two"} {
		if got, err := perduretest.Run(e, askWrapped, prompt); err != nil || got != "haha" {
			t.Fatalf("Run(%s) = %q, %v, want haha", prompt, got, err)
		}
	}
	want := []string{
		`[{"Contents":[{"Type":"text","Text":"one"}],"Role":"user","ID":"m0"}]`,
		`[{"Contents":[{"Type":"text","Text":"one"}],"Role":"user","ID":"m0"},` +
			`{"Contents":[{"Type":"text","Text":"haha"},{"Type":"hologram","z":[1.50,{"b":1,"a":null}],"x":"<&>"}],"Role":"assistant","ID":"x"},` +
			`{"Contents":[{"Type":"text","Text":"two"}],"Role":"user","ID":"m2"}]`,
	}
	got := theirs.runs()
	for i := range got {
		got[i] = created.ReplaceAllString(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(got[i]), "")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got)\n%s", diff)
	}
}

// With its own tool loop a wrapped agent answers in one step: what it has done
// stands in the conversation and is not done again.
func TestWrapWithToolLoop(t *testing.T) {
	theirs := &foreignAgent{script: func(messages []*foreignMessage) []any {
		return []any{
			&foreignUpdate{MessageID: "a", Role: "assistant", Contents: foreignContents{sayText("let me see"), callOf("c1", "look", `{"n":1}`)}},
			&foreignUpdate{MessageID: "b", Role: "tool", Contents: foreignContents{resultOf("c1", map[string]int{"found": 7})}},
			&foreignUpdate{MessageID: "c", Role: "assistant", Contents: foreignContents{sayText(fmt.Sprintf("found 7 in %d", len(messages)))}},
		}
	}}
	joker := agent.Wrap("Joker", theirs.Run)
	joker.Tools = []agent.Tool{agent.NewTool("look", "looks", func(context.Context, struct{ N int }) (string, error) {
		t.Error("the tool was called here too")
		return "", nil
	}, agent.WithEffect(agent.Pure))}
	e := wrappedEnv(t, joker)
	for _, want := range []string{"found 7 in 1", "found 7 in 5"} {
		if got, err := perduretest.Run(e, askWrapped, "where?"); err != nil || got != want {
			t.Errorf("Run() = %q, %v, want %q", got, err, want)
		}
	}
	if last := theirs.runs()[1]; !strings.Contains(last, `"CallID":"c1","Name":"look","InformationalOnly":false}`) || !strings.Contains(last, `"Result":{"found":7}`) {
		t.Errorf("the second run was given %s, want call and result as they were", last)
	}
}

// With OneCall a tool is a step of the turn, called once wherever the process
// ends.
func TestWrapOneCallCrashes(t *testing.T) {
	var world *sink
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: offsets,
		Register: func(reg *perdure.Registry) {
			world = &sink{}
			theirs := &foreignAgent{script: func(messages []*foreignMessage) []any {
				if last := messages[len(messages)-1]; last.Role == "tool" {
					return says(sayText(fmt.Sprint("done: ", last.Contents[0].(*foreignResult).Result)))(nil)
				}
				return says(callOf("c1", "pay", `{"to":"Ada","amount":7}`))(nil)
			}}
			clerk := agent.Wrap("Joker", theirs.Run, agent.OneCall())
			at := world
			clerk.Tools = []agent.Tool{agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) { return at.pay(ctx, in) },
				agent.WithReconcile(at.happened))}
			if err := agent.Register(reg, clerk); err != nil {
				t.Error(err)
			}
			perdure.AddOrchestration(reg, askAlone)
		},
		Run: func(e *perduretest.Env) {
			_, err := client.Start(t.Context(), e.Client(), askAlone, "pay order 7", client.StartOptions{ID: "run"})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := perduretest.Result[string](e, "run"); err != nil || got != "done: paid Ada" {
				t.Errorf("Result() = %q, %v, want done: paid Ada", got, err)
			}
			e.Settle()
			if n := world.most(); n != 1 {
				t.Errorf("the payment was made %d times, want once", n)
			}
		},
	})
	if done.Commits < 8 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
}

// statusError is an error as the providers' SDKs have them.
type statusError struct{ StatusCode int }

func (e *statusError) Error() string { return fmt.Sprint("status ", e.StatusCode) }

func TestWrapFailures(t *testing.T) {
	call := &foreignUpdate{Role: "assistant", Contents: foreignContents{callOf("c1", "x", "{}")}}
	result := &foreignUpdate{Role: "tool", Contents: foreignContents{resultOf("c1", 1)}}
	for _, c := range []struct {
		name   string
		opts   []agent.WrapOption
		change func(*agent.Agent)
		script []any
		runs   int
		want   string
	}{
		{"unknown error", nil, nil, []any{errors.New("out of luck")}, 3, "wrapped Joker: out of luck"},
		{"busy", nil, nil, []any{fmt.Errorf("call: %w", &statusError{429})}, 3, "wrapped Joker 429: call: status 429"},
		{"bad request", nil, nil, []any{&statusError{400}}, 1, "wrapped Joker 400: status 400"},
		{"model's error", nil, nil, []any{&model.Error{Provider: "p", Message: "no"}}, 1, "p: no"},
		{"after a call", nil, nil, []any{call, result, errors.New("cut")}, 1, "wrapped Joker: cut"},
		{"in one call", []agent.WrapOption{agent.OneCall()}, nil, []any{call, errors.New("cut")}, 3, "wrapped Joker: cut"},
		{"tools in one call", []agent.WrapOption{agent.OneCall()}, nil, []any{call, result}, 1, "it has called a tool by itself (call c1)"},
		{"approval", nil, nil, []any{&foreignUpdate{Contents: foreignContents{json.RawMessage(`{"Type":"toolApprovalRequest","RequestID":"r"}`)}}}, 1, "nobody can give it here"},
		{"no message", nil, nil, []any{&foreignUpdate{Contents: foreignContents{json.RawMessage(`{"Type":"functionCall","CallID":5}`)}}}, 1, "bad_answer"},
		{"temperature", nil, func(a *agent.Agent) { a.Temperature = new(float64) }, nil, 0, "cannot be told how to sample"},
		{"bound", nil, func(a *agent.Agent) { a.MaxOutputTokens = new(int) }, nil, 0, "cannot be told when to stop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			theirs := &foreignAgent{script: func([]*foreignMessage) []any { return c.script }}
			joker := agent.Wrap("Joker", theirs.Run, c.opts...)
			joker.Retry = &perdure.RetryPolicy{MaxAttempts: 3, FirstInterval: time.Second}
			if c.change != nil {
				c.change(joker)
			}
			_, err := perduretest.Run(wrappedEnv(t, joker), askWrapped, "go")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run() = %v, want an error with %q", err, c.want)
			}
			if got := len(theirs.runs()); got != c.runs {
				t.Errorf("it was run %d times, want %d", got, c.runs)
			}
		})
	}
}

// What a wrapped agent is told otherwise stands in the conversation.
func TestWrapInstructions(t *testing.T) {
	theirs := &foreignAgent{script: says(sayText(`{"value":42}`))}
	joker := agent.Wrap("Joker", theirs.Run)
	joker.Instructions = "Be brief."
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "number", func(ctx *perdure.Context, prompt string) (int, error) {
		return agent.RunAs[int](ctx, agent.Named("Joker"), prompt).Value()
	})
	if err := agent.Register(reg, joker); err != nil {
		t.Fatal(err)
	}
	e := perduretest.New(t, reg)
	s, err := e.Client().Start(t.Context(), "number", "n?", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := perduretest.Result[int](e, s.ID); err != nil || got != 42 {
		t.Errorf("RunAs() = %d, %v, want 42", got, err)
	}
	if got := theirs.runs()[0]; !strings.HasPrefix(got, `[{"Contents":[{"Type":"text","Text":"Be brief."}],"Role":"system","ID":""},`+
		`{"Contents":[{"Type":"text","Text":"Answer with JSON that fits this schema and nothing else: `) {
		t.Errorf("messages = %s, want instructions and format first", got)
	}
}

// A turn may not ask of a wrapped agent what that would not hear.
func TestWrapTurnOptions(t *testing.T) {
	var asked atomic.Int32
	theirs := &foreignAgent{script: func([]*foreignMessage) []any { asked.Add(1); return nil }}
	e := wrappedEnv(t, agent.Wrap("Joker", theirs.Run))
	service := agent.NewService(e.Client())
	for name, o := range map[string]agent.TurnOptions{
		"caller's tools": {Tools: []model.Tool{{Name: "mine"}}},
		"no tools":       {NoTools: true},
		"tool mode":      {ToolMode: model.ToolsNone},
		"top p":          {TopP: new(float64)},
	} {
		a, err := service.Send(t.Context(), session(t, "k"), agent.Message{Text: name, Options: o})
		if err != nil {
			t.Fatal(err)
		}
		e.Settle()
		if r, err := service.Wait(t.Context(), a.Turn); err == nil || !strings.Contains(err.Error(), "another framework") {
			t.Errorf("%s: Wait() = %+v, %v, want it refused", name, r, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("the wrapped agent was asked %d times, want never", asked.Load())
	}
}

// An agent that runs its tools itself may not have tools here that promise more.
func TestWrapRegister(t *testing.T) {
	theirs := &foreignAgent{}
	do := func(context.Context, struct{}) (string, error) { return "", nil }
	irreversible := agent.NewTool("pay", "", do)
	approved := agent.NewTool("look", "", do, agent.WithEffect(agent.Pure), agent.AlwaysRequireApproval())
	idempotent := agent.NewTool("set", "", do, agent.WithEffect(agent.Idempotent))
	opaque, oneCall := agent.Wrap("Joker", theirs.Run), agent.Wrap("Joker", theirs.Run, agent.OneCall())
	for _, c := range []struct {
		name  string
		agent agent.Agent
		want  string
	}{
		{"no tools", *opaque, ""},
		{"idempotent", agent.Agent{Name: "J", Model: opaque.Model, Tools: []agent.Tool{idempotent}}, ""},
		{"irreversible", agent.Agent{Name: "J", Model: opaque.Model, Tools: []agent.Tool{irreversible}}, `tool "pay" is irreversible or needs approval`},
		{"approval", agent.Agent{Name: "J", Model: opaque.Model, Tools: []agent.Tool{approved}}, `tool "look" is irreversible or needs approval`},
		{"fallback", agent.Agent{Name: "J", Model: oneCall.Model, Fallback: []model.Model{opaque.Model}, Tools: []agent.Tool{irreversible}}, "AllowTurnLevelDurability"},
		{"allowed", agent.Agent{Name: "J", Model: opaque.Model, Tools: []agent.Tool{irreversible, approved}, AllowTurnLevelDurability: true}, ""},
		{"one call", agent.Agent{Name: "J", Model: oneCall.Model, Tools: []agent.Tool{irreversible, approved}}, ""},
		{"budget", agent.Agent{Name: "J", Model: oneCall.Model, Budget: agent.Budget{Calls: 1}}, "cannot be held to a Budget"},
		{"nothing", *agent.Wrap[foreignMessage, foreignOption, foreignUpdate, foreignStream]("J", nil), "the Model is missing"},
	} {
		err := agent.Register(perdure.NewRegistry(), &c.agent)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Register() = %v, want %q", c.name, err, c.want)
		}
	}
}
