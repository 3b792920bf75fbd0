package engine_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

var update = flag.Bool("update", false, "write the golden scripts")

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// script applies turns to an orchestration and writes down what follows.
type script struct {
	t     *testing.T
	orch  *engine.Orchestration
	now   time.Time
	turns int
	out   strings.Builder
	wrote func(*engine.Effects) // told of each turn's effects, if set
}

func newScript(t *testing.T) *script {
	return &script{t: t, orch: engine.NewOrchestration("run", "e0"), now: epoch}
}

// started is the message that starts the orchestration of a script.
func started(parent *history.ParentInstance) history.Body {
	return &history.ExecutionStarted{
		Name: "main", Version: history.Some("1"), Input: history.Some(`"in"`), Parent: parent, Tags: map[string]string{"k": "v"},
		Instance: &history.Instance{InstanceID: "run", ExecutionID: history.Some("e0")},
	}
}

func act(id int32, do engine.Op) engine.Action { return engine.Action{ID: id, Do: do} }

// turn applies a turn that takes bodies and asks for actions.
func (s *script) turn(bodies []history.Body, actions ...engine.Action) *script {
	s.t.Helper()
	s.now = s.now.Add(time.Second)
	s.turns++
	var messages []*engine.Message
	for _, b := range bodies {
		m := &engine.Message{Event: &history.Event{ID: -1, Time: s.now, Body: b}}
		if _, ok := b.(*history.ExecutionStarted); ok {
			m.Event.ID = 0
		}
		messages = append(messages, s.orch.Local(m))
	}
	fresh := engine.Fresh(s.now, messages)
	fx := s.orch.Apply(&engine.Turn{
		Now: s.now, Messages: messages, Result: engine.TurnResult{Actions: actions}, Execution: fmt.Sprint("e", s.turns),
	}, fresh)
	s.write(fx)
	if s.wrote != nil {
		s.wrote(fx)
	}
	return s
}

func (s *script) write(fx *engine.Effects) {
	fmt.Fprintf(&s.out, "turn %d: branch %s\n", s.turns, fx.Branch)
	s.out.WriteString(history.Script(fx.Events))
	note := func(format string, args ...any) { fmt.Fprintf(&s.out, "\t"+format+"\n", args...) }
	if fx.NewBranch || fx.OldBranch != "" {
		note("new branch %v, old %s", fx.NewBranch, fx.OldBranch)
	}
	for _, t := range sorted(fx.Activities) {
		note("run %d %s %+v", t.ID, t.Name, t.Options)
	}
	for _, t := range sorted(fx.Timers) {
		note("timer %d due %s", t.ID, t.Due.Format(time.TimeOnly))
	}
	for _, t := range sorted(fx.Stopped) {
		note("stop %d", t.ID)
	}
	slices.Sort(fx.Abandoned)
	for _, id := range fx.Abandoned {
		note("abandon %d", id)
	}
	if len(fx.Closed) > 0 {
		note("closed %v", fx.Closed)
	}
	for _, o := range fx.Send {
		note("send to %s class %d for %q detached %v: %s", o.Target, o.Message.Class, o.Message.Execution, o.Detach, o.Message.Event)
	}
	for _, r := range fx.Rows {
		note("row %d %s=%s", r.Kind, r.Key, r.Value)
	}
	for _, a := range fx.Replies {
		note("reply %s %s %v", a.Request, a.Result.S, a.Failure)
	}
	note("status %s, ended %v, tasks %d, locks %v", s.orch.Status, fx.Ended, len(s.orch.Tasks()), s.orch.HoldsLocks())
}

func sorted(tasks []*engine.Task) []*engine.Task {
	slices.SortFunc(tasks, func(a, b *engine.Task) int { return int(a.ID - b.ID) })
	return tasks
}

// golden compares the script with testdata/<name>.txt.
func (s *script) golden(name string) {
	s.t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(s.out.String()), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), s.out.String()); diff != "" {
		s.t.Errorf("script %s (-want +got):\n%s", name, diff)
	}
}

func bodies(b ...history.Body) []history.Body { return b }

var failure = &history.Failure{Type: "T", Message: "m"}

func TestActivities(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)),
		act(1, &engine.ScheduleTask{Name: "plain", Input: history.Some("1")}),
		act(2, &engine.ScheduleTask{
			Name: "full", Version: history.Some("2"), Tags: map[string]string{"a": "b"}, Attempt: 3, Timeout: time.Minute,
			HeartbeatTimeout: time.Second, Effect: []byte{1, 2}, LimitKey: "key", Limit: 4,
		}),
		act(3, &engine.ScheduleTask{Name: "given up at once"}), act(0, &engine.Cancel{Task: 3}))
	s.turn(bodies(&history.TaskCompleted{TaskScheduledID: 1, Result: history.Some("ok")}), act(0, &engine.Cancel{Task: 2}), act(0, &engine.Cancel{Task: 77}))
	s.turn(bodies(&history.EventRaised{Name: "e"}), act(4, &engine.ScheduleTask{Name: "again"}))
	s.turn(bodies(&history.TaskFailed{TaskScheduledID: 4, Failure: failure}))
	s.golden("activities")
}

