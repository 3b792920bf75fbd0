package replay

import (
	"sync"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// Execution is one execution of an orchestration with its suspended code. Turn
// is called by one goroutine at a time; the other methods may be called at any
// time. An Execution that is dropped must be evicted, or its suspended code
// stays for ever.
type Execution struct {
	m machine

	mu      sync.Mutex // guards the fields below
	running bool
	evicted bool
	unwound bool
	bytes   int
}

// Turn applies the events of a turn and returns what the code asks for. The
// first call gets the recorded history as past, later ones nil. It runs the code
// on the caller's goroutine and returns when all of it waits. Of an execution
// that has ended or is evicted it returns nothing.
func (e *Execution) Turn(past, fresh []*history.Event) engine.TurnResult {
	e.mu.Lock()
	if e.unwound || e.evicted || e.running {
		e.mu.Unlock()
		return engine.TurnResult{}
	}
	e.running = true
	e.mu.Unlock()

	result := e.m.turn(past, fresh)

	e.mu.Lock()
	defer e.mu.Unlock()
	e.running = false
	e.bytes = e.m.size()
	if e.evicted || e.m.over {
		e.unwind()
	}
	return result
}

// Evict unloads the execution: its suspended code ends, with its deferred calls,
// on goroutines of its own. It does not wait for that. If a turn runs, the code
// is unloaded when the turn ends.
func (e *Execution) Evict() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.evicted {
		return
	}
	e.evicted = true
	e.m.stopped.Store(true)
	if !e.running {
		e.unwind()
	}
}

// unwind ends the suspended code, once.
func (e *Execution) unwind() {
	if !e.unwound {
		e.unwound = true
		e.m.unwind()
	}
}

// Bytes estimates the memory that the execution holds since its last turn.
func (e *Execution) Bytes() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.bytes
}

const (
	executionBytes = 2 << 10
	branchBytes    = 7 << 10 // measured: a suspended coroutine with its stack
	stepBytes      = 512
	eventBytes     = 256
)

func (m *machine) size() int {
	steps := len(m.open) + len(m.waits) + len(m.calls)
	events := len(m.buffer) + len(m.held)
	return executionBytes + branchBytes*len(m.branches) + stepBytes*steps + eventBytes*events + m.payload
}
