package mcp_test

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/client"
)

// transports connect the SDK's client with a node's server, each over another
// transport.
var transports = map[string]func(t *testing.T) *sdk.ClientSession{
	"HTTP": func(t *testing.T) *sdk.ClientSession { return overHTTP(t, start(t, parrot("Parrot"))) },
	"stdio": func(t *testing.T) *sdk.ClientSession {
		return connect(t, &sdk.CommandTransport{Command: role(t, "agents")})
	},
	"bridge": func(t *testing.T) *sdk.ClientSession {
		server := httptest.NewServer(handler(t, start(t, parrot("Parrot")).offer()))
		t.Cleanup(server.Close)
		cmd := role(t, "bridge")
		cmd.Env = append(cmd.Env, "PERDURE_MCP_URL="+server.URL+mcp.Path)
		return connect(t, &sdk.CommandTransport{Command: cmd})
	},
}

// role is this test binary as a child process.
func role(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+name)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestWorkflowTools(t *testing.T) {
	for name, connect := range transports {
		t.Run(name, func(t *testing.T) {
			s := connect(t)
			list, err := s.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			schemas := map[string]string{}
			for _, tool := range list.Tools {
				text, err := json.Marshal(tool.InputSchema)
				if err != nil {
					t.Fatal(err)
				}
				schemas[tool.Name] = string(text)
			}
			if !strings.Contains(schemas["wait"], `"input":{"type":"string"}`) || !strings.Contains(schemas["Echo"], `"runId"`) {
				t.Errorf("schemas = %v", schemas)
			}
			for _, c := range []struct {
				tool      string
				arguments map[string]any
				want      string
				fails     bool
				object    any
			}{
				{"Echo", map[string]any{"input": "hello"}, "hello", false, nil},
				{"Echo", map[string]any{"input": nil}, "", false, nil},
				{"Echo", map[string]any{"input": []int{1, 2}}, "[1,2]", false, nil},
				{"Echo", map[string]any{"input": map[string]any{"n": 1}}, `{"n":1}`, false, map[string]any{"n": 1.0}},
				{"Echo", map[string]any{"input": "fail", "runId": "f"}, "no luck", true, nil},
				{"Echo", map[string]any{"runId": "f"}, "no luck", true, nil},
				{"Echo", map[string]any{"input": "first", "runId": "r"}, "first", false, nil},
				{"Echo", map[string]any{"input": "second", "runId": "r"}, "first", false, nil},
				{"Echo", map[string]any{"runId": "r"}, "first", false, nil},
				{"wait", map[string]any{"runId": "r"}, `there is no run "r" of this workflow`, true, nil},
				{"wait", map[string]any{"runId": "none"}, `there is no run "none" of this workflow`, true, nil},
				{"wait", map[string]any{"input": "x", "runId": "r"}, `there is no run "r" of this workflow`, true, nil},
				{"Echo", map[string]any{"runId": "@dafx-parrot@k"}, `there is no run "@dafx-parrot@k" of this workflow`, true, nil},
				{"wait", map[string]any{}, "the argument input is missing", true, nil},
				{"wait", map[string]any{"input": "x", "runId": 7}, "not those of the schema", true, nil},
				{"Parrot", map[string]any{"query": "a", "sessionId": "k"}, "1 a", false, nil},
			} {
				r := ask(t, s, c.tool, c.arguments)
				if r.IsError != c.fails || c.fails && !strings.Contains(said(r), c.want) || !c.fails && said(r) != c.want {
					t.Errorf("%s(%v) = %q, error %v, want %q, error %v", c.tool, c.arguments, said(r), r.IsError, c.want, c.fails)
				}
				if diff := cmp.Diff(c.object, r.StructuredContent); diff != "" {
					t.Errorf("%s(%v), structured (-want +got)\n%s", c.tool, c.arguments, diff)
				}
			}
		})
	}
}