func TestTimers(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)),
		act(1, &engine.CreateTimer{FireAt: epoch.Add(time.Hour)}),
		act(2, &engine.CreateTimer{FireAt: epoch.Add(time.Minute), Retry: &engine.Retry{Name: "step", Attempt: 2, MaxAttempts: 5, Error: "e"}}))
	s.turn(bodies(&history.TimerFired{TimerID: 2, FireAt: epoch.Add(time.Minute)}), act(0, &engine.Cancel{Task: 1}))
	s.golden("timers")
}

func TestChildren(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)),
		act(1, &engine.CreateSubOrchestration{Name: "generated", Input: history.Some("1")}),
		act(2, &engine.CreateSubOrchestration{InstanceID: "own", Name: "named", Version: history.Some("3"), Tags: map[string]string{"a": "b"}}),
		act(3, &engine.CreateSubOrchestration{InstanceID: "free", Name: "detached", Detached: true}),
		act(0, &engine.Terminate{InstanceID: "other", Reason: history.Some("why"), Recurse: true}))
	s.turn(bodies(&history.SubOrchestrationInstanceFailed{TaskScheduledID: 2, Failure: failure}))
	s.turn(bodies(&history.ExecutionTerminated{Input: history.Some("stop"), Recurse: true}),
		act(4, &engine.Complete{Status: history.StatusTerminated, Result: history.Some("stop")}))
	s.golden("children")
}

func TestMessages(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)),
		act(1, &engine.SendEvent{InstanceID: "other", Name: "e", Data: history.Some("1")}),
		act(0, &engine.Mark{Name: "p"}),
		act(0, &engine.Reply{Request: "q1", Result: history.Some("2")}),
		act(0, &engine.Reply{Request: "q2", Failure: failure}),
		act(0, &engine.PutRows{Rows: []engine.Row{{Kind: 101, Key: []byte("k"), Value: []byte("v")}}}))
	s.golden("messages")
}

func TestEntityMessages(t *testing.T) {
	s := newScript(t)
	target := history.Some("@n@k")
	s.turn(bodies(started(nil)),
		act(1, &engine.SendEntityMessage{Body: &history.EntityOperationSignaled{RequestID: "r1", Operation: "op", Input: history.Some("1"), TargetInstanceID: target}}),
		act(2, &engine.SendEntityMessage{Body: &history.EntityOperationCalled{RequestID: "r2", Operation: "op", TargetInstanceID: target}}),
		act(3, &engine.SendEntityMessage{Body: &history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"@n@a", "@n@b"}}}))
	s.turn(bodies(&history.EntityOperationFailed{RequestID: "r2", Failure: failure}, &history.EntityLockGranted{CriticalSectionID: "s"}),
		act(4, &engine.SendEntityMessage{Body: &history.EntityUnlockSent{CriticalSectionID: "s", TargetInstanceID: history.Some("@n@a")}}))
	s.turn(bodies(&history.EventRaised{Name: "e"}), act(5, &engine.Complete{Status: history.StatusFailed, Failure: failure}))
	s.golden("entities")
}

func TestComplete(t *testing.T) {
	parent := &history.ParentInstance{TaskScheduledID: 7, Name: history.Some("p"),
		Instance: &history.Instance{InstanceID: "parent", ExecutionID: history.Some("pe")}}
	for name, do := range map[string]*engine.Complete{
		"completed": {Status: history.StatusCompleted, Result: history.Some("ok")},
		"failed":    {Status: history.StatusFailed, Failure: failure},
		"canceled":  {Status: history.StatusCanceled},
	} {
		s := newScript(t)
		s.turn(bodies(started(parent)), act(1, &engine.CreateTimer{FireAt: epoch.Add(time.Hour)}), act(2, &engine.ScheduleTask{Name: "a"}))
		s.turn(bodies(&history.EventRaised{Name: "e"}), act(3, &engine.ScheduleTask{Name: "never"}), act(4, do))
		s.golden("complete-" + name)
	}
}

func TestContinueAsNew(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)), act(1, &engine.CreateTimer{FireAt: epoch.Add(time.Hour)}), act(2, &engine.ScheduleTask{Name: "a"}))
	s.turn(bodies(&history.EventRaised{Name: "taken"}),
		act(3, &engine.SendEvent{InstanceID: "run", Name: "self"}),
		act(4, &engine.Complete{
			Status: history.StatusContinuedAsNew, Result: history.Some("next"), NewVersion: history.Some("2"),
			Carryover: []*history.Event{{ID: -1, Time: epoch, Body: &history.EventRaised{Name: "left"}}},
		}),
		act(5, &engine.SendEvent{InstanceID: "other", Name: "late"}))
	s.golden("continue-as-new")
}

