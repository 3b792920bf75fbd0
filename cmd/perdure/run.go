package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// row is what commands read of a run.
type row struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Status     string     `json:"status"`
	Phase      string     `json:"phase"`
	PhaseSince *time.Time `json:"phase_since"`
	PhaseCause string     `json:"phase_cause"`
	Step       string     `json:"current_step"`
	WaitName   string     `json:"wait_name"`
	NextFireAt *time.Time `json:"next_fire_at"`
	Attempt    int        `json:"attempt"`
	Pending    pending    `json:"pending_counts"`
	ErrorText  string     `json:"error_text"`
	Created    *time.Time `json:"created"`
	StartAt    *time.Time `json:"start_at"`
	Completed  *time.Time `json:"completed"`
	DurationMS *int64     `json:"duration_ms"`
	Parent     string     `json:"parent_id"`
	Forked     *struct {
		Run   string `json:"run"`
		Event int    `json:"event"`
	} `json:"forked_from"`
	Tags        map[string]string `json:"tags"`
	Custom      json.RawMessage   `json:"custom_status"`
	Events      int64             `json:"history_len"`
	RowVersion  uint64            `json:"row_version"`
	Incarnation string            `json:"incarnation"`
	Hint        string            `json:"hint"`
	Input       json.RawMessage   `json:"input"`
	Output      json.RawMessage   `json:"output"`
}

// pending counts what a run waits for.
type pending struct {
	Children int `json:"children"`
	Entities int `json:"entities"`
}

// ended reports whether the run has ended.
func (r *row) ended() bool {
	return r.Status == "completed" || r.Status == "failed" || r.Status == "terminated" || r.Status == "canceled"
}

// state is status and phase in words.
func (r *row) state() string {
	switch {
	case r.Phase == "":
		return r.Status
	case r.Phase == "waiting_event" && r.WaitName != "":
		return "waiting for " + r.WaitName
	case r.Phase == "waiting_event" && r.Pending.Children > 0:
		return "waiting for " + number(r.Pending.Children, "run", "runs")
	case r.Phase == "waiting_event" && r.Pending.Entities > 0:
		return "waiting for " + number(r.Pending.Entities, "entity", "entities")
	case r.Status == "running":
		return strings.ReplaceAll(r.Phase, "_", " ")
	}
	return r.Status + ", " + strings.ReplaceAll(r.Phase, "_", " ")
}

// detail is the step, or why the run failed.
func (r *row) detail() string {
	switch {
	case r.ErrorText != "":
		return r.ErrorText
	case r.Phase == "stuck" && r.PhaseCause != "":
		return r.PhaseCause
	case r.Attempt > 1:
		return fmt.Sprintf("%s (attempt %d)", r.stepName(), r.Attempt)
	}
	return r.stepName()
}

// stepName is the name of the step that the run is at, as people know it.
func (r *row) stepName() string {
	if agent, ok := strings.CutPrefix(r.Step, "perdure.agent/"); ok {
		return "agent " + agent
	}
	return r.Step
}

func runCommand(t *terminal) *cobra.Command {
	c := group("run", "Start, watch and steer runs",
		runStart(t), runList(t), runGet(t), runWatch(t), runWait(t), runResult(t), runTree(t), runHistory(t), runLogs(t), runExport(t), runEvent(t),
		runControl(t, "suspend", "Stop runs from going on; running steps finish", false),
		runControl(t, "resume", "Let suspended runs go on", false),
		runControl(t, "cancel", "End runs with the status canceled", true),
		runControl(t, "terminate", "End runs at once", true),
		runRestart(t), runRewind(t), runFork(t), runPurge(t))
	addServerFlag(c)
	return c
}

// command is the common start of a command against a server.
func command(c *cobra.Command, t *terminal) (*server, *output, error) {
	out, err := newOutput(c, t)
	if err != nil {
		return nil, nil, err
	}
	s, err := connect(c, t)
	if err != nil {
		return nil, nil, err
	}
	s.away = func(away bool) { out.say("%s", s.whereabouts(away)) }
	if t.errTTY && !out.quiet {
		s.slow = func() { out.say("no answer from %s yet; waiting", s.label) }
	}
	return s, out, nil
}

// whereabouts says in words that the server is away or back.
func (s *server) whereabouts(away bool) string {
	if away {
		return "no answer from " + s.label + "; trying again for " + short(returning)
	}
	return s.label + " answers again"
}

