package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/mcp"
)

func mcpCommand(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "mcp",
		Short: "Offer a running server's agents and workflows as MCP tools over stdin and stdout",
		Long: "Offers the MCP tools of a running server, its agents and the workflows that it was told to offer,\n" +
			"over stdin and stdout, for programs that start their MCP servers themselves.",
		Example: "  perdure mcp --hub http://127.0.0.1:8080",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := connect(c, t)
			if err != nil {
				return err
			}
			if s.url == nodeURL {
				return fail(exitUsage, "name one of its nodes, such as --hub https://host:8443", "%s speaks MCP at a URL only", c.CommandPath())
			}
			var info struct{ Caller struct{ Writes bool } }
			if err := s.get(c.Context(), "/api/v1/info", &info); err != nil { // in better words than those of the protocol
				return err
			}
			if !info.Caller.Writes {
				return fail(exitNotAllowed, "give a token with the role contributor, for a server that is not read-only", "tools may do anything: they are not for readers")
			}
			err = mcp.Bridge(c.Context(), readCloser(t.in), writeCloser(t.out), mcp.Server{Name: "perdure", URL: s.url + mcp.Path, Header: s.header})
			switch {
			case err == nil:
				return nil
			case interrupted(c.Context()):
				return fail(exitInterrupted, "", "interrupted")
			case perdure.CodeOf(err) == perdure.Unavailable:
				return fail(exitUnreachable, "is it running? perdure dev starts one; --hub names another", "%s: %s", s.url, oneLine(err))
			}
			return fail(exitError, "does --hub name a perdure server?", "%s", oneLine(err))
		},
	}
	addServerFlag(c)
	return c
}

// readCloser is r, which is closed if it can be.
func readCloser(r io.Reader) io.ReadCloser {
	if c, ok := r.(io.ReadCloser); ok {
		return c
	}
	return io.NopCloser(r)
}

// writeCloser is w, which is closed if it can be.
func writeCloser(w io.Writer) io.WriteCloser {
	if c, ok := w.(io.WriteCloser); ok {
		return c
	}
	return keepOpen{w}
}

type keepOpen struct{ io.Writer }

// Close implements io.Closer.
func (keepOpen) Close() error { return nil }
