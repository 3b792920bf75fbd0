package wire_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestW23BurstsDuringContinueAsNew raises events all the while an instance continues
// as new, in the way of Python (events are carried over) and of .NET (they are sent
// to itself).
func TestW23BurstsDuringContinueAsNew(t *testing.T) {
	for _, way := range []string{"carried over", "sent to itself"} {
		t.Run(way, func(t *testing.T) {
			s := serve(t)
			w := s.connect(&wirepb.GetWorkItemsRequest{})
			s.remote("i")
			const events = 100
			s.calls.Go(func() {
				for n := range events {
					if _, err := call[wirepb.RaiseEventResponse](s.ctx, s, "RaiseEvent", &wirepb.RaiseEventRequest{InstanceId: "i", Name: "e", Input: text(fmt.Sprint(n))}); err != nil {
						t.Errorf("RaiseEvent() = %v", err)
						return
					}
				}
			})
			// Each generation takes one event and keeps the others.
			var got []string
			generations := 0
			for len(got) < events {
				turn := w.turn()
				all := append(turn.past, turn.new...)
				if started := body[*history.ExecutionStarted](s, all); started.Input.S != fmt.Sprint(len(got)) && generations > 0 {
					t.Fatalf("a generation has the input %s, want %d", started.Input.S, len(got))
				}
				raised := slices.DeleteFunc(slices.Clone(all), func(e *history.Event) bool { _, ok := e.Body.(*history.EventRaised); return !ok })
				if len(raised) == 0 {
					s.act(turn)
					continue
				}
				generations++
				got = append(got, raised[0].Body.(*history.EventRaised).Input.S)
				actions := []*wirepb.OrchestratorAction{again(1, fmt.Sprint(len(got)))}
				for n, e := range raised[1:] {
					if way == "carried over" {
						c := actions[0].GetCompleteOrchestration()
						c.CarryoverEvents = append(c.CarryoverEvents, e.Append(nil))
					} else {
						b := e.Body.(*history.EventRaised)
						actions = append(actions, sendEvent(int32(n+2), "i", b.Name, b.Input.S))
					}
				}
				s.act(turn, actions...)
			}
			for n, e := range got {
				if e != fmt.Sprint(n) {
					t.Fatalf("event %d is %s: in order there came %v", n, e, got)
				}
			}
			if generations < 5 {
				t.Errorf("only %d generations", generations)
			}
		})
	}
}

// TestW24ActionsBesideContinueAsNew are executed, wherever they stand.
func TestW24ActionsBesideContinueAsNew(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("other")
	s.act(w.turn())
	s.remote("i")
	signal := func(id int32, n int) *wirepb.OrchestratorAction {
		return toEntity(id, &history.EntityOperationSignaled{RequestID: guid(n), Operation: fmt.Sprint("op", n), TargetInstanceID: history.Some("@e@k")})
	}
	s.act(w.turn(), signal(1, 1), sendEvent(2, "other", "before", `1`), again(3, `"next"`), sendEvent(4, "other", "after", `2`), signal(5, 2))
	var ops, events []string
	generation := false
	for len(ops) < 2 || len(events) < 2 || !generation {
		item := w.item()
		switch kindOf(item) {
		case "batch":
			b := &batch{EntityRequest: item.GetEntityRequestV2(), token: item.CompletionToken, ops: s.events(item.GetEntityRequestV2().OperationRequests)}
			outputs := make([]string, len(b.ops))
			for _, o := range bodies[*history.EntityOperationSignaled](b.ops) {
				ops = append(ops, o.Operation)
			}
			s.outcome(b, text("s"), outputs...)
		case "turn":
			r := item.GetOrchestratorRequest()
			new := s.events(r.NewEvents)
			if r.InstanceId == "i" {
				generation = body[*history.ExecutionStarted](s, new).Input.S == `"next"`
			}
			for _, e := range bodies[*history.EventRaised](new) {
				events = append(events, e.Name)
			}
			s.answer(&wirepb.OrchestratorResponse{InstanceId: r.InstanceId, CompletionToken: item.CompletionToken})
		default:
			t.Fatalf("there comes %v", item)
		}
	}
	if diff := cmp.Diff([]string{"op1", "op2"}, ops); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"before", "after"}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestW25ResultsOfOlderGenerationsAreDropped completes an activity of a generation
