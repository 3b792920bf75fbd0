package remote

import (
	"container/list"
	"sync"
	"sync/atomic"

	"github.com/perdure/perdure/internal/replay"
)

// executionKey names an execution of an orchestration.
type executionKey struct{ instance, execution string }

// suspended is the code of an execution between its turns.
type suspended struct {
	exec *replay.Execution

	told  chan struct{} // closed when it is known what the hub made of the last turn; nil = there was none
	known bool          // the hub has taken it; written before told is closed
	gone  atomic.Bool   // given up
	place *list.Element // guarded by warm.mu: nil while a turn runs or is not told of
	bytes int           // guarded by warm.mu
}

// wait says that a turn was carried out of which the hub is to be told.
func (s *suspended) wait() { s.told, s.known = make(chan struct{}), false }

// tell says what the hub made of the turn.
func (s *suspended) tell(err error) {
	s.known = err == nil
	close(s.told)
}

// agrees waits until it is known what the hub made of the last turn, and reports
// whether the code stands where the hub thinks: the hub may hand out the next turn
// before its answer to the last one has come.
func (s *suspended) agrees() bool {
	if s.told == nil {
		return false
	}
	<-s.told
	return s.known
}

// warm holds the executions that are suspended in memory. Those whose turn the hub
// has taken have their place in a list and leave it, the oldest first, when they hold
// too many bytes.
type warm struct {
	max int

	mu    sync.Mutex // guards the rest
	all   map[executionKey]*suspended
	order *list.List // of executionKey, the oldest first
	bytes int        // of those in order
}

func newWarm(max int) *warm {
	return &warm{max: max, all: map[executionKey]*suspended{}, order: list.New()}
}

// take returns an execution for its next turn, nil if it is not here. It is not given
// up until it is put back.
func (w *warm) take(key executionKey) *suspended {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.all[key]
	if s != nil {
		w.leave(s)
	}
	return s
}

// begin adds an execution whose first turn here is to be carried out.
func (w *warm) begin(key executionKey, s *suspended) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all[key] = s
}

// rested returns an execution that is at rest, for a turn that its worker begins by
// itself; nil if there is none. A turn that the hub hands out meanwhile waits until it is
// known what the hub made of this one.
func (w *warm) rested(key executionKey) *suspended {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.all[key]
	if s == nil || s.place == nil {
		return nil
	}
	w.leave(s)
	s.wait()
	return s
}

// rest lets an execution rest whose turn the hub has taken, says so, and gives up those
// for which there is no room.
func (w *warm) rest(key executionKey, s *suspended) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer s.tell(nil)
	if w.all[key] != s || s.place != nil {
		return
	}
	s.place, s.bytes = w.order.PushBack(key), s.exec.Bytes()
	w.bytes += s.bytes
	for w.bytes > w.max && w.order.Len() > 0 {
		oldest := w.order.Front().Value.(executionKey)
		w.forget(oldest, w.all[oldest])
	}
}

// drop gives an execution up, if it is there (nil = it is not).
func (w *warm) drop(key executionKey, s *suspended) {
	if s == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(key, s)
}

func (w *warm) forget(key executionKey, s *suspended) {
	w.leave(s)
	if w.all[key] == s {
		delete(w.all, key)
	}
	s.gone.Store(true) // first: a turn that is cut short finds it
	s.exec.Evict()
}

func (w *warm) leave(s *suspended) {
	if s.place != nil {
		w.order.Remove(s.place)
		w.bytes -= s.bytes
		s.place = nil
	}
}

// close gives up all.
func (w *warm) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, s := range w.all {
		w.forget(key, s)
	}
}
