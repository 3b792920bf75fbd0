package mcpclient_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/examples/mcpclient"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// serve runs an MCP server with the tools Library and Printer: it is Perdure's own,
// whose tools are agents. It returns the hub, in which each call is a turn.
func serve(t *testing.T) (*perduretest.Env, string) {
	t.Helper()
	echo := modeltest.Reply(func(r *model.Request) modeltest.Step { return modeltest.Say("done: " + r.Messages[0].Text()) })
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, &agent.Agent{Name: "Library", Model: echo}, &agent.Agent{Name: "Printer", Model: echo}); err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	infos, err := agent.List(reg)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := mcp.Handler(mcp.Offer{Service: env.Agents(), Agents: infos})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return env, server.URL
}

// assistant is a model that calls the tool which the user names, and repeats what it
// answers.
func assistant() model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		last := r.Messages[len(r.Messages)-1]
		if f, ok := last.Contents[0].(*model.FunctionResult); ok {
			return modeltest.Say(string(f.Result) + f.Error)
		}
		tool, query, _ := strings.Cut(last.Text(), " ")
		return modeltest.Call(tool, map[string]string{"query": query})
	})
}

func register(t *testing.T, reg *perdure.Registry, url string) {
	t.Helper()
	client, err := mcpclient.Dial(t.Context(), url, "Library")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // always nil
	if err := mcpclient.Register(t.Context(), reg, assistant(), client); err != nil {
		t.Fatal(err)
	}
}

// TestTools calls a tool that reads at once, and one that writes after an approval.
func TestTools(t *testing.T) {
	_, url := serve(t)
	reg := perdure.NewRegistry()
	register(t, reg, url)
	env := perduretest.New(t, reg)
	if r, err := env.Ask("Assistant", "k1", "Library moby dick"); err != nil || r.Text != `"done: moby dick"` {
		t.Errorf("Ask() = %+v, %v, want what the library answers", r, err)
	}
	turn := env.Tell("Assistant", "k1", agent.Message{Text: "Printer page 7"})
	list := env.Decisions()
	if len(list) != 1 || list[0].Tool != "Printer" || string(list[0].Args) != `{"query":"page 7"}` {
		t.Fatalf("decisions = %+v, want one about the printer", list)
	}
	env.Decide(list[0].ID, agent.Answer{Answer: agent.AnswerApprove})
	if r, err := env.Answer(turn); err != nil || r.Text != `"done: page 7"` {
		t.Errorf("Answer() = %+v, %v, want what the printer answers", r, err)
	}
}

// TestCrashEverywhere crashes at each commit of a turn that uses the library, also
// after the library was called: it has the call once, as the effect id tells it.
func TestCrashEverywhere(t *testing.T) {
	library, url := serve(t)
	calls := 0 // of library, in all runs
	scenario := perduretest.Scenario{
		Ignore:   perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) { register(t, reg, url) },
		Run: func(e *perduretest.Env) {
			r, err := e.Answer(e.Tell("Assistant", "k1", agent.Message{Text: "Library moby dick"}))
			if err != nil || r.Text != `"done: moby dick"` {
				t.Errorf("Answer() = %+v, %v, want what the library answers", r, err)
			}
			page, err := library.Agents().Sessions(t.Context(), "Library", nil, 1000)
			if calls++; err != nil || len(page.Sessions) != calls {
				t.Errorf("the library was asked %d times, %v, want %d", len(page.Sessions), err, calls)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
