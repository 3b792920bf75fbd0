package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// Service talks with the agents of a hub. A worker that has agents needs one as
// well, see Context; share it with the readers in the same process, who then get
// what a model says before it is durable. Its methods may be called concurrently.
type Service struct {
	client  *client.Client
	live    live
	running runningSteps

	observer *observer // nil = nobody watches
}

// NewService returns a service over a client's hub.
func NewService(c *client.Client) *Service { return &Service{client: c} }

type serviceKey struct{}

// Context returns a context with which the worker of a hub must run, so that the
// steps of its agents reach the conversations: hub.Run(service.Context(ctx)).
func (s *Service) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, serviceKey{}, s)
}

// serviceOf returns the service of the worker that runs an activity.
func serviceOf(ctx context.Context) (*Service, error) {
	if s, ok := ctx.Value(serviceKey{}).(*Service); ok {
		return s, nil
	}
	return nil, &perdure.Error{Code: perdure.Internal, Op: "run agent",
		Message: "this worker was not given a Service: run the hub with Service.Context"}
}

// ClientOf returns the client of the hub in which a tool or an activity runs with
// ctx, for those that start, ask or wake orchestrations. Give starts and events the
// EffectID as request id, so that a call that is repeated has one effect. It fails
// if the worker runs without a Service, see Service.Context.
func ClientOf(ctx context.Context) (*client.Client, error) {
	s, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	return s.client, nil
}

// Message is what is said to an agent.
type Message struct {
	Text string
	// Role is who says it; "" = the user.
	Role model.Role
	// CorrelationID makes the message repeatable: said again with the same id it
	// is the same turn, with other content it fails with Conflict, for a day after
	// the turn has ended. "" = a random one. It has 1 to 256 bytes.
	CorrelationID string
	// Busy says what happens if a turn runs in the session; "" = BusyQueue.
	Busy Busy
	// After refuses the message with FailedPrecondition unless this turn, by its
	// instance id, is the newest of the session; "" = whatever was said before.
	After string
	// Contents follow the text: images, files, results of the caller's tools.
	Contents model.Contents
	// Messages are said instead of Text, Role and Contents. Those of the roles
	// user, system and assistant may be said.
	Messages []*model.Message
	// Principal is who sends the message. Without a name it is who has shown a token
	// to the server that passes the message on.
	Principal Principal
	// Options change the turn. A message that steers a running turn has none.
	Options TurnOptions
}

// Accepted is the answer to a message: it is durable, its turn has its id.
type Accepted struct {
	Session       SessionID
	Turn          string // instance id
	CorrelationID string
	Duplicate     bool // a turn with this correlation id exists already
	// Steers is the running turn that was given the message, "" = none. If that
	// turn takes it, its answer is that of Turn too.
	Steers string
}

// Send says something in a session. On return the message is durable and will be
// answered; the session is made if there is none.
func (s *Service) Send(ctx context.Context, session SessionID, m Message) (Accepted, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return Accepted{}, err
	}
	if who := hub.ActorOf(ctx); m.Principal.Name == "" && who != nil && who.By != access.Local {
		m.Principal.Name = who.By
	}
	request, err := newRequest(&m)
	if err != nil {
		return Accepted{}, err
	}
	return s.admit(ctx, h, session, request)
}