// that is over.
func TestW25ResultsOfOlderGenerationsAreDropped(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), schedule(1, "a", `"old"`), timer(2, time.Now().Add(50*time.Millisecond)))
	a, token := w.activity()
	s.raise("i", "e", `1`)
	s.act(w.turn(), again(3, `"next"`))
	s.act(w.turn(), schedule(1, "a", `"new"`), timer(9, time.Now().Add(150*time.Millisecond)))
	b, newToken := w.activity()
	_, err := call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteActivityTask", &wirepb.ActivityResponse{
		InstanceId: "i", TaskId: a.TaskId, CompletionToken: token, Result: text(`"old"`),
	})
	wantStatus(t, "the result of an older generation", err, codes.NotFound)
	turn := w.turn() // after the time of the old timer
	if f := body[*history.TimerFired](s, turn.new); f.TimerID != 9 || len(bodies[*history.TaskCompleted](turn.new)) != 0 {
		t.Errorf("the new generation gets %v with timer %d, want its own", kinds(turn.new), f.TimerID)
	}
	s.act(turn)
	s.result(b, newToken, `"new"`)
	turn = w.turn()
	if r := body[*history.TaskCompleted](s, turn.new); r.Result.S != `"new"` {
		t.Errorf("the new generation gets %+v, want its own result", r)
	}
	s.act(turn, end(2, completed, `1`))
}

// TestW26RepeatedTaskIDs retries an activity under the same id, as Python does.
func TestW26RepeatedTaskIDs(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), schedule(1, "a", `"x"`))
	a, first := w.activity()
	s.settle(&wirepb.ActivityResponse{InstanceId: "i", TaskId: 1, CompletionToken: first, FailureDetails: &wirepb.TaskFailureDetails{ErrorType: "E", ErrorMessage: "m"}})
	s.act(w.turn(), timer(2, time.Now().Add(10*time.Millisecond)))
	s.act(w.turn(), schedule(1, "a", `"x"`))
	_, second := w.activity()
	if first == second {
		t.Error("both attempts have the same token")
	}
	s.settle(&wirepb.ActivityResponse{InstanceId: "i", TaskId: 1, CompletionToken: first, Result: text(`"late"`)}) // accepted before: no effect
	s.result(a, second, `"good"`)
	turn := w.turn()
	if r := body[*history.TaskCompleted](s, turn.new); r.Result.S != `"good"` {
		t.Errorf("the second attempt has %+v, want its own result", r)
	}
	s.act(turn, end(3, completed, `"good"`))
	want := []string{
		"OrchestratorStarted(-1)", "ExecutionStarted(0)", "TaskScheduled(1)", "OrchestratorStarted(-1)", "TaskFailed(-1)", "TimerCreated(2)",
		"OrchestratorStarted(-1)", "TimerFired(-1)", "TaskScheduled(1)", "OrchestratorStarted(-1)", "TaskCompleted(-1)", "ExecutionCompleted(3)",
	}
	s.wait("i")
	if diff := cmp.Diff(want, kinds(s.history("i"))); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

// failureDetails is a failure with everything that one may have.
func failureDetails(t *testing.T) *wirepb.TaskFailureDetails {
	t.Helper()
	var entries [][]byte
	for _, v := range []any{"text", 1.5, nil, true, map[string]any{"list": []any{1.0, "two"}}} {
		value, err := structpb.NewValue(v)
		if err != nil {
			t.Fatal(err)
		}
		b, err := proto.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		entry := append([]byte{0x0a, 1, 'k', 0x12, byte(len(b))}, b...)
		entries = append(entries, entry)
	}
	return &wirepb.TaskFailureDetails{
		ErrorType: "Outer", ErrorMessage: "", StackTrace: text(""), IsNonRetriable: true, Properties: entries,
		InnerFailure: &wirepb.TaskFailureDetails{ErrorType: "Inner", ErrorMessage: "why", InnerFailure: &wirepb.TaskFailureDetails{ErrorType: "Innermost"}},
	}
}