func runStart(t *terminal) *cobra.Command {
	var id, input, version, policy, at string
	var tags []string
	var watch bool
	c := &cobra.Command{
		Use:     "start NAME",
		Short:   "Start a run of an orchestration",
		Example: `  perdure run start ContentApproval --input '"durable agents"' --id post-1 --watch`,
		Args:    exactly(1, "the name of an orchestration"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			body := map[string]any{"name": args[0]}
			set := func(name, value string) {
				if value != "" {
					body[name] = value
				}
			}
			if c.Flags().Changed("id") {
				body["id"] = id // also if it is empty, which the server refuses
			}
			set("version", version)
			set("id_policy", policy)
			set("start_at", at)
			if raw, err := t.value(c.Context(), input); err != nil {
				return err
			} else if raw != nil {
				body["input"] = raw
			}
			if body["tags"], err = parseTags(tags); err != nil {
				return err
			}
			data, err := json.Marshal(body)
			if err != nil {
				return fail(exitUsage, "", "%s", err)
			}
			var raw json.RawMessage
			if err := s.post(c.Context(), "/api/v1/runs", data, &raw); err != nil {
				return err
			}
			var started struct {
				ID       string
				Existing bool
			}
			if err := decode(raw, &started); err != nil {
				return err
			}
			switch {
			case watch:
				out.say("started %s", safe(started.ID))
				return follow(c.Context(), s, out, started.ID, 0)
			case out.format != "table":
				return out.document(raw)
			case started.Existing:
				out.say("it exists already and was left alone")
			}
			fmt.Fprintln(out.out, safe(started.ID))
			return nil
		},
	}
	flags := c.Flags()
	flags.StringVar(&id, "id", "", "the run's id (default: a random one)")
	flags.StringVar(&input, "input", "", "input: JSON, @file or - for standard input")
	flags.StringArrayVar(&tags, "tag", nil, "tag as key=value; may be repeated")
	flags.StringVar(&version, "version", "", "version of the code that the run is pinned to")
	flags.StringVar(&at, "start-at", "", "when to begin, RFC 3339")
	flags.StringVar(&policy, "id-policy", "", "if the id exists: reject, get, replace_ended or replace_failed")
	flags.BoolVar(&watch, "watch", false, "watch the run until it ends")
	return c
}

// parseTags turns key=value into an object, nil for none.
func parseTags(tags []string) (map[string]string, error) {
	var parsed map[string]string
	for _, tag := range tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" {
			return nil, fail(exitUsage, "write --tag key=value", "%s is no tag", tag)
		}
		if parsed == nil {
			parsed = map[string]string{}
		}
		parsed[k] = v
	}
	return parsed, nil
}

// value reads a JSON value: the text itself, the file after @, or standard
// input for -. It is nil for "".
func (t *terminal) value(ctx context.Context, text string) (json.RawMessage, error) {
	data := []byte(text)
	var err error
	switch {
	case text == "":
		return nil, nil
	case text == "-":
		if data, err = t.readAll(ctx); err != nil {
			return nil, err
		}
	case text[0] == '@':
		data, err = os.ReadFile(text[1:])
	}
	if err != nil {
		return nil, fail(exitUsage, "", "%s", err)
	}
	var syntax *json.SyntaxError
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); errors.As(err, &syntax) {
		return nil, fail(exitUsage, `text needs quotes: '"hello"'`, "the value is not JSON: %v at character %d", syntax, syntax.Offset)
	} else if err != nil {
		return nil, fail(exitUsage, "", "the value is not JSON: %v", err)
	}
	return raw, nil
}

func runGet(t *terminal) *cobra.Command {
	var wait time.Duration
	c := &cobra.Command{
		Use:     "get ID",
		Short:   "Show a run",
		Example: "  perdure run get post-1 --wait 30s",
		Args:    exactly(1, "the id of a run"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			query := ""
			if wait > 0 {
				query = "?wait=" + wait.String()
				s.patience += wait
			}
			var raw json.RawMessage
			err = s.withID(c.Context(), out, args[0], func(id string) error {
				return s.get(c.Context(), runPath(id)+query, &raw)
			})
			if err != nil {
				return err
			}
			if out.format != "table" {
				return out.document(raw)
			}
			var r row
			if err := decode(raw, &r); err != nil {
				return err
			}
			out.details(&r)
			return nil
		},
	}
	c.Flags().DurationVar(&wait, "wait", 0, "wait for the run's end, at most this long")
	return c
}

