package shard

import (
	"sync/atomic"
	"time"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/replay"
)

// job is a turn that a runner carries out.
type job struct {
	in    *instance
	now   time.Time
	state atomic.Int32

	// orchestration
	exec     *replay.Execution
	past     []*history.Event
	fresh    []*history.Event
	entries  []*entry          // that the turn is given
	kept     bool              // they are stored, or a commit on its way stores them
	messages []*engine.Message // of entries
	dropped  []*entry          // that have no effect any more
	extra    []engine.Outgoing
	result   engine.TurnResult

	// a turn or batch that is carried out by a worker outside of the process
	item    *workItem               // nil = it runs here
	full    bool                    // the worker needs the whole history
	early   bool                    // what it takes is not stored yet, since it may end soon
	until   time.Time               // that it may take for that
	encoded [][]byte                // of fresh, for others than our own workers
	by      *stream                 // that has completed it
	trace   *hub.OrchestrationTrace // that it has returned
	// delivered is the delivery with which the worker has carried it out.
	delivered delivery
	acks      []ack // who wait for its commit

	// entity
	plan    engine.Plan
	turn    *engine.EntityTurn
	payload int // limit of its payloads, in bytes
	behind  int // how many of the queue stand before its entries
	outcome engine.EntityResult
}

const (
	jobWaits int32 = iota
	jobRuns
	jobDone
	jobSlow // the loop has gone on without it
)

// runner carries out turns on a goroutine of its own, which the loop gives up
// when a turn does not end in time.
type runner struct {
	code *replay.Runner
	work chan []*job
	done chan struct{}
	gone chan int   // a turn of this index has ended the runner's goroutine
	slow func(*job) // told when a turn ends that the loop has given up
}

func newRunner(code *replay.Runner, slow func(*job)) *runner {
	r := &runner{code: code, work: make(chan []*job), done: make(chan struct{}, 1), gone: make(chan int, 1), slow: slow}
	go r.run()
	return r
}

// run carries out batches until work is closed or it was given up.
func (r *runner) run() {
	at, ends := 0, (*job)(nil)
	defer func() { // user code may end the goroutine that it runs on
		if ends == nil {
			return
		}
		ends.outcome.Failure = &history.Failure{Type: "Goexit", Message: "the operation ended its goroutine (runtime.Goexit)"}
		if ends.state.CompareAndSwap(jobRuns, jobSlow) {
			r.gone <- at
		}
		r.slow(ends)
	}()
	for jobs := range r.work {
		for i, j := range jobs {
			if !j.state.CompareAndSwap(jobWaits, jobRuns) {
				continue
			}
			at, ends = i, j
			j.run(r.code)
			ends = nil
			if !j.state.CompareAndSwap(jobRuns, jobDone) {
				r.slow(j)
				return
			}
		}
		r.done <- struct{}{}
	}
}

func (j *job) run(code *replay.Runner) {
	if j.turn != nil {
		j.outcome = code.RunEntityWithin(*j.turn, j.payload)
		return
	}
	j.result = j.exec.Turn(j.past, j.fresh)
}

// runJobs has the turns carried out and returns those that ended in time; the
// others come back as mail.
func (l *loop) runJobs(jobs []*job) (ended []*job) {
	rest := jobs
	for len(rest) > 0 {
		if l.runner == nil {
			l.runner = newRunner(l.code, func(j *job) { l.mail.add(item{slow: j}) })
		}
		l.runner.work <- rest
		slow := l.awaitRunner(rest)
		if slow < 0 {
			break
		}
		l.runner = nil // it stays with the slow turn
		rest = rest[slow+1:]
	}
	for _, j := range jobs {
		if j.state.Load() == jobDone {
			ended = append(ended, j)
		} else {
			j.in.turning = j
		}
	}
	return ended
}

// awaitRunner waits until the batch is done, and returns the index of a turn
// that did not end in time, or -1.
func (l *loop) awaitRunner(jobs []*job) int {
	last := -1
	for {
		l.patience.Reset(l.limits.TurnTime / 2) // a turn is given up at its second look
		select {
		case <-l.runner.done:
			return -1
		case at := <-l.runner.gone:
			return at
		case <-l.patience.C:
		}
		at := -1
		for i, j := range jobs {
			if j.state.Load() == jobRuns {
				at = i
				break
			}
		}
		if at >= 0 && at == last && jobs[at].state.CompareAndSwap(jobRuns, jobSlow) {
			return at
		}
		if at < 0 && jobs[len(jobs)-1].state.Load() == jobDone {
			<-l.runner.done
			return -1
		}
		last = at
	}
}
