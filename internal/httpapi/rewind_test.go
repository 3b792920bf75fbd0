package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model/modeltest"
)

// TestRewindRepeated rewinds an agent's run to between a decision's request and its
// answer, so that it goes back to before the request. Repeated with its key, that has one
// effect and one answer, whatever the run does meanwhile.
func TestRewindRepeated(t *testing.T) {
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "fine", nil },
		agent.WithEffect(agent.Idempotent), agent.AlwaysRequireApproval())
	url1, h := agentsHub(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "Ask", func(ctx *perdure.Context, in string) (string, error) {
			return agent.Named("Critic").Run(ctx, in).Text()
		})
	}, &agent.Agent{Name: "Critic", Model: modeltest.Script(t, modeltest.Call("look", `{}`), modeltest.Say("Good."), modeltest.Say("Good.")), Tools: []agent.Tool{look}})
	api := url1 + "/api/v1"
	service := agent.NewService(client.New(h))
	approve := func() string {
		t.Helper()
		for {
			page, err := service.Decisions(t.Context(), agent.DecisionFilter{State: agent.DecisionPending})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Decisions) > 0 {
				post(t, http.StatusOK, api+"/decisions/"+url.PathEscape(page.Decisions[0].ID), `{"answer":"approve"}`)
				return page.Decisions[0].Run
			}
		}
	}
	post(t, http.StatusCreated, api+"/runs", `{"name":"Ask","id":"a","input":"look"}`)
	run := api + "/runs/" + url.PathEscape(approve())
	get(t, run+"?wait=10s", "status", `"completed"`)
	answered := 0
	for _, e := range eventsOf(t, get(t, run+"/history")) {
		if e.Type == "eventRaised" {
			answered = e.N
		}
	}
	at := fmt.Sprintf(`{"to":%d}`, answered)
	if plan := post(t, http.StatusOK, run+"/rewind?dry_run=1", at); field(t, plan, "to") == fmt.Sprint(answered) || !strings.Contains(plan, `"kind":"approval"`) {
		t.Fatalf("dry run = %s, want an earlier point than %d and an approval asked for", plan, answered)
	}
	rewind := func(when string) {
		t.Helper()
		if got := do(t, "POST", run+"/rewind", at, "Content-Type", "application/json", "Idempotency-Key", "k"); got.Status != http.StatusOK {
			t.Errorf("rewind %s = %d %s, want 200", when, got.Status, got.Body)
		}
	}
	rewind("the first time")
	rewind("again at once")
	approve()
	get(t, run+"?wait=10s", "status", `"completed"`)
	rewind("again after the end")
	get(t, run, "status", `"completed"`)
	if older := get(t, run+"/executions"); strings.Count(older, `"left_by":"rewind"`) != 1 {
		t.Errorf("older executions = %s, want one that the rewind has left", older)
	}
}
