package main

import (
	"encoding/json"
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
			var failed error
			for _, id := range args { // each is tried; the first failure is the answer
				if err := s.change(c.Context(), out, id, data, verb); err != nil {
					out.failed(id, err, len(args) > 1)
					failed = first(failed, err)
				}
			}
			return failed
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
	var input string
	var newID bool
	c := &cobra.Command{
		Use:     "restart ID",
		Short:   "Begin a run anew, with the same input or another",
		Example: "  perdure run restart post-1 --new-id",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			body := map[string]any{"new_id": newID}
			if raw, err := t.value(input); err != nil {
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
	return c
}

func runRewind(t *terminal) *cobra.Command {
	var reason string
	var dry bool
	c := &cobra.Command{
		Use:     "rewind ID",
		Short:   "Let a failed run go on from before its failure",
		Example: "  perdure run rewind post-1 --dry-run",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			data, err := json.Marshal(map[string]any{"reason": reason})
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
			var preview struct {
				Reused int      `json:"steps_reused"`
				Again  []string `json:"steps_run_again"`
			}
			if err := json.Unmarshal(raw, &preview); err != nil {
				return fail(exitError, "", "%s", err)
			}
			fmt.Fprintf(out.out, "%d steps reused, %d run again: %s\n", preview.Reused, len(preview.Again), safe(strings.Join(preview.Again, ", ")))
			return nil
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the record")
	c.Flags().BoolVar(&dry, "dry-run", false, "only show what would run again")
	return c
}
