package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// decision is what commands read of a decision.
type decision struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	Run        string          `json:"run"`
	Agent      string          `json:"agent"`
	Session    string          `json:"session"`
	Tool       string          `json:"tool"`
	Args       json.RawMessage `json:"args"`
	ArgsHash   string          `json:"args_hash"`
	Reason     string          `json:"reason"`
	Assignee   string          `json:"assignee"`
	Approvers  []string        `json:"approvers"`
	Apart      bool            `json:"apart"`
	Starters   []string        `json:"starters"`
	Originator struct {
		Name string `json:"name"`
	} `json:"originator"`
	Unread  bool `json:"unread"`
	Refused []struct {
		Action string `json:"action"`
		Reason string `json:"reason"`
	} `json:"refused"`
	Requested  *time.Time `json:"requested_at"`
	Deadline   *time.Time `json:"deadline"`
	OnTimeout  string     `json:"on_timeout"`
	State      string     `json:"state"`
	Answer     string     `json:"answer"`
	AnsweredBy string     `json:"answered_by"`
	AnsweredAt *time.Time `json:"answered_at"`
	Comment    string     `json:"comment"`
	Budget     *struct {
		Limit budget `json:"limit"`
		Spent budget `json:"spent"`
	} `json:"budget"`
}

// asks says in a few words what is to be decided.
func (d *decision) asks() string {
	switch d.Kind {
	case "approval":
		return "may it call " + d.Tool + "?"
	case "outcome_unknown":
		return "what became of " + d.Tool + "?"
	case "budget":
		return "may it spend more?"
	case "restore_hold":
		return "may it call " + d.Tool + " after the restore?"
	}
	return strings.ReplaceAll(d.Kind, "_", " ")
}

// askers are in whose name it is asked, as far as that is known.
func (d *decision) askers() []string {
	if d.Originator.Name != "" {
		return []string{d.Originator.Name}
	}
	return d.Starters
}

// deciders say who may answer, "" = whoever may answer decisions.
func (d *decision) deciders() string {
	who := slices.Clone(d.Approvers)
	if len(who) > 0 && d.Assignee != "" && !slices.Contains(who, d.Assignee) {
		who = append(who, d.Assignee)
	}
	list := strings.Join(who, ", ")
	switch askers := d.askers(); {
	case !d.Apart:
		return list
	case len(askers) == 0:
		list += "; approved by somebody else than who asked, which is not known"
	default:
		list += "; approved by somebody else than " + strings.Join(askers, ", ")
	}
	return strings.TrimPrefix(list, "; ")
}

// refused says why an answer is not for who asks here to give; "" = it is.
func (d *decision) refused(answer string) string {
	for _, r := range d.Refused {
		if r.Action == answer {
			return r.Reason
		}
	}
	return ""
}

// answers are the commands that decide it.
func (d *decision) answers() []string {
	switch d.Kind {
	case "approval":
		return []string{"approve " + d.ID, "deny " + d.ID}
	case "outcome_unknown":
		return []string{"answer " + d.ID + " happened --result JSON", "answer " + d.ID + " did-not-happen", "answer " + d.ID + " retry"}
	case "budget":
		return []string{"answer " + d.ID + " raise AMOUNT", "answer " + d.ID + " stop"}
	case "restore_hold":
		return []string{"answer " + d.ID + " release", "answer " + d.ID + " release-hub"}
	}
	return nil
}

func inboxCommand(t *terminal) *cobra.Command {
	c := group("inbox", "See and answer what agents ask people",
		inboxList(t), inboxGet(t), inboxWatch(t), inboxDecide(t, "approve", "Let an agent make the call that it asks for"),
		inboxDecide(t, "deny", "Refuse the call that an agent asks for"), inboxAnswer(t))
	addServerFlag(c)
	return c
}

var decisionHead = []string{"ID", "ASKS", "AGENT", "TOOL", "WAITS", "DEADLINE", "ARGUMENTS"}

// decisionCells is a decision as a row of the table.
func (o *output) decisionCells(d *decision) []string {
	waits := o.age(d.Requested)
	if d.State != "pending" {
		waits = strings.TrimSpace(strings.ReplaceAll(d.Answer, "_", " ") + " " + d.AnsweredBy)
		if d.Answer == "" {
			waits = d.State
		}
	}
	asks := strings.ReplaceAll(d.Kind, "_", " ")
	if len(d.Refused) > 0 {
		asks += " (not yours)"
	}
	return []string{d.ID, asks, d.Agent, d.Tool, waits, o.when(d.Deadline), string(spelled(d.Args))}
}

