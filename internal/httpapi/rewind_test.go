package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
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

// TestRewindOfFailedBelow rewinds a run that has failed with those below it to before the
// failure: the dry run tells what runs again, down to the step that has failed.
func TestRewindOfFailedBelow(t *testing.T) {
	var calm atomic.Bool
	var acts atomic.Int64
	url1, _ := agentsHub(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "Act", func(_ context.Context, in string) (string, error) {
			if acts.Add(1); in == "bad" && !calm.Load() {
				return "", errors.New("not yet")
			}
			return in, nil
		})
		perdure.AddOrchestrationNamed(r, "Low", func(ctx *perdure.Context, _ string) (string, error) {
			if out, err := perdure.CallNamed[string](ctx, "Act", "good").Await(); err != nil {
				return out, err
			}
			return perdure.CallNamed[string](ctx, "Act", "bad").Await()
		})
		perdure.AddOrchestrationNamed(r, "Mid", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "Low", "", perdure.WithID("low")).Await()
		})
		perdure.AddOrchestrationNamed(r, "Top", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "Mid", "", perdure.WithID("mid")).Await()
		})
	})
	api := url1 + "/api/v1/runs"
	post(t, http.StatusCreated, api, `{"name":"Top","id":"top","input":""}`)
	get(t, api+"/top?wait=10s", "status", `"failed"`)
	plan := post(t, http.StatusOK, api+"/top/rewind?dry_run=1", ``)
	fits(t, "Rewound", plan)
	for name, want := range map[string]string{
		"to": "0", "exact": "true", "unknown": "[]", "steps_reused": "0", "steps_run_again": `["Mid"]`, "decisions_open": "[]",
		"runs_below": `[{"id":"mid","name":"Mid","becomes":"retried","steps_run_again":["Low"],"steps_given_up":[],"events_forgotten":[]},` +
			`{"id":"low","name":"Low","becomes":"retried","steps_run_again":["Act"],"steps_given_up":[],"events_forgotten":[]}]`,
	} {
		if got := field(t, plan, name); got != want {
			t.Errorf("%s of the dry run = %s, want %s", name, got, want)
		}
	}
	calm.Store(true)
	before := acts.Load()
	post(t, http.StatusOK, api+"/top/rewind", ``)
	get(t, api+"/top?wait=10s", "status", `"completed"`)
	if n := acts.Load() - before; n != 1 {
		t.Errorf("%d activities ran after the rewind, want the one that was foretold", n)
	}
}
