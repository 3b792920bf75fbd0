package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// step is what commands read of a step of a run.
type step struct {
	Kind        string     `json:"kind"`
	Name        string     `json:"name"`
	Status      string     `json:"status"`
	ScheduledAt *time.Time `json:"scheduled_at"`
	StartedAt   *time.Time `json:"started_at"`
	CompletedAt *time.Time `json:"completed_at"`
	FireAt      *time.Time `json:"fire_at"`
	Attempt     int        `json:"attempt"`
	MaxAttempts int        `json:"max_attempts"`
	Run         string     `json:"run"`
	Tokens      struct {
		Total int64 `json:"total"`
	} `json:"tokens"`
	USD      float64 `json:"cost_usd"`
	Decision string  `json:"decision"`
	Failure  *struct {
		Message string `json:"message"`
	} `json:"failure"`
}

// open reports whether the step has not ended.
func (s *step) open() bool {
	return s.Status == "open" || s.Status == "retrying" || s.Status == "asked"
}

// label is what the step is called.
func (s *step) label() string {
	switch {
	case s.Kind == "model" || s.Name == "":
		return s.Kind
	case s.Kind == "activity":
		return s.Name
	}
	return s.Kind + " " + s.Name
}

// branch is a run in a tree.
type branch struct {
	row   row
	raw   json.RawMessage // the run as the server shows it
	steps []step
	stale bool // the run has changed since its steps were read
}

// tree is a run with those below it. It is used by one goroutine.
type tree struct {
	*server
	*output
	root     string
	branches map[string]*branch
	whole    bool // finished branches are not folded
	missed   bool // runs may have changed without a word, and are read anew
}

func newTree(s *server, out *output, root string) *tree {
	return &tree{server: s, output: out, root: root, branches: map[string]*branch{}}
}

// topic is the topic of the run and all below it.
func (t *tree) topic() string { return "runs:" + t.filter() }

func (t *tree) filter() string { return "root:" + strconv.Quote(t.root) }

// top is the branch of the root, nil if it is not known.
func (t *tree) top() *branch { return t.branches[t.root] }

// add takes in a run that has changed.
func (t *tree) add(item json.RawMessage) error {
	var r row
	if err := decode(item, &r); err != nil {
		return err
	}
	b := t.branches[r.ID]
	if b == nil {
		b = &branch{}
		t.branches[r.ID] = b
	}
	if r.Incarnation != b.row.Incarnation || r.RowVersion > b.row.RowVersion {
		b.row, b.raw, b.stale = r, item, true
	}
	return nil
}

// load reads the runs of the tree. One that is a branch of another itself is read by
// its id, and what is below it as its steps name it.
func (t *tree) load(ctx context.Context) error {
	var raw json.RawMessage
	if err := t.get(ctx, runPath(t.root), &raw); err != nil {
		return err
	}
	if err := t.add(raw); err != nil {
		return err
	}
	var page struct{ Items []json.RawMessage }
	if err := t.get(ctx, "/api/v1/runs?limit=1000&filter="+url.QueryEscape(t.filter()), &page); err != nil {
		return err
	}
	for _, item := range page.Items {
		if err := t.add(item); err != nil {
			return err
		}
	}
	return nil
}

// documents writes the runs of the tree, the root first.
func (t *tree) documents() error {
	if err := t.document(t.top().raw); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(t.branches)) {
		if id == t.root {
			continue
		}
		if err := t.document(t.branches[id].raw); err != nil {
			return err
		}
	}
	return nil
}

// refresh reads what was missed, and the steps of the branches that are shown and have
// changed.
func (t *tree) refresh(ctx context.Context) error {
	if t.missed {
		if err := t.load(ctx); err != nil {
			return err
		}
		t.missed = false
	}
	for id, b := range t.branches {
		if !b.stale || b.row.ended() && id != t.root && !t.whole {
			continue
		}
		const most = 10000
		var page struct{ Items []step }
		err := t.get(ctx, runPath(id, "steps")+"?limit="+strconv.Itoa(most), &page)
		if err != nil && !isMissing(err) { // what was purged meanwhile, or folded, has none
			return err
		}
		b.steps, b.stale = page.Items, false
	}
	return nil
}

