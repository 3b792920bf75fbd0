package client

import (
	"context"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/filter"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// The work of one list request, whatever the filter.
const (
	selectRecords = 50000                  // examined
	selectTime    = 200 * time.Millisecond // spent
	selectAtOnce  = 4096                   // examined between two looks at the clock
	selectPage    = 1000                   // read in one go
)

// Selection is a compiled filter over orchestrations. It is for the packages of
// this module that show lists; it is immutable.
type Selection struct {
	// Parsed is the filter as understood, with times resolved.
	Parsed string
	// Terms are the conditions of Parsed, all of which must hold.
	Terms []string

	whole filter.Filter // every term
	query store.Query   // what an index answers, and Match on the record's columns
	rest  filter.Filter // terms that need more than the record's columns
	turns bool          // agent turns are shown
	asks  bool          // of agent turns those that wait for an approval are shown at least
	// terms that say how a name begins, or a name or an id
	beginnings []filter.Term
}

// Select compiles a filter; times in it are relative to now. The error is
// InvalidArgument and says where the mistake is. Agent turns are left out
// unless a term asks for an agent, a session or something by its id; where the phase
// waiting_approval is asked for, those that wait for one are not.
func Select(text string, now time.Time) (*Selection, error) {
	parsed, err := filter.Parse(text, now)
	if err != nil {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "select runs", Message: "the filter is not understood", Cause: err}
	}
	s := &Selection{Parsed: parsed.String(), whole: *parsed, query: store.Query{Kind: store.Orchestration}}
	var columns filter.Filter
	s.turns, s.asks = asksForTurns(parsed, false), asksForApprovals(parsed, false)
	for _, term := range parsed.Terms {
		s.Terms = append(s.Terms, term.String())
		s.index(&term)
		if all(&term, isColumn) {
			columns.Terms = append(columns.Terms, term)
		} else {
			s.rest.Terms = append(s.rest.Terms, term)
		}
	}
	if len(columns.Terms) > 0 || !s.turns {
		s.query.Match = func(r *store.Record) bool {
			return s.Shows(r.Agent != "", r.Phase) && columns.Match(recordRow{r})
		}
	}
	return s, nil
}

// Shows reports whether runs in a phase are shown, of the turns of agents or the others:
// it is asked before the terms are.
func (s *Selection) Shows(turn bool, phase store.Phase) bool {
	return !turn || s.turns || s.asks && phase == store.WaitingApproval
}

// asksForApprovals reports whether a term that is not negated names the phase of runs
// that wait for an approval.
func asksForApprovals(f *filter.Filter, negated bool) bool {
	return slices.ContainsFunc(f.Terms, func(t filter.Term) bool {
		not := negated != t.Not
		return t.Field == "phase" && !not && slices.ContainsFunc(t.Values, func(o filter.Operand) bool { return o.Text == PhaseName(store.WaitingApproval) }) ||
			slices.ContainsFunc(t.Any, func(f filter.Filter) bool { return asksForApprovals(&f, not) })
	})
}

// asksForTurns reports whether a term that is not negated may name an agent turn.
func asksForTurns(f *filter.Filter, negated bool) bool {
	for i := range f.Terms {
		t := &f.Terms[i]
		not := negated != t.Not
		for j := range t.Any {
			if asksForTurns(&t.Any[j], not) {
				return true
			}
		}
		switch t.Field {
		case "id", "name", "agent", "session", "parent", "root", "has", filter.Word:
			if t.Any == nil && !not {
				return true
			}
		}
	}
	return false
}

// all reports whether something holds for the fields of a term, and of those in its
// parentheses.
func all(t *filter.Term, holds func(field string) bool) bool {
	for i := range t.Any {
		for j := range t.Any[i].Terms {
			if !all(&t.Any[i].Terms[j], holds) {
				return false
			}
		}
	}
	return t.Any != nil || holds(t.Field)
}

// Matches reports whether a run belongs to the selection.
func (s *Selection) Matches(i *hub.Instance) bool {
	return i.Kind == store.Orchestration && s.Shows(i.Agent != "", i.Phase) && s.whole.Match(instanceRow{i})
}

// List returns at most limit runs after a cursor. It ends early, with Partial
// set and a cursor, when it has done the work that one request may cost.
func (s *Selection) List(ctx context.Context, h hub.Hub, order store.Order, limit int, after []byte) (hub.Page, error) {
	if limit <= 0 {
		limit = 100
	}
	began := time.Now()
	q, none := s.plan(ctx, h)
	if none {
		return hub.Page{}, nil
	}
	q.Order, q.After = order, after
	page, ok, err := few(ctx, h, q, limit)
	if err != nil {
		return hub.Page{}, err
	}
	if ok {
		page.Items, _ = s.found(page.Items, limit)
		return page, nil
	}
	for atOnce := limit; ; {
		wanted := limit - len(page.Items)
		q.Limit, q.Budget = max(wanted, atOnce), min(selectRecords-page.Scanned, selectAtOnce)
		part, items, err := s.read(ctx, h, q, wanted)
		if err != nil {
			return hub.Page{}, err
		}
		page.Items = append(page.Items, items...)
		page.Next = part.Next
		page.Scanned += max(part.Scanned, len(part.Items), 1)
		page.Partial = part.Next != nil && (page.Scanned >= selectRecords || time.Since(began) > selectTime)
		if page.Next == nil || page.Partial || len(page.Items) >= limit {
			page.Partial = page.Partial && len(page.Items) < limit
			return page, nil
		}
		if len(items) < len(part.Items)/4 { // few match, so that more are looked at in one go
			atOnce = min(4*atOnce, max(selectPage, limit))
		}
		q.After = part.Next
	}
}

