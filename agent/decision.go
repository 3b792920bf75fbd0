package agent

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// rowDecision is a question to a person, a row of the turn that asks. The number
// is stored.
const rowDecision = 110

// Kinds of decisions.
const (
	// DecisionApproval asks whether a tool may be called: approve or deny.
	DecisionApproval = "approval"
	// DecisionOutcomeUnknown asks what became of a call that was interrupted, or
	// whether to call again: happened, did_not_happen or retry.
	DecisionOutcomeUnknown = "outcome_unknown"
	// DecisionBudget asks whether a budget that is used up is raised: raise, by
	// Answer.Raise, or stop.
	DecisionBudget = "budget"
	// DecisionRestoreHold asks whether a run of a hub that was restored from a backup
	// makes a call that may have been made since: release, or release_hub for all runs.
	DecisionRestoreHold = "restore_hold"
)

// States of decisions. All but the first are final.
const (
	DecisionPending    = "pending"
	DecisionAnswered   = "answered"
	DecisionExpired    = "expired"    // nobody answered in time
	DecisionSuperseded = "superseded" // the run ended first, or was rewound to before it asked
)

// Answers to decisions.
const (
	AnswerApprove      = "approve"
	AnswerDeny         = "deny"
	AnswerHappened     = "happened"       // the call was carried out, with Result
	AnswerDidNotHappen = "did_not_happen" // it was not, and is not wanted any more
	AnswerRetry        = "retry"          // call again
	AnswerRaise        = "raise"          // the budget, by Raise
	AnswerStop         = "stop"           // the run ends with an error
	AnswerRelease      = "release"        // the run makes its calls again
	AnswerReleaseHub   = "release_hub"    // all runs of the hub do
)

// What happens to an approval whose time is over.
const (
	timeoutDeny     = "deny"
	timeoutEscalate = "escalate"
)

// Decision is a question of a run to a person, which is answered once.
type Decision struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Run     string `json:"run"` // instance id of the run that waits
	Agent   string `json:"agent"`
	Session string `json:"session,omitempty"` // instance id; "" = none
	Turn    string `json:"turn"`              // instance id
	Step    int    `json:"step"`              // model step that made the call, from 1
	CallID  string `json:"call_id"`
	Tool    string `json:"tool"`
	// ToolVersion changes with the tool's description and schema.
	ToolVersion string `json:"tool_version"`
	// Args are the arguments of the call in the form of RFC 8785. ArgsHash binds
	// tool, version, arguments and call.
	Args     json.RawMessage `json:"args"`
	ArgsHash string          `json:"args_hash"`
	EffectID string          `json:"effect_id"`
	// Schema is what arguments that an answer puts in their place must fit; nil =
	// any object.
	Schema json.RawMessage `json:"schema,omitempty"`
	// EditedArgs are the arguments with which the call was approved instead of Args,
	// EditedHash binds them. The effect id stays that of the call.
	EditedArgs json.RawMessage `json:"edited_args,omitempty"`
	EditedHash string          `json:"edited_hash,omitempty"`
	// Originator is in whose name the call is made.
	Originator Principal `json:"originator,omitzero"`
	// Starters are who has started the orchestration that asks, of a call in nobody's name
	// that somebody else has to approve; nil = not known.
	Starters []string `json:"starters,omitempty"`
	// Assignee is who is to decide; "" = whoever may. Level counts those who were
	// asked before and have not decided in time.
	Assignee string `json:"assignee,omitempty"`
	Level    int    `json:"level,omitempty"`
	Reason   string `json:"reason,omitempty"` // why it is asked; "" = see Kind
	// Approvers are who may decide, beside the Assignee; nil = everybody. Apart says
	// that neither the originator nor the starters may approve.
	Approvers []string `json:"approvers,omitempty"`
	Apart     bool     `json:"apart,omitempty"`

	// Budget is where the budget stood, with DecisionBudget.
	Budget *BudgetState `json:"budget,omitempty"`

	// Holds are the instances that the answer release lets make calls again, with
	// DecisionRestoreHold: the run, its session and runs above it, as far as they lived
	// at the backup.
	Holds []string `json:"holds,omitempty"`

	RequestedAt time.Time  `json:"requested_at"`
	Deadline    *time.Time `json:"deadline,omitempty"`   // nil = none
	OnTimeout   string     `json:"on_timeout,omitempty"` // "deny" or "escalate": others are asked; "" = no deadline

	State      string          `json:"state"`
	Answer     string          `json:"answer,omitempty"`
	Result     json.RawMessage `json:"result,omitempty"` // with AnswerHappened
	Raise      *Budget         `json:"raise,omitempty"`  // with AnswerRaise
	Comment    string          `json:"comment,omitempty"`
	AnsweredBy string          `json:"answered_by,omitempty"`
	AnsweredAt *time.Time      `json:"answered_at,omitempty"`
	Used       bool            `json:"used,omitempty"` // the call that it allows was made
	// Unread says that the answer came without ArgsHash: nothing proves that who gave it
	// had seen these arguments.
	Unread bool `json:"unread,omitempty"`
}