func TestRewind(t *testing.T) {
	s := newScript(t)
	s.turn(bodies(started(nil)),
		act(1, &engine.ScheduleTask{Name: "a"}), act(2, &engine.CreateSubOrchestration{InstanceID: "c", Name: "child", Input: history.Some("1")}),
		act(3, &engine.CreateTimer{FireAt: epoch.Add(time.Hour)}))
	s.turn(bodies(&history.TaskFailed{TaskScheduledID: 1, Failure: failure}, &history.SubOrchestrationInstanceFailed{TaskScheduledID: 2, Failure: failure}),
		act(4, &engine.Complete{Status: history.StatusFailed, Failure: failure}))
	created := &history.SubOrchestrationInstanceCreated{InstanceID: "c", Name: "child", Input: history.Some("1")}
	s.turn(bodies(&history.ExecutionRewound{Reason: history.Some("fixed")}), act(-1, &engine.Rewind{NewHistory: []*history.Event{
		engine.Begin(epoch), {ID: 0, Time: epoch, Body: started(nil)}, {ID: 2, Time: epoch, Body: created},
		{ID: 3, Time: epoch, Body: &history.TimerCreated{FireAt: epoch.Add(time.Hour)}},
		engine.Begin(epoch), {ID: -1, Time: epoch, Body: &history.ExecutionRewound{Reason: history.Some("fixed")}},
	}}))
	s.golden("rewind")
}

// TestAccept judges each message in each state that matters.
func TestAccept(t *testing.T) {
	live := func() *engine.Orchestration {
		s := newScript(t)
		s.turn(bodies(started(nil)), act(1, &engine.ScheduleTask{Name: "a"}), act(2, &engine.CreateTimer{FireAt: epoch}))
		return s.orch
	}
	failed := func() *engine.Orchestration {
		s := newScript(t)
		s.turn(bodies(started(nil)), act(1, &engine.Complete{Status: history.StatusFailed, Failure: failure}))
		return s.orch
	}
	other := &history.ExecutionStarted{Name: "n", Instance: &history.Instance{InstanceID: "run", ExecutionID: history.Some("e9")}}
	for _, c := range []struct {
		name string
		o    *engine.Orchestration
		m    engine.Message
		body history.Body
		want engine.Verdict
	}{
		{"start of none", nil, engine.Message{}, other, engine.Create},
		{"start of a live one", live(), engine.Message{}, other, engine.Refuse},
		{"start of an ended one", failed(), engine.Message{}, other, engine.Create},
		{"own start, stored before", engine.NewOrchestration("run", "e9"), engine.Message{}, other, engine.Deliver},
		{"event to none", nil, engine.Message{}, &history.EventRaised{}, engine.Drop},
		{"event to a live one", live(), engine.Message{}, &history.EventRaised{}, engine.Deliver},
		{"event to an ended one", failed(), engine.Message{}, &history.EventRaised{}, engine.Drop},
		{"result of an open task", live(), engine.Message{Execution: "e0"}, &history.TaskCompleted{TaskScheduledID: 1}, engine.Deliver},
		{"result of another execution", live(), engine.Message{Execution: "e8"}, &history.TaskCompleted{TaskScheduledID: 1}, engine.Drop},
		{"result of no task", live(), engine.Message{}, &history.TaskCompleted{TaskScheduledID: 9}, engine.Drop},
		{"result of a timer", live(), engine.Message{}, &history.TaskCompleted{TaskScheduledID: 2}, engine.Drop},
		{"firing of a timer", live(), engine.Message{}, &history.TimerFired{TimerID: 2}, engine.Deliver},
		{"firing of a task", live(), engine.Message{}, &history.TimerFired{TimerID: 1}, engine.Drop},
		{"answer nobody asked for", live(), engine.Message{}, &history.EntityOperationCompleted{RequestID: "r"}, engine.Drop},
		{"lock nobody asked for", live(), engine.Message{}, &history.EntityLockGranted{CriticalSectionID: "s"}, engine.Drop},
		{"rewinding of a live one", live(), engine.Message{}, &history.ExecutionRewound{}, engine.Drop},
		{"rewinding of a failed one", failed(), engine.Message{}, &history.ExecutionRewound{}, engine.Deliver},
		{"operation to an orchestration", live(), engine.Message{}, &history.EntityOperationCalled{}, engine.Drop},
	} {
		c.m.Event = &history.Event{ID: -1, Body: c.body}
		if got := c.o.Accept(&c.m); got != c.want {
			t.Errorf("Accept(%s) = %v, want %v", c.name, got, c.want)
		}
	}
}
