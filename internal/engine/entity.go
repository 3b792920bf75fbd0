package engine

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/fault"
	"github.com/perdure/perdure/internal/history"
)

// maxBatch bounds the operations of one entity turn.
const maxBatch = 200

// earlyUnlockLife is how long an unlock of a section that the entity does not
// know cancels a later request of that section.
const earlyUnlockLife = time.Hour

// Entity is the state of one entity. It is not safe for concurrent use.
type Entity struct {
	ID       string
	State    history.Text // absent = no state
	Lock     *Lock        // nil = free
	Deferred map[string]Caller
	// Early holds the sections that were unlocked before their request came, see
	// earlyKey, with the time of the unlock.
	Early map[string]time.Time
	// Delayed counts signals that wait for their time.
	Delayed int
	// NextTimer numbers the timers, of delayed signals and of early unlocks.
	NextTimer int32
}

// Lock says who holds an entity.
type Lock struct {
	Section   string
	Instance  string
	Execution string
	Set       []string
}

// opensBy reports whether an unlock is one of this lock. A rewound run asks for the
// locks of a section again, which its earlier execution has given back: what that
// sent does not count. Other SDKs do not tell the execution.
func (l *Lock) opensBy(b *history.EntityUnlockSent) bool {
	return l != nil && l.Section == b.CriticalSectionID &&
		(!b.ParentExecutionID.Set || b.ParentExecutionID.S == l.Execution)
}

// earlyKey names an early unlock: by its section, and the execution if that is known.
func earlyKey(section, execution string) string {
	if execution == "" {
		return section
	}
	return section + " " + execution
}

// Caller waits for the answer of an operation: an orchestration, or a client's
// request if Ask is set.
type Caller struct {
	Instance  string
	Execution string
	Ask       string
}

// Alive reports whether a record of the entity must be kept.
func (s *Entity) Alive() bool {
	return s.State.Set || s.Lock != nil || len(s.Deferred) > 0 || len(s.Early) > 0 || s.Delayed > 0
}

// Plan is what can be done with an entity's queue now.
type Plan struct {
	// Consumed are the messages that the transition takes from the queue.
	Consumed []*Message
	// Operations are those of Consumed that user code must run.
	Operations []*Message
}

// Plan chooses what to do next. It changes nothing. The queue may be what follows
// messages that wait for the lock; barred says that a lock request is among these.
//
// Unlocks and delayed signals are taken wherever they stand. Of the rest, while
// the entity is locked only the holder's operations are taken; else everything
// up to the next lock request, and a lock request if it stands first.
func (s *Entity) Plan(queue []*Message, barred bool, now time.Time) Plan {
	var p Plan
	lock := s.Lock
	blocked := barred
	for _, m := range queue {
		switch b := m.Event.Body.(type) {
		case *history.EntityUnlockSent:
			p.Consumed = append(p.Consumed, m)
			if lock.opensBy(b) {
				lock = nil
			}
			blocked = true // what follows is judged in the next transition
		case *history.EntityLockRequested:
			if !blocked && lock == nil && len(p.Operations) == 0 {
				p.Consumed = append(p.Consumed, m)
			}
			blocked = true
		case *history.EntityOperationSignaled:
			if b.ScheduledTime.After(now) {
				p.Consumed = append(p.Consumed, m)
				continue
			}
			p.operation(m, blocked || lock != nil)
		case *history.EntityOperationCalled:
			held := lock != nil && (lock.Instance != b.ParentInstanceID.S || lock.Execution != b.ParentExecutionID.S)
			p.operation(m, (blocked && lock == nil) || held)
		default:
			p.Consumed = append(p.Consumed, m) // nothing an entity understands
		}
	}
	return p
}

func (p *Plan) operation(m *Message, waits bool) {
	if !waits && len(p.Operations) < maxBatch {
		p.Operations = append(p.Operations, m)
		p.Consumed = append(p.Consumed, m)
	}
}

// EntityStep is a finished transition of an entity.
type EntityStep struct {
	Now    time.Time
	Plan   Plan
	Result EntityResult // of the turn over Plan.Operations
	NewID  func() string
}