// storedDecision is a decision as a row holds it.
type storedDecision struct {
	Decision
	Token string `json:"token,omitempty"` // of the request that answered
	// Announced is when somebody outside was told of it; zero = nobody is known to.
	Announced time.Time `json:"announced,omitzero"`
	raw       []byte    // what the row held when it was read
	keep      bool      // it outlives its run
}

// decisionEvent is the name of the event that wakes a turn which waits for a
// decision. Its data does not count: the answer is in the row.
func decisionEvent(id string) string { return "decision:" + id }

func decisionRow(d *storedDecision) (perdure.Row, error) {
	value, err := json.Marshal(d)
	if err != nil {
		return perdure.Row{}, fmt.Errorf("decision %s: %w", d.ID, err)
	}
	at := d.RequestedAt
	if d.Deadline != nil {
		at = *d.Deadline
	}
	index := append([]byte(d.State), 0)
	index = binary.BigEndian.AppendUint64(index, uint64(at.UnixMicro()))
	return perdure.Row{
		Kind: rowDecision, Key: []byte(d.ID), Value: value, Index: [2][]byte{append(index, d.ID...), []byte(d.ID)},
		Keep: d.keep,
	}, nil
}

// ownRow is a row as it is written from outside of its owner's code.
func ownRow(owner string, r perdure.Row) store.Row {
	return store.Row{Kind: store.RowKind(r.Kind), Owner: owner, Key: r.Key, Value: r.Value, Index: r.Index, Keep: r.Keep}
}

func readDecision(row store.Row) (*storedDecision, error) {
	d := &storedDecision{raw: row.Value}
	if err := json.Unmarshal(row.Value, d); err != nil || d.ID != string(row.Key) {
		return nil, &perdure.Error{Code: perdure.Internal, Op: "read decision", Instance: row.Owner,
			Message: fmt.Sprintf("the decision with the key %x is damaged", row.Key), Cause: err}
	}
	return d, nil
}

// decisionOf returns a decision of a turn, nil if it has none with this id.
func decisionOf(ctx context.Context, h hub.Rows, turn, id string) (*storedDecision, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowDecision, Owner: turn, Prefix: []byte(id), Limit: 1})
	if err != nil || len(rows) == 0 || string(rows[0].Key) != id {
		return nil, err
	}
	return readDecision(rows[0])
}

// findDecision returns a decision of any turn; NotFound if there is none with
// this id.
func findDecision(ctx context.Context, h hub.Rows, id string) (*storedDecision, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowDecision, Index: 1, From: []byte(id), To: append([]byte(id), 0), Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || !bytes.Equal(rows[0].Key, []byte(id)) {
		return nil, &perdure.Error{Code: perdure.NotFound, Op: "get decision", Message: "there is no such decision"}
	}
	return readDecision(rows[0])
}

// replaceIn adds to a write that a decision is written anew, if nobody else did
// since it was read.
func (d *storedDecision) replaceIn(w *hub.WriteRows) error {
	row, err := decisionRow(d)
	if err != nil {
		return err
	}
	w.Rows = append(w.Rows, ownRow(w.Owner, row))
	w.If = append(w.If, hub.RowCondition{Kind: rowDecision, Key: row.Key, Value: d.raw})
	return nil
}

// replace writes a decision anew if nobody else did since it was read, and wakes
// the turn if told to.
func replace(ctx context.Context, h hub.Rows, d *storedDecision, wake bool) error {
	w := &hub.WriteRows{Owner: d.Run}
	if err := d.replaceIn(w); err != nil {
		return err
	}
	if wake {
		w.Event = &hub.Raise{InstanceID: d.Run, Name: decisionEvent(d.ID)}
	}
	return writeRows(ctx, h, w)
}

// writeRows writes rows, and waits while the disk is full.
func writeRows(ctx context.Context, h hub.Rows, w *hub.WriteRows) error {
	for {
		err := h.WriteRows(ctx, w)
		if perdure.CodeOf(err) != perdure.NoSpace {
			return err
		}
		again := time.NewTimer(spaceTime)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return context.Cause(ctx)
		}
	}
}

// allowed returns the answers to a kind of decision.
func allowed(kind string) []string {
	switch kind {
	case DecisionApproval:
		return []string{AnswerApprove, AnswerDeny}
	case DecisionBudget:
		return []string{AnswerRaise, AnswerStop}
	case DecisionRestoreHold:
		return []string{AnswerRelease, AnswerReleaseHub}
	}
	return []string{AnswerHappened, AnswerDidNotHappen, AnswerRetry}
}

// refusal is why the call of a decision that allows none is not made.
func (d *storedDecision) refusal() error {
	text := ""
	switch {
	case d.State == DecisionExpired:
		text = "the call was not approved in time"
	case d.State == DecisionSuperseded:
		text = "the call was given up"
	case d.Answer == AnswerDeny:
		text = "the call was denied"
	case d.Answer == AnswerDidNotHappen:
		text = "the call was interrupted and not carried out"
	default:
		text = "the approval is not for this call"
	}
	if comment := strings.TrimSpace(d.Comment); comment != "" {
		text += ": " + comment
	}
	return perdure.NonRetryable(fmt.Errorf("%s", text))
}
