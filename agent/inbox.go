package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// DecisionFilter selects decisions; a zero field is no condition.
type DecisionFilter struct {
	Kind  string
	State string
	Run   string // instance id; then the order is that of ids
	// Assignee is who is asked; "" = anybody.
	Assignee string
	After    []byte // cursor of the page before
	Limit    int    // 0 = 100
}

// DecisionPage is a part of a list of decisions.
type DecisionPage struct {
	Decisions []*Decision
	Next      []byte // where the list goes on; nil = end
}

// Decisions lists decisions by state, those of a state by their deadline, or by
// when they were asked if they have none: earliest first, but if the filter names a
// state other than pending, newest first. When they are listed, an approval whose
// run has ended is superseded, and what became of a call whose turn has ended
// without its outcome is asked.
func (s *Service) Decisions(ctx context.Context, f DecisionFilter) (DecisionPage, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return DecisionPage{}, err
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	q := store.RowQuery{Kind: rowDecision, Index: 0, After: f.After}
	switch {
	case f.Run != "":
		q.Owner = f.Run // they are its rows
	case f.State != "":
		q.From, q.To = append([]byte(f.State), 0), append([]byte(f.State), 1)
		q.Desc = f.State != DecisionPending // of those that have ended the newest count
	}
	if f.After == nil {
		if err := askAll(ctx, h); err != nil {
			return DecisionPage{}, err
		}
	}
	page := DecisionPage{Decisions: []*Decision{}}
	for {
		q.Limit = f.Limit - len(page.Decisions)
		rows, next, err := h.ReadRows(ctx, q)
		if err != nil {
			return DecisionPage{}, err
		}
		for _, row := range rows {
			d, err := readDecision(row)
			if err == nil && (f.Kind == "" || d.Kind == f.Kind) && (f.Run == "" || d.Run == f.Run) &&
				(f.Assignee == "" || d.Assignee == f.Assignee) {
				err = errors.Join(supersede(ctx, h, d), d.findStarters(ctx, h))
				if f.State == "" || d.State == f.State {
					page.Decisions = append(page.Decisions, &d.Decision)
				}
			}
			if err != nil {
				return DecisionPage{}, err
			}
		}
		q.After, page.Next = next, next
		if next == nil || len(page.Decisions) >= f.Limit {
			return page, nil
		}
	}
}

// supersede closes an open question that nobody asks any more: its run has ended, or was
// rewound to before it was asked. What became of a call that was sent stays a question.
func supersede(ctx context.Context, h hub.Hub, d *storedDecision) error {
	if d.State != DecisionPending || d.Kind == DecisionOutcomeUnknown {
		return nil
	}
	asks, err := asksStill(ctx, h, d)
	if err != nil || asks {
		if perdure.CodeOf(err) == perdure.NotFound {
			return nil // the run is gone, and its rows go as well
		}
		return err
	}
	d.State = DecisionSuperseded
	err = replace(ctx, h, d, false)
	if code := perdure.CodeOf(err); code == perdure.Conflict || code == perdure.NotFound {
		return nil
	}
	return err
}

// asksStill reports whether the run of an open decision has not left the execution that
// has asked for it. The history says so where the run does not wait for the answer just
// now, as in the moment after a rewind that has kept the question.
func asksStill(ctx context.Context, h hub.Hub, d *storedDecision) (bool, error) {
	run, err := h.Instance(ctx, d.Run, false)
	if err != nil || run.Status.Terminal() {
		return false, err
	}
	if slices.Contains(run.Waits, decisionEvent(d.ID)) {
		return true, nil
	}
	events, err := h.History(ctx, d.Run, run.Execution)
	return err == nil && askedIn(events, d) >= 0, err
}

// Decision returns a decision, NotFound if there is none with this id.
func (s *Service) Decision(ctx context.Context, id string) (*Decision, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := openedDecision(ctx, h, id)
	if err != nil {
		return nil, err
	}
	return &d.Decision, nil
}

// openedDecision returns a decision, which it opens if it is about a call whose turn has
// ended.
func openedDecision(ctx context.Context, h hub.Hub, id string) (*storedDecision, error) {
	d, err := findDecision(ctx, h, id)
	if perdure.CodeOf(err) == perdure.NotFound {
		if err := askAll(ctx, h); err != nil {
			return nil, err
		}
		d, err = findDecision(ctx, h, id)
	}
	if err != nil {
		return nil, err
	}
	return d, d.findStarters(ctx, h)
}

// Answer is a person's answer to a decision.
type Answer struct {
	Answer string // such as AnswerApprove
	// ArgsHash proves that the answer is about these arguments; "" = whatever
	// they are.
	ArgsHash string
	// Args, with AnswerApprove, are other arguments with which the call is approved.
	// They must fit the tool's schema. The model is told. nil = those of the call.
	Args    json.RawMessage
	Result  json.RawMessage // what the call returned, with AnswerHappened
	Raise   *Budget         // by how much, with AnswerRaise
	Comment string          // told to the model if the call is not made
	By      string          // who answers
	// With are the ids of all decisions of the run that are answered together,
	// this one included. The stream says so with the first of them.
	With []string
}

