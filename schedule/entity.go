package schedule

import (
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure"
)

const (
	entityName   = "perdure.schedule"
	launcherName = "perdure.schedule"
	tag          = "perdure.schedule" // of runs; its value is the schedule's id
)

// The operations of the entity. Tick and ended are its own.
const (
	opCreate  = "create"
	opUpdate  = "update"
	opPause   = "pause"
	opResume  = "resume"
	opTrigger = "trigger"
	opDelete  = "delete"
	opTick    = "tick"
	opEnded   = "ended"
)

// Register adds to a registry what schedules consist of. Every hub that has
// schedules needs a worker with it, and workers with the orchestrations that are
// started.
func Register(reg *perdure.Registry) {
	perdure.AddEntityFunc(reg, entityName, operate)
	perdure.AddOrchestrationNamed(reg, launcherName, launch)
}

// Entity returns the entity that a schedule is, for orchestrations that signal
// or call its operations create and update (with a Spec), pause and resume (with
// a note), trigger and delete.
func Entity(id string) perdure.EntityID { return perdure.NewEntityID(entityName, id) }

// operate carries out an operation of the entity.
func operate(ctx *perdure.EntityContext) (any, error) {
	op := strings.ToLower(ctx.Operation())
	if !ctx.HasState() {
		switch op {
		case opTick, opEnded: // of a schedule that was deleted
			return nil, nil
		case opCreate:
		default:
			return nil, notFound(op, ctx.ID().Key)
		}
	}
	s := &state{ctx: ctx}
	if err := ctx.State(s); err != nil {
		return nil, err
	}
	result, err := s.do(op)
	if err != nil {
		return nil, err
	}
	if op == opDelete {
		ctx.DeleteState()
		return nil, nil
	}
	return result, ctx.SetState(s)
}

func (s *state) do(op string) (any, error) {
	switch op {
	case opCreate:
		return nil, s.create()
	case opUpdate:
		return nil, s.update()
	case opPause:
		return nil, s.pause(true)
	case opResume:
		return nil, s.pause(false)
	case opTrigger:
		return s.trigger()
	case opDelete:
		return nil, nil
	case opTick:
		return nil, s.tick()
	case opEnded:
		return nil, s.ended()
	}
	return nil, perdure.NonRetryable(&perdure.Error{Code: perdure.NotFound, Op: op,
		Instance: s.ctx.ID().Key, Message: "schedules have no such operation"})
}

func notFound(op, id string) error {
	return &perdure.Error{Code: perdure.NotFound, Op: op + " schedule", Instance: id, Message: "there is no such schedule"}
}

