package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

// Operations of a session. Their case does not count.
const (
	opRun     = "run"
	opAdmit   = "admit"
	opCancel  = "cancel"
	opDelete  = "delete"
	opReset   = "reset"
	opCleaned = "cleaned"
	opEnded   = "ended"
)

const (
	// maxQueue bounds the messages that wait for their turn in a session.
	maxQueue = 100
	// maxQueueBytes bounds these messages together: the state of a session holds
	// them, and is bounded too. Smaller messages than bigMessage are not counted.
	maxQueueBytes = 4 << 20
	bigMessage    = 16 << 10
	// maxRecent is how many turns that have ended a session knows by name.
	maxRecent = 64
	// foldAfter is how long a turn that has ended keeps its history, its response
	// and its stream. Its messages are the conversation's and stay.
	foldAfter = 24 * time.Hour
)

// ended is the input of the operation ended: what a turn tells its session last.
type ended struct {
	Turn     string                     `json:"turn"`
	Log      string                     `json:"log,omitempty"` // into which it wrote; "" = not known
	Head     int64                      `json:"head"`
	Usage    model.Usage                `json:"usage"`
	Spent    Spending                   `json:"spent"`
	Steers   []string                   `json:"steers,omitempty"` // turns whose messages it took
	Response *Response                  `json:"response,omitempty"`
	Error    *problem                   `json:"error,omitempty"`
	View     *viewOf                    `json:"view,omitempty"`     // nil = as it was
	State    map[string]json.RawMessage `json:"state,omitempty"`    // set by the turn
	Back     bool                       `json:"back,omitempty"`     // the agent that was given the conversation is gone
	External bool                       `json:"external,omitempty"` // the conversation is kept elsewhere
	Lost     bool                       `json:"lost,omitempty"`     // it was ended by somebody else, and what it has spent is not known
	// Execution is that in which the turn has ended.
	Execution string  `json:"execution,omitempty"`
	Before    *before `json:"before,omitempty"` // of Usage and Spent, what it had spent when it was rewound; nil = it was not
}

// sessionState is the state of a session. It holds no messages but those that
// wait for their turn.
type sessionState struct {
	Agent       string                     `json:"agent"`
	Incarnation string                     `json:"incarnation"`
	Head        int64                      `json:"head"` // position of the next message
	Turns       int64                      `json:"turns"`
	Failed      int64                      `json:"failed,omitempty"` // of these
	Usage       model.Usage                `json:"usage"`
	Spent       Spending                   `json:"spent"`
	View        viewOf                     `json:"view"`              // what of the conversation the model is given
	State       map[string]json.RawMessage `json:"state,omitempty"`   // that providers keep
	Active      string                     `json:"active,omitempty"`  // the agent that was given the conversation; "" = Agent
	Pending     []string                   `json:"pending,omitempty"` // calls that the caller is to answer, by their ids
	Running     *admitted                  `json:"running,omitempty"`
	Queue       []*admitted                `json:"queue,omitempty"`
	Steering    []*admitted                `json:"steering,omitempty"` // given to the running turn
	Closing     *closing                   `json:"closing,omitempty"`  // the conversation comes to its end
	Last        *lastTurn                  `json:"last,omitempty"`     // the turn that has ended last; nil = it cannot be rewound
	Again       *takingBack                `json:"again,omitempty"`    // the running turn is being rewound, and does not go on yet
	Cleanups    int                        `json:"cleanups,omitempty"` // of the conversation, so far
	Expires     time.Time                  `json:"expires,omitzero"`   // zero = never
	Alarm       time.Time                  `json:"alarm,omitzero"`     // when the session looks whether its time is over
	Recent      []string                   `json:"recent,omitempty"`   // ids of ended turns without the session, newest last
	Broken      []string                   `json:"broken,omitempty"`   // those of Recent that could not answer
	Owner       string                     `json:"owner,omitempty"`    // the orchestration that has asked last; "" = none has
	Asked       []string                   `json:"asked,omitempty"`    // correlation ids of answered messages that were said again, newest last
	// Joined says of recent turns that are none which turn took their message.
	Joined  map[string]string `json:"joined,omitempty"`
	Created time.Time         `json:"created"`
	Updated time.Time         `json:"updated"`
}

