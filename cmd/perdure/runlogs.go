package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// logItem is a line of a run's log.
type logItem struct {
	Time    *time.Time
	Level   string
	Message string
	Attrs   json.RawMessage
	Name    string
	Step    int
	Attempt int
}

func runLogs(t *terminal) *cobra.Command {
	var steps []int
	var level string
	var limit int
	var watch bool
	c := &cobra.Command{
		Use:   "logs ID",
		Short: "Show what the code of a run has logged",
		Long: "Show what the code of a run has logged with the loggers of Perdure, the oldest line first: Context.Logger in orchestrations, " +
			"perdure.Logger in activities and tools. Of each step the newest 256 lines are kept.",
		Example: "  perdure run logs post-1 --level warn\n  perdure run logs post-1 --watch",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			if level != "" {
				q.Set("level", level)
			}
			for _, n := range steps {
				q.Add("step", strconv.Itoa(n))
			}
			return s.withID(c.Context(), out, args[0], func(id string) error {
				var page struct{ Items []json.RawMessage }
				if err := s.get(c.Context(), runPath(id, "logs")+"?"+q.Encode(), &page); err != nil {
					return err
				}
				slices.Reverse(page.Items)
				if err := out.lines(page.Items); err != nil || !watch {
					return err
				}
				return s.followLogs(c, out, id, page.Items, q)
			})
		},
	}
	flags := c.Flags()
	flags.IntSliceVar(&steps, "step", nil, "only what these steps have logged, by their event id; 0 = the orchestration")
	flags.StringVar(&level, "level", "", "at least debug, info, warn or error")
	flags.IntVar(&limit, "limit", 1000, "the newest so many lines, up to 5000")
	flags.BoolVar(&watch, "watch", false, "then show each line that comes, until the run has ended")
	return c
}

// lines shows lines of a log.
func (o *output) lines(items []json.RawMessage) error {
	if o.format == "json" {
		return o.document(map[string]any{"items": append([]json.RawMessage{}, items...)})
	}
	for _, item := range items {
		if err := o.line(item); err != nil {
			return err
		}
	}
	if o.format == "table" && len(items) == 0 {
		o.say("nothing was logged; perdure.Logger(ctx) in activities and ctx.Logger() in orchestrations write here")
	}
	return nil
}

// line shows one line of a log.
func (o *output) line(item json.RawMessage) error {
	if o.format != "table" {
		return o.document(item)
	}
	var l logItem
	if err := decode(item, &l); err != nil {
		return err
	}
	color := dim
	switch {
	case strings.HasPrefix(l.Level, "ERROR"):
		color = red
	case strings.HasPrefix(l.Level, "WARN"):
		color = yellow
	}
	from := l.Name
	if l.Attempt > 1 {
		from += fmt.Sprintf(" (attempt %d)", l.Attempt)
	}
	text := []string{o.paint(dim, o.moment(l.Time)), o.paint(color, fmt.Sprintf("%-5s", safe(l.Level))), o.paint(dim, safe(from)), safe(l.Message)}
	if len(l.Attrs) > 0 {
		text = append(text, o.paint(dim, safe(string(l.Attrs))))
	}
	fmt.Fprintln(o.out, strings.Join(text, "  "))
	return nil
}

// moment shows when a line was logged: lines that follow each other within milliseconds
// are told by their distance, not by their age.
func (o *output) moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	if o.time == "utc" {
		return t.UTC().Format("2006-01-02 15:04:05.000Z")
	}
	return t.Local().Format("2006-01-02 15:04:05.000")
}

// lastLines is how long lines are waited for when a run has ended: they are written a
// moment after they are logged.
const lastLines = time.Second

// followLogs shows lines as they come, but for those that were shown, until the run has
// ended.
func (s *server) followLogs(c *cobra.Command, out *output, id string, shown []json.RawMessage, q url.Values) error {
	known := map[string]bool{}
	for _, item := range shown {
		known[string(item)] = true
	}
	show := func(lines []json.RawMessage) error {
		for _, item := range lines {
			var l logItem
			if err := decode(item, &l); err != nil {
				return err
			}
			if known[string(item)] || !chosen(&l, q) {
				continue
			}
			known[string(item)] = true
			if err := out.line(item); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	var over *time.Timer // once the run has ended
	err := s.stream(ctx, []string{"logs:" + id, "run:" + id}, "", func(e event) (bool, error) {
		if e.kind == "logs" {
			var frame struct{ Lines []json.RawMessage }
			if err := decode(e.data, &frame); err != nil {
				return false, err
			}
			return false, show(frame.Lines)
		}
		if e.kind == "run" {
			var frame changed
			if err := decode(e.data, &frame); err != nil {
				return false, err
			}
			if err := frame.purged(id); err != nil {
				return false, err
			}
		}
		var now row
		err := s.get(ctx, runPath(id), &now)
		if err == nil && now.ended() && over == nil {
			over = time.AfterFunc(lastLines, cancel)
		}
		return false, err
	})
	if over != nil && ctx.Err() != nil && c.Context().Err() == nil {
		return nil
	}
	return left(err, id, "perdure run logs "+quoted(id)+" --watch shows more")
}

// chosen reports whether a line is of the steps and level that are asked for.
func chosen(l *logItem, q url.Values) bool {
	if steps := q["step"]; len(steps) > 0 && !slices.Contains(steps, strconv.Itoa(l.Step)) {
		return false
	}
	return rank(l.Level) >= rank(q.Get("level"))
}

// rank orders levels, the least for a level that is not known.
func rank(level string) int {
	name, _, _ := strings.Cut(strings.ToUpper(level), "+")
	return slices.Index([]string{"DEBUG", "INFO", "WARN", "ERROR"}, name)
}
