package replay

import (
	"iter"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// branch is a coroutine of user code.
type branch struct {
	m     *machine
	run   func()
	done  *perdure.Step // of the branch; nil for the main function
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	ready    bool // is in the machine's queue
	started  bool
	returned bool // run returned
	clean    bool // the coroutine ends without Goexit
	ended    bool // the coroutine is not to be resumed
}

func (m *machine) spawn(run func(), done *perdure.Step) {
	b := &branch{m: m, run: run, done: done}
	b.next, b.stop = iter.Pull(b.body)
	m.branches = append(m.branches, b)
	b.Wake()
}

// Wake implements perdure.Waiter.
func (b *branch) Wake() {
	if !b.ready && !b.ended {
		b.ready = true
		b.m.ready = append(b.m.ready, b)
	}
}

// resume runs the branch until it waits or ends.
func (b *branch) resume() {
	b.ready, b.started = false, true
	b.m.current = b
	b.m.running.Store(b)
	b.next()
	b.m.current = nil
	b.m.running.Store(nil)
	if b.returned && b.done != nil && !b.m.over {
		b.done.Complete(history.Text{})
	}
	if b.returned || b.ended {
		b.ended = true
		b.m.forget(b)
	}
}

func (m *machine) forget(b *branch) {
	if i := slices.Index(m.branches, b); i >= 0 && b.clean {
		m.branches = slices.Delete(m.branches, i, i+1)
	}
}

// body is the coroutine. Goexit, which user code may call, must not leave it,
// since it would end the goroutine that resumed the coroutine: guard suspends
// for good in that case. When the branch is unwound, Goexit does end the
// goroutine that called stop, which is one made for that: the second suspension
// returns at once then.
func (b *branch) body(yield func(struct{}) bool) {
	b.yield = yield
	defer b.guard()
	b.call()
	unlockThread()
	b.clean = true
}

func (b *branch) guard() {
	if b.clean {
		return
	}
	b.ended = true
	unlockThread()
	b.m.fault("the orchestration's code called runtime.Goexit", "")
	b.yield(struct{}{})
}

// call is where user code is recovered.
func (b *branch) call() {
	defer func() {
		if b.returned {
			return
		}
		p := recover()
		if p == nil {
			return
		}
		b.ended = true
		if !b.m.unwinding {
			b.m.fault(p, userStack(debug.Stack()))
		}
	}()
	b.run()
	b.returned = true
}

// park suspends the branch until it is woken. It does not return when the branch
// is unwound.
func (b *branch) park() {
	unlockThread()
	if !b.yield(struct{}{}) {
		exit()
	}
}

// unlockThread undoes up to three calls of runtime.LockOSThread by user code: a
// switch of a coroutine that is locked to a thread ends the process. It costs
// nothing if there were none. Turn must therefore not be called by a goroutine
// that is locked to its thread.
func unlockThread() {
	runtime.UnlockOSThread()
	runtime.UnlockOSThread()
	runtime.UnlockOSThread()
}
