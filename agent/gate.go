package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// ask is a question that stands between a call and its outcome.
type ask struct {
	Kind    string        `json:"kind"`
	ID      string        `json:"id,omitempty"`      // of the decision; "" = made by the turn
	Reason  string        `json:"reason,omitempty"`  // told to who decides
	Timeout time.Duration `json:"timeout,omitempty"` // ns; 0 = none
	// Assignee and Level say who is asked, and how often others were asked before;
	// Escalates that more are asked when the time is over.
	Assignee  string `json:"assignee,omitempty"`
	Level     int    `json:"level,omitempty"`
	Escalates bool   `json:"escalates,omitempty"`
	deciders
	// Args are the arguments in question; nil = those of the model.
	Args  json.RawMessage `json:"args,omitempty"`
	Holds []string        `json:"holds,omitempty"` // instances that an answer releases
}

// gate stands before a tool that must not just be called.
type gate struct {
	*boundTool
	refusal   error // why the call cannot be made now; nil = it can
	hub       hub.Hub
	in        toolInput
	turn      string
	execution string
	activity  string // token of the step's attempt
	effectID  string
	arguments string          // as the tool is given them
	shown     string          // the same, canonical
	hash      string          // of tool, arguments and effect id
	edited    bool            // the arguments are a person's
	decision  *storedDecision // that was waited for; nil = none
	mark      *sendMark       // nil = the call was never sent
	raw       []byte          // of the mark
	lost      error           // with which the call ended that has no outcome; nil = it was cut
}