// check returns an error if the state is not one that a session has written.
func (s *sessionState) check(session string) error {
	if slices.Contains(s.Queue, nil) || slices.Contains(s.Steering, nil) {
		return &perdure.Error{Code: perdure.Internal, Op: "read session", Instance: session,
			Message: "its state is damaged: a message of the queue is null"}
	}
	return nil
}

// admitted is a message that a session has taken.
type admitted struct {
	Turn          string           `json:"turn"`
	CorrelationID string           `json:"correlationId"`
	Messages      []*model.Message `json:"messages,omitempty"` // until the turn begins
	Options       *TurnOptions     `json:"options,omitempty"`  // as Messages
	Import        bool             `json:"import,omitempty"`
	Principal     Principal        `json:"principal,omitzero"`
	Caller        string           `json:"caller,omitempty"`  // orchestration that asks, "" = none
	Trace         traceRef         `json:"trace,omitempty"`   // the span below which the turn runs
	Bytes         int              `json:"bytes,omitempty"`   // of the request
	Replies       []string         `json:"replies,omitempty"` // tokens of callers that wait
	// Foreign says how the callers among Replies that use Microsoft's SDKs want to
	// be answered.
	Foreign  map[string]dafx.Dialect `json:"foreign,omitempty"`
	Refused  *problem                `json:"refused,omitempty"` // why the turn is to fail at once
	At       time.Time               `json:"at"`
	Stopping bool                    `json:"stopping,omitempty"` // the turn was told to end
	Ahead    bool                    `json:"ahead,omitempty"`    // it goes before those that wait
	Counted  bool                    `json:"counted,omitempty"`  // the turn was rewound, and what it had spent was counted
}

// session is the entity of a conversation: it admits turns one at a time.
func (c *code) session(ctx *perdure.EntityContext) (any, error) {
	if l := levelOf(perdure.OperationOf(ctx).Value); l != nil {
		return c.operate(ctx, l)
	}
	state := &sessionState{}
	if err := ctx.State(state); err != nil {
		return nil, perdure.NonRetryable(err)
	}
	if err := state.check(ctx.ID().String()); err != nil {
		return nil, perdure.NonRetryable(err)
	}
	s := &session{code: c, ctx: ctx, sessionState: state, id: SessionID{Agent: fold(c.agent.Name), Key: ctx.ID().Key}}
	var result any
	var err error
	operation := strings.ToLower(ctx.Operation())
	switch operation {
	case opRun, "run_agent", "runagentasync":
		result, err = s.run()
	case opAdmit:
		result, err = s.admitNow()
	case opCancel:
		result, err = s.cancel()
	case opDelete:
		err = s.closeNow(true)
	case opReset:
		err = s.closeNow(false)
	case opCleaned:
		err = s.cleaned()
	case opExpire:
		err = s.expire()
	case opEnded:
		err = s.ended()
	case opOutcome:
		err = s.outcome()
	case opRewind:
		err = s.rewind()
	case opRewound:
		err = s.rewound()
	case opResumed:
		err = s.resumed()
	case opMigrate:
		err = s.migrate()
	case opExpireResults:
	case opExpireResponses:
		result = 0 // results are kept as long as their turns
	default:
		err = &perdure.Error{Code: perdure.NotFound, Op: "session operation", Instance: ctx.ID().String(),
			Message: fmt.Sprintf("a session has no operation %q", ctx.Operation())}
	}
	if err != nil {
		return nil, perdure.NonRetryable(err)
	}
	if s.Created.IsZero() { // the session is gone, or was never here
		return result, nil
	}
	if operation != opExpire && operation != opExpireResults && operation != opExpireResponses && operation != opOutcome {
		s.Updated = ctx.Now()
		if err := s.touch(); err != nil {
			return nil, err
		}
	}
	return result, ctx.SetState(state)
}

// session is one operation on a conversation.
type session struct {
	*code
	*sessionState
	ctx *perdure.EntityContext
	id  SessionID
}

