package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model/modeltest"
)

// panel asks one agent in a run of its own, another in a session.
func panel(ctx *perdure.Context, topic string) (string, error) {
	draft, err := agent.Named("Writer").Run(ctx, "Write about "+topic).Text()
	if err != nil {
		return "", err
	}
	return agent.Named("Critic").Run(ctx, "Judge: "+draft, agent.InSession("s1")).Text()
}

// conversationOf reads what was said in a run, an entry in a line.
func conversationOf(t *testing.T, url, id string) []string {
	t.Helper()
	got := do(t, "GET", url+"/api/v1/runs/"+id+"/conversation", "")
	if got.Status != http.StatusOK {
		t.Fatalf("conversation of %s = %d %s", id, got.Status, got.Body)
	}
	fits(t, "Conversation", got.Body)
	var page struct {
		Items []struct {
			Kind, Agent, To, Status, Run, Session string
			To_run                                string
			Decision                              struct{ Tool, State string }
			Message                               struct {
				Role     string
				Contents []struct{ Type, Text string }
			}
			Tokens struct{ Total int }
		}
		Partial bool
	}
	if err := json.Unmarshal([]byte(got.Body), &page); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, i := range page.Items {
		line := i.Kind + " " + i.Agent
		switch i.Kind {
		case "agent":
			line += " -> " + i.To
		case "decision":
			line += " " + i.Decision.Tool + " " + i.Decision.State
		default:
			line += " " + i.Message.Role
			for _, c := range i.Message.Contents {
				line += " " + c.Type + ":" + c.Text
			}
			if (i.Tokens.Total > 0) != (i.Message.Role == "assistant") {
				line += fmt.Sprint(" tokens ", i.Tokens.Total)
			}
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	if page.Partial {
		lines = append(lines, "partial")
	}
	return lines
}

// TestConversationOfRun merges what the agents of an orchestration said, those of a
// session and those that agents call too, with decisions in it.
func TestConversationOfRun(t *testing.T) {
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "fine", nil }, agent.AlwaysRequireApproval())
	ask, text, rhyme := modeltest.Call("Poet", `{"query":"A rhyme?"}`), modeltest.Say("A text."), modeltest.Say("Cat, hat.")
	url1, h := agentsHub(t, func(r *perdure.Registry) { perdure.AddOrchestrationNamed(r, "Panel", panel) }, // the first two answer again after the rewind
		&agent.Agent{Name: "Writer", Model: modeltest.Script(t, ask, text, ask, text), Tools: []agent.Tool{agent.Named("Poet").AsTool("rhymes")}},
		&agent.Agent{Name: "Poet", Model: modeltest.Script(t, rhyme, rhyme)},
		&agent.Agent{Name: "Critic", Model: modeltest.Script(t, modeltest.Call("look", `{}`), modeltest.Say("Good.")), Tools: []agent.Tool{look}})
	if got := do(t, "POST", url1+"/api/v1/runs", `{"name":"Panel","id":"p1","input":"cats"}`, "Content-Type", "application/json"); got.Status != http.StatusCreated {
		t.Fatalf("start = %d %s", got.Status, got.Body)
	}
	service := agent.NewService(client.New(h))
	id := ""
	for id == "" {
		page, err := service.Decisions(t.Context(), agent.DecisionFilter{State: agent.DecisionPending})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Decisions) > 0 {
			id = page.Decisions[0].ID
		}
	}
	if got := do(t, "POST", url1+"/api/v1/decisions/"+url.PathEscape(id), `{"answer":"approve"}`, "Content-Type", "application/json"); got.Status != http.StatusOK {
		t.Fatalf("approve = %d %s", got.Status, got.Body)
	}
	if got := do(t, "GET", url1+"/api/v1/runs/p1?wait=1m", ""); !strings.Contains(got.Body, `"output":"Good."`) {
		t.Fatalf("run = %s, want the critic's answer", got.Body)
	}
	want := []string{
		"agent  -> Writer",
		"message Writer user text:Write about cats",
		"message Writer assistant functionCall: usage:",
		"agent Writer -> Poet",
		"message Poet user text:A rhyme?",
		"message Poet assistant text:Cat, hat. usage:",
		"message Writer tool functionResult:",
		"message Writer assistant text:A text. usage:",
		"agent  -> Critic",
		"message Critic user text:Judge: A text.",
		"message Critic assistant functionCall: usage:",
		"decision Critic look answered",
		"message Critic tool functionResult:",
		"message Critic assistant text:Good. usage:",
	}
	if diff := cmp.Diff(want, conversationOf(t, url1, "p1")); diff != "" {
		t.Errorf("conversation (-want +got):\n%s", diff)
	}
	checkGraph(t, url1, "p1",
		"orchestration Panel completed 1/1",
		"agent Writer completed 1/1",
		"agent Critic completed 1/1",
		"agent Poet completed 1/1",
		"tool look completed 2/2",
		"human look completed 1/1",
		"Panel schedule Writer 1",
		"Writer schedule Critic 1",
		"Writer call Poet 1",
		"Critic call look 2",
		"Critic call look 1")
	plan := do(t, "POST", url1+"/api/v1/runs/p1/rewind?dry_run=1", `{"to":1}`, "Content-Type", "application/json")
	for _, want := range []string{`"name":"Writer","becomes":"rewound"`, `"name":"Poet","becomes":"rewound"`, `"name":"Critic","becomes":"answered"`} {
		if !strings.Contains(plan.Body, want) {
			t.Errorf("dry run of a rewind to the beginning = %s, want %s", plan.Body, want)
		}
	}
	tree := do(t, "GET", url1+"/api/v1/runs/p1/tree", "")
	fits(t, "RunTree", tree.Body)
	if got := members(t, tree.Body); len(got["items"].([]any)) != 3 {
		t.Errorf("tree = %s, want the run, the writer's turn and the poet's", tree.Body)
	}
	steps := do(t, "GET", url1+"/api/v1/runs/p1/steps", "")
	fits(t, "StepPage", steps.Body)
	var page struct {
		Items []struct {
			Kind, Agent, Session, Status, Run string
			Calls                             int
		}
	}
	if err := json.Unmarshal([]byte(steps.Body), &page); err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, s := range page.Items {
		rows = append(rows, fmt.Sprint(s.Kind, " ", s.Agent, " ", s.Session, " ", s.Status, " calls=", s.Calls, " run=", s.Run != ""))
	}
	wantRows := []string{"agent Writer  completed calls=3 run=true", "agent Critic @dafx-critic@s1 completed calls=2 run=true"}
	if diff := cmp.Diff(wantRows, rows); diff != "" {
		t.Errorf("steps (-want +got):\n%s\n%s", diff, steps.Body)
	}
	rewindAsForetold(t, url1, "p1", plan.Body)
}

