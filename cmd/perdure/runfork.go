package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// forking is what the flags of a fork say.
type forking struct {
	ID, Reason, Input string
	Set, Fail         string // step and outcome
	To                int
	Dry               bool
}

func runFork(t *terminal) *cobra.Command {
	var f forking
	c := &cobra.Command{
		Use:   "fork ID",
		Short: "Begin a new run as a copy of a run up to an event",
		Long: "Begin a new run as a copy of a run up to an event: what has an outcome there is served\n" +
			"from the history, what was open and all that comes after is done by the new run. The run\n" +
			"stays as it is. Without --to the copy ends before the outcome of the step that is changed,\n" +
			"else before the first failure, else at the end. A step is named by its number in\n" +
			"'run history', or by its name if that is the only one.",
		Example: "  perdure run fork post-1 --set 'Research=\"facts\"' --dry-run",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			return f.fork(c.Context(), s, out, args[0])
		},
	}
	c.Flags().IntVar(&f.To, "to", 0, "number of the first event that is not copied")
	c.Flags().StringVar(&f.ID, "id", "", "id of the new run; a random one if there is none")
	c.Flags().StringVar(&f.Input, "input", "", "another input: JSON, @file or - for standard input")
	c.Flags().StringVar(&f.Set, "set", "", "another result of a step: STEP=JSON")
	c.Flags().StringVar(&f.Fail, "fail", "", "have a step fail: STEP=TEXT")
	c.Flags().StringVar(&f.Reason, "reason", "", "why, for the record")
	c.Flags().BoolVar(&f.Dry, "dry-run", false, "only show what would run again")
	return c
}

// fork asks for the fork, or for what it would do.
func (f *forking) fork(ctx context.Context, s *server, out *output, run string) error {
	body := map[string]any{"reason": f.Reason, "to": f.To, "id": f.ID}
	if input, err := out.value(ctx, f.Input); err != nil {
		return err
	} else if input != nil {
		body["input"] = input
	}
	var raw json.RawMessage
	err := s.withID(ctx, out, run, func(id string) error {
		step, err := f.step(ctx, s, out.terminal, id)
		if err != nil {
			return err
		}
		if step != nil {
			body["step"] = step
		}
		data, err := json.Marshal(body)
		if err != nil {
			return fail(exitUsage, "", "%s", err)
		}
		path := runPath(id, "fork")
		if f.Dry {
			path += "?dry_run=1"
		}
		return s.post(ctx, path, data, &raw)
	})
	switch {
	case err != nil:
		return err
	case f.Dry && out.format == "table":
		return foretell(out, raw)
	}
	return out.changed(raw)
}

// step is the step that is to have another outcome, nil = none is.
func (f *forking) step(ctx context.Context, s *server, t *terminal, run string) (map[string]any, error) {
	given, text := "set", f.Set
	if f.Fail != "" {
		given, text = "fail", f.Fail
	}
	name, outcome, ok := strings.Cut(text, "=")
	switch {
	case f.Set != "" && f.Fail != "":
		return nil, fail(exitUsage, "", "the outcome of one step can be changed: give --set or --fail")
	case text == "":
		return nil, nil
	case !ok || name == "":
		return nil, fail(exitUsage, "such as --"+given+" Research=1", "--%s needs a step and its outcome", given)
	}
	n, err := strconv.Atoi(name)
	if err != nil {
		if n, err = s.stepNamed(ctx, run, name); err != nil {
			return nil, err
		}
	}
	step := map[string]any{"n": n}
	if given == "fail" {
		step["failure"] = outcome
		return step, nil
	}
	result, err := t.value(ctx, outcome)
	if result != nil {
		step["result"] = result
	}
	return step, err
}

// stepNamed returns the number of the only step of a run with a name.
func (s *server) stepNamed(ctx context.Context, run, name string) (int, error) {
	var page struct {
		Items []struct {
			N    int    `json:"n"`
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := s.get(ctx, runPath(run, "steps"), &page); err != nil {
		return 0, err
	}
	var found []string
	at := 0
	for _, step := range page.Items {
		if step.Name == name && step.N > 0 {
			at, found = step.N, append(found, strconv.Itoa(step.N))
		}
	}
	switch len(found) {
	case 0:
		return 0, fail(exitUsage, "perdure run history "+quoted(run)+" names them", "the run has no step %q", name)
	case 1:
		return at, nil
	}
	return 0, fail(exitUsage, "say which by its number: "+strings.Join(found, ", "), "the run has %d steps %q", len(found), name)
}
