package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func runWait(t *terminal) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use:     "wait ID",
		Short:   "Wait for the end of a run, quietly; the exit code tells how it ended",
		Example: "  perdure run wait post-1 --timeout 5m",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			ctx, cancel := within(c.Context(), timeout)
			defer cancel()
			return s.withID(ctx, out, args[0], func(id string) error {
				var raw json.RawMessage
				last, err := s.until(ctx, id, func(item json.RawMessage, _ *row) error { raw = item; return nil })
				if err != nil {
					return left(err, id, "perdure run wait "+quoted(id)+" waits again")
				}
				if out.format != "table" {
					err = out.document(raw)
				} else {
					_, err = fmt.Fprintln(out.out, out.sentence(last))
				}
				return first(err, last.outcome())
			})
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 0, "give up after this long, with exit code 7")
	return c
}

func runResult(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "result ID",
		Short:   "Print the output of a run that has ended, and nothing else",
		Example: "  perdure run result post-1",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			return s.withID(c.Context(), out, args[0], func(id string) error {
				var r row
				if err := s.get(c.Context(), runPath(id), &r); err != nil {
					return err
				}
				if !r.ended() {
					return fail(exitConflict, "perdure run wait "+quoted(id)+" waits for that", "%s has not ended: %s", id, r.state())
				}
				if err := r.outcome(); err != nil {
					return err
				}
				if len(r.Output) == 0 {
					r.Output = json.RawMessage("null")
				}
				return out.document(r.Output)
			})
		},
	}
}

func runTree(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "tree ID",
		Short:   "Show the steps of a run and of the runs below it",
		Example: "  perdure run tree post-1",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			return s.withID(c.Context(), out, args[0], func(id string) error {
				tr := newTree(s, out, id)
				tr.whole = true
				if err := tr.load(c.Context()); err != nil {
					return err
				}
				if err := tr.refresh(c.Context()); err != nil {
					return err
				}
				if out.format != "table" {
					return tr.documents()
				}
				for _, line := range tr.lines() {
					if _, err := fmt.Fprintln(out.out, cutPainted(line, out.width)); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func runExport(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "export ID",
		Short:   "Write a run with its history as one JSON document",
		Example: "  perdure run export post-1",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			return s.withID(c.Context(), out, args[0], func(id string) error {
				var run json.RawMessage
				if err := s.get(c.Context(), runPath(id), &run); err != nil {
					return err
				}
				events := []json.RawMessage{}
				err := s.eachEvent(c.Context(), id, "", func(item json.RawMessage) error {
					events = append(events, item)
					return nil
				})
				if err != nil {
					return err
				}
				if out.format == "table" {
					out.format = "json" // a document is no table
				}
				return out.document(map[string]any{"run": run, "history": events})
			})
		},
	}
}