// TestW27FailuresAreUnchanged fails an activity and the orchestration, with details.
func TestW27FailuresAreUnchanged(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	want := failureDetails(t)
	s.remote("i")
	s.act(w.turn(), schedule(1, "a", `"x"`))
	_, token := w.activity()
	s.settle(&wirepb.ActivityResponse{InstanceId: "i", TaskId: 1, CompletionToken: token, FailureDetails: want, Result: text("ignored")})
	turn := w.turn()
	got := (&history.Event{Body: body[*history.TaskFailed](s, turn.new)}).Append(nil)
	whole := (&history.Event{Body: &history.TaskFailed{TaskScheduledID: 1, Failure: &history.Failure{
		Type: "Outer", Stack: history.Some(""), NonRetriable: true, Properties: want.Properties,
		Inner: &history.Failure{Type: "Inner", Message: "why", Inner: &history.Failure{Type: "Innermost"}},
	}}}).Append(nil)
	if diff := cmp.Diff(whole, got); diff != "" {
		t.Errorf("taskFailed (-want +got):\n%s", diff)
	}
	s.act(turn, fail(2, want))
	state := s.wait("i")
	if diff := cmp.Diff(want.String(), state.FailureDetails.String()); diff != "" || state.OrchestrationStatus != failed || state.Output != nil {
		t.Errorf("the instance = %v (-want +got):\n%s", state, diff)
	}
}

// TestW28ChildrenKnowTheirParents looks at the start of a child.
func TestW28ChildrenKnowTheirParents(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "remote", Version: text("p1")})
	turn := w.turn()
	a := child(7, "", "sub", `"c"`)
	c := a.GetCreateSubOrchestration()
	c.Version, c.Tags = text("c2"), map[string]string{"k": "v"}
	c.ParentTraceContext = &wirepb.TraceContext{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	s.act(turn, a)
	sub := w.turn()
	got := body[*history.ExecutionStarted](s, sub.new)
	want := &history.ExecutionStarted{
		Name: "sub", Version: history.Some("c2"), Input: history.Some(`"c"`), Tags: map[string]string{"k": "v"},
		Instance:    &history.Instance{InstanceID: "i:0007", ExecutionID: sub.execution()},
		ParentTrace: &history.TraceContext{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		Parent: &history.ParentInstance{
			TaskScheduledID: 7, Name: history.Some("remote"), Version: history.Some("p1"),
			Instance: &history.Instance{InstanceID: "i", ExecutionID: turn.execution()},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the child is started with (-want +got):\n%s", diff)
	}
	if got := s.get("i:0007").GetParentInstanceId().GetValue(); got != "i" {
		t.Errorf("the child's parent = %q, want i", got)
	}
}

func (t *turn) execution() history.Text { return history.Some(t.ExecutionId.GetValue()) }

// TestW29ChildrenThatExist creates children under ids that are taken.
func TestW29ChildrenThatExist(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "ended", Name: "sub", Input: text(`"old"`)})
	s.act(w.turn(), end(1, completed, `"old"`))
	s.wait("ended")
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "alive", Name: "sub"})
	s.act(w.turn())
	s.remote("i")
	s.act(w.turn(), child(1, "alive", "sub", `1`), child(2, "ended", "sub", `"new"`))
	var refused, done bool
	for !refused || !done {
		turn := w.turn()
		switch turn.InstanceId {
		case "ended":
			if in := body[*history.ExecutionStarted](s, turn.new).Input.S; in != `"new"` {
				t.Errorf("the replaced child has the input %s, want new", in)
			}
			s.act(turn, end(1, completed, `"new"`))
		case "i":
			for _, f := range bodies[*history.SubOrchestrationInstanceFailed](turn.new) {
				refused = f.TaskScheduledID == 1 && f.Failure != nil
			}
			for _, f := range bodies[*history.SubOrchestrationInstanceCompleted](turn.new) {
				done = f.TaskScheduledID == 2 && f.Result.S == `"new"`
			}
			s.act(turn)
		default:
			t.Fatalf("there comes a turn of %s with %v", turn.InstanceId, kinds(turn.new))
		}
	}
}