func inboxList(t *terminal) *cobra.Command {
	var kind, state, run, assignee string
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List decisions, the nearest deadline first",
		Example: "  perdure inbox list\n  perdure inbox list --state answered --kind approval",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			q := queryOf(map[string]string{"kind": strings.ReplaceAll(kind, "-", "_"), "state": state, "run": run, "assignee": assignee})
			q.Set("limit", strconv.Itoa(limit))
			var raw json.RawMessage
			if err := s.get(c.Context(), "/api/v1/decisions?"+q.Encode(), &raw); err != nil {
				return err
			}
			if err := list(out, raw, "nothing waits for you", decisionHead, out.decisionCells); err != nil || state != "pending" || kind+run+assignee != "" {
				return err
			}
			return s.sayWaits(c.Context(), out)
		},
	}
	flags := c.Flags()
	flags.StringVar(&kind, "kind", "", "approval, outcome-unknown, budget or restore-hold")
	flags.StringVar(&state, "state", "pending", "pending, answered, expired or superseded; empty = all")
	flags.StringVar(&run, "run", "", "only of this run")
	flags.StringVar(&assignee, "assignee", "", "only those that this person is to make")
	flags.IntVar(&limit, "limit", 100, "the most decisions to show, up to 1000")
	return c
}

// sayWaits tells of runs that wait for an event, which may be a person's to raise too: it
// is no decision that could be listed.
func (s *server) sayWaits(ctx context.Context, out *output) error {
	const most = 5
	var page struct {
		Items []struct {
			ID       string `json:"id"`
			WaitName string `json:"wait_name"`
		} `json:"items"`
		Next string `json:"next"`
	}
	q := url.Values{"filter": {"phase:waiting_event"}, "limit": {strconv.Itoa(most)}, "fields": {"id,wait_name"}}
	if err := s.get(ctx, "/api/v1/runs?"+q.Encode(), &page); err != nil {
		return err
	}
	for _, r := range page.Items {
		if r.WaitName != "" { // else it waits for another run or an entity
			out.say("run %s waits for an event: perdure run event %s %s --data JSON", safe(r.ID), safe(quoted(r.ID)), safe(quoted(r.WaitName)))
		}
	}
	if page.Next != "" {
		out.say("more runs wait: perdure run list --filter phase:waiting_event")
	}
	return nil
}

func inboxGet(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "get ID",
		Short:   "Show a decision with the arguments of its call",
		Example: "  perdure inbox get 3f9a6c21",
		Args:    exactly(1, "the id of a decision"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			d, raw, err := s.decision(c.Context(), args[0])
			if err != nil {
				return err
			}
			if out.format != "table" {
				return out.document(raw)
			}
			if err := out.decision(out.out, d); err != nil {
				return err
			}
			if d.State == "pending" {
				for _, a := range d.answers() {
					verb, _, _ := strings.Cut(a, " ")
					if why := d.refused(verb); why != "" {
						out.say("not yours to %s: %s", verb, safe(why))
						continue
					}
					out.say("perdure inbox %s", safe(a))
				}
			}
			return nil
		},
	}
}

func inboxWatch(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "watch",
		Short:   "Show each decision as it opens",
		Example: "  perdure inbox watch",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			return s.stream(c.Context(), []string{"inbox"}, "", func(e event) (bool, error) {
				if e.kind != "inbox" {
					return false, nil
				}
				var frame struct{ Upsert []json.RawMessage }
				if err := decode(e.data, &frame); err != nil {
					return false, err
				}
				for _, item := range frame.Upsert {
					if err := out.opened(item); err != nil {
						return false, err
					}
				}
				return false, nil
			})
		},
	}
}

// opened shows a decision that has opened on one line.
func (o *output) opened(item json.RawMessage) error {
	if o.format != "table" {
		return o.document(item)
	}
	var d decision
	if err := decode(item, &d); err != nil {
		return err
	}
	_, err := fmt.Fprintln(o.out, o.clip(safe(d.ID+"  "+d.Agent+" asks: "+d.asks()+"  "+string(spelled(d.Args)))))
	return err
}

