package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

func runList(t *terminal) *cobra.Command {
	var filter, sort, cursor string
	var limit int
	var watch bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List runs, newest first",
		Example: `  perdure run list --filter 'status:failed name:Order* created>-24h' --limit 20`,
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"filter": filter, "sort": sort, "cursor": cursor} {
				if value != "" {
					q.Set(name, value)
				}
			}
			var raw json.RawMessage
			if err := s.get(c.Context(), "/api/v1/runs?"+q.Encode(), &raw); err != nil {
				return err
			}
			empty := "no runs; perdure run start NAME starts one"
			if filter != "" || cursor != "" {
				empty = "no run matches"
			}
			asOf, err := out.runs(raw, empty)
			if err != nil || !watch {
				return err
			}
			return s.stream(c.Context(), []string{"runs:" + filter}, asOf, func(e event) (bool, error) {
				return false, out.changes(e)
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&filter, "filter", "", "which runs, such as 'status:failed name:Order*'")
	flags.StringVar(&sort, "sort", "", "-created (default), created, completed, id, name or duration, or with - in front")
	flags.StringVar(&cursor, "cursor", "", "go on after a page: its next")
	flags.IntVar(&limit, "limit", 50, "the most runs to show, up to 1000")
	flags.BoolVar(&watch, "watch", false, "then show each run that changes")
	return c
}

// runs shows a page of runs and returns the position to stream from.
func (o *output) runs(raw json.RawMessage, empty string) (asOf string, err error) {
	var page struct {
		Items   []json.RawMessage
		Next    string
		Partial bool
		AsOf    string `json:"as_of"`
	}
	if err := decode(raw, &page); err != nil {
		return "", err
	}
	switch o.format {
	case "json":
		return page.AsOf, o.document(raw)
	case "jsonl":
		for _, item := range page.Items {
			if err := o.document(item); err != nil {
				return "", err
			}
		}
	default:
		if len(page.Items) == 0 {
			o.say("%s", empty)
			return page.AsOf, nil
		}
		var rows [][]string
		for _, item := range page.Items {
			var r row
			if err := decode(item, &r); err != nil {
				return "", err
			}
			rows = append(rows, o.cells(&r))
		}
		o.table([]string{"STATE", "NAME", "ID", "CREATED", "TOOK", "STEP"}, rows)
	}
	if page.Partial {
		o.say("the search was cut short; go on with --cursor %s", page.Next)
	} else if page.Next != "" {
		o.say("more with --cursor %s", page.Next)
	}
	return page.AsOf, nil
}

// cells is a run as a row of the table.
func (o *output) cells(r *row) []string {
	took := ""
	if r.DurationMS != nil {
		took = short(time.Duration(*r.DurationMS) * time.Millisecond)
	}
	return []string{r.state(), r.Name, r.ID, o.when(r.Created), took, r.detail()}
}

// changes shows the runs of one frame of a stream.
func (o *output) changes(e event) error {
	if e.kind != "runs" && e.kind != "run" {
		return nil
	}
	var frame struct{ Upsert []json.RawMessage }
	if err := decode(e.data, &frame); err != nil {
		return err
	}
	for _, item := range frame.Upsert {
		if o.format != "table" {
			if err := o.document(item); err != nil {
				return err
			}
			continue
		}
		var r row
		if err := decode(item, &r); err != nil {
			return err
		}
		fmt.Fprintln(o.out, o.sentence(&r))
	}
	return nil
}

// sentence is a run on one line.
func (o *output) sentence(r *row) string {
	text := r.ID + "  " + o.standing(r)
	if d := r.detail(); d != "" {
		text += "  " + d
	}
	return o.clip(safe(text))
}

// historyItem is what commands read of a history event.
type historyItem struct {
	N       int             `json:"n"`
	Type    string          `json:"type"`
	Time    *time.Time      `json:"time"`
	Name    string          `json:"name"`
	Step    *int            `json:"step"`
	Attempt int             `json:"attempt"`
	Status  string          `json:"status"`
	Reason  string          `json:"reason"`
	FireAt  *time.Time      `json:"fire_at"`
	Data    json.RawMessage `json:"data"`
	Bytes   int             `json:"data_bytes"`
	Failure *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"failure"`
}

func runHistory(t *terminal) *cobra.Command {
	var execution string
	c := &cobra.Command{
		Use:     "history ID",
		Short:   "Show the history of a run",
		Example: "  perdure run history post-1 -o jsonl",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			return s.withID(c.Context(), out, args[0], func(id string) error {
				return s.history(c, out, id, execution)
			})
		},
	}
	c.Flags().StringVar(&execution, "execution", "", "an older execution")
	return c
}

// history shows the events of a run, page by page.
func (s *server) history(c *cobra.Command, out *output, id, execution string) error {
	var rows [][]string
	all := []json.RawMessage{}
	found := false
	err := s.eachEvent(c.Context(), id, execution, func(item json.RawMessage) error {
		found = true
		if out.format == "jsonl" {
			return out.document(item)
		}
		all = append(all, item)
		var e historyItem
		if err := decode(item, &e); err != nil {
			return err
		}
		rows = append(rows, out.eventCells(&e))
		return nil
	})
	if err != nil {
		return err
	}
	if !found && execution != "" {
		return fail(exitNotFound, "perdure api GET "+quoted("runs/"+segment(id)+"/executions")+" lists the older ones", "%s has no execution %s", id, execution)
	}
	switch out.format {
	case "json":
		return out.document(map[string]any{"items": all})
	case "table":
		out.table([]string{"N", "TIME", "EVENT", "NAME", "STEP", "DATA"}, rows)
	}
	return nil
}

// eachEvent calls f with each event of the history of a run, in order. An execution
// of "" is the current one.
func (s *server) eachEvent(ctx context.Context, id, execution string, f func(json.RawMessage) error) error {
	for after := 0; ; {
		q := url.Values{"after": {strconv.Itoa(after)}}
		if execution != "" {
			q.Set("execution", execution)
		}
		var page struct {
			Items []json.RawMessage
			Next  int
		}
		if err := s.get(ctx, runPath(id, "history")+"?"+q.Encode(), &page); err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := f(item); err != nil {
				return err
			}
		}
		if after = page.Next; after == 0 {
			return nil
		}
	}
}

// eventCells is a history event as a row of the table.
func (o *output) eventCells(e *historyItem) []string {
	step, data := "", string(e.Data)
	if e.Step != nil {
		step = strconv.Itoa(*e.Step)
	}
	switch {
	case e.Failure != nil:
		data = e.Failure.Type + ": " + e.Failure.Message
	case e.Data == nil && e.Bytes > 0:
		data = fmt.Sprintf("(%d bytes)", e.Bytes)
	case e.Reason != "":
		data = e.Reason
	case e.FireAt != nil && e.Type == "timerCreated":
		data = o.when(e.FireAt)
	}
	return []string{strconv.Itoa(e.N), o.when(e.Time), e.Type, e.Name, step, data}
}
