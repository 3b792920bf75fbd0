// Package mcp joins agents with the Model Context Protocol, in both directions.
//
// [Dial] connects with an MCP server, a child process or a URL; [Client.Tools]
// are its tools for agents. A call of one is a tool step of the agent's turn, and
// as durable as any other. What the server offers is pinned: a tool that changes
// later is an error, not something else to call.
//
// [Handler] and [ServeStdio] are MCP servers of what an [Offer] names: each agent
// is a tool, and each chosen orchestration. A call says something in a session, or
// runs the orchestration; both survive the end of caller and server. [Bridge]
// serves the tools of another server over stdin and stdout.
package mcp
