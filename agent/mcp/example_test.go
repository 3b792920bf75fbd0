package mcp_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/model/modeltest"
)

// An agent uses the tools of an MCP server. Here that server is Perdure's own,
// which offers another agent; a program would have a Command or URL of its own.
func Example() {
	ctx := context.Background()
	library, err := begin(parrot("Librarian"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer library.stop()
	handler, err := mcp.Handler(mcp.Offer{Service: library.service, Agents: library.agents})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	client, err := mcp.Dial(ctx, mcp.Server{Name: "library", URL: server.URL, Allow: []string{"Librarian"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = client.Close() }()
	tools, err := client.Tools(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	clerk := &agent.Agent{Name: "Clerk", Tools: tools, Model: modeltest.NewScript(
		modeltest.Call("Librarian", map[string]string{"query": "moby dick"}), modeltest.Say("I have asked."))}

	office, err := begin(clerk)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer office.stop()
	session, _ := agent.NewSessionID("Clerk", "today") // never fails for these
	accepted, err := office.service.Send(ctx, session, agent.Message{Text: "Find me a book."})
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := office.service.Wait(ctx, accepted.Turn)
	if err != nil {
		fmt.Println(err)
		return
	}
	messages, err := office.service.Messages(ctx, session, 2, 1)
	fmt.Println(response.Text, line(messages), err)
	// Output: I have asked. tool "1 moby dick" <nil>
}