// admit has a session take a request. One without a correlation id gets a random
// one.
func (s *Service) admit(ctx context.Context, h hub.Hub, session SessionID, request *runRequest) (a Accepted, err error) {
	if err := hasTurns(ctx, h); err != nil {
		return Accepted{}, err
	}
	given := request.CorrelationID
	if given == "" {
		request.CorrelationID = NewSessionKey()
	}
	a = Accepted{Session: session, Turn: session.Turn(request.CorrelationID), CorrelationID: request.CorrelationID}
	if given != "" {
		if a.Duplicate, err = isRepeated(ctx, h, a.Turn, request); err != nil || a.Duplicate {
			return a, err
		}
	}
	state, err := s.unblock(ctx, h, session)
	if err != nil {
		return Accepted{}, err
	}
	if a.Duplicate, err = state.repeated(a.Turn, request); err != nil || a.Duplicate {
		return a, err
	}
	trace := traceIn(ctx)
	text, err := perdure.Encode(request)
	if err != nil {
		return Accepted{}, err
	}
	if request.Busy != "" && request.Busy != BusyQueue || request.After != "" || len(text.S) >= bigMessage {
		// What becomes of it is known only to the session.
		var reply admitReply
		request.Trace = trace
		if err := s.client.Do(ctx, func(h hub.Hub) error { return askSession(ctx, h, session, opAdmit, request, &reply) }); err != nil {
			return Accepted{}, err
		}
		a.Duplicate, a.Steers = reply.Duplicate, reply.Steers
		return a, nil
	}
	repeat := "" // in another conversation it is another message
	if given != "" && state != nil {
		repeat = state.Incarnation + " " + given
	}
	// Beside the input: who repeats the message may be traced anew.
	run := &hub.Signal{
		RequestID: repeat, InstanceID: session.String(), Operation: opRun, Input: text, Trace: trace.traceContext(), Begins: true,
	}
	return a, s.client.Do(ctx, func(h hub.Hub) error { return h.Signal(ctx, run) })
}

// Import writes messages into a session without having them answered, such as a
// conversation that was held elsewhere: a turn of its own, which has ended on
// return. Unlike those of Send they may be of any role and content. Calls that
// none of them answers are the caller's: the next message answers them.
func (s *Service) Import(ctx context.Context, session SessionID, messages []*model.Message) error {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	request := &runRequest{Input: messages, Import: true}
	if _, err := request.messages(); err != nil {
		return err
	}
	a, err := s.admit(ctx, h, session, request)
	if err != nil {
		return err
	}
	_, err = s.Wait(ctx, a.Turn)
	return err
}

// NewSessionKey returns a random key for a session, of 32 hex digits.
func NewSessionKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// isRepeated reports whether the turn of a request exists. The turn of another
// request with the same correlation id is a conflict.
func isRepeated(ctx context.Context, h hub.Hub, turn string, request *runRequest) (bool, error) {
	i, err := h.Instance(ctx, turn, true)
	if perdure.CodeOf(err) == perdure.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !i.Folded.IsZero() {
		return true, nil // what it was asked is not known any more
	}
	var in turnInput
	if err := perdure.Decode(i.Input, &in); err != nil {
		return false, err
	}
	said, err := request.messages()
	if err != nil {
		return false, err
	}
	before, err := json.Marshal(sent{in.Messages, in.Options})
	if err != nil {
		return false, err
	}
	now, err := json.Marshal(sent{said, request.Options})
	if err != nil {
		return false, err
	}
	if string(before) != string(now) {
		return false, otherMessage(turn)
	}
	return true, nil
}

// sent is what must be the same when a request is repeated.
type sent struct {
	Messages []*model.Message
	Options  *TurnOptions
}

// unblock frees a session whose running turn was ended by somebody else, such as
// by a terminate, so that it could not tell. It refuses sessions that are full. It
// returns the session's state, nil if there is none.
func (s *Service) unblock(ctx context.Context, h hub.Hub, session SessionID) (*sessionState, error) {
	state, err := readSession(ctx, h, session)
	switch {
	case perdure.CodeOf(err) == perdure.NotFound:
		return nil, nil // it will be made
	case err != nil:
		return nil, err
	case len(state.Queue)+len(state.Steering) >= maxQueue:
		return state, queueFull(session.String(), len(state.Queue)+len(state.Steering))
	case state.Running == nil:
		return state, nil
	case state.Again != nil && !state.Again.Done: // it has ended, and is being rewound
		return state, s.tellRewound(ctx, h, session, state)
	}
	return state, s.conclude(ctx, h, session, state)
}