// newGate returns the gate before a call. Refusal says why the call must not be
// made, if it was not made already.
func newGate(ctx context.Context, b *boundTool, in toolInput, arguments string, refusal error) (*gate, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	shown, err := canonicalArguments(arguments)
	if err != nil { // such a call was never sent
		return nil, perdure.NonRetryable(fmt.Errorf("the arguments of %s: %w", in.Tool, err))
	}
	info := perdure.Activity(ctx)
	g := &gate{
		boundTool: b, refusal: refusal, hub: h, in: in, turn: info.InstanceID, execution: info.ExecutionID,
		activity: info.Token, effectID: info.EffectID, arguments: arguments, shown: shown,
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
func (g *gate) read(ctx context.Context) (err error) {
	g.decision = nil
	if g.mark, g.raw, err = markOf(ctx, g.hub, g.turn, g.effectID); err != nil {
		return err
	}
	if g.mark != nil && g.mark.Edited && (g.effect.once() || g.mark.Execution == g.execution) {
		g.edit(string(g.mark.Args))
	}
	if g.in.Decision == "" {
		return nil
	}
	g.decision, err = decisionOf(ctx, g.hub, g.turn, g.in.Decision) // a fork has none of its source's
	return err
}

// edit has the call made with other arguments, which are canonical. The effect id
// stays that of the call: nothing was sent under it before.
func (g *gate) edit(arguments string) {
	g.arguments, g.shown, g.edited = arguments, arguments, true
	g.hash = argsHash(g.in.Tool, g.version, arguments, g.effectID)
}

// decide goes on from what was read. Conflict means that it has changed.
func (g *gate) decide(ctx context.Context) (*toolOutput, error) {
	d := g.decision
	switch {
	case g.mark == nil && d != nil && d.State == DecisionPending:
		if !g.in.Expired {
			return &toolOutput{Wait: d.ID}, nil
		}
		expired := *d
		expired.State = DecisionExpired
		if err := replace(ctx, g.hub, &expired, false); err != nil {
			return nil, err
		}
		g.decision = &expired
		return g.first(ctx)
	case g.mark == nil:
		return g.first(ctx)
	case g.mark.Settled != nil && g.mark.Settled.Undone:
		if out, err := g.held(ctx, nil); out != nil || err != nil {
			return out, err
		}
		return g.again(ctx)
	case g.mark.Settled != nil:
		return g.mark.Settled.answer()
	case !g.effect.once() && g.mark.Execution != g.execution:
		return g.anew(ctx)
	case !g.effect.once():
		return nil, g.refusal
	}
	return g.interrupted(ctx)
}

// anew lets a call pass that a rewind has given up: what was decided about it then holds
// no more.
func (g *gate) anew(ctx context.Context) (*toolOutput, error) {
	if g.decision != nil && g.decision.Used {
		g.decision = nil
	}
	return g.first(ctx)
}

// first lets a call pass that was never sent.
func (g *gate) first(ctx context.Context) (*toolOutput, error) {
	if g.refusal != nil {
		return nil, g.refusal
	}
	d := g.decision
	if d == nil {
		if g.approval != nil {
			needed, err := g.approval(ctx, g.arguments)
			if err != nil {
				return nil, perdure.NonRetryable(err)
			}
			if needed {
				return g.askApproval(0), nil
			}
		}
		if !g.effect.once() {
			return nil, nil
		}
		if by, err := g.madeBy(ctx); err != nil || by != "" {
			return g.askAgain(by), err
		}
		if out, err := g.held(ctx, nil); out != nil || err != nil {
			return out, err
		}
		return nil, g.send(ctx, nil)
	}
	if d.State == DecisionExpired && d.Level < len(g.escalations) {
		return g.askApproval(d.Level + 1), nil
	}
	if d.Kind != DecisionApproval || d.State != DecisionAnswered || d.Answer != AnswerApprove || d.Used || d.ArgsHash != g.hash {
		return nil, d.refusal()
	}
	if err := g.deciders.permit(&d.Decision, d.AnsweredBy, d.Answer); err != nil { // the code is stricter now
		return nil, perdure.NonRetryable(fmt.Errorf("the approval holds no more: %w", err))
	}
	if len(d.EditedArgs) > 0 {
		g.edit(string(d.EditedArgs))
		if _, err := g.validate(g.arguments); err != nil {
			return nil, perdure.NonRetryable(err)
		}
		if g.hash != d.EditedHash {
			return nil, errOtherCall
		}
	}
	if g.effect.once() {
		if out, err := g.held(ctx, d); out != nil || err != nil {
			return out, err
		}
	}
	return nil, g.send(ctx, d)
}

// askApproval asks whether the call may be made: first whoever decides, then, when
// nobody has, those to whom it is escalated.
func (g *gate) askApproval(level int) *toolOutput {
	a := &ask{Kind: DecisionApproval, Timeout: g.approvalTimeout(), Level: level, Escalates: level < len(g.escalations), deciders: g.deciders}
	if level > 0 {
		e := g.escalations[level-1]
		a.Timeout, a.Assignee, a.Reason = e.within, e.to, "nobody has decided in time"
	}
	return &toolOutput{Ask: a}
}

// madeBy returns the run that has made this call, of which this one is a fork, "" = none has.
func (g *gate) madeBy(ctx context.Context) (run string, err error) {
	key := []byte(madeKey(g.in.Tool, g.shown))
	rows, _, err := g.hub.ReadRows(ctx, store.RowQuery{Kind: rowTurn, Owner: g.turn, Prefix: key, Limit: 1})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return run, json.Unmarshal(rows[0].Value, &run)
}

// askAgain asks whether the call is to be made, which another run has made already.
func (g *gate) askAgain(by string) *toolOutput {
	out := g.askApproval(0)
	out.Ask.Reason = "run " + by + ", of which this one is a fork, has made the same call"
	return out
}

// interrupted goes on with a call that was sent and has no outcome: a person has
// decided about it, or is to, or the tool knows what became of it.
func (g *gate) interrupted(ctx context.Context) (*toolOutput, error) {
	d, err := decisionOf(ctx, g.hub, g.turn, g.mark.unknownID())
	switch {
	case err != nil:
		return nil, err
	case d == nil:
		return g.reconcile(ctx)
	case d.State == DecisionPending:
		return &toolOutput{Wait: d.ID}, nil
	case d.State == DecisionAnswered && d.Answer == AnswerRetry && !d.Used && g.refusal == nil:
		if out, err := g.held(ctx, d); out != nil || err != nil {
			return out, err
		}
		return nil, g.send(ctx, d)
	case g.refusal != nil:
		return nil, g.refusal
	}
	return nil, d.refusal()
}

// askPerson is the question what became of the call.
func (g *gate) askPerson() *toolOutput {
	a := &ask{Kind: DecisionOutcomeUnknown, ID: g.mark.unknownID(), Reason: "the call was interrupted"}
	if g.lost != nil {
		a.Reason = clip(g.lost.Error())
	}
	if g.edited {
		a.Args = json.RawMessage(g.shown)
	}
	return &toolOutput{Ask: a}
}

// maxReason bounds the text of an error that a decision tells, in bytes.
const maxReason = 2 << 10

func clip(text string) string {
	if len(text) <= maxReason {
		return text
	}
	return strings.ToValidUTF8(text[:maxReason], "") + " ..."
}

// reconcile asks the tool what became of a call that was interrupted.
func (g *gate) reconcile(ctx context.Context) (*toolOutput, error) {
	out, known, err := g.remembered(ctx)
	switch {
	case out != nil || err != nil:
		return out, err
	case !known:
		return g.askPerson(), nil
	}
	return g.again(ctx)
}

// remembered asks the tool whether the call was made, if it can tell. known with no
// outcome means that it was not.
func (g *gate) remembered(ctx context.Context) (out *toolOutput, known bool, err error) {
	if g.boundTool.reconcile == nil || g.refusal != nil {
		return nil, false, nil
	}
	outcome, err := g.boundTool.reconcile(ctx, g.effectID, g.arguments)
	switch {
	case ctx.Err() != nil:
		return nil, false, context.Cause(ctx)
	case err != nil:
		g.lost = errors.Join(g.lost, fmt.Errorf("what became of it cannot be found out: %w", err))
		return nil, false, nil
	case !outcome.known:
		return nil, false, nil
	case outcome.happened:
		text, err := json.Marshal(outcome.result)
		if err != nil {
			return nil, false, nil
		}
		return &toolOutput{Result: text}, true, nil
	}
	return nil, true, nil
}

// again has a call made again that did nothing. What allowed it still does, if it
// is the same call.
func (g *gate) again(ctx context.Context) (*toolOutput, error) {
	switch {
	case g.refusal != nil:
		return nil, g.refusal
	case g.mark.Decision != "" && g.mark.Hash != g.hash:
		return nil, errOtherCall
	}
	return nil, g.send(ctx, nil)
}

var errOtherCall = perdure.NonRetryable(errors.New("the approval is not for this call"))

// send makes the mark durable, and with it that the decision is used. The call
// may then be made, by who wrote the mark and nobody else.
func (g *gate) send(ctx context.Context, d *storedDecision) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	next := &sendMark{
		Effect: g.effectID, Class: g.effect.String(), Tool: g.in.Tool, Version: g.version, Args: json.RawMessage(g.shown), Hash: g.hash,
		Attempt: 1, Token: NewSessionKey(), Execution: g.execution, Agent: g.in.Agent, Session: g.in.Session,
		CallID: g.in.CallID, Step: g.in.Step, At: time.Now().UTC(), Edited: g.edited, Originator: g.in.Originator,
		Repeatable: !g.effect.once(),
	}
	if g.mark != nil {
		next.Attempt, next.Decision = g.mark.Attempt+1, g.mark.Decision
	}
	w := &hub.WriteRows{Owner: g.turn, Activity: g.activity, If: []hub.RowCondition{
		{Kind: rowMark, Key: []byte(g.effectID), Value: g.raw}, {Kind: rowStop, Key: []byte(g.execution)},
	}}
	if d != nil {
		used := *d
		used.Used, next.Decision = true, d.ID
		if err := used.replaceIn(w); err != nil {
			return err
		}
	}
	row, err := next.row(g.turn)
	if err != nil {
		return err
	}
	w.Rows = append(w.Rows, row)
	if g.effect.once() {
		w.Rows = append(w.Rows, next.holdRow(g.turn))
	}
	if err := writeRows(ctx, g.hub, w); err != nil {
		if perdure.CodeOf(err) == perdure.Conflict && g.isStopped(ctx) {
			return perdure.NonRetryable(stopped(g.turn))
		}
		return err
	}
	if err := g.read(ctx); err != nil {
		return err
	}
	if g.mark == nil || g.mark.Token != next.Token { // two writes may share a commit
		return perdure.NonRetryable(errors.New("another attempt makes the call"))
	}
	if ctx.Err() != nil { // it was given up before it was made
		return errors.Join(context.Cause(ctx), g.report(ctx, settlement{Undone: true}))
	}
	return nil
}

// isStopped reports whether the turn was told to stop.
func (g *gate) isStopped(ctx context.Context) bool {
	rows, _, err := g.hub.ReadRows(ctx, store.RowQuery{Kind: rowStop, Owner: g.turn, Prefix: []byte(g.execution), Limit: 1})
	return err == nil && len(rows) > 0
}
