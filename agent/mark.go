package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// rowMark says that a tool was called, or is about to be: a row of the turn, its
// key is the effect id. The number is stored.
const rowMark = 111

// sendMark is durable before an irreversible or reversible tool is called, and
// before a call that was approved.
type sendMark struct {
	Effect   string `json:"effect"`
	Tool     string `json:"tool"`
	Hash     string `json:"hash"`               // of tool, arguments and effect id
	Attempt  int    `json:"attempt"`            // how many times it was sent
	Decision string `json:"decision,omitempty"` // that allowed it
	Token    string `json:"token"`              // of the attempt
}

// ask is a question that stands between a call and its outcome.
type ask struct {
	Kind    string        `json:"kind"`
	Timeout time.Duration `json:"timeout,omitempty"` // ns; 0 = none
}

// gate stands before a tool that must not just be called.
type gate struct {
	*boundTool
	hub       hub.Rows
	in        toolInput
	turn      string
	effectID  string
	arguments string // as the tool is given them
	hash      string
	decision  *storedDecision // nil = none
	mark      *sendMark       // nil = the call was never sent
	raw       []byte          // of the mark
}

// newGate returns the gate before a call with valid arguments.
func newGate(ctx context.Context, b *boundTool, in toolInput, arguments string) (*gate, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	shown, err := canonicalArguments(arguments)
	if err != nil {
		return nil, perdure.NonRetryable(fmt.Errorf("the arguments of %s: %w", in.Tool, err))
	}
	info := perdure.Activity(ctx)
	g := &gate{
		boundTool: b, hub: h, in: in, turn: info.InstanceID, effectID: info.EffectID, arguments: arguments,
		hash: argsHash(in.Tool, b.version, shown, info.EffectID),
	}
	if b.approval != nil { // what was shown is what runs
		g.arguments = shown
	}
	return g, nil
}

// maxRaces bounds how often a gate looks again because a row has changed.
const maxRaces = 10

// pass returns nil if the call is to be made now: its mark is durable. Otherwise
// it returns how the step ends without a call.
func (g *gate) pass(ctx context.Context) (*toolOutput, error) {
	var err error
	for range maxRaces {
		var out *toolOutput
		if err = g.read(ctx); err != nil {
			return nil, err
		}
		if out, err = g.decide(ctx); perdure.CodeOf(err) != perdure.Conflict {
			return out, err
		}
	}
	return nil, err
}

// read finds out where the call stands.
func (g *gate) read(ctx context.Context) error {
	g.mark, g.raw, g.decision = nil, nil, nil
	rows, _, err := g.hub.ReadRows(ctx, store.RowQuery{Kind: rowMark, Owner: g.turn, Prefix: []byte(g.effectID), Limit: 1})
	if err != nil {
		return err
	}
	if len(rows) > 0 && string(rows[0].Key) == g.effectID {
		g.mark, g.raw = &sendMark{}, rows[0].Value
		if err := json.Unmarshal(g.raw, g.mark); err != nil {
			return &perdure.Error{Code: perdure.Internal, Op: "read send mark", Instance: g.turn, Message: "it is damaged", Cause: err}
		}
	}
	if g.in.Decision == "" {
		return nil
	}
	g.decision, err = decisionOf(ctx, g.hub, g.turn, g.in.Decision)
	if err == nil && g.decision == nil {
		return perdure.NonRetryable(errors.New("the decision is not there"))
	}
	return err
}

// decide goes on from what was read. Conflict means that it has changed.
func (g *gate) decide(ctx context.Context) (*toolOutput, error) {
	d := g.decision
	if d != nil && d.State == DecisionPending {
		if !g.in.Expired {
			return &toolOutput{Wait: d.ID}, nil
		}
		expired := *d
		expired.State = DecisionExpired
		if err := replace(ctx, g.hub, &expired, false); err != nil {
			return nil, err
		}
		return nil, expired.refusal()
	}
	switch {
	case g.mark == nil:
		return g.first(ctx)
	case !g.effect.once():
		return nil, nil
	case d != nil && d.Kind == DecisionOutcomeUnknown && g.mark.Decision != d.ID:
		return g.settle(ctx)
	}
	return g.reconcile(ctx)
}

