package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/postgres"
)

// finding is the answer of one check.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"` // ok, warn or fail
	Text  string `json:"text"`
	Next  string `json:"next,omitempty"`
}

// report is what was found, all in all.
type report struct {
	findings []finding
	failed   error // of the first check that failed
}

func (r *report) add(check, state, text, next string) {
	r.findings = append(r.findings, finding{check, state, text, next})
}

// broken adds a check that failed with an error.
func (r *report) broken(check string, err error) {
	next, text := "", oneLine(err)
	var f *failure
	if errors.As(err, &f) {
		next = f.next
	}
	r.add(check, "fail", text, next)
	r.failed = first(r.failed, err)
}

// outcome is the error of what failed, which was told already.
func (r *report) outcome() error {
	var f *failure
	if !errors.As(r.failed, &f) {
		return r.failed
	}
	var failed []string
	for _, found := range r.findings {
		if found.State == "fail" {
			failed = append(failed, found.Check)
		}
	}
	return fail(f.code, f.next, "%d of %d checks failed: %s", len(failed), len(r.findings), strings.Join(failed, ", "))
}

// stored adds what was found of a store.
func (r *report) stored(list []store.Finding) {
	for _, f := range list {
		state := "ok"
		switch f.Severity {
		case store.Warning:
			state = "warn"
		case store.Problem:
			state = "fail"
			r.failed = first(r.failed, fail(exitError, "", "%s: %s", f.Subject, oneLine(errors.New(f.Text))))
		}
		r.add(f.Subject, state, oneLine(errors.New(f.Text)), "")
	}
}

func doctorCommand(t *terminal) *cobra.Command {
	var data string
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check a running server, a data folder or a database; each finding says what to do",
		Long: `Checks a server (--hub http://..., which is the default), a data folder (--data) or a
PostgreSQL database (--hub postgres://...). It changes nothing. The exit code is 0 unless
something fails; warnings leave it 0.`,
		Example: "  perdure doctor --hub http://127.0.0.1:8080\n  perdure doctor --data ./perdure-data\n  perdure doctor --hub postgres://perdure@db/perdure --json",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			out, err := newOutput(c, t)
			if err != nil {
				return err
			}
			if asJSON {
				out.format = "json"
			}
			asJSON = out.format == "json"
			var r report
			where, offline, err := backupSource(c, t, data)
			switch {
			case err != nil:
				return err
			case data == "" && !offline:
				s, err := connect(c, t)
				if err != nil {
					return err
				}
				r.server(c.Context(), s)
			case strings.Contains(where, "://"):
				r.database(c.Context(), where)
			default:
				r.stored(pebble.Check(where))
			}
			if err := out.report(&r, asJSON); err != nil {
				return err
			}
			return r.outcome()
		},
	}
	addServerFlag(c)
	c.Flags().StringVar(&data, "data", "", "check this data folder, which a server may have open (default folder: "+host.DefaultHub+")")
	c.Flags().BoolVar(&asJSON, "json", false, "short for -o json: one document with all findings")
	return c
}

// report writes what was found.
func (o *output) report(r *report, whole bool) error {
	if whole {
		worst := "ok"
		for _, f := range r.findings {
			if f.State == "fail" || f.State == "warn" && worst == "ok" {
				worst = f.State
			}
		}
		return o.document(map[string]any{"state": worst, "findings": r.findings})
	}
	width := 7
	for _, f := range r.findings {
		width = max(width, len(f.Check))
	}
	for _, f := range r.findings {
		if o.format != "table" {
			if err := o.document(f); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(o.out, "%s %-*s %s\n", o.paint(styleOf(f.State), fmt.Sprintf("%-5s", f.State)), width, f.Check, safe(f.Text))
		if f.Next != "" {
			fmt.Fprintf(o.out, "      %-*s %s\n", width, "", safe(f.Next))
		}
	}
	return nil
}

// database checks a database and the nodes that work on it.
func (r *report) database(ctx context.Context, url string) {
	list, err := postgres.Check(ctx, url)
	if err != nil {
		r.broken("database", fail(exitUnreachable, "", "%s", oneLine(err)))
		return
	}
	r.stored(list)
	if r.failed != nil {
		return
	}
	nodes, err := postgres.Living(ctx, url)
	if err != nil {
		r.broken("nodes", err)
		return
	}
	for _, n := range nodes {
		r.node(ctx, n)
	}
}