// read reads records, and finds those among them that match: at most wanted, behind the
// last of which the part then ends.
func (s *Selection) read(ctx context.Context, h hub.Hub, q store.Query, wanted int) (part hub.Page, items []*hub.Instance, err error) {
	for {
		if part, err = h.List(ctx, q); err != nil {
			return part, nil, err
		}
		items, beyond := s.found(part.Items, wanted)
		if !beyond {
			return part, items, nil
		}
		// The cursor there is that of a page which ends with it.
		q.Limit = 1 + slices.Index(part.Items, items[len(items)-1])
	}
}

// found returns the runs that match, at most so many, and whether there are more.
func (s *Selection) found(all []*hub.Instance, most int) (items []*hub.Instance, more bool) {
	for _, i := range all {
		if !s.rest.Match(instanceRow{i}) {
			continue
		}
		if len(items) == most {
			return items, true
		}
		items = append(items, i)
	}
	return items, false
}

// index lets an index answer a term as far as it can; what it finds is matched
// with the whole term all the same.
func (s *Selection) index(t *filter.Term) {
	if t.Any != nil {
		return
	}
	q := &s.query
	if t.Not {
		switch {
		case t.Field == "status" && q.Statuses == nil:
			q.Statuses = except(numbers(t.Values, statusNames()), store.Running, store.Suspended)
		case t.Field == "phase" && q.Phases == nil:
			q.Phases = except(numbers(t.Values, phaseNames()), store.NoPhase, store.WaitingTimer)
		}
		return
	}
	prefix := func(o filter.Operand) bool { return o.Prefix }
	if t.Op == filter.Is && (t.Field == filter.Word && len(t.Values) == 1 || t.Field == "name" && slices.ContainsFunc(t.Values, prefix)) {
		s.beginnings = append(s.beginnings, *t)
	}
	if t.Field == "created" && len(t.Values) == 1 {
		narrow(&q.CreatedFrom, &q.CreatedTo, t)
	}
	if t.Field == "completed" && len(t.Values) == 1 {
		narrow(&q.CompletedFrom, &q.CompletedTo, t)
	}
	if t.Op != filter.Is || slices.ContainsFunc(t.Values, func(o filter.Operand) bool { return o.Prefix || o.Text == "" }) {
		if t.Field == "id" && t.Op == filter.Is && len(t.Values) == 1 && q.IDPrefix == "" {
			q.IDPrefix = t.Values[0].Text
		}
		return
	}
	first := t.Values[0].Text
	switch t.Field {
	case "status":
		if q.Statuses == nil {
			q.Statuses = numbers(t.Values, statusNames())
		}
	case "phase":
		if q.Phases == nil {
			q.Phases = numbers(t.Values, phaseNames())
		}
	case "name":
		if q.Names == nil {
			for _, o := range t.Values {
				q.Names = append(q.Names, o.Text)
			}
		}
	default:
		if len(t.Values) > 1 {
			return
		}
		s.indexText(t.Field, first)
	}
}

// indexText is index for fields of one exact text.
func (s *Selection) indexText(field, value string) {
	q := &s.query
	switch field {
	case "id":
		if q.IDPrefix == "" {
			q.IDPrefix = value
		}
	case "parent":
		q.Parent = value
	case "agent":
		q.Agent = value
	case "session":
		q.Session = value
	default:
		if key, ok := cutTag(field); ok && q.Tag[0] == "" {
			q.Tag = [2]string{key, value}
		}
	}
}

// narrow moves the bounds of a time towards those of a term.
func narrow(from, to *time.Time, t *filter.Term) {
	o := t.Values[0]
	if t.Op == filter.Is || t.Op == filter.Greater || t.Op == filter.GreaterEqual {
		if o.From.After(*from) {
			*from = o.From
		}
	}
	if t.Op == filter.Is || t.Op == filter.Less || t.Op == filter.LessEqual {
		if to.IsZero() || o.To.Before(*to) {
			*to = o.To
		}
	}
}

// except returns the numbers from first to last without some.
func except[N store.Status | store.Phase](some []N, first, last N) (rest []N) {
	for n := first; n <= last; n++ {
		if !slices.Contains(some, n) {
			rest = append(rest, n)
		}
	}
	return rest
}