// decision reads a decision by its id, or by the beginning of an open one.
func (s *server) decision(ctx context.Context, id string) (*decision, json.RawMessage, error) {
	if id == "" {
		return nil, nil, fail(exitUsage, "perdure inbox list shows what is open", "the id is empty")
	}
	var raw json.RawMessage
	err := s.get(ctx, "/api/v1/decisions/"+segment(id), &raw)
	if isMissing(err) && len(id) >= leastPrefix {
		raw, err = s.decisionFrom(ctx, id, err)
	}
	if err != nil {
		return nil, nil, err
	}
	var d decision
	return &d, raw, decode(raw, &d)
}

// decisionFrom finds the open decision whose id begins like this; if there is none
// the error is the one given.
func (s *server) decisionFrom(ctx context.Context, prefix string, missing error) (json.RawMessage, error) {
	var page struct{ Items []json.RawMessage }
	if s.get(ctx, "/api/v1/decisions?state=pending&limit=1000", &page) != nil {
		return nil, missing
	}
	var found []json.RawMessage
	var ids []string
	for _, item := range page.Items {
		var d decision
		if decode(item, &d) == nil && strings.HasPrefix(d.ID, prefix) {
			found, ids = append(found, item), append(ids, d.ID)
		}
	}
	switch len(found) {
	case 0:
		return nil, missing
	case 1:
		return found[0], nil
	}
	return nil, fail(exitUsage, "write more of the id", "%s begins the ids of several decisions: %s", prefix, strings.Join(ids, ", "))
}

// decision shows a decision with all that somebody must know who answers it.
func (o *output) decision(w io.Writer, d *decision) error {
	deadline := o.when(d.Deadline)
	if deadline != "" && d.OnTimeout != "" {
		deadline += ", then " + map[string]string{"deny": "it is denied", "escalate": "others are asked"}[d.OnTimeout]
	}
	spent := ""
	if d.Budget != nil {
		spent = d.Budget.Spent.String() + " of " + d.Budget.Limit.String()
	}
	answer := strings.ReplaceAll(d.Answer, "_", " ")
	if d.AnsweredBy != "" {
		answer += " by " + d.AnsweredBy
	}
	if d.AnsweredAt != nil {
		answer += ", " + o.when(d.AnsweredAt)
	}
	if d.Unread && d.Kind == "approval" {
		answer += ", without the hash of what was shown"
	}
	state := d.State
	if state == "pending" {
		state = ""
	}
	fields(w, [][2]string{{"id", d.ID}, {"asks", d.asks()}, {"agent", d.Agent}, {"run", d.Run}, {"why", d.Reason},
		{"asked by", strings.Join(d.askers(), ", ")}, {"assigned", d.Assignee}, {"decides", d.deciders()},
		{"asked", o.when(d.Requested)}, {"deadline", deadline}, {"spent", spent}, {"state", state}, {"answer", answer}, {"comment", d.Comment}})
	if len(d.Args) == 0 {
		return nil
	}
	var arguments bytes.Buffer
	if err := json.Indent(&arguments, safeJSON(spelled(d.Args)), strings.Repeat(" ", 10), "  "); err != nil {
		return fail(exitError, "", "the arguments of %s are no JSON: %v", d.ID, err)
	}
	_, err := fmt.Fprintf(w, "%-9s %s\n", "arguments", arguments.Bytes())
	return err
}

func inboxDecide(t *terminal, verb, short string) *cobra.Command {
	var hash, comment string
	c := &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Long: short + ".\n\nThe arguments of the call are shown first, and the answer is for exactly these. A script that has\n" +
			"read them with inbox get passes their hash.",
		Example: "  perdure inbox " + verb + " 3f9a6c21\n  perdure inbox " + verb + " 3f9a6c21 --args-hash 5d41402a --comment 'as agreed'",
		Args:    exactly(1, "the id of a decision"),
		RunE: func(c *cobra.Command, args []string) error {
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			d, _, err := s.decision(c.Context(), args[0])
			if err != nil {
				return err
			}
			if d.Kind != "approval" {
				return fail(exitUsage, "perdure inbox "+d.answers()[0], "%s is no approval: %s", d.ID, d.asks())
			}
			if hash == "" {
				if err := out.confirmCall(c.Context(), d, verb); err != nil {
					return err
				}
				hash = d.ArgsHash
			}
			return s.decide(c.Context(), out, d.ID, map[string]any{"answer": verb, "args_hash": hash, "comment": comment})
		},
	}
	c.Flags().StringVar(&hash, "args-hash", "", "the args_hash that inbox get has shown, for scripts: decides without asking")
	c.Flags().StringVar(&comment, "comment", "", "why, for the agent and the record")
	return c
}