// conclude ends the session's running turn on its behalf, if it has ended without
// a word.
func (s *Service) conclude(ctx context.Context, h hub.Hub, session SessionID, state *sessionState) error {
	turn := state.Running.Turn
	i, err := h.Instance(ctx, turn, false)
	if err != nil || !i.Status.Terminal() {
		if perdure.CodeOf(err) == perdure.NotFound {
			return nil // it is being started
		}
		return err
	}
	last, err := lastFrame(ctx, h, turn)
	if err != nil || last != nil && last.Type == FrameEnd && (state.Again == nil || last.Offset != state.Again.End) {
		return err
	}
	log := logID(session.String(), state.Incarnation)
	position, err := lastPosition(ctx, h, log)
	if err != nil {
		return err
	}
	text, err := perdure.Encode(ended{Turn: turn, Log: log, Head: position + 1, Lost: true, Execution: i.Execution, Error: &problem{
		Type: "TurnEnded", Message: "the turn was " + client.StatusName(i.Status),
	}})
	if err != nil {
		return err
	}
	return h.Signal(ctx, &hub.Signal{RequestID: "ended " + state.Incarnation + " " + turn + " " + i.Execution, InstanceID: session.String(), Operation: opEnded, Input: text})
}

// lastPosition returns the position of the newest message of a log, -1 if it has
// none.
func lastPosition(ctx context.Context, h hub.Hub, log string) (int64, error) {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowLog, Index: 0, From: logIndex(log, 0), To: logIndex(log, 1<<62), Desc: true, Limit: 1})
	if err != nil || len(rows) == 0 {
		return -1, err
	}
	index := rows[0].Index[0]
	return int64(beUint64(index[len(index)-8:])), nil
}

// Wait waits until a turn has ended and returns its response. A turn that could
// not answer is a *perdure.StepError; one that was purged is an *UnavailableError,
// as long as its session remembers it, and so is a turn of a session a day after
// its end, when its response is given up. When ctx ends first, the turn goes on.
func (s *Service) Wait(ctx context.Context, turn string) (*Response, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	turn, known, err := s.answering(ctx, h, turn)
	if err != nil {
		return nil, err
	}
	i, err := s.awaitTurn(ctx, h, turn, known)
	if err != nil {
		return nil, err
	}
	return responseOf(i)
}

// lookAfter is how often a wait looks whether the session goes on.
const lookAfter = 5 * time.Second

// awaitTurn waits until a turn has ended, and sees to it that its session goes on
// meanwhile. Known says that the turn, or its message in the session, was there:
// when neither is there any more, it was dropped, which is Canceled.
func (s *Service) awaitTurn(ctx context.Context, h hub.Hub, turn string, known bool) (*hub.Instance, error) {
	session, inside := sessionOfTurn(turn)
	for {
		patience, cancel := context.WithTimeout(ctx, lookAfter)
		i, err := h.WaitCompletion(patience, turn)
		late := patience.Err() != nil && ctx.Err() == nil
		cancel()
		if err != nil && !late || err == nil && i.Status == store.Completed {
			return i, err
		}
		if inside {
			state, failed := s.unblock(ctx, h, session)
			if failed != nil && perdure.CodeOf(failed) != perdure.ResourceExhausted {
				return nil, failed
			}
			if err != nil && known && !state.knows(turn) {
				if _, gone := h.Instance(ctx, turn, false); perdure.CodeOf(gone) == perdure.NotFound {
					return nil, state.gone(turn)
				}
			}
			known = known || state.knows(turn)
		}
		if err == nil {
			return i, nil
		}
	}
}

// turnError leaves out which step of the turn failed.
func turnError(err error) error {
	var step *perdure.StepError
	if errors.As(err, &step) && step.Type == "StepError" && step.Cause != nil {
		return step.Cause
	}
	return err
}

// Known returns nil if a turn runs, has run, or waits in its session; a turn of
// which nothing is known is waited for, as its message may be on its way, and then
// is NotFound.
func (s *Service) Known(ctx context.Context, session SessionID, turn string, patience time.Duration) error {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return err
	}
	if _, err = h.Instance(ctx, turn, false); perdure.CodeOf(err) != perdure.NotFound {
		return err
	}
	state, err := readSession(ctx, h, session)
	if err == nil && state.knows(turn) {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err = h.WaitStart(waiting, turn); err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return &perdure.Error{Code: perdure.NotFound, Op: "get turn", Instance: turn, Message: "there is no such turn"}
	}
	return err
}

