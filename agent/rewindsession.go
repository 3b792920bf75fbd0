package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model"
)

// A turn of a session is rewound only while it is the session's last, and the session
// rests. The session takes back what the turn has told it, counts it as running, and
// starts a run of its own in the same commit, the rewinder, which has the hub rewind the
// turn. If the hub refuses, the session puts back what it had. Else the turn, which the
// hub tells of it before all else, takes its messages back that lie beyond the point, and
// says so to the session; until then no reader is shown what lies beyond the head.

// Operations of a session about the rewind of its last turn.
const (
	opRewind  = "rewind"  // somebody asks for it
	opRewound = "rewound" // the rewinder tells what the hub has said
	opResumed = "resumed" // the turn goes on, and has taken back what was given up
)

// lastTurn is what a session was before its last turn has ended, so that the turn can be
// rewound.
type lastTurn struct {
	Turn          string                     `json:"turn"`
	Execution     string                     `json:"execution"` // in which it has ended
	CorrelationID string                     `json:"correlationId"`
	Principal     Principal                  `json:"principal,omitzero"`
	Caller        string                     `json:"caller,omitempty"`
	At            time.Time                  `json:"at"`
	Head          int64                      `json:"head,omitempty"`
	View          viewOf                     `json:"view,omitzero"`
	Pending       []string                   `json:"pending,omitempty"`
	Active        string                     `json:"active,omitempty"`
	State         map[string]json.RawMessage `json:"state,omitempty"` // of what the turn has set; null = was not there
	Failed        bool                       `json:"failed,omitempty"`
	// Spent says that the session was told what the turn has spent: not if it was ended by
	// somebody else.
	Spent bool `json:"spent,omitempty"`
}

// takingBack is the rewind of the last turn of a session in progress.
type takingBack struct {
	Rewinder string `json:"rewinder"` // instance id
	// Execution is that of the turn from which it is rewound.
	Execution string        `json:"execution"`
	Before    *sessionState `json:"before,omitempty"`  // what the session was; until Done
	Replies   []string      `json:"replies,omitempty"` // tokens of callers that wait; until Done
	Done      bool          `json:"done,omitempty"`    // the hub has rewound the turn
	End       int64         `json:"end,omitempty"`     // offset of the turn's last frame before that; -1 = it had none
}

// rewindRequest is the input of the operation rewind. It says what was asked for, so
// that a repeat is the same.
type rewindRequest struct {
	Turn      string `json:"turn"`
	Event     int    `json:"event,omitempty"` // 0 = to before its failure
	Execution string `json:"execution,omitempty"`
	Reason    string `json:"reason,omitempty"`
}

// rewindReply is the answer of the operation rewind.
type rewindReply struct {
	Event int `json:"event"`
}

// rewound is the input of the operation rewound.
type rewound struct {
	Rewinder string `json:"rewinder"`
	Event    int    `json:"event,omitempty"`
	End      int64  `json:"end,omitempty"`
	Refused  string `json:"refused,omitempty"` // why the turn was not rewound; "" = it was
}

// resumed is the input of the operation resumed.
type resumed struct {
	Turn  string `json:"turn"`
	Log   string `json:"log"`
	Event int    `json:"event"` // to which it was rewound
}

// maxKept bounds what a session keeps of the state of providers so that its last turn can
// be rewound: it is kept twice then.
const maxKept = 64 << 10

// lastOf returns what the session is now, before it takes in the end of its running turn;
// nil if such a turn cannot be rewound.
func (s *session) lastOf(e *ended) *lastTurn {
	a := s.Running
	if a.Import || e.External || e.Execution == "" {
		return nil
	}
	l := &lastTurn{
		Turn: a.Turn, Execution: e.Execution, CorrelationID: a.CorrelationID, Principal: a.Principal, Caller: a.Caller, At: a.At,
		Head: s.Head, View: s.View, Pending: s.Pending, Active: s.Active, Spent: !e.Lost || a.Counted,
	}
	kept := 0
	for name := range e.State {
		if kept += len(s.State[name]); kept > maxKept {
			return nil
		}
		if l.State == nil {
			l.State = map[string]json.RawMessage{}
		}
		if l.State[name] = s.State[name]; l.State[name] == nil {
			l.State[name] = json.RawMessage("null")
		}
	}
	return l
}

// hasFailed notes that the turn counts as failed.
func (l *lastTurn) hasFailed() {
	if l != nil {
		l.Failed = true
	}
}

// refusesRewind says why a turn must not be rewound now, nil = it may be. The hub may know
// other reasons.
func (s *sessionState) refusesRewind(turn string) error {
	why := ""
	switch {
	case s.Closing != nil:
		why = "the conversation is being ended"
	case s.Again != nil:
		why = "it is being rewound already"
	case s.Running != nil && s.Running.Turn == turn:
		why = "it has not ended"
	case s.newest() != short(turn):
		why = "it is not the last turn of its session, whose conversation goes on from it: send the message again, which begins a new turn"
	case s.Running != nil || len(s.Queue)+len(s.Steering) > 0:
		why = "a turn of the session runs or waits"
	case s.Last == nil || s.Last.Turn != turn:
		why = "the session does not know any more what it was before the turn: send the message again, which begins a new turn"
	default:
		return nil
	}
	return rewindRefused(turn, why)
}

func rewindRefused(turn, why string) error {
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: "rewind", Instance: turn, Message: why}
}