// TestW30EndsOfChildren fails one child and terminates another.
func TestW30EndsOfChildren(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), child(1, "c1", "sub", `1`))
	s.act(w.turn(), fail(1, &wirepb.TaskFailureDetails{ErrorType: "E", ErrorMessage: "m", InnerFailure: &wirepb.TaskFailureDetails{ErrorType: "F"}}))
	turn := w.turn()
	got := body[*history.SubOrchestrationInstanceFailed](s, turn.new)
	if got.TaskScheduledID != 1 || got.Failure == nil || got.Failure.Type != "E" || got.Failure.Inner == nil {
		t.Errorf("the end of a child that failed = %+v, want its details", got)
	}
	s.act(turn, child(2, "c2", "sub", `1`))
	sub := w.turn()
	s.act(sub)
	do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: "c2", Output: text(`"bye"`)})
	sub = w.turn()
	s.act(sub, end(1, terminated, body[*history.ExecutionTerminated](s, sub.new).Input.S))
	turn = w.turn()
	if got := body[*history.SubOrchestrationInstanceFailed](s, turn.new); got.TaskScheduledID != 2 || got.Failure == nil {
		t.Errorf("the end of a child that was terminated = %+v, want a failure", got)
	}
}

// TestW31Timers fire in time, also those that are due already or while the hub was
// down.
func TestW31Timers(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	due := time.Now().Add(time.Second) // late enough for a busy machine
	s.act(w.turn(), timer(1, due), timer(2, time.Now().Add(-time.Hour)), timer(3, due.Add(time.Second)))
	turn := w.turn()
	if f := body[*history.TimerFired](s, turn.new); f.TimerID != 2 {
		t.Errorf("timer %d fires first, want the one that is due", f.TimerID)
	}
	s.act(turn)
	turn = w.turn()
	f, now := body[*history.TimerFired](s, turn.new), time.Now()
	if f.TimerID != 1 || now.Before(due) || f.FireAt.Sub(due).Abs() > time.Millisecond {
		t.Errorf("at %v timer %+v fires, want timer 1 after %v", now, f, due)
	}
	s.act(turn)
	s.hubs.crash("default")
	w = s.connect(&wirepb.GetWorkItemsRequest{})
	turn = w.turn()
	if f := body[*history.TimerFired](s, turn.new); f.TimerID != 3 {
		t.Errorf("after a restart timer %d fires, want timer 3", f.TimerID)
	}
	s.act(turn, end(4, completed, `1`))
}

// TestW32TimersOfTheFinishedDoNothing ends an instance before its timer is due.
func TestW32TimersOfTheFinishedDoNothing(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), timer(1, time.Now().Add(50*time.Millisecond)), end(2, completed, `1`))
	s.wait("i")
	before := len(s.history("i"))
	s.remote("later")
	s.act(w.turn(), timer(1, time.Now().Add(100*time.Millisecond)))
	if turn := w.turn(); turn.InstanceId != "later" { // after the time of the first timer
		t.Errorf("there comes a turn of %s, want none of one that has ended", turn.InstanceId)
	}
	if got := len(s.history("i")); got != before {
		t.Errorf("the history has %d events, want %d as at the end", got, before)
	}
}

// TestW33SuspendedInstances hold what comes, in order.
func TestW33SuspendedInstances(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), schedule(1, "a", `1`))
	a, token := w.activity()
	do[wirepb.SuspendResponse](s, "SuspendInstance", &wirepb.SuspendRequest{InstanceId: "i", Reason: text("why")})
	turn := w.turn()
	if got := body[*history.ExecutionSuspended](s, turn.new).Input.S; got != "why" {
		t.Errorf("executionSuspended has %q, want the reason", got)
	}
	s.act(turn)
	s.untilStatus("i", suspended)
	for n := range 3 {
		s.raise("i", "e", fmt.Sprint(n))
	}
	s.result(a, token, `"y"`)
	if got := s.get("i").OrchestrationStatus; got != suspended {
		t.Errorf("the instance is %v, want SUSPENDED", got)
	}
	do[wirepb.ResumeResponse](s, "ResumeInstance", &wirepb.ResumeRequest{InstanceId: "i"})
	var events []string
	results, resumed := 0, false
	for len(events) < 3 || results < 1 || !resumed {
		turn := w.turn()
		for _, e := range bodies[*history.EventRaised](turn.new) {
			events = append(events, e.Input.S)
		}
		results += len(bodies[*history.TaskCompleted](turn.new))
		resumed = resumed || len(bodies[*history.ExecutionResumed](turn.new)) > 0
		s.act(turn)
	}
	if diff := cmp.Diff([]string{"0", "1", "2"}, events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	s.untilStatus("i", running_)
}

