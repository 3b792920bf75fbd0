package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// runControl is a command that takes ids and a reason.
func runControl(t *terminal, verb, short string, ends bool) *cobra.Command {
	var reason string
	var recursive, yes bool
	c := &cobra.Command{
		Use:     verb + " ID...",
		Short:   short,
		Example: "  perdure run " + verb + " post-1 --reason 'wrong topic'",
		Args:    between(1, -1, "the ids of runs"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			if ends && len(args) > 1 && !yes {
				if err := t.confirm(c.Context(), verb, len(args)); err != nil {
					return err
				}
			}
			body := map[string]any{"reason": reason}
			if ends {
				body["recursive"] = recursive
			}
			data, err := json.Marshal(body)
			if err != nil {
				return fail(exitUsage, "", "%s", err)
			}
			var failed []error
			for _, id := range args { // each is tried; the first failure is the exit code
				if err := s.change(c.Context(), out, id, data, verb); err != nil {
					out.failed(id, err, len(args) > 1)
					failed = append(failed, err)
				}
			}
			var f *failure
			switch {
			case len(failed) == 0:
				return nil
			case len(args) > 1 && errors.As(failed[0], &f): // which were told above
				return fail(f.code, "", "%s of %d of %d runs was not done", verb, len(failed), len(args))
			}
			return failed[0]
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the record")
	if ends {
		c.Flags().BoolVar(&recursive, "recursive", false, "unfinished children too")
		c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	}
	return c
}

// first is the error of several targets.
func first(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// failed tells which of several targets failed.
func (o *output) failed(id string, err error, several bool) {
	if several {
		fmt.Fprintf(o.err, "%s: %s\n", safe(id), safe(err.Error()))
	}
}

func runRestart(t *terminal) *cobra.Command {
	var input, id, version string
	var newID bool
	c := &cobra.Command{
		Use:     "restart ID",
		Short:   "Begin a run anew, as it was or with another input or version",
		Example: "  perdure run restart post-1 --id post-1-again",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			body := map[string]any{"new_id": newID}
			if c.Flags().Changed("id") {
				body["id"] = id
			}
			if c.Flags().Changed("version") {
				body["version"] = version
			}
			if raw, err := t.value(c.Context(), input); err != nil {
				return err
			} else if raw != nil {
				body["input"] = raw
			}
			data, err := json.Marshal(body)
			if err != nil {
				return fail(exitUsage, "", "%s", err)
			}
			return s.change(c.Context(), out, args[0], data, "restart")
		},
	}
	c.Flags().StringVar(&input, "input", "", "another input: JSON, @file or - for standard input")
	c.Flags().BoolVar(&newID, "new-id", false, "under a new id; the old run stays")
	c.Flags().StringVar(&id, "id", "", "under this id, which must not be in use; the old run stays")
	c.Flags().StringVar(&version, "version", "", "another version of the orchestration; empty for none")
	return c
}

func runRewind(t *terminal) *cobra.Command {
	var reason string
	var dry bool
	var to int
	c := &cobra.Command{
		Use:   "rewind ID",
		Short: "Let a run go on from before its failure, or from an event",
		Long: "Let a failed run go on from before its failure. With --to, a run that has ended in\n" +
			"whatever way goes on from before the event with that number, see 'run history'.",
		Example: "  perdure run rewind post-1 --dry-run",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			data, err := json.Marshal(map[string]any{"reason": reason, "to": to})
			if err != nil {
				return fail(exitUsage, "", "%s", err)
			}
			if !dry {
				return s.change(c.Context(), out, args[0], data, "rewind")
			}
			var raw json.RawMessage
			err = s.withID(c.Context(), out, args[0], func(id string) error {
				return s.post(c.Context(), runPath(id, "rewind")+"?dry_run=1", data, &raw)
			})
			if err != nil {
				return err
			}
			if out.format != "table" {
				return out.document(raw)
			}
			return foretell(out, raw)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the record")
	c.Flags().IntVar(&to, "to", 0, "number of the event from which on the history is given up; 0 = what has failed is")
	c.Flags().BoolVar(&dry, "dry-run", false, "only show what would run again")
	return c
}

// becoming tells what becomes of a run below one that is rewound.
func becoming(what string) string {
	switch what {
	case "rewound":
		return "is rewound to its beginning"
	case "retried":
		return "goes on from before its failure"
	case "resumed":
		return "goes on from where it was ended"
	case "goes_on":
		return "still runs, and goes on"
	case "answered":
		return "has ended, and is not run again"
	}
	return "begins anew, and does again what it did outside"
}

// foretell prints what a rewind would do.
func foretell(out *output, raw json.RawMessage) error {
	var plan struct {
		To     int      `json:"to"`
		Reused int      `json:"steps_reused"`
		Again  []string `json:"steps_run_again"`
		Later  []string `json:"steps_given_up"`
		Waits  []string `json:"events_forgotten"`
		Runs   []struct {
			ID, Name, Becomes string
			Again             []string `json:"steps_run_again"`
		} `json:"runs_below"`
		Unknown   []string `json:"unknown"`
		Decisions []struct {
			Kind, Tool, Run string
		} `json:"decisions_open"`
	}
	if err := decode(raw, &plan); err != nil {
		return err
	}
	again := "none runs again"
	if n := len(plan.Again); n > 0 {
		again = fmt.Sprintf("%d run again: %s", n, safe(strings.Join(plan.Again, ", ")))
	}
	fmt.Fprintf(out.out, "%s reused, %s\n", number(plan.Reused, "step", "steps"), again)
	if len(plan.Later) > 0 {
		fmt.Fprintf(out.out, "%d given up, which run again if the code comes to them: %s\n", len(plan.Later), safe(strings.Join(plan.Later, ", ")))
	}
	if len(plan.Waits) > 0 {
		fmt.Fprintf(out.out, "forgotten, to be raised again: %s\n", safe(strings.Join(plan.Waits, ", ")))
	}
	for _, r := range plan.Runs {
		again := ""
		if len(r.Again) > 0 {
			again = ": " + safe(strings.Join(r.Again, ", "))
		}
		fmt.Fprintf(out.out, "run %s (%s) %s%s\n", safe(r.ID), safe(r.Name), becoming(r.Becomes), again)
	}
	for _, what := range plan.Unknown {
		fmt.Fprintf(out.out, "only the code can tell %s\n", safe(what))
	}
	for _, d := range plan.Decisions {
		of := ""
		if d.Run != "" {
			of = " of run " + safe(d.Run)
		}
		fmt.Fprintf(out.out, "%s%s will ask: %s\n", safe(d.Tool), of, strings.ReplaceAll(d.Kind, "_", " "))
	}
	return nil
}
