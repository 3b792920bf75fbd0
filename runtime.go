package perdure

import (
	"log/slog"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// Runtime is what a Context stands on. It is called by the orchestration's own
// code only, which runs one branch at a time.
type Runtime interface {
	// Begin schedules a step, at once and in the order of the calls. Steps that
	// nothing answers are done when it returns.
	Begin(s *Step)
	// Wait suspends the calling branch until one of the steps is done. It does
	// not return if the orchestration is unloaded meanwhile.
	Wait(first *Step, others ...*Step)
	// Cancel closes a step that is not done: it ends with a Canceled error.
	Cancel(s *Step)
	// Info describes the running orchestration; it changes between turns.
	Info() *Info
}

// Info describes a running orchestration.
type Info struct {
	InstanceID  string
	ExecutionID string
	Name        string
	Version     string
	Tags        map[string]string
	Parent      *Parent               // nil if it has none
	Trace       *history.TraceContext // of who has started it; nil = none
	Seed        string                // what ids and chance derive from
	Now         time.Time
	Replaying   bool
	Logger      *slog.Logger
	// Value returns what the context of the worker has for a key, as activities
	// find it. What the orchestration does must not depend on it.
	Value func(key any) any
}

// StepKind says what a Step asks for.
type StepKind uint8

// The kinds of steps.
const (
	StepActivity     StepKind = iota + 1 // run activity Name with Input
	StepChild                            // run orchestration Name as a child, with the id Target if set
	StepStart                            // start orchestration Name, without a parent, with the id Target
	StepTimer                            // wait until At
	StepEvent                            // wait for event Name
	StepSend                             // raise event Name to Target
	StepEntityCall                       // run operation Name on entity Target; Request is the call's id
	StepEntitySignal                     // the same, without an answer, not before At
	StepLock                             // lock the entities Locks; Request is the section's id
	StepUnlock                           // end the critical section Request
	StepPatch                            // take the path of patch Name; Taken is the answer
	StepReply                            // answer the request Request with Input or Err
	StepStatus                           // set the custom status to Input
	StepTerminate                        // terminate orchestration Target, with Input as its output
	StepRows                             // write Rows beside the run
	StepBranch                           // run Run as a branch; done when it returns
)

// Step is one thing that an orchestration asks for, and its outcome. The code
// that begins a step fills it, the runtime answers it; neither changes what the
// other wrote.
type Step struct {
	Kind    StepKind
	Taken   bool
	Name    string
	Target  string
	Request string
	Input   history.Text
	At      time.Time
	Options *StepOptions // nil = none
	Pause   *Pause       // of a timer: what is tried again when it fires; nil = nothing
	Locks   []string
	Rows    []Row
	Run     func()
	Err     error

	// These belong to the runtime: the number of the present action, that of the
	// first attempt's action, the attempt, and when the first one began.
	ID      int32
	First   int32
	Attempt int32
	Began   time.Time

	done    bool
	result  history.Text
	failure *history.Failure
	err     error
	waiter  Waiter
	waiters []Waiter // beyond the first
}

// StepOptions are what few steps need.
type StepOptions struct {
	Version          string            // of the activity or orchestration; "" = any
	Tags             map[string]string // of the activity or orchestration
	Retry            *RetryPolicy      // nil = one attempt
	Timeout          time.Duration     // of an attempt of an activity; 0 = none
	HeartbeatTimeout time.Duration     // longest silence of an activity; 0 = none
	LimitKey         string            // activities with this key share a limit; "" = none
	Limit            int               // how many of them run at a time
	Effect           []byte            // effect id of a tool step
	Fold             *Fold             // of an orchestration; nil = never
}

// Fold has a run give up, some time after its end, what only its replay and its
// history need: the history of all its executions with the payloads in it, input
// and output included, and its rows of some kinds. What lists show of it, the
// type and the first 256 bytes of its failure among that, and its other rows stay
// until it is purged. A folded run cannot be rewound, nor restarted without a new
// input.
type Fold struct {
	After time.Duration // from the end on; 0 = at once
	Rows  []uint16      // kinds; those below 100 are the runtime's and stay
}

// Pause says that a timer is the pause before another attempt of something that
// has failed, for those who watch the run.
type Pause struct {
	Name        string // of the activity that is tried again
	Attempt     int    // the next one
	MaxAttempts int    // 0 = no bound
	Error       string // of the attempt that failed
}

// Row is a piece of durable data that lies beside an instance, written in the
// commit of the turn or operation that asks for it. The kinds belong to the
// packages of this module.
type Row struct {
	Kind   uint16
	Key    []byte
	Value  []byte
	Index  [2][]byte // up to two further keys by which it can be read
	Keep   bool      // outlives the instance
	Delete bool
}

// Waiter is told that a step on which it waits is done.
type Waiter interface{ Wake() }

// Complete ends the step with a result.
func (s *Step) Complete(result history.Text) { s.end(result, nil, nil) }

// Fail ends the step with a recorded failure.
func (s *Step) Fail(f *history.Failure) { s.end(history.Text{}, f, nil) }

// Reject ends the step with an error that arose in this process.
func (s *Step) Reject(err error) { s.end(history.Text{}, nil, err) }

func (s *Step) end(result history.Text, f *history.Failure, err error) {
	if s.done {
		return
	}
	s.done, s.result, s.failure, s.err = true, result, f, err
	first, more := s.waiter, s.waiters
	s.waiter, s.waiters = nil, nil
	if first != nil {
		first.Wake()
	}
	for _, w := range more {
		w.Wake()
	}
}

// Done reports whether the step has ended.
func (s *Step) Done() bool { return s.done }

// Result returns the outcome of a step that is done.
func (s *Step) Result() (history.Text, error) {
	if s.err != nil {
		return history.Text{}, s.err
	}
	if s.failure != nil {
		return history.Text{}, stepError(s.Name, s.Attempt, s.failure)
	}
	return s.result, nil
}

// Subscribe has w woken once, when the step ends, after those that subscribed
// earlier.
func (s *Step) Subscribe(w Waiter) {
	if s.waiter == nil && len(s.waiters) == 0 {
		s.waiter = w
		return
	}
	s.waiters = append(s.waiters, w)
}

// Unsubscribe undoes one Subscribe, if w was not woken yet.
func (s *Step) Unsubscribe(w Waiter) {
	if s.waiter == w {
		s.waiter = nil
		return
	}
	for i, other := range s.waiters {
		if other == w {
			s.waiters = append(s.waiters[:i:i], s.waiters[i+1:]...)
			return
		}
	}
}