// TestW34Terminations end instances that run, are suspended, have children, and have
// no worker.
func TestW34Terminations(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn())
	do[wirepb.SuspendResponse](s, "SuspendInstance", &wirepb.SuspendRequest{InstanceId: "i"})
	s.act(w.turn())
	s.untilStatus("i", suspended)
	const output = `{"any": "JSON"}`
	do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: "i", Output: text(output)})
	turn := w.turn()
	s.act(turn, end(1, terminated, body[*history.ExecutionTerminated](s, turn.new).Input.S))
	if got := s.wait("i"); got.OrchestrationStatus != terminated || got.Output.GetValue() != output {
		t.Errorf("the terminated instance = %v, want the output %s", got, output)
	}

	s.remote("p")
	s.act(w.turn(), child(1, "c", "sub", `1`))
	s.act(w.turn(), child(1, "g", "sub", `1`))
	s.act(w.turn())
	do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: "p", Output: text(output), Recursive: true})
	for ended := 0; ended < 3; {
		turn := w.turn()
		if list := bodies[*history.ExecutionTerminated](turn.new); len(list) > 0 {
			s.act(turn, end(2, terminated, list[0].Input.S))
			ended++
			continue
		}
		s.act(turn)
	}
	for _, id := range []string{"p", "c", "g"} {
		if got := s.wait(id); got.OrchestrationStatus != terminated {
			t.Errorf("%s = %v, want it terminated", id, got)
		}
	}
}

// TestW34TerminationsWithoutWorker end instances that nobody can run.
func TestW34TerminationsWithoutWorker(t *testing.T) {
	s := serve(t)
	s.remote("never")
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.act(w.turn())
	s.remote("p")
	s.act(w.turn(), child(1, "c", "sub", `1`))
	s.act(w.turn())
	w.cancel()
	for _, id := range []string{"never", "p"} {
		do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: id, Output: text(`"o"`), Recursive: true})
	}
	for id, output := range map[string]string{"never": `"o"`, "p": `"o"`, "c": ""} {
		if got := s.wait(id); got.OrchestrationStatus != terminated || output != "" && got.Output.GetValue() != output {
			t.Errorf("%s = %v, want it terminated", id, got)
		}
	}
}

