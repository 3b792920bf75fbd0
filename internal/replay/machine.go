package replay

import (
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// machine is the state of an execution. Only code that runs in a turn touches
// it, or the goroutine that unwinds it after the last one.
type machine struct {
	runner  *Runner
	info    perdure.Info
	stopped atomic.Bool // evicted: the code is not resumed any more
	lineage

	// The code.
	branches  []*branch
	ready     []*branch
	current   *branch
	running   atomic.Pointer[branch] // current, for Stack
	over      bool                   // ended, or failed in a way that ends it
	unwinding bool
	begun     bool // the main function was started
	output    history.Text
	outErr    error
	returned  bool // the main function returned
	drop      bool // the next execution does not get the events left

	// What it waits for.
	open      map[int32]entry          // by action id
	calls     map[string]*perdure.Step // by request or section id
	sections  []*perdure.Step          // locks that are requested or held
	waits     []*perdure.Step          // of events, oldest first
	buffer    []*history.Event         // external events that nobody took
	held      []*history.Event         // messages that arrived while it rests
	suspended bool
	relock    string // section whose locks it waits for after a rewind; "" = none
	payload   int    // bytes of buffer and held

	// The turn.
	lastID  int32
	actions []engine.Action
	status  history.Text
	result  engine.TurnResult

	rec recording
}

// entry is what an action id stands for while it is open.
type entry struct {
	step  *perdure.Step
	pause bool // the id is that of the timer before the step's next attempt
}

// Info implements perdure.Runtime.
func (m *machine) Info() *perdure.Info { return &m.info }

// Wait implements perdure.Runtime.
func (m *machine) Wait(first *perdure.Step, others ...*perdure.Step) {
	if m.unwinding {
		exit()
	}
	b := m.caller()
	for !anyDone(first, others) {
		first.Subscribe(b)
		for _, s := range others {
			s.Subscribe(b)
		}
		b.park()
		first.Unsubscribe(b)
		for _, s := range others {
			s.Unsubscribe(b)
		}
	}
}

func anyDone(first *perdure.Step, others []*perdure.Step) bool {
	if first.Done() {
		return true
	}
	for _, s := range others {
		if s.Done() {
			return true
		}
	}
	return false
}

// exit ends the coroutine that runs, with its deferred calls.
func exit() { runtime.Goexit() }

var errForeign = errors.New("a Context was used outside of its orchestration's code")

func (m *machine) caller() *branch {
	if m.current == nil {
		panic(errForeign)
	}
	return m.current
}

// run resumes ready branches until all wait or the execution is over.
func (m *machine) run() {
	for i := 0; i < len(m.ready) && !m.over; i++ {
		b := m.ready[i]
		if b.ended {
			continue
		}
		b.resume()
		if m.returned && !m.over {
			m.finish()
		}
	}
	clear(m.ready)
	m.ready = m.ready[:0]
}

// fault notes a panic; the execution is over.
func (m *machine) fault(p any, stack string) {
	if m.over {
		return
	}
	if m.rec.replaying && !m.recordedEnd() {
		m.divergeAt(shape{kind: kindPanic, name: fmt.Sprint(p)}, panicSite(stack))
		return
	}
	m.fail(perdure.PanicFailure(p, stack))
	m.result.Panicked = true
}

// unwind ends all suspended code. Goexit ends the goroutine that calls stop, so
// each branch is stopped in a deferred call of the one before.
func (m *machine) unwind() {
	m.unwinding, m.over = true, true
	list := m.branches
	m.branches = nil
	if len(list) > 0 {
		go stopAll(list)
	}
}

func stopAll(list []*branch) {
	if len(list) == 0 {
		return
	}
	defer stopAll(list[1:])
	list[0].stop()
}