// A run that takes long is left with its id, under which it is found again.
func TestWorkflowToolLong(t *testing.T) {
	n := start(t)
	offer := n.offer()
	offer.Wait = 10 * time.Millisecond
	server := httptest.NewServer(handler(t, offer))
	t.Cleanup(server.Close)
	s := connect(t, &sdk.StreamableClientTransport{Endpoint: server.URL, HTTPClient: server.Client()})
	r := ask(t, s, "wait", map[string]any{"input": "a"})
	id, _ := r.Meta["perdure/runId"].(string)
	if id == "" || r.IsError || !strings.HasPrefix(said(r), `The run "`+id+`" has not ended yet.`) {
		t.Fatalf("wait(a) = %q, error %v, want the id of a run that has not ended", said(r), r.IsError)
	}
	for late := time.Now().Add(20 * time.Second); ; {
		i, err := n.client.Get(t.Context(), id)
		if err != nil || time.Now().After(late) {
			t.Fatalf("Get(%s) = %v, %v, want a run that waits", id, i, err)
		}
		if len(i.Waits) > 0 {
			break
		}
	}
	r = ask(t, s, "wait", map[string]any{"runId": id})
	want := `The run "` + id + `" has not ended yet. It waits for Signal, which somebody has to send. It goes on by itself. ` +
		`Call this tool again with the argument runId "` + id + `", and without input, to wait for its result.`
	if r.IsError || said(r) != want {
		t.Fatalf("wait(runId) = %q, error %v, want %q", said(r), r.IsError, want)
	}
	if err := client.Raise(t.Context(), n.client, id, signal, "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := n.client.WaitCompletion(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, s, "wait", map[string]any{"runId": id}); r.IsError || said(r) != "ab" {
		t.Errorf("wait(runId) = %q, error %v, want ab", said(r), r.IsError)
	}
	if _, err := n.client.Start(t.Context(), "Wait for it", "c", client.StartOptions{ID: "t"}); err != nil {
		t.Fatal(err)
	}
	if err := n.client.Terminate(t.Context(), "t", client.Ending{}); err != nil {
		t.Fatal(err)
	}
	if r := ask(t, s, "wait", map[string]any{"runId": "t"}); !r.IsError || said(r) != "the run was terminated" {
		t.Errorf("wait(t) = %q, error %v, want it terminated", said(r), r.IsError)
	}
}

// A step of an agent that is repeated begins neither a second run nor a second
// turn.
func TestToolsRepeated(t *testing.T) {
	n := start(t, parrot("Parrot"))
	s := overHTTP(t, n)
	for _, c := range []struct {
		tool      string
		arguments map[string]any
	}{
		{"Echo", map[string]any{"input": "x"}},
		{"Parrot", map[string]any{"query": "x"}},
	} {
		var ids []any
		for _, effect := range []string{"e1", "e1", "e2"} {
			r, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: c.arguments, Meta: sdk.Meta{"perdure/effectId": effect}})
			if err != nil || r.IsError {
				t.Fatalf("CallTool() = %v, %v", r, err)
			}
			if c.tool == "Parrot" && said(r) != "1 x" {
				t.Errorf("Parrot(x) = %q, want the answer to the first message", said(r))
			}
			for _, name := range []string{"perdure/runId", "perdure/sessionId"} {
				if id, ok := r.Meta[name]; ok {
					ids = append(ids, id)
				}
			}
		}
		if len(ids) != 3 || ids[0] != ids[1] || ids[0] == ids[2] {
			t.Errorf("%s: ids = %v, want the first two equal", c.tool, ids)
		}
	}
}

func TestOfferErrors(t *testing.T) {
	n := start(t, parrot("Parrot"))
	for _, c := range []struct {
		offer mcp.Offer
		want  []string
	}{
		{mcp.Offer{Agents: n.agents, Workflows: []mcp.Workflow{{}}, Wait: -1},
			[]string{"Wait is negative", "need a Service", "need a Client", "no Orchestration"}},
		{mcp.Offer{Agents: n.agents, Service: n.service, Client: n.client, Workflows: []mcp.Workflow{
			{Orchestration: "Parrot"}, {Orchestration: "x", Tool: "a b"}, {Orchestration: strings.Repeat("x", 65)}, {Orchestration: "y", Input: func() {}}}},
			[]string{"two tools with the name Parrot", `tool "a b"`, "1 to 64 letters", "schema of the input of y"}},
	} {
		_, err := mcp.Handler(c.offer)
		for _, want := range c.want {
			if perdure.CodeOf(err) != perdure.InvalidArgument || !strings.Contains(err.Error(), want) {
				t.Errorf("Handler() = %v, want %q", err, want)
			}
		}
	}
}