// state is a schedule as its entity keeps it.
type state struct {
	ctx *perdure.EntityContext

	Spec       Spec      `json:"spec"`
	Generation int64     `json:"generation"` // changes when what was planned is void
	Paused     bool      `json:"paused,omitempty"`
	Note       string    `json:"note,omitempty"`
	Next       time.Time `json:"next,omitzero"` // firing time that is planned
	At         time.Time `json:"at,omitzero"`   // and when it is carried out
	Last       time.Time `json:"last,omitzero"` // firing time that was dealt with last
	Running    []running `json:"running,omitempty"`
	Buffered   *Run      `json:"buffered,omitempty"`
	Outcomes   []Outcome `json:"outcomes,omitempty"` // newest first
	Counters   Counters  `json:"counters"`
	Scheduled  int       `json:"scheduled,omitempty"` // runs that MaxRuns counts
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`
}

// running is a run that has not ended.
type running struct {
	Run
	Launcher   string `json:"launcher"`
	Canceled   bool   `json:"canceled,omitempty"`
	Terminated bool   `json:"terminated,omitempty"`
}

// tick announces a firing time; it has no effect if it is not the one planned.
type tick struct {
	Generation int64     `json:"generation"`
	Due        time.Time `json:"due"`
}

func (s *state) create() error {
	if s.ctx.HasState() {
		return &perdure.Error{Code: perdure.AlreadyExists, Op: "create schedule", Instance: s.Spec.ID,
			Message: "a schedule with this id exists: update it, or delete it first"}
	}
	s.Created = s.ctx.Now()
	return s.adopt("create schedule")
}

func (s *state) update() error { return s.adopt("update schedule") }

// adopt takes the specification in the input and plans anew.
func (s *state) adopt(op string) error {
	var spec Spec
	if err := s.ctx.Input(&spec); err != nil {
		return err
	}
	t, err := spec.check(op)
	if err != nil {
		return err
	}
	if id := s.ctx.ID().Key; spec.ID != id {
		return invalid(op, id, fmt.Sprintf("ID: %q is the id of another schedule", spec.ID))
	}
	if t.next(s.ctx.Now()).IsZero() {
		return invalid(op, spec.ID, "Cron, Start and End: no firing time follows")
	}
	s.Spec = spec
	return s.replan(t)
}

func (s *state) pause(paused bool) error {
	s.Note = ""
	if err := s.ctx.Input(&s.Note); err != nil {
		return err
	}
	if s.Paused == paused {
		return nil
	}
	s.Paused = paused
	if s.Buffered != nil {
		s.Buffered = nil
		s.Counters.Skipped++
	}
	t, err := s.Spec.check("pause schedule")
	if err != nil {
		return err
	}
	return s.replan(t)
}

// replan makes what was planned void and plans the next firing time after now.
func (s *state) replan(t *timetable) error {
	s.Generation++
	s.Updated = s.ctx.Now()
	after := s.ctx.Now()
	if s.Last.After(after) {
		after = s.Last
	}
	return s.plan(t, after)
}

// plan plans the next firing time after a moment.
func (s *state) plan(t *timetable, after time.Time) error {
	s.Next, s.At = time.Time{}, time.Time{}
	if s.Paused || s.left() == 0 {
		return nil
	}
	next := t.next(after)
	if next.IsZero() {
		return nil
	}
	s.Next, s.At = next, t.at(next)
	return s.announce()
}

// announce sends the tick of the planned firing time.
func (s *state) announce() error {
	return s.ctx.SignalAt(s.At, s.ctx.ID(), opTick, tick{s.Generation, s.Next})
}

// left returns how many runs MaxRuns still allows; -1 = any number.
func (s *state) left() int {
	if s.Spec.MaxRuns == 0 {
		return -1
	}
	left := s.Spec.MaxRuns - s.Scheduled
	if s.Buffered != nil && !s.Buffered.Manual {
		left--
	}
	return max(left, 0)
}

// tick carries out the firing times that are due: the latest, if it is not too
// late for it.
func (s *state) tick() error {
	var k tick
	if err := s.ctx.Input(&k); err != nil {
		return err
	}
	now := s.ctx.Now()
	switch {
	case s.Paused || k.Generation != s.Generation || !k.Due.Equal(s.Next):
		return nil
	case now.Before(s.At): // another clock is behind the one that woke us
		return s.announce()
	}
	t, err := s.Spec.check("fire")
	if err != nil {
		return err
	}
	due, missed := t.latest(s.Next, now)
	if due.After(s.Next) && t.at(due).After(now) { // its own jitter is not over
		due, missed = t.latest(s.Next, due.Add(-1))
	}
	s.Last = due
	s.Counters.Missed += int64(missed)
	if now.Sub(t.at(due)) > s.Spec.catchUp() {
		s.Counters.Missed++
	} else if err := s.fire(Run{ID: runID(s.Spec.ID, due), Due: due}); err != nil {
		return err
	}
	return s.plan(t, due)
}

// trigger starts a run now, as far as the overlap policy allows.
func (s *state) trigger() (Triggered, error) {
	now := s.ctx.Now()
	s.Counters.Triggered++
	r := Run{Due: now, Manual: true, ID: fmt.Sprintf("%s:manual-%s-%d",
		s.Spec.ID, now.Format("20060102T150405Z"), s.Counters.Triggered)}
	if err := s.fire(r); err != nil {
		return Triggered{}, err
	}
	return Triggered{RunID: r.ID, Buffered: s.Buffered != nil && s.Buffered.ID == r.ID}, s.dropped(r)
}

// dropped returns the error of a triggered run that the policy does not allow.
func (s *state) dropped(r Run) error {
	if s.Buffered != nil && s.Buffered.ID == r.ID || len(s.Running) > 0 && s.Running[len(s.Running)-1].ID == r.ID {
		return nil
	}
	waiting := s.Running[0].ID
	return &perdure.Error{Code: perdure.FailedPrecondition, Op: "trigger schedule", Instance: s.Spec.ID,
		Message: fmt.Sprintf("run %s has not ended and the overlap policy is %s", waiting, s.overlap())}
}
