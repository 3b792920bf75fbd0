package agent_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

// TestAgentChangesDuringTurn deploys another version of an agent, and then the
// first one again, while a turn waits for a decision: the turn goes on as it has
// begun, and the next one is of the agent as it is then.
func TestAgentChangesDuringTurn(t *testing.T) {
	for name, change := range map[string]func(a *agent.Agent){
		"context": func(a *agent.Agent) {
			a.Context = []agent.ContextProvider{agent.ContextFunc(func(context.Context, agent.TurnInfo) (agent.Addition, error) {
				return agent.Addition{Instructions: "Be kind."}, nil
			})}
		},
		"history": func(a *agent.Agent) {
			a.History = &elsewhere{kept: map[string][]*model.Message{}, turns: map[string]bool{}}
		},
		"compaction": func(a *agent.Agent) { a.Compaction = &agent.Compaction{MaxMessages: 2, Keep: 1} },
		"budget":     func(a *agent.Agent) { a.Budget, a.Prices = agent.Budget{Calls: 2}, model.Prices{} },
		"fallback":   func(a *agent.Agent) { a.Fallback = []model.Model{a.Model} },
		"retry":      func(a *agent.Agent) { a.Retry = &perdure.RetryPolicy{MaxAttempts: 1} },
		"repairs":    func(a *agent.Agent) { a.MaxRepairs = -1 },
		"tools":      func(a *agent.Agent) { a.Tools = append(a.Tools, pureTool("lookup")) },
	} {
		for _, first := range []bool{true, false} {
			if name == "tools" && !first {
				continue // such options are refused at once
			}
			t.Run(fmt.Sprintf("%s %t", name, first), func(t *testing.T) {
				script := modeltest.NewScript(modeltest.Call("pay", `{"to":"Ann","amount":1}`), modeltest.Call("pay", `{"to":"Bob","amount":1}`),
					modeltest.Say("no JSON"), modeltest.Say(`{"done":true}`))
				var s sink
				version := func(changed bool) *agent.Agent {
					a := joker(script, agent.NewTool("pay", "pays", s.pay, agent.AlwaysRequireApproval()))
					if changed {
						change(a)
					}
					return a
				}
				options := agent.TurnOptions{Format: &model.Format{Schema: json.RawMessage(`{"type":"object","required":["done"]}`)}}
				if name == "tools" {
					options.Tools = []model.Tool{lookup}
				}
				disk := &memory.Disk{}
				n := begin(t, disk, registry(t, version(!first)))
				a := send(t, n, "k1", agent.Message{Text: "go", Options: options})
				for i := range 2 {
					d := pending(t, n, agent.DecisionApproval)
					disk.Crash()
					n.stop()
					n = begin(t, disk, registry(t, version(i%2 == 0 == first)))
					n.clock.Advance(time.Minute)
					decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove})
				}
				idle(t, n)
				i, err := n.client.Get(ctxOf(t), a.Turn)
				if err != nil || i.PhaseCause != "" {
					t.Fatalf("Get() = %+v, %v, want a turn that goes on", i, err)
				}
			})
		}
	}
}