// confirmCall shows the arguments of a call and asks whether the answer is meant.
func (o *output) confirmCall(ctx context.Context, d *decision, verb string) error {
	if d.State != "pending" || d.refused(verb) != "" {
		return nil // the server says how it has ended, and why it refuses
	}
	if !o.inTTY {
		return fail(exitUsage, "read them with perdure inbox get "+d.ID+", then pass --args-hash",
			"nobody has read the arguments of %s", d.Tool)
	}
	if err := o.decision(o.err, d); err != nil {
		return err
	}
	answer, err := o.ask(ctx, verb+" this call? [y/N] ")
	if err != nil {
		return err
	}
	if answer != "y" && answer != "yes" {
		return fail(exitUsage, "", "not confirmed; nothing was decided")
	}
	return nil
}

// answerNames are the answers to decisions that are no approvals.
func answerNames() []string {
	return []string{"happened", "did-not-happen", "retry", "raise", "stop", "release", "release-hub"}
}

func inboxAnswer(t *terminal) *cobra.Command {
	var result, hash, comment string
	c := &cobra.Command{
		Use:   "answer ID ANSWER [AMOUNT]",
		Short: "Answer a decision that is no approval",
		Long: `Answer a decision that is no approval.

Of a call with an unknown outcome: happened (with its --result), did-not-happen or retry.
Of a budget that is used up: raise AMOUNT, such as 5usd, 20000tokens, 10calls or 30m, or stop.
Of a call that a restore holds: release, for its run, or release-hub, for all runs of the task hub.`,
		Example: "  perdure inbox answer 3f9a6c21 raise 5usd\n  perdure inbox answer 3f9a6c21 happened --result '{\"id\":7}'",
		Args:    between(2, 3, "the id of a decision and an answer"),
		RunE: func(c *cobra.Command, args []string) error {
			if known := answerNames(); !slices.Contains(known, args[1]) {
				return fail(exitUsage, "known are "+strings.Join(known, ", "), "no answer %s", args[1])
			}
			if (args[1] == "raise") != (len(args) == 3) {
				return fail(exitUsage, "write perdure inbox answer ID raise AMOUNT", "an amount belongs to raise, and to nothing else")
			}
			s, out, err := command(c, t)
			if err != nil {
				return err
			}
			d, _, err := s.decision(c.Context(), args[0])
			if err != nil {
				return err
			}
			if hash == "" {
				hash = d.ArgsHash
			}
			body := map[string]any{"answer": strings.ReplaceAll(args[1], "-", "_"), "args_hash": hash, "comment": comment}
			if args[1] == "raise" {
				if body["raise"], err = parseAmount(args[2], d); err != nil {
					return err
				}
			}
			if raw, err := t.value(c.Context(), result); err != nil {
				return err
			} else if raw != nil {
				body["result"] = raw
			}
			return s.decide(c.Context(), out, d.ID, body)
		},
	}
	c.Flags().StringVar(&result, "result", "", "with happened: what the call has returned, JSON, @file or -")
	c.Flags().StringVar(&hash, "args-hash", "", "the args_hash that inbox get has shown")
	c.Flags().StringVar(&comment, "comment", "", "why, for the record")
	return c
}

// decide answers a decision and shows it after that.
func (s *server) decide(ctx context.Context, out *output, id string, answer map[string]any) error {
	body, err := encode(answer)
	if err != nil {
		return err
	}
	var raw json.RawMessage
	if err := s.post(ctx, "/api/v1/decisions/"+segment(id), body, &raw); err != nil {
		return explainDecided(err)
	}
	if out.format != "table" {
		return out.document(raw)
	}
	var d decision
	if err := decode(raw, &d); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.out, "%s  %s\n", safe(d.ID), safe(strings.ReplaceAll(d.Answer, "_", " ")))
	return err
}

// explainDecided adds who was faster to the error of an answer.
func explainDecided(err error) error {
	var f *failure
	if !errors.As(err, &f) || f.code != exitConflict {
		return err
	}
	var p struct{ Current *decision }
	if decode(f.problem, &p) == nil && p.Current != nil && p.Current.Answer != "" {
		f.next = "it was answered already: " + strings.ReplaceAll(p.Current.Answer, "_", " ")
		if p.Current.AnsweredBy != "" {
			f.next += " by " + p.Current.AnsweredBy
		}
	}
	return f
}

// queryOf is a query of those values that are not empty.
func queryOf(list map[string]string) url.Values {
	q := url.Values{}
	for name, value := range list {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}
