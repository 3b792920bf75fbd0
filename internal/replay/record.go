package replay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// recording is the recorded history while it is applied.
type recording struct {
	replaying bool
	past      []*history.Event
	begin     int // of the recorded turn
	next      int // the scheduling event that the next action must match
	end       int // of the recorded turn
	// rewound is the index of the last rewind: what turns before it ask for may
	// lack in the history, and is asked for again afterwards.
	rewound int
	orphans []*perdure.Step
	patches map[string]*patch
}

// shape is what an action and the event that it leaves have in common.
type shape struct {
	kind   history.Kind
	name   string
	target string
}

const (
	kindEnd     history.Kind = -1 - iota // the recorded turn ends
	kindPanic                            // the code panicked
	kindNothing                          // the code waits
	kindNext                             // the code continued as new
)

func (s shape) String() string {
	switch s.kind {
	case kindEnd:
		return "end of the turn"
	case kindPanic:
		return "panic: " + s.name
	case kindNothing:
		return "nothing: the code waits"
	case kindNext:
		return "continue as new"
	}
	text := s.kind.String()
	if s.kind == history.KindGenericEvent {
		text = "patch"
	}
	if s.name != "" {
		text += " " + strconv.Quote(s.name)
	}
	if s.target != "" {
		text += " to " + strconv.Quote(s.target)
	}
	return text
}

// scheduled returns the shape of an event that an action left, and false for
// all other events.
func scheduled(ev *history.Event) (shape, bool) {
	switch b := ev.Body.(type) {
	case *history.TaskScheduled:
		return shape{history.KindTaskScheduled, b.Name, ""}, true
	case *history.TimerCreated:
		return shape{kind: history.KindTimerCreated}, true
	case *history.SubOrchestrationInstanceCreated:
		return shape{history.KindSubOrchestrationInstanceCreated, b.Name, b.InstanceID}, true
	case *history.EventSent:
		return shape{history.KindEventSent, b.Name, b.InstanceID}, true
	case *history.EntityOperationSignaled:
		return shape{history.KindEntityOperationSignaled, b.Operation, b.TargetInstanceID.S}, true
	case *history.EntityOperationCalled:
		return shape{history.KindEntityOperationCalled, b.Operation, b.TargetInstanceID.S}, true
	case *history.EntityLockRequested:
		return shape{history.KindEntityLockRequested, "", strings.Join(b.LockSet, " ")}, true
	case *history.EntityUnlockSent:
		return shape{history.KindEntityUnlockSent, "", b.TargetInstanceID.S}, true
	case *history.ExecutionCompleted:
		return shape{history.KindExecutionCompleted, b.Status.String(), ""}, true
	case *history.GenericEvent:
		if name, ok := strings.CutPrefix(b.Data.S, engine.MarkPrefix); ok {
			return shape{history.KindGenericEvent, name, ""}, true
		}
	}
	return shape{}, false
}

// fits reports whether an action of the shape got leaves an event of the shape
// want. An action without a target fits any: the engine chose it.
func (got shape) fits(want shape) bool {
	return got.kind == want.kind && got.name == want.name &&
		(got.target == want.target || got.target == "" && got.kind == history.KindSubOrchestrationInstanceCreated)
}

// recorded reports whether the action with this id is in the history, so that it
// is not made again. On the first difference the execution has diverged.
func (m *machine) recorded(id int32, got shape, s *perdure.Step) bool {
	r := &m.rec
	if !r.replaying {
		return false
	}
	m.skipMessages()
	if r.next < r.end && r.past[r.next].ID == id {
		if want, _ := scheduled(r.past[r.next]); got.fits(want) || m.fitsRenamed(got, want, s) {
			r.next++
			return true
		}
	} else if r.begin <= r.rewound && s != nil {
		m.renameOrphan(s)
		r.orphans = append(r.orphans, s)
		return true
	}
	m.diverge(got)
	return true
}

// skipMessages moves to the next event of the turn that an action left.
func (m *machine) skipMessages() {
	r := &m.rec
	for ; r.next < r.end; r.next++ {
		if _, ok := scheduled(r.past[r.next]); !ok {
			continue
		}
		if !m.adopt(r.past[r.next].ID) {
			return
		}
	}
}

// adopt takes an action of an earlier turn off the list of those that a rewind
// removed, when the history has it again.
func (m *machine) adopt(id int32) bool {
	for i, s := range m.rec.orphans {
		if s.ID == id {
			m.rec.orphans = append(m.rec.orphans[:i:i], m.rec.orphans[i+1:]...)
			return true
		}
	}
	return false
}

// turnEnds checks that nothing is left of the recorded turn.
func (m *machine) turnEnds() {
	m.skipMessages()
	if m.rec.next < m.rec.end && !m.over {
		m.divergeAt(shape{kind: kindNothing}, "")
	}
}

func (m *machine) diverge(got shape) {
	where := ""
	if m.current != nil {
		where = userSite()
	}
	m.divergeAt(got, where)
}

func (m *machine) divergeAt(got shape, where string) {
	if m.over {
		return
	}
	r := &m.rec
	want, index := shape{kind: kindEnd}, r.end
	if r.next < r.end {
		want, _ = scheduled(r.past[r.next])
		index = r.next
	}
	expected := want.String()
	if want.kind > 0 {
		expected = fmt.Sprintf("%d %s", r.past[index].ID, expected)
	}
	text := got.String()
	if got.kind > 0 {
		text = fmt.Sprintf("%d %s", m.lastID, text)
	}
	m.over = true
	m.result = engine.TurnResult{Diverged: &engine.Divergence{
		Event: index, Expected: expected, Got: text, Where: where,
	}}
}

// recordedEnd reports whether the next action in the history ends the execution.
func (m *machine) recordedEnd() bool {
	m.skipMessages()
	r := &m.rec
	return r.next < r.end && (is[*history.ExecutionCompleted](r.past[r.next]) ||
		is[*history.EntityUnlockSent](r.past[r.next]))
}