// Decide answers a decision. On return the answer is durable and the run goes on.
// A decision is answered once: if it was, or its time is over, or its run has
// ended, or its arguments have another hash, Decide fails with Conflict and
// returns the decision as it is. PermissionDenied if it is not for who answers to
// decide, see Approvers and SeparateDuties. NotFound if there is none with this id.
func (s *Service) Decide(ctx context.Context, id string, a Answer) (*Decision, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := openedDecision(ctx, h, id)
	if err != nil {
		return nil, err
	}
	token := NewSessionKey()
	for range maxRaces {
		if err := s.answer(ctx, h, d, &a, token); err != nil && !errors.Is(err, errRace) {
			return &d.Decision, err
		}
		// The row says who has won, also if this answer was written by a request that
		// was repeated, or two shared a commit.
		if d, err = openedDecision(ctx, h, id); err != nil {
			return nil, err
		}
		if d.Token == token {
			return &d.Decision, nil
		}
		if d.State != DecisionPending {
			return &d.Decision, conflict(d, "somebody else was first: the decision is "+d.State)
		}
	}
	return &d.Decision, conflict(d, "the decision changes all the time")
}

// errRace is the cause of an answer that was not written because the decision, or
// the mark of its call, has changed since it was read.
var errRace = errors.New("it has changed since it was read")

// answer writes an answer, in the name of token, if the decision is still open.
func (s *Service) answer(ctx context.Context, h hub.Hub, d *storedDecision, a *Answer, token string) error {
	if err := checkAnswer(d.Kind, a); err != nil {
		return err
	}
	if err := supersede(ctx, h, d); err != nil {
		return err
	}
	if d.State != DecisionPending {
		return conflict(d, "the decision is "+d.State)
	}
	if err := (deciders{d.Approvers, d.Apart}).permit(&d.Decision, a.By, a.Answer); err != nil {
		return err
	}
	if a.ArgsHash != "" && a.ArgsHash != d.ArgsHash {
		return conflict(d, "the answer is about other arguments")
	}
	now := time.Now().UTC()
	answered := *d
	if err := errors.Join(answered.edit(a), answered.raisable(a.Raise)); err != nil {
		return err
	}
	answered.State, answered.Answer, answered.Result = DecisionAnswered, a.Answer, a.Result
	answered.Raise, answered.Comment, answered.AnsweredBy, answered.AnsweredAt = a.Raise, a.Comment, a.By, &now
	answered.Token, answered.Unread = token, a.ArgsHash == ""
	if d.Kind == DecisionRestoreHold {
		if err := s.letGo(ctx, h, d, a); err != nil {
			return err
		}
	}
	data, err := perdure.Encode(a.With)
	if err != nil {
		return err
	}
	w := &hub.WriteRows{Owner: d.Run, Event: &hub.Raise{InstanceID: d.Run, Name: decisionEvent(d.ID), Data: data}}
	if err := errors.Join(answered.replaceIn(w), settleBy(ctx, h, &answered, w)); err != nil {
		return err
	}
	err = writeRows(ctx, h, w)
	if perdure.CodeOf(err) == perdure.Conflict {
		err = &perdure.Error{Code: perdure.Conflict, Op: "decide", Instance: d.Run, Cause: errRace}
	}
	return err
}

// edit puts the arguments of an answer in place of those of the call.
func (d *storedDecision) edit(a *Answer) error {
	if len(a.Args) == 0 {
		return nil
	}
	wrong := func(why string) error {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "decide", Instance: d.Run, Message: why}
	}
	if d.Kind != DecisionApproval || a.Answer != AnswerApprove {
		return wrong("other arguments belong to the answer approve")
	}
	text, err := canonical(string(a.Args))
	if err != nil {
		return wrong("the arguments are not JSON: " + err.Error())
	}
	resolved, err := resolveSchema(d.Schema)
	if err != nil {
		return err
	}
	b := &boundTool{offer: model.Tool{Name: d.Tool}, resolved: resolved}
	if _, err := b.validate(text); err != nil {
		return wrong(err.Error())
	}
	if text != string(d.Args) {
		d.EditedArgs, d.EditedHash = json.RawMessage(text), argsHash(d.Tool, d.ToolVersion, text, d.EffectID)
	}
	return nil
}

// raisable reports amounts that the budget of the decision does not bound: they would
// not raise it, but bound it more.
func (d *storedDecision) raisable(by *Budget) error {
	if by == nil || d.Budget == nil {
		return nil
	}
	limit := d.Budget.Limit
	if by.Tokens > 0 && limit.Tokens == 0 || by.USD > 0 && limit.USD == 0 || by.Calls > 0 && limit.Calls == 0 || by.Time > 0 && limit.Time == 0 {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "decide", Instance: d.Run,
			Message: fmt.Sprintf("a raise by %s does not fit the budget, which is %s: raise what it bounds", by, limit)}
	}
	return nil
}

// checkAnswer reports an answer that a decision of this kind does not have.
func checkAnswer(kind string, a *Answer) error {
	if !slices.Contains(allowed(kind), a.Answer) {
		said := fmt.Sprintf("%q is no answer", a.Answer)
		if a.Answer == "" {
			said = "there is no answer"
		}
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "decide",
			Message: said + " to a decision of kind " + kind + "; it is one of " + strings.Join(allowed(kind), ", ")}
	}
	if (a.Answer == AnswerRaise) != (a.Raise != nil) || a.Raise != nil && (a.Raise.check() != nil || a.Raise.isZero()) {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "decide",
			Message: "the answer raise, and no other, needs amounts by which the budget is raised"}
	}
	if len(a.Result) > 0 && (a.Answer != AnswerHappened || !json.Valid(a.Result)) {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "decide", Message: "a result is JSON and belongs to the answer happened"}
	}
	return nil
}

func conflict(d *storedDecision, message string) error {
	return &perdure.Error{Code: perdure.Conflict, Op: "decide", Instance: d.Run, Message: message}
}
