package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// finding is the answer of one check.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warn or fail
	Text  string `json:"text"`
	Next  string `json:"next,omitempty"`
}

func doctorCommand(t *terminal) *cobra.Command {
	c := &cobra.Command{
		Use:     "doctor",
		Short:   "Check a running server; each finding names a next step",
		Example: "  perdure doctor --hub http://127.0.0.1:8080",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			findings, failed := examine(c.Context(), s)
			for _, f := range findings {
				if out.format != "table" {
					if err := out.document(f); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(out.out, "%-5s %-7s %s\n", f.State, f.Check, safe(f.Text))
				if f.Next != "" {
					fmt.Fprintf(out.out, "              %s\n", safe(f.Next))
				}
			}
			return failed
		},
	}
	addServerFlag(c)
	return c
}

// examine runs the checks; the error is that of the first that failed.
func examine(ctx context.Context, s *server) ([]finding, error) {
	var findings []finding
	var failed error
	add := func(check, state, text, next string) { findings = append(findings, finding{check, state, text, next}) }
	broken := func(check string, err error) {
		add(check, "fail", err.Error(), next(err))
		failed = first(failed, err)
	}
	began := time.Now()
	var info struct {
		Version, Data, Model string
		Hub                  string
		Orchestrations       []string
		Workers              int
	}
	if err := s.get(ctx, "/api/v1/info", &info); err != nil {
		broken("server", err)
		return findings, failed
	}
	add("server", "ok", fmt.Sprintf("%s answers in %s, version %s, data in %s", s.url, short(time.Since(began)), info.Version, info.Data), "")
	var ready struct{ Status string }
	if err := s.get(ctx, "/readyz", &ready); err != nil {
		broken("ready", err)
	} else {
		add("ready", "ok", "the hub serves", "")
	}
	code := fmt.Sprintf("%d orchestrations are registered, %d workers of other processes are connected to the hub %s",
		len(info.Orchestrations), info.Workers, info.Hub)
	if len(info.Orchestrations) == 0 && info.Workers == 0 {
		add("code", "warn", code+": nothing runs", "connect a worker: Endpoint="+s.url+";TaskHub="+info.Hub+";Authentication=None")
	} else {
		add("code", "ok", code, "")
	}
	var counts struct{ Total int64 }
	if err := s.get(ctx, "/api/v1/run-counts?group=phase&filter=phase:stuck", &counts); err != nil {
		broken("runs", err)
	} else if counts.Total > 0 {
		add("runs", "warn", fmt.Sprintf("%d runs are stuck", counts.Total), "perdure run list --filter phase:stuck names them and the cause")
	} else {
		add("runs", "ok", "none is stuck", "")
	}
	return findings, failed
}

// next is the next step that an error names.
func next(err error) string {
	if f, ok := err.(*failure); ok {
		return f.next
	}
	return ""
}