// admit takes a message, with a token of the caller if that waits for the answer.
func (s *session) admit(r *runRequest, waits bool) (*admitReply, error) {
	if r.CorrelationID == "" {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "run agent", Message: "the correlation id is missing"}
	}
	if err := r.Busy.check(); err != nil {
		return nil, err
	}
	if _, err := NewSessionID(s.id.Agent, s.id.Key); err != nil {
		return nil, err
	}
	messages, err := r.messages()
	if err != nil {
		return nil, err
	}
	turn := s.id.Turn(r.CorrelationID)
	if known := s.admitted(turn); known != nil {
		if waits {
			s.waits(known, r)
		}
		return &admitReply{Turn: turn, Duplicate: true}, sameMessages(known, messages, r.Options)
	}
	if slices.Contains(s.Recent, short(turn)) {
		var err error
		if waits {
			err = s.lookUp(turn, s.ctx.Defer(), r.dialect)
		} else {
			s.asked(r.CorrelationID)
		}
		return &admitReply{Turn: turn, Duplicate: true}, err
	}
	// Those who do not hear of a refusal were told before.
	if n := len(s.Queue) + len(s.Steering); n >= maxQueue && !perdure.OperationOf(s.ctx).Signal {
		return nil, queueFull(s.ctx.ID().String(), n)
	}
	size := len(perdure.OperationOf(s.ctx).Input.S)
	if waiting := s.waiting(); size >= bigMessage && s.busy() && waiting+size > maxQueueBytes && !perdure.OperationOf(s.ctx).Signal {
		return nil, &perdure.Error{Code: perdure.ResourceExhausted, Op: "run agent", Instance: s.ctx.ID().String(),
			Message: fmt.Sprintf("messages of %d bytes wait in this session already; with this one it would be more than %d", waiting, maxQueueBytes)}
	}
	if s.Created.IsZero() {
		s.Created, s.Agent = s.ctx.Now(), s.agent.Name
		s.Incarnation = incarnation(turn, s.Created)
	}
	a := &admitted{
		Turn: turn, CorrelationID: r.CorrelationID, Messages: messages, Options: r.Options, Import: r.Import, Refused: r.refused,
		Principal: r.Principal, Caller: perdure.OperationOf(s.ctx).Caller, At: s.ctx.Now(), Bytes: size, Trace: traceOf(perdure.OperationOf(s.ctx).Trace),
	}
	if a.Trace == "" {
		a.Trace = r.Trace.valid()
	}
	if r.After != "" && s.newest() != short(r.After) {
		return nil, &perdure.Error{Code: perdure.FailedPrecondition, Op: "run agent", Instance: s.ctx.ID().String(),
			Message: "another turn is the newest of the session"}
	}
	steers, err := s.place(a, r.Busy)
	if err != nil {
		return nil, err
	}
	if a.Caller != "" {
		s.Owner = a.Caller
	}
	if waits {
		s.waits(a, r)
	}
	return &admitReply{Turn: turn, Steers: steers}, s.next()
}

// busy reports whether a message that comes now has to wait.
func (s *session) busy() bool { return s.Running != nil || len(s.Queue) > 0 || s.Closing != nil }

// waiting returns how many bytes the messages have that wait.
func (s *session) waiting() (n int) {
	for _, a := range slices.Concat(s.Queue, s.Steering) {
		n += a.Bytes
	}
	return n
}

func queueFull(session string, n int) error {
	return &perdure.Error{Code: perdure.ResourceExhausted, Op: "run agent", Instance: session,
		Message: fmt.Sprintf("%d messages wait in this session already", n)}
}

// incarnation tells sessions apart that had the same id one after the other.
func incarnation(turn string, created time.Time) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", turn, created.UnixNano()))
	return hex.EncodeToString(sum[:8])
}

// short is what tells a turn's id from others of its session.
func short(turn string) string { return turn[strings.LastIndexByte(turn, '~')+1:] }

// admitted returns the message whose turn runs or waits, nil if it does neither.
func (s *session) admitted(turn string) *admitted {
	if s.Running != nil && s.Running.Turn == turn {
		return s.Running
	}
	for _, list := range [][]*admitted{s.Queue, s.Steering} {
		for _, a := range list {
			if a.Turn == turn {
				return a
			}
		}
	}
	return nil
}