// spent adds up what the models of a branch took.
func (t *tree) spent(b *branch, depth int) (tokens int64, usd float64) {
	for _, s := range b.steps {
		n, cost := s.Tokens.Total, s.USD
		if child := t.branches[s.Run]; n == 0 && child != nil && depth < maxDepth {
			n, cost = t.spent(child, depth+1)
		}
		tokens, usd = tokens+n, usd+cost
	}
	return tokens, usd
}

// maxDepth bounds how deep a tree is shown.
const maxDepth = 8

// lines shows the tree: the root, and below each open branch its open steps; what has
// ended is folded.
func (t *tree) lines() []string {
	b := t.top()
	if b == nil {
		return nil
	}
	return append([]string{t.head(b)}, t.below(b, "  ", 0)...)
}

// head is the line of a branch: how it is, how far it is and what it took.
func (t *tree) head(b *branch) string {
	done := 0
	for _, s := range b.steps {
		if !s.open() {
			done++
		}
	}
	text := safe(b.row.ID) + "  " + t.paint(styleOf(b.row.state()), safe(t.standing(&b.row)))
	if len(b.steps) > 0 {
		text += fmt.Sprintf("  %d/%d steps", done, len(b.steps))
	}
	if tokens, usd := t.spent(b, 0); tokens > 0 {
		text += "  " + count(tokens) + " tok"
		if usd > 0 {
			text += "  " + money(usd)
		}
	}
	return text
}

// standing is the state of a run and since when it is so.
func (o *output) standing(r *row) string {
	text := r.state()
	switch {
	case r.ended() && r.DurationMS != nil:
		text += " after " + short(time.Duration(*r.DurationMS)*time.Millisecond)
	case !r.ended() && r.PhaseSince != nil:
		if d := o.now().Sub(*r.PhaseSince); d >= time.Second {
			text += " " + short(d.Truncate(time.Second))
		}
	}
	return text
}

// below returns the lines of the steps of a branch.
func (t *tree) below(b *branch, indent string, depth int) []string {
	var lines []string
	done := 0
	for i := range b.steps {
		s := &b.steps[i]
		child := t.branches[s.Run]
		if s.Status == "completed" && !t.whole {
			done++
			continue
		}
		lines = append(lines, indent+t.step(s))
		if child != nil && len(child.steps) > 0 && depth < maxDepth && (t.whole || !child.row.ended()) {
			lines = append(lines, t.below(child, indent+"  ", depth+1)...)
		}
	}
	if done > 0 {
		lines = slices.Insert(lines, 0, indent+t.paint(dim, fmt.Sprintf("✓ %d done", done)))
	}
	return lines
}

// step is the line of a step.
func (t *tree) step(s *step) string {
	mark, text, colour := "·", s.Status, plain
	begin := s.StartedAt
	if begin == nil {
		begin = s.ScheduledAt
	}
	switch {
	case s.Status == "completed":
		mark, text, colour = "✓", "", dim
		if begin != nil && s.CompletedAt != nil {
			text = short(s.CompletedAt.Sub(*begin))
		}
	case s.Status == "failed":
		mark, colour = "✗", red
		if s.Failure != nil {
			text = s.Failure.Message
		}
	case s.Status == "canceled":
		mark, colour = "✗", dim
	case s.Kind == "timer" && s.FireAt != nil:
		text = t.when(s.FireAt)
	case s.Status == "asked":
		mark, text, colour = "?", "perdure inbox get "+s.Decision, yellow
	case s.Kind == "event":
		mark, text, colour = "?", t.age(begin), yellow
	case s.Status == "retrying":
		mark, text, colour = "↻", "retrying", yellow
	default:
		mark, text, colour = "▸", t.age(begin), blue
	}
	line := mark + " " + s.label() + "  " + text
	if s.Attempt > 1 {
		line += "  attempt " + strconv.Itoa(s.Attempt)
		if s.MaxAttempts > 0 {
			line += " of " + strconv.Itoa(s.MaxAttempts)
		}
	}
	if s.Tokens.Total > 0 {
		line += "  " + count(s.Tokens.Total) + " tok"
	}
	return t.paint(colour, strings.TrimRight(safe(line), " "))
}