// Apply makes a transition part of the state. done are the messages that the
// commit consumes: fewer than planned if user code left operations over.
func (s *Entity) Apply(t *EntityStep) (fx *Effects, done []*Message) {
	fx = &Effects{}
	left := make(map[*Message]bool)
	results := t.Result.Results
	if n := len(t.Plan.Operations); len(results) > n {
		results = results[:n]
	}
	if n := len(results); n < len(t.Plan.Operations) {
		for _, m := range t.Plan.Operations[n:] {
			left[m] = true
		}
	}
	for _, m := range t.Plan.Consumed {
		if left[m] {
			continue
		}
		done = append(done, m)
		switch b := m.Event.Body.(type) {
		case *history.EntityUnlockSent:
			s.unlock(fx, b, t.Now)
		case *history.EntityLockRequested:
			s.acquire(fx, b, t.Now)
		case *history.EntityOperationSignaled:
			if b.ScheduledTime.After(t.Now) {
				s.delay(fx, m, b)
			}
		case *history.TimerFired:
			s.expire(t.Now)
		}
	}
	if len(t.Plan.Operations) > 0 {
		s.State = t.Result.State
		for i, r := range results {
			s.answer(fx, t.Plan.Operations[i], r, t.Now)
		}
		for _, a := range t.Result.Actions {
			s.carryOut(fx, a, t)
		}
		if !s.State.Set {
			s.failDeferred(fx, t.Now)
		}
	}
	return fx, done
}

func (s *Entity) unlock(fx *Effects, b *history.EntityUnlockSent, now time.Time) {
	if s.Lock.opensBy(b) {
		s.Lock = nil
		return
	}
	if s.Early == nil {
		s.Early = make(map[string]time.Time)
	}
	if fault.Mutant(fault.EarlyUnlockForgotten) {
		return
	}
	s.Early[earlyKey(b.CriticalSectionID, b.ParentExecutionID.S)] = now
	s.NextTimer++
	due := now.Add(earlyUnlockLife)
	fx.Timers = append(fx.Timers, &Task{ID: s.NextTimer, Kind: TimerTask, Due: due, Event: &history.Event{
		ID: -1, Time: now, Body: &history.TimerFired{FireAt: due, TimerID: s.NextTimer},
	}})
}

// expire forgets early unlocks whose request has not come for so long that it
// will not come any more.
func (s *Entity) expire(now time.Time) {
	maps.DeleteFunc(s.Early, func(_ string, at time.Time) bool { return now.Sub(at) >= earlyUnlockLife })
}

// acquire takes the lock for a section and passes the request on.
func (s *Entity) acquire(fx *Effects, b *history.EntityLockRequested, now time.Time) {
	for _, execution := range []string{b.ParentExecutionID.S, ""} {
		key := earlyKey(b.CriticalSectionID, execution)
		if _, ok := s.Early[key]; ok {
			delete(s.Early, key)
			return
		}
	}
	s.Lock = &Lock{
		Section: b.CriticalSectionID, Set: b.LockSet,
		Instance: b.ParentInstanceID.S, Execution: b.ParentExecutionID.S,
	}
	if next := int(b.Position) + 1; next < len(b.LockSet) {
		c := *b
		c.Position++
		fx.send(b.LockSet[next], s.ID, "", &c, now)
		return
	}
	fx.send(b.ParentInstanceID.S, s.ID, "", &history.EntityLockGranted{
		CriticalSectionID: b.CriticalSectionID, LockSet: b.LockSet, ParentExecutionID: b.ParentExecutionID,
	}, now)
}

// Undeliverable returns what goes back when a lock was granted to an execution
// that is no more: unlocks to the whole set.
func Undeliverable(m *Message, now time.Time) []Outgoing {
	b, ok := m.Event.Body.(*history.EntityLockGranted)
	if !ok {
		return nil
	}
	var fx Effects
	for _, target := range b.LockSet {
		fx.send(target, "", "", &history.EntityUnlockSent{
			CriticalSectionID: b.CriticalSectionID, LockSet: b.LockSet, ParentExecutionID: b.ParentExecutionID,
		}, now)
	}
	return fx.Send
}

// delay turns a signal with a time into a timer.
func (s *Entity) delay(fx *Effects, m *Message, b *history.EntityOperationSignaled) {
	s.NextTimer++
	s.Delayed++
	fx.Timers = append(fx.Timers, &Task{ID: s.NextTimer, Kind: TimerTask, Due: b.ScheduledTime, Event: m.Event})
}

// Fired takes note that the timer of a delayed signal has fired.
func (s *Entity) Fired() {
	if s.Delayed > 0 {
		s.Delayed--
	}
}

func callerOf(m *Message) (Caller, string, bool) {
	b, ok := m.Event.Body.(*history.EntityOperationCalled)
	if !ok {
		return Caller{}, "", false
	}
	return Caller{Instance: b.ParentInstanceID.S, Execution: b.ParentExecutionID.S, Ask: m.Ask}, b.RequestID, true
}

func (s *Entity) answer(fx *Effects, m *Message, r OperationResult, now time.Time) {
	caller, request, called := callerOf(m)
	switch {
	case !called:
	case r.Deferred:
		if s.Deferred == nil {
			s.Deferred = make(map[string]Caller)
		}
		s.Deferred[request] = caller
	default:
		reply(fx, s.ID, caller, request, r.Result, r.Failure, now)
	}
}