// rewindAsForetold rewinds a run to its beginning, and looks what has become of the runs
// below it, which end again.
func rewindAsForetold(t *testing.T, url, id, plan string) {
	t.Helper()
	fits(t, "Rewound", plan)
	var foretold struct {
		Runs []struct{ ID, Becomes string } `json:"runs_below"`
	}
	if err := json.Unmarshal([]byte(plan), &foretold); err != nil || len(foretold.Runs) == 0 {
		t.Fatalf("plan = %s, %v, want runs below", plan, err)
	}
	if got := do(t, "POST", url+"/api/v1/runs/"+id+"/rewind", `{"to":1}`, "Content-Type", "application/json"); got.Status != http.StatusOK {
		t.Fatalf("rewind = %d %s", got.Status, got.Body)
	}
	if got := do(t, "GET", url+"/api/v1/runs/"+id+"?wait=1m", ""); !strings.Contains(got.Body, `"output":"Good."`) {
		t.Fatalf("run after the rewind = %s, want the same end", got.Body)
	}
	for _, r := range foretold.Runs {
		older := do(t, "GET", url+"/api/v1/runs/"+r.ID+"/executions", "")
		if got, want := strings.Contains(older.Body, `"left_by":"rewind"`), r.Becomes == "rewound"; got != want {
			t.Errorf("run %s was rewound: %v, foretold was %q\n%s", r.ID, got, r.Becomes, older.Body)
		}
	}
}

// TestGraphOfJoin: what waits for several steps follows from all of them, in whichever
// order they end.
func TestGraphOfJoin(t *testing.T) {
	rest := make(chan struct{})
	url1, _ := agentsHub(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "quick", func(context.Context, string) (string, error) { return "", nil })
		perdure.AddActivityNamed(r, "slow", func(context.Context, string) (string, error) { <-rest; return "", nil })
		perdure.AddActivityNamed(r, "both", func(context.Context, string) (string, error) { return "", nil })
		perdure.AddOrchestrationNamed(r, "Join", func(ctx *perdure.Context, _ string) (string, error) {
			if _, err := perdure.CallNamed[string](ctx, "quick", "").Await(); err != nil {
				return "", err
			}
			a, b := perdure.CallNamed[string](ctx, "quick", ""), perdure.CallNamed[string](ctx, "slow", "")
			if err := perdure.All(ctx, a, b); err != nil {
				return "", err
			}
			return perdure.CallNamed[string](ctx, "both", "").Await()
		})
	})
	if got := do(t, "POST", url1+"/api/v1/runs", `{"name":"Join","id":"j1"}`, "Content-Type", "application/json"); got.Status != http.StatusCreated {
		t.Fatalf("start = %d %s", got.Status, got.Body)
	}
	for quick := 0; quick < 2; {
		quick = strings.Count(do(t, "GET", url1+"/api/v1/runs/j1/steps", "").Body, `"status":"completed"`)
	}
	close(rest)
	if got := do(t, "GET", url1+"/api/v1/runs/j1?wait=1m", ""); !strings.Contains(got.Body, `"completed"`) {
		t.Fatalf("run = %s, want it completed", got.Body)
	}
	checkGraph(t, url1, "j1",
		"orchestration Join completed 1/1",
		"activity quick completed 1/1",
		"activity quick completed 1/1",
		"activity slow completed 1/1",
		"activity both completed 1/1",
		"Join schedule quick 1",
		"quick schedule quick 1",
		"quick schedule slow 1",
		"quick schedule both 1",
		"slow schedule both 1")
}

// checkGraph compares the graph of a run: its nodes, then its edges, a line each.
func checkGraph(t *testing.T, url, id string, want ...string) {
	t.Helper()
	got := do(t, "GET", url+"/api/v1/runs/"+id+"/graph", "")
	fits(t, "Graph", got.Body)
	var g struct {
		Nodes []struct {
			ID, Kind, Name, Status string
			Count, Done            int
		}
		Edges []struct {
			From, To, Kind string
			Count          int
		}
	}
	if err := json.Unmarshal([]byte(got.Body), &g); err != nil {
		t.Fatal(err)
	}
	var lines []string
	names := map[string]string{}
	for _, n := range g.Nodes {
		names[n.ID] = n.Name
		lines = append(lines, fmt.Sprintf("%s %s %s %d/%d", n.Kind, n.Name, n.Status, n.Done, n.Count))
	}
	for _, e := range g.Edges {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", names[e.From], e.Kind, names[e.To], e.Count))
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("graph (-want +got):\n%s\n%s", diff, got.Body)
	}
}