// details shows one run.
func (o *output) details(r *row) {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(o.out, "%-9s %s\n", name, safe(value))
		}
	}
	line("id", r.ID)
	line("name", r.Name)
	line("version", r.Version)
	line("state", r.state())
	line("cause", r.PhaseCause)
	line("step", r.stepName())
	line("created", o.when(r.Created))
	if r.Status == "pending" {
		line("begins", o.when(r.StartAt))
	}
	line("ended", o.when(r.Completed))
	if r.DurationMS != nil {
		line("took", short(time.Duration(*r.DurationMS)*time.Millisecond))
	}
	line("next", o.when(r.NextFireAt))
	line("parent", r.Parent)
	if f := r.Forked; f != nil {
		line("forked from", f.Run+", event "+strconv.Itoa(f.Event))
	}
	for _, k := range slices.Sorted(maps.Keys(r.Tags)) {
		line("tag", k+"="+r.Tags[k])
	}
	line("custom", string(r.Custom))
	line("events", strconv.FormatInt(r.Events, 10))
	line("input", string(r.Input))
	line("output", string(r.Output))
	line("error", r.ErrorText)
}

func runEvent(t *terminal) *cobra.Command {
	var data string
	c := &cobra.Command{
		Use:     "event ID NAME",
		Short:   "Raise an event to a run",
		Example: "  perdure run event post-1 ApprovalDecision --data true",
		Args:    exactly(2, "the id of a run and the name of an event"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			if args[1] == "" {
				return fail(exitUsage, "", "the name of the event is empty")
			}
			body, err := t.value(c.Context(), data)
			if err != nil {
				return err
			}
			return s.change(c.Context(), out, args[0], body, "events", args[1])
		},
	}
	c.Flags().StringVar(&data, "data", "", "data: JSON, @file or - for standard input")
	return c
}

// change sends a command to one run and shows the run after it.
func (s *server) change(ctx context.Context, out *output, id string, body []byte, action ...string) error {
	var raw json.RawMessage
	err := s.withID(ctx, out, id, func(id string) error {
		if err := s.going(ctx, id, action[0]); err != nil {
			return err
		}
		return s.post(ctx, runPath(id, action...), body, &raw)
	})
	if err != nil {
		return err
	}
	return out.changed(raw)
}

// changed shows a run after a command.
func (o *output) changed(raw json.RawMessage) error {
	if o.format != "table" {
		return o.document(raw)
	}
	var r row
	if err := decode(raw, &r); err != nil {
		return err
	}
	if r.Hint != "" {
		o.say("%s", safe(r.Hint))
	}
	fmt.Fprintf(o.out, "%s  %s\n", safe(r.ID), safe(r.state()))
	return nil
}

// going fails for a run that has ended if the action would do nothing to it. The
// server cannot tell, as it may get the same request twice.
func (s *server) going(ctx context.Context, id, action string) error {
	switch action {
	case "events", "suspend", "resume":
	default:
		return nil
	}
	var now row
	if err := s.get(ctx, runPath(id), &now); err != nil {
		return err
	}
	if now.ended() {
		return fail(exitConflict, "perdure run get "+quoted(id)+" shows it", "%s has ended (%s); nothing was done", id, now.Status)
	}
	return nil
}

// leastPrefix is how much of an id stands for the whole.
const leastPrefix = 4

// withID calls f with the id, or, if there is no such run, with the one run
// whose id begins with it.
func (s *server) withID(ctx context.Context, out *output, id string, f func(id string) error) error {
	if id == "" {
		return fail(exitUsage, "perdure run list shows what there is", "the id is empty")
	}
	err := f(id)
	var missing *failure
	if !errors.As(err, &missing) || missing.code != exitNotFound || len(id) < leastPrefix {
		return err
	}
	items, failed := s.beginning(ctx, id, 10)
	if failed != nil || len(items) == 0 {
		return err
	}
	roots := slices.DeleteFunc(slices.Clone(items), func(r row) bool { return r.Parent != "" })
	if len(items) == 1 {
		roots = items
	}
	if len(roots) == 1 { // people mean what they started, not what it called
		out.say("%s is %s", safe(id), safe(roots[0].ID))
		return f(roots[0].ID)
	}
	var ids []string
	for _, r := range items {
		ids = append(ids, r.ID)
	}
	return fail(exitUsage, "write more of the id", "%s begins the ids of several runs: %s", id, strings.Join(ids, ", "))
}

// beginning returns runs whose ids begin with a text, the newest first.
func (s *server) beginning(ctx context.Context, prefix string, most int) ([]row, error) {
	q := url.Values{"limit": {strconv.Itoa(most)}}
	term := prefix // a filter has no way to write the beginning of a text with blanks
	if i := strings.IndexAny(prefix, ` ",()*`+"\t\n"); i >= 0 {
		term = prefix[:i]
		q.Set("limit", "1000")
	}
	if term != "" {
		q.Set("filter", "id:"+term+"*")
	}
	var page struct{ Items []row }
	if err := s.get(ctx, "/api/v1/runs?"+q.Encode(), &page); err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(page.Items, func(r row) bool { return !strings.HasPrefix(r.ID, prefix) })
	return found[:min(len(found), most)], nil
}