func reply(fx *Effects, from string, c Caller, request string, result history.Text, failure *history.Failure, now time.Time) {
	switch {
	case c.Ask != "":
		fx.Replies = append(fx.Replies, Answer{Request: c.Ask, Result: result, Failure: failure})
	case failure != nil:
		fx.send(c.Instance, from, c.Execution, &history.EntityOperationFailed{RequestID: request, Failure: failure}, now)
	default:
		fx.send(c.Instance, from, c.Execution, &history.EntityOperationCompleted{RequestID: request, Output: result}, now)
	}
}

// Purge takes the entity's state; those who wait for the answer of an operation
// are told. What keeps order among others stays: the lock, until its holder gives
// it back, and unlocks whose request may still come.
func (s *Entity) Purge(now time.Time) *Effects {
	fx := &Effects{}
	s.State, s.Delayed = history.Text{}, 0
	s.failDeferred(fx, now)
	return fx
}

func (s *Entity) failDeferred(fx *Effects, now time.Time) {
	f := &history.Failure{Type: "EntityDeleted", Message: "entity " + s.ID + " was deleted before it answered"}
	for _, request := range slices.Sorted(maps.Keys(s.Deferred)) {
		reply(fx, s.ID, s.Deferred[request], request, history.Text{}, f, now)
	}
	s.Deferred = nil
}

func (s *Entity) carryOut(fx *Effects, a EntityAction, t *EntityStep) {
	switch a := a.(type) {
	case *SendSignal:
		fx.send(a.InstanceID, s.ID, "", &history.EntityOperationSignaled{
			RequestID: t.NewID(), Operation: a.Name, Input: a.Input, ScheduledTime: a.ScheduledTime, ParentTrace: a.ParentTrace,
		}, t.Now)
	case *StartOrchestration:
		id := a.InstanceID
		if id == "" {
			id = t.NewID()
		}
		fx.Send = append(fx.Send, Outgoing{Target: id, Detach: true, Message: &Message{
			From: s.ID, Class: ClassStart, Event: WithFold(&history.Event{ID: 0, Time: t.Now, Body: &history.ExecutionStarted{
				Name: a.Name, Version: a.Version, Input: a.Input, ScheduledStart: a.ScheduledTime, Tags: a.Tags, ParentTrace: a.ParentTrace,
			}}, a.Fold),
		}})
	case *RaiseEvent:
		fx.send(a.InstanceID, s.ID, "", &history.EventRaised{Name: a.Name, Input: a.Data}, t.Now)
	case *TerminateOrchestration:
		fx.send(a.InstanceID, s.ID, "", &history.ExecutionTerminated{Input: a.Reason, Recurse: true}, t.Now)
	case *ResolveReply:
		if c, ok := s.Deferred[a.Token]; ok {
			delete(s.Deferred, a.Token)
			reply(fx, s.ID, c, a.Token, a.Result, a.Failure, t.Now)
		}
	case *PutEntityRows:
		fx.Rows = append(fx.Rows, a.Rows...)
	}
}

// Fields of an encoded entity.
const (
	entState    = 1
	entLock     = 2
	entDeferred = 3
	entEarly    = 4
	entDelayed  = 5
	entNext     = 6
)

// Encode returns the state in the form that Decode reads.
func (s *Entity) Encode() []byte {
	var b []byte
	sub := func(f protowire.Number, parts ...string) {
		var m []byte
		for i, p := range parts {
			m = protowire.AppendString(protowire.AppendTag(m, protowire.Number(i+1), protowire.BytesType), p)
		}
		b = protowire.AppendBytes(protowire.AppendTag(b, f, protowire.BytesType), m)
	}
	if s.State.Set {
		b = protowire.AppendString(protowire.AppendTag(b, entState, protowire.BytesType), s.State.S)
	}
	if l := s.Lock; l != nil {
		sub(entLock, append([]string{l.Section, l.Instance, l.Execution}, l.Set...)...)
	}
	for _, r := range slices.Sorted(maps.Keys(s.Deferred)) {
		c := s.Deferred[r]
		sub(entDeferred, r, c.Instance, c.Execution, c.Ask)
	}
	for _, id := range slices.Sorted(maps.Keys(s.Early)) {
		sub(entEarly, id, strconv.FormatInt(s.Early[id].UnixMicro(), 10))
	}
	b = protowire.AppendVarint(protowire.AppendTag(b, entDelayed, protowire.VarintType), uint64(s.Delayed))
	return protowire.AppendVarint(protowire.AppendTag(b, entNext, protowire.VarintType), uint64(s.NextTimer))
}