// Session is the state of a session.
type Session struct {
	ID       SessionID
	Agent    string      // as it was registered
	Messages int64       // in the conversation, without those of a running turn
	Turns    int64       // that have ended
	Failed   int64       // of these
	Usage    model.Usage // of all turns
	Spent    Spending    // in all turns
	Running  string      // turn that runs; "" = none
	Queue    []string    // turns that wait
	Steering []string    // turns whose messages were given to the running turn
	// Owner is the orchestration, or turn of another agent, that has asked the agent
	// here last: what people have said since does not change it. "" = none has.
	Owner   string
	Created time.Time
	Updated time.Time // by the newest operation
	Expires time.Time // when it is deleted if it is not used before; zero = never
}

// Session returns the state of a session, NotFound if nothing was said in it.
func (s *Service) Session(ctx context.Context, id SessionID) (*Session, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	state, err := readSession(ctx, h, id)
	if err != nil {
		return nil, err
	}
	return viewSession(id, state), nil
}

func viewSession(id SessionID, state *sessionState) *Session {
	v := &Session{
		ID: id, Agent: state.Agent, Messages: state.Head, Turns: state.Turns, Failed: state.Failed, Usage: state.Usage, Spent: state.Spent,
		Queue: turnsOf(state.Queue), Steering: turnsOf(state.Steering), Created: state.Created, Updated: state.Updated,
		Expires: state.Expires, Owner: state.Owner,
	}
	if state.Running != nil {
		v.Running = state.Running.Turn
	}
	return v
}

func turnsOf(list []*admitted) []string {
	turns := []string{}
	for _, a := range list {
		turns = append(turns, a.Turn)
	}
	return turns
}

func noSession(id SessionID) error {
	return &perdure.Error{Code: perdure.NotFound, Op: "get session", Instance: id.String(), Message: "there is no such session"}
}

func readSession(ctx context.Context, h hub.Hub, id SessionID) (*sessionState, error) {
	e, err := h.Entity(ctx, id.String())
	if err != nil && perdure.CodeOf(err) != perdure.NotFound {
		return nil, err
	}
	if err != nil || !e.State.Set {
		return nil, noSession(id)
	}
	state := &sessionState{}
	if err := perdure.Decode(e.State, state); err != nil {
		return nil, &perdure.Error{Code: perdure.Internal, Op: "read session", Instance: id.String(), Message: "its state is damaged", Cause: err}
	}
	if state.Incarnation == "" { // of an agent that a worker of another SDK hosts
		return nil, noSession(id)
	}
	return state, state.check(id.String())
}

// Page is a part of a list of sessions.
type Page struct {
	Sessions []*Session
	Next     []byte // where the list goes on; nil = end
}

// Sessions lists the sessions of an agent, those made last first, at most limit
// from the cursor on (nil = from the start).
func (s *Service) Sessions(ctx context.Context, agent string, after []byte, limit int) (Page, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return Page{}, err
	}
	prefix := "@" + entityPrefix + fold(agent) + "@"
	list, err := h.List(ctx, store.Query{Kind: store.Entity, IDPrefix: prefix, After: after, Limit: limit})
	if err != nil {
		return Page{}, err
	}
	page := Page{Sessions: []*Session{}, Next: list.Next}
	for _, i := range list.Items {
		id, err := NewSessionID(agent, strings.TrimPrefix(i.ID, prefix))
		if err != nil {
			continue
		}
		state, err := readSession(ctx, h, id)
		if perdure.CodeOf(err) == perdure.NotFound {
			continue
		}
		if err != nil {
			return Page{}, err
		}
		page.Sessions = append(page.Sessions, viewSession(id, state))
	}
	return page, nil
}

// Messages returns messages of a session in order from a position on, at most
// limit, those of a running turn included. NotFound if there is no such session.
func (s *Service) Messages(ctx context.Context, id SessionID, from int64, limit int) ([]LogMessage, error) {
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	state, err := readSession(ctx, h, id)
	if err != nil {
		return nil, err
	}
	return readLog(ctx, h, logID(id.String(), state.Incarnation), max(from, 0), state.shown(), limit)
}