// first lets a call pass that was never sent.
func (g *gate) first(ctx context.Context) (*toolOutput, error) {
	d := g.decision
	if d == nil {
		if g.approval != nil {
			needed, err := g.approval(ctx, g.arguments)
			if err != nil {
				return nil, perdure.NonRetryable(err)
			}
			if needed {
				return &toolOutput{Ask: &ask{Kind: DecisionApproval, Timeout: g.approvalTimeout()}}, nil
			}
		}
		if !g.effect.once() {
			return nil, nil
		}
		return nil, g.send(ctx, nil)
	}
	if d.Kind != DecisionApproval || d.State != DecisionAnswered || d.Answer != AnswerApprove || d.Used || d.ArgsHash != g.hash {
		return nil, d.refusal()
	}
	return nil, g.send(ctx, d)
}

// settle does what a person has decided about a call that was interrupted.
func (g *gate) settle(ctx context.Context) (*toolOutput, error) {
	d := g.decision
	switch {
	case d.State != DecisionAnswered || d.EffectID != g.effectID: // the tool may have changed since
		return nil, d.refusal()
	case d.Answer == AnswerHappened:
		return &toolOutput{Result: d.Result}, nil
	case d.Answer == AnswerRetry && !d.Used:
		return nil, g.send(ctx, d)
	}
	return nil, d.refusal()
}

// reconcile asks the tool what became of a call that was interrupted.
func (g *gate) reconcile(ctx context.Context) (*toolOutput, error) {
	unknown := &toolOutput{Ask: &ask{Kind: DecisionOutcomeUnknown}}
	if g.boundTool.reconcile == nil {
		return unknown, nil
	}
	outcome, err := g.boundTool.reconcile(ctx, g.effectID, g.arguments)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil || !outcome.known:
		return unknown, nil
	case outcome.happened:
		text, err := json.Marshal(outcome.result)
		if err != nil {
			return unknown, nil
		}
		return &toolOutput{Result: text}, nil
	}
	return nil, g.send(ctx, nil)
}

// send makes the mark durable, and with it that the decision is used. The call
// may then be made, by who wrote the mark and nobody else.
func (g *gate) send(ctx context.Context, d *storedDecision) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	next := sendMark{Effect: g.effectID, Tool: g.in.Tool, Hash: g.hash, Attempt: 1, Token: NewSessionKey()}
	if g.mark != nil {
		next.Attempt, next.Decision = g.mark.Attempt+1, g.mark.Decision
	}
	w := &hub.WriteRows{Owner: g.turn, If: []hub.RowCondition{{Kind: rowMark, Key: []byte(g.effectID), Value: g.raw}}}
	if d != nil {
		used := *d
		used.Used, next.Decision = true, d.ID
		row, err := decisionRow(&used)
		if err != nil {
			return err
		}
		w.Rows = append(w.Rows, ownRow(g.turn, row))
		w.If = append(w.If, hub.RowCondition{Kind: rowDecision, Key: row.Key, Value: d.raw})
	}
	value, err := json.Marshal(next)
	if err != nil {
		return err
	}
	w.Rows = append(w.Rows, store.Row{Kind: rowMark, Owner: g.turn, Key: []byte(g.effectID), Value: value})
	if err := writeRows(ctx, g.hub, w); err != nil {
		return err
	}
	if err := g.read(ctx); err != nil {
		return err
	}
	if g.mark == nil || g.mark.Token != next.Token { // two writes may share a commit
		return perdure.NonRetryable(errors.New("another attempt makes the call"))
	}
	return nil
}

// checkAnswer reports an answer that a decision of this kind does not have.
func checkAnswer(kind string, a *Answer) error {
	if !slices.Contains(allowed(kind), a.Answer) {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "decide",
			Message: fmt.Sprintf("%q is no answer to a decision of kind %s; it is one of %v", a.Answer, kind, allowed(kind))}
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
