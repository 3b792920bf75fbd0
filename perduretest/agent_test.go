package perduretest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// clerk is an agent that files what it is told, with an approval, and says what
// became of it. Asked to fail, it does. It is registered beside Approval.
func clerk(t testing.TB, reg *perdure.Registry, file func(context.Context, string) (string, error)) *perdure.Registry {
	t.Helper()
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		last := r.Messages[len(r.Messages)-1]
		switch {
		case last.Role == model.RoleTool:
			result := last.Contents[0].(*model.FunctionResult)
			return modeltest.Say(fmt.Sprintf("%s%s", result.Result, result.Error))
		case last.Text() == "fail":
			return modeltest.Fail(errors.New("no more paper"))
		}
		return modeltest.Call("file", map[string]string{"Arg0": last.Text()})
	})
	perdure.AddOrchestration(reg, Approval)
	perdure.AddActivity(reg, Notify)
	perdure.AddActivity(reg, Publish)
	err := agent.Register(reg, &agent.Agent{
		Name: "Clerk", Model: m,
		Tools: []agent.Tool{agent.NewTool("file", "files a text", file, agent.WithEffect(agent.Idempotent), agent.AlwaysRequireApproval())},
	})
	if err != nil {
		t.Fatal(err)
	}
	return reg
}

func filed(_ context.Context, text string) (string, error) { return "filed " + text, nil }

// An agent's tool waits for an approval, which comes after an hour.
func ExampleEnv_Tell() {
	example(func(t testing.TB) {
		env := perduretest.New(t, clerk(t, perdure.NewRegistry(), filed))
		turn := env.Tell("Clerk", "k1", agent.Message{Text: "A7"})
		env.Advance(time.Hour)
		for _, d := range env.Decisions() {
			fmt.Println(d.Kind, d.Tool, string(d.Args))
			env.Decide(d.ID, agent.Answer{Answer: agent.AnswerApprove})
		}
		r, err := env.Answer(turn)
		fmt.Println(r.Text, err)
	})
	// Output:
	// approval file {"Arg0":"A7"}
	// "filed A7" <nil>
}

// TestAsk lets the time of an approval pass, and has the next turn fail.
func TestAsk(t *testing.T) {
	env := perduretest.New(t, clerk(t, perdure.NewRegistry(), filed))
	began := env.Now()
	r, err := env.Ask("Clerk", "k1", "A7")
	if err != nil || r.Text != "the call was not approved in time" {
		t.Errorf("Ask() = %+v, %v, want that nobody approved", r, err)
	}
	if d := env.Now().Sub(began); d != agent.DefaultApprovalTimeout {
		t.Errorf("it took %v, want %v", d, agent.DefaultApprovalTimeout)
	}
	var failed *perdure.StepError
	if r, err := env.Ask("Clerk", "k1", "fail"); !errors.As(err, &failed) {
		t.Errorf("Ask() = %+v, %v, want a StepError", r, err)
	}
}

// TestAgentCrashes has a tool start an orchestration, with a crash at each commit.
func TestAgentCrashes(t *testing.T) {
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			clerk(t, reg, func(ctx context.Context, text string) (string, error) {
				c, err := agent.ClientOf(ctx)
				if err != nil {
					return "", err
				}
				_, err = c.Start(ctx, "Approval", text, client.StartOptions{ID: "approval-" + text, RequestID: agent.EffectID(ctx)})
				return "started", err
			})
		},
		Run: func(e *perduretest.Env) {
			turn := e.Tell("Clerk", "k1", agent.Message{Text: "A7"})
			for _, d := range e.Decisions() {
				e.Decide(d.ID, agent.Answer{Answer: agent.AnswerApprove})
			}
			if r, err := e.Answer(turn); err != nil || r.Text != `"started"` {
				t.Errorf("Answer() = %+v, %v, want started", r, err)
			}
			if out, err := perduretest.Result[string](e, "approval-A7"); err != nil || out != "escalated" {
				t.Errorf("Result() = %q, %v, want escalated", out, err)
			}
		},
	})
	if done.Commits < 10 {
		t.Errorf("%d commits: too few to mean anything", done.Commits)
	}
}
