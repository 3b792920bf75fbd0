package mcptool_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/examples/mcptool"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// advisor is a model that looks the price up and says it, with the number of the
// question in the conversation.
func advisor() model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		questions := 0
		for _, m := range r.Messages {
			if m.Role == model.RoleUser {
				questions++
			}
		}
		if f, ok := r.Messages[len(r.Messages)-1].Contents[0].(*model.FunctionResult); ok {
			return modeltest.Say(fmt.Sprintf("Answer %d: %s", questions, strings.Trim(string(f.Result), `"`)))
		}
		return modeltest.Call("stock_price", mcptool.Stock{Symbol: "ACME"})
	})
}

func offer(t *testing.T) (*perduretest.Env, mcp.Offer) {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := mcptool.Register(reg, advisor()); err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	o, err := mcptool.Offer(reg, env.Agents(), "StockAdvisor")
	if err != nil {
		t.Fatal(err)
	}
	return env, o
}

// TestHTTP has a client of MCP find the agent that is offered, and no other, and ask
// it twice in one session, with a crash of the server in between.
func TestHTTP(t *testing.T) {
	env, o := offer(t)
	handler, err := mcp.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	client, err := mcp.Dial(env.Context(), mcp.Server{Name: "advisor", URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }() // always nil
	tools, err := client.Tools(env.Context())
	if err != nil || len(tools) != 1 || tools[0].Name() != "StockAdvisor" {
		t.Fatalf("Tools() = %v, %v, want the StockAdvisor alone", tools, err)
	}
	for i := range 2 {
		got, err := tools[0].Call(env.Context(), `{"query":"What does ACME cost?","sessionId":"desk"}`)
		if want := fmt.Sprintf(`"Answer %d: 12.40"`, i+1); err != nil || fmt.Sprintf("%s", got) != want {
			t.Errorf("Call() = %s, %v, want %s", got, err, want)
		}
		env.Crash()
	}
}

// TestStdio speaks with the server as a program does that has started it.
func TestStdio(t *testing.T) {
	env, o := offer(t)
	in, ask := io.Pipe()
	answers, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- mcptool.Serve(env.Context(), in, out, o) }()
	lines := bufio.NewScanner(answers)
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(ask, text+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	say(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`)
	lines.Scan()
	say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	say(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"StockAdvisor","arguments":{"query":"What does ACME cost?"}}}`)
	lines.Scan()
	var answer struct {
		Result struct{ Content []struct{ Text string } }
	}
	if err := json.Unmarshal(lines.Bytes(), &answer); err != nil || len(answer.Result.Content) != 1 || answer.Result.Content[0].Text != "Answer 1: 12.40" {
		t.Errorf("the answer is %s, %v, want the price", lines.Bytes(), err)
	}
	if err := ask.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve() = %v", err)
	}
}

func TestOfferOfNobody(t *testing.T) {
	if _, err := mcptool.Offer(perdure.NewRegistry(), nil, "Nobody"); err == nil || !strings.Contains(err.Error(), "Nobody") {
		t.Errorf("Offer() = %v, want that there is no such agent", err)
	}
}