// rewind is the operation that has the last turn rewound. It is answered once it is.
func (s *session) rewind() error {
	var r rewindRequest
	if err := s.ctx.Input(&r); err != nil {
		return err
	}
	if s.Created.IsZero() {
		return noSession(s.id)
	}
	if err := s.refusesRewind(r.Turn); err != nil {
		return err
	}
	before, l := *s.sessionState, s.Last
	s.Head, s.View, s.Pending, s.Active, s.State = l.Head, l.View, l.Pending, l.Active, withState(s.State, l.State)
	s.Turns--
	if l.Failed {
		s.Failed--
	}
	not := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(turn string) bool { return turn == short(l.Turn) })
	}
	s.Recent, s.Broken, s.Last = not(s.Recent), not(s.Broken), nil
	s.Running = &admitted{
		Turn: l.Turn, CorrelationID: l.CorrelationID, Principal: l.Principal, Caller: l.Caller, At: l.At, Counted: l.Spent,
	}
	again := &takingBack{Before: &before, Execution: l.Execution}
	token := ""
	if !perdure.OperationOf(s.ctx).Signal {
		token = s.ctx.Defer()
		again.Replies = []string{token}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d %d", token, s.Incarnation, s.ctx.Now().UnixNano(), s.Turns))
	again.Rewinder = lookups(s.id) + "rewind-" + hex.EncodeToString(sum[:8])
	s.Again = again
	_, err := s.ctx.StartOrchestration(rewindPrefix+s.id.Agent, rewinding{
		Session: s.id, Log: logID(s.id.String(), s.Incarnation), Rewinder: again.Rewinder, rewindRequest: r,
	}, perdure.WithID(again.Rewinder))
	return err
}

// rewound is the operation by which the rewinder tells what became of the rewind.
func (s *session) rewound() error {
	var in rewound
	if err := s.ctx.Input(&in); err != nil {
		return err
	}
	if s.Again == nil || s.Again.Rewinder != in.Rewinder {
		return nil // told before
	}
	if in.Refused != "" {
		return s.putBack(in.Refused)
	}
	s.Again.Done, s.Again.End = true, in.End
	return s.goesOn(s.Again, in.Event)
}

// goesOn answers those who wait for the rewind, which was made.
func (s *session) goesOn(again *takingBack, event int) error {
	for _, token := range again.Replies {
		if err := s.ctx.ResolveReply(token, rewindReply{event}); err != nil {
			return err
		}
	}
	again.Replies, again.Before = nil, nil
	return nil
}

// resumed is the operation by which the turn tells that it goes on from the point to which
// it was rewound. A stop that was asked for meanwhile did not reach it.
func (s *session) resumed() error {
	var in resumed
	if err := s.ctx.Input(&in); err != nil {
		return err
	}
	if s.Again == nil || s.Running == nil || s.Running.Turn != in.Turn || in.Log != logID(s.id.String(), s.Incarnation) {
		return nil
	}
	if err := s.goesOn(s.Again, in.Event); err != nil {
		return err
	}
	s.Again = nil
	if s.Running.Stopping {
		return s.ctx.RaiseEvent(in.Turn, stopName, nil)
	}
	return nil
}

// putBack makes the session what it was before it agreed to the rewind of its last turn,
// which the hub has refused. What came meanwhile is dealt with as if that had not been.
func (s *session) putBack(why string) error {
	again, turn, was := s.Again, s.Running, s.Again.Before
	for _, token := range again.Replies {
		s.ctx.FailReply(token, rewindRefused(turn.Turn, why))
	}
	s.Head, s.View, s.Pending, s.Active, s.State = was.Head, was.View, was.Pending, was.Active, was.State
	s.Turns, s.Failed, s.Recent, s.Broken, s.Last = was.Turns, was.Failed, was.Recent, was.Broken, was.Last
	s.Running, s.Again = nil, nil
	for _, token := range turn.Replies {
		if err := s.lookUp(turn.Turn, token, turn.Foreign[token]); err != nil {
			return err
		}
	}
	s.Queue = append(s.Steering, s.Queue...)
	s.Steering = nil
	if s.Closing != nil {
		return s.clean()
	}
	return s.next()
}

// counted returns what the end of a turn adds to what the session was told before: without
// what the turn had spent when it was rewound, if that was told.
func (e *ended) counted(a *admitted) (model.Usage, Spending) {
	usage, spent := e.Usage, e.Spent
	if e.Before == nil || !a.Counted {
		return usage, spent
	}
	less := model.Usage{}
	for name, n := range e.Before.Usage.AdditionalCounts {
		if less.AdditionalCounts == nil {
			less.AdditionalCounts = map[string]int64{}
		}
		less.AdditionalCounts[name] = -n
	}
	b := &e.Before.Usage
	less.InputTokenCount, less.OutputTokenCount, less.TotalTokenCount = -b.InputTokenCount, -b.OutputTokenCount, -b.TotalTokenCount
	less.CachedInputTokenCount, less.ReasoningTokenCount = -b.CachedInputTokenCount, -b.ReasoningTokenCount
	usage.Add(less)
	return usage, spent.minus(e.Before.Spent)
}

// shown is the position before which readers are shown the conversation: while the running
// turn is being rewound, what lies beyond the head may be given up.
func (s *sessionState) shown() int64 {
	if s.Again != nil {
		return s.Head
	}
	return math.MaxInt64
}