// TestW38ActivitiesHaveTheirTags schedules with tags and a version.
func TestW38ActivitiesHaveTheirTags(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	a := schedule(1, "a", `1`)
	task := a.GetScheduleTask()
	task.Tags, task.Version = map[string]string{"k": "v", "": "x"}, text("3")
	task.ParentTraceContext = &wirepb.TraceContext{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
	s.act(w.turn(), a)
	got, _ := w.activity()
	if diff := cmp.Diff(task.Tags, got.Tags); diff != "" || got.Version.GetValue() != "3" || !proto.Equal(got.ParentTraceContext, task.ParentTraceContext) {
		t.Errorf("activity = %v (-want +got):\n%s", got, diff)
	}
}

// TestW39NullAndEmptyOfWorkers ends instances with null, "" and more.
func TestW39NullAndEmptyOfWorkers(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	for id, value := range map[string]*wrapperspb.StringValue{"null": nil, "empty": text(""), "quotes": text(`""`)} {
		s.start(&wirepb.CreateInstanceRequest{InstanceId: id, Name: "remote", Input: value})
		turn := w.turn()
		started := body[*history.ExecutionStarted](s, turn.new)
		if started.Input.Set != (value != nil) || started.Input.S != value.GetValue() {
			t.Errorf("input of %s = %+v, want %v", id, started.Input, value)
		}
		a := schedule(1, "a", "")
		a.GetScheduleTask().Input = value
		s.act(turn, a)
		activity, token := w.activity()
		if !proto.Equal(activity.Input, value) {
			t.Errorf("input of the activity of %s = %v, want %v", id, activity.Input, value)
		}
		s.settle(&wirepb.ActivityResponse{InstanceId: id, TaskId: 1, CompletionToken: token, Result: value})
		turn = w.turn()
		if r := body[*history.TaskCompleted](s, turn.new); r.Result.Set != (value != nil) || r.Result.S != value.GetValue() {
			t.Errorf("result of %s = %+v, want %v", id, r.Result, value)
		}
		e := end(2, completed, "")
		e.GetCompleteOrchestration().Result = value
		s.answer(&wirepb.OrchestratorResponse{InstanceId: id, CompletionToken: turn.token, Actions: []*wirepb.OrchestratorAction{e}, CustomStatus: value})
		got := s.wait(id)
		if !proto.Equal(got.Output, value) || !proto.Equal(got.CustomStatus, value) || !proto.Equal(got.Input, value) {
			t.Errorf("%s = %v, want input, output and custom status %v", id, got, value)
		}
	}
}

// TestCustomStatusStays is absent in later turns, and kept over generations.
func TestCustomStatusStays(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.answer(&wirepb.OrchestratorResponse{InstanceId: "i", CompletionToken: w.turn().token, CustomStatus: text(`"s"`)})
	s.raise("i", "e", `1`)
	s.act(w.turn(), again(1, `"next"`))
	s.act(w.turn(), end(1, completed, `1`))
	got := s.wait("i")
	if got.CustomStatus.GetValue() != `"s"` {
		t.Errorf("custom status = %v, want the one that was set", got.CustomStatus)
	}
	if without := do[wirepb.GetInstanceResponse](s, "GetInstance", &wirepb.GetInstanceRequest{InstanceId: "i"}).OrchestrationState; without.CustomStatus.GetValue() != `"s"` {
		t.Errorf("without payloads the custom status = %v, want it too", without.CustomStatus)
	}
}

// TestW49EventsThatWereNotProcessed come again.
func TestW49EventsThatWereNotProcessed(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn())
	s.raise("i", "e", `0`)
	turn := w.turn()
	for n := range 3 {
		s.raise("i", "e", fmt.Sprint(n+1))
	}
	s.act(turn)
	turn = w.turn()
	if n := len(turn.new); n != 4 {
		t.Fatalf("the turn has %v, want 3 events", kinds(turn.new))
	}
	s.answer(&wirepb.OrchestratorResponse{InstanceId: "i", CompletionToken: turn.token, NumEventsProcessed: wrapperspb.Int32(2)})
	turn = w.turn()
	var past, new []string
	for _, e := range bodies[*history.EventRaised](turn.past) {
		past = append(past, e.Input.S)
	}
	for _, e := range bodies[*history.EventRaised](turn.new) {
		new = append(new, e.Input.S)
	}
	if diff := cmp.Diff([][]string{{"0", "1"}, {"2", "3"}}, [][]string{past, new}); diff != "" {
		t.Errorf("past and new events (-want +got):\n%s", diff)
	}
}

// TestW50TheSpanOfAnOrchestrationComesBack sends a trace context with a turn.
func TestW50TheSpanOfAnOrchestrationComesBack(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turn := w.turn()
	if turn.OrchestrationTraceContext != nil {
		t.Errorf("the first turn has the span %v, want none", turn.OrchestrationTraceContext)
	}
	want := &wirepb.OrchestrationTraceContext{SpanId: text("0011223344556677"), SpanStartTime: turn.stamp()}
	s.answer(&wirepb.OrchestratorResponse{InstanceId: "i", CompletionToken: turn.token, OrchestrationTraceContext: want})
	for n := range 2 {
		s.raise("i", "e", `1`)
		turn = w.turn()
		if !proto.Equal(turn.OrchestrationTraceContext, want) {
			t.Errorf("turn %d has the span %v, want %v", n+2, turn.OrchestrationTraceContext, want)
		}
		s.act(turn)
		s.hubs.crash("default")
		w = s.connect(&wirepb.GetWorkItemsRequest{})
	}
}