// next starts the turn that waits first, if none runs.
func (s *session) next() error {
	if s.Running != nil || len(s.Queue) == 0 || s.Closing != nil {
		return nil
	}
	a := s.Queue[0]
	s.Queue = s.Queue[1:]
	_, err := s.ctx.StartOrchestration(turnPrefix+s.id.Agent, turnInput{
		Agent: s.agent.Name, Session: s.id.String(), CorrelationID: a.CorrelationID,
		Log: logID(s.id.String(), s.Incarnation), View: s.view(), Head: s.Head, Messages: a.Messages,
		Options: a.Options, Import: a.Import, Principal: a.Principal, Caller: a.Caller, Refused: a.Refused, Pending: s.Pending, Active: s.Active,
		Turns: s.Turns, State: s.State, Trace: a.Trace, Policy: s.policy(a.Options),
	}, perdure.WithID(a.Turn), perdure.WithTags(map[string]string{
		tagAgent: s.agent.Name, tagSession: s.id.String(), tagCorrelation: a.CorrelationID,
	}),
		perdure.WithFold(foldAfter, rowStream))
	a.Messages, a.Options, a.Trace = nil, nil, ""
	s.Running = a
	return err
}

// view is what of the conversation the model is given in the next turn.
func (s *session) view() viewOf {
	v := s.View
	if from := windowStart(s.Head, s.agent.Window); from > v.From {
		v.From, v.Summary = from, 0
	}
	return v
}

// windowStart is the first position that a model is given. It moves in leaps of
// half a window.
func windowStart(head int64, window int) int64 {
	size := int64(window)
	if window <= 0 || head <= size {
		return 0
	}
	leap := max(size/2, 1)
	return (head - size + leap - 1) / leap * leap
}

// ended moves the head behind the turn that has ended, answers those who wait for
// it and starts the next.
func (s *session) ended() error {
	var e ended
	if err := s.ctx.Input(&e); err != nil {
		return err
	}
	if s.Running == nil || s.Running.Turn != e.Turn || e.Log != "" && e.Log != logID(s.id.String(), s.Incarnation) {
		return nil // told before, or of another conversation
	}
	if s.Again != nil { // it was rewound, and has ended before it could say so
		if err := s.goesOn(s.Again, 0); err != nil {
			return err
		}
		s.Again = nil
	}
	s.Last = s.lastOf(&e)
	s.Head = max(s.Head, e.Head)
	if e.Response != nil {
		s.Pending = callIDs(e.Response.Calls)
		if s.Active = fold(e.Response.Agent); s.Active == s.id.Agent {
			s.Active = ""
		}
	}
	if e.Back {
		s.Active = ""
	}
	if e.View != nil {
		s.View = *e.View
	}
	s.State = withState(s.State, e.State)
	s.Turns++
	usage, spent := e.counted(s.Running)
	s.Usage.Add(usage)
	s.Spent = s.Spent.plus(spent)
	if e.Error != nil && e.Error.Type != perdure.Canceled.String() {
		s.Failed++
		s.Last.hasFailed()
	}
	s.remember(e.Turn)
	if e.Error != nil {
		s.Broken = append(s.Broken, short(e.Turn))
	}
	for _, a := range append(s.settle(&e), s.Running) {
		if err := s.answer(a, &e); err != nil {
			return err
		}
	}
	s.Running = nil
	if s.Closing != nil {
		return s.clean()
	}
	return s.next()
}

// answer gives the outcome of a turn to those who wait for a message of it.
func (s *session) answer(a *admitted, e *ended) error {
	for _, token := range a.Replies {
		if e.Error != nil {
			s.ctx.FailReply(token, &perdure.StepError{Type: e.Error.Type, Message: e.Error.Message, NonRetryable: true})
			continue
		}
		var err error
		if dialect := a.Foreign[token]; dialect != "" { // they want all messages of the turn
			err = s.lookUp(e.Turn, token, dialect)
		} else {
			err = s.ctx.ResolveReply(token, e.Response)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
