package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func apiCommand(t *terminal) *cobra.Command {
	var input string
	c := &cobra.Command{
		Use:   "api METHOD PATH",
		Short: "Send a request to the REST API",
		Long: `Send a request to the REST API, with the token and the idempotency key of the other commands, and print
the answer. A path that does not begin with / is below /api/v1/.`,
		Example: "  perdure api GET run-counts?group=status\n  perdure api POST runs --input '{\"name\":\"ContentApproval\",\"input\":\"tea\"}'",
		Args:    exactly(2, "a method and a path"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			method, path := strings.ToUpper(args[0]), args[1]
			if known := []string{http.MethodGet, http.MethodPost, http.MethodDelete}; !slices.Contains(known, method) {
				return fail(exitUsage, "known are "+strings.Join(known, ", "), "no method %s", args[0])
			}
			if !strings.HasPrefix(path, "/") {
				path = "/api/v1/" + path
			}
			body, err := t.value(c.Context(), input)
			if err != nil {
				return err
			}
			response, err := s.send(c.Context(), method, path, body)
			if err != nil {
				return err
			}
			defer func() { _ = response.Body.Close() }()
			data, err := io.ReadAll(response.Body)
			if err != nil {
				return s.unreachable(c.Context(), err)
			}
			if response.StatusCode >= 400 {
				return refused(response.StatusCode, data)
			}
			if !json.Valid(data) { // such as metrics
				_, err := fmt.Fprint(out.out, safeText(string(data)))
				return err
			}
			if out.format == "table" {
				out.format = "json" // a document is no table
			}
			return out.document(json.RawMessage(data))
		},
	}
	c.Flags().StringVar(&input, "input", "", "body: JSON, @file or - for standard input")
	addServerFlag(c)
	return c
}
