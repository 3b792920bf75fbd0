package wire_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// remote starts an orchestration that no process of the hub knows.
func (s *server) remote(id string) {
	s.start(&wirepb.CreateInstanceRequest{InstanceId: id, Name: "remote", Input: text(`"in"`)})
}

// TestW06OutstandingItemsAreBounded runs more activities than the worker takes.
func TestW06OutstandingItemsAreBounded(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{MaxConcurrentActivityWorkItems: 2, MaxConcurrentOrchestrationWorkItems: 1})
	s.remote("i")
	var actions []*wirepb.OrchestratorAction
	for n := range int32(5) {
		actions = append(actions, schedule(n+1, "a", `1`))
	}
	s.act(w.turn(), actions...)
	a, first := w.activity()
	b, second := w.activity()
	_ = b
	s.result(a, first, `1`)
	turn := w.item()
	if turn.GetOrchestratorRequest() == nil { // the third activity may come first
		turn = w.item()
	}
	if turn.GetOrchestratorRequest() == nil {
		t.Fatalf("after one result there comes %v, want a turn", turn)
	}
	_ = second
	w.silent("with two activities and a turn outstanding")
}

// TestW08LostStreamsRedeliver loses a worker with an item of each kind.
func TestW08LostStreamsRedeliver(t *testing.T) {
	for _, lose := range []string{"cancelled", "cut"} {
		t.Run(lose, func(t *testing.T) {
			s := serve(t)
			conn, cut := s.dialCut()
			first := s.connectOn(conn, &wirepb.GetWorkItemsRequest{})
			s.remote("i")
			s.act(first.turn(), schedule(1, "a", `"x"`), toEntity(2, &history.EntityOperationSignaled{
				RequestID: guid(1), Operation: "o", TargetInstanceID: history.Some("@e@k"),
			}))
			s.remote("j")
			tokens := map[string]string{}
			for range 3 {
				item := first.item()
				tokens[kindOf(item)] = item.CompletionToken
			}
			second := s.connect(&wirepb.GetWorkItemsRequest{})
			if lose == "cut" {
				cut()
			} else {
				first.cancel()
			}
			for range 3 {
				item := second.item()
				kind := kindOf(item)
				if old := tokens[kind]; old == "" || old == item.CompletionToken {
					t.Errorf("another worker gets %s with token %q, want it with another than %q", kind, item.CompletionToken, old)
				}
				delete(tokens, kind)
				if item.GetActivityRequest() != nil {
					s.result(item.GetActivityRequest(), item.CompletionToken, `"y"`)
				}
			}
			got := second.turn()
			if r := body[*history.TaskCompleted](s, got.new); r.Result.S != `"y"` {
				t.Errorf("the result = %+v, want that of the second worker", r)
			}
		})
	}
}

func kindOf(item *wirepb.WorkItem) string {
	switch {
	case item.GetOrchestratorRequest() != nil:
		return "turn"
	case item.GetActivityRequest() != nil:
		return "activity"
	case item.GetEntityRequestV2() != nil:
		return "batch"
	}
	return fmt.Sprintf("%v", item)
}

// TestW09OneTurnOfAnInstanceAtATime raises events while a turn is out.
func TestW09OneTurnOfAnInstanceAtATime(t *testing.T) {
	s := serve(t)
	a, b := s.connect(&wirepb.GetWorkItemsRequest{}), s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turns := make(chan *wirepb.WorkItem, 10)
	for _, w := range []*items{a, b} {
		s.calls.Go(func() {
			for {
				item, err := w.receive()
				if err != nil {
					return
				}
				if item.GetOrchestratorRequest() != nil {
					turns <- item
				}
			}
		})
	}
	first := <-turns
	for n := range 3 {
		s.raise("i", "e", fmt.Sprint(n))
	}
	select {
	case item := <-turns:
		t.Fatalf("while a turn is out there comes %v, want none", item)
	case <-time.After(100 * time.Millisecond):
	}
	s.answer(&wirepb.OrchestratorResponse{InstanceId: "i", CompletionToken: first.CompletionToken})
	second := <-turns
	if got := bodies[*history.EventRaised](s.events(second.GetOrchestratorRequest().NewEvents)); len(got) != 3 {
		t.Errorf("the next turn has %d events, want the 3 that came meanwhile", len(got))
	}
	s.answer(&wirepb.OrchestratorResponse{
		InstanceId: "i", CompletionToken: second.CompletionToken, Actions: []*wirepb.OrchestratorAction{end(1, completed, `1`)},
	})
}

// TestW10OldTokensChangeNothing completes items under tokens that are not the newest.
func TestW10OldTokensChangeNothing(t *testing.T) {
	s := serve(t)
	first := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(first.turn(), schedule(1, "a", `"x"`))
	a, oldActivity := first.activity()
	s.raise("i", "e", "1")
	oldTurn := first.turn()
	first.cancel()
	second := s.connect(&wirepb.GetWorkItemsRequest{})
	newTurn := *oldTurn
	var token string
	for range 2 {
		if item := second.item(); item.GetOrchestratorRequest() != nil {
			newTurn.token = item.CompletionToken
		} else {
			token = item.CompletionToken
		}
	}
	_, err := call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteOrchestratorTask", &wirepb.OrchestratorResponse{
		InstanceId: "i", CompletionToken: oldTurn.token, Actions: []*wirepb.OrchestratorAction{end(2, failed, `"old"`)},
	})
	wantStatus(t, "a turn with an old token", err, codes.NotFound)
	_, err = call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteActivityTask", &wirepb.ActivityResponse{
		InstanceId: "i", TaskId: 1, CompletionToken: oldActivity, Result: text(`"old"`),
	})
	wantStatus(t, "an activity with an old token", err, codes.NotFound)
	for _, forged := range []string{"forged", strings.Repeat("A", 5000), oldActivity + "x"} {
		_, err = call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteOrchestratorTask", &wirepb.OrchestratorResponse{InstanceId: "i", CompletionToken: forged})
		wantStatus(t, "a turn with a token that is none", err, codes.NotFound)
		_, err = call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteEntityTask", &wirepb.EntityBatchResult{CompletionToken: forged})
		wantStatus(t, "a batch with a token that is none", err, codes.NotFound)
		_, err = call[wirepb.AbandonOrchestrationTaskResponse](s.ctx, s, "AbandonTaskOrchestratorWorkItem", &wirepb.AbandonOrchestrationTaskRequest{CompletionToken: forged})
		wantStatus(t, "giving back what is not out", err, codes.NotFound)
	}
	s.act(&newTurn)
	s.result(a, token, `"new"`)
	if r := body[*history.TaskCompleted](s, second.turn().new); r.Result.S != `"new"` {
		t.Errorf("the result = %+v, want the new one", r)
	}
}

// TestW11RepeatedCompletionsAreFine completes everything twice.
func TestW11RepeatedCompletionsAreFine(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turn := w.turn()
	actions := []*wirepb.OrchestratorAction{schedule(1, "a", `"x"`), callEntity(2, "@e@k", guid(1), "o", `1`)}
	s.act(turn, actions...)
	s.act(turn, actions...)
	for range 2 {
		switch item := w.item(); kindOf(item) {
		case "activity":
			s.result(item.GetActivityRequest(), item.CompletionToken, `"y"`)
			s.result(item.GetActivityRequest(), item.CompletionToken, `"z"`)
		case "batch":
			b := &batch{token: item.CompletionToken}
			s.outcome(b, text("s"), `2`)
			s.outcome(b, text("t"), `3`)
		}
	}
	var got []*history.Event
	for len(got) < 2 {
		turn := w.turn()
		got = append(got, turn.new[1:]...)
		s.act(turn)
		s.act(turn)
	}
	if r, e := body[*history.TaskCompleted](s, got), body[*history.EntityOperationCompleted](s, got); r.Result.S != `"y"` || e.Output.S != `2` {
		t.Errorf("results = %+v, %+v, want the first ones", r, e)
	}
	w.silent("after all was completed twice")
}

// TestW12CompletionsWithoutToken answers as old Go clients do.
func TestW12CompletionsWithoutToken(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turn := w.turn()
	turn.token = ""
	s.act(turn, schedule(1, "a", `1`), schedule(2, "b", `2`))
	for range 2 {
		a, _ := w.activity()
		s.result(a, "", `"`+a.Name+`"`)
	}
	var results []string
	for len(results) < 2 {
		turn := w.turn()
		for _, r := range bodies[*history.TaskCompleted](turn.new) {
			results = append(results, fmt.Sprintf("%d %s", r.TaskScheduledID, r.Result.S))
		}
		turn.token = ""
		s.act(turn)
	}
	slices.Sort(results)
	if diff := cmp.Diff([]string{`1 "a"`, `2 "b"`}, results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	_, err := call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteOrchestratorTask", &wirepb.OrchestratorResponse{InstanceId: "i"})
	wantStatus(t, "a completion without token of what is not out", err, codes.NotFound)
}

// TestW13AbandonedItemsGoToOthersFirst gives items back.
func TestW13AbandonedItemsGoToOthersFirst(t *testing.T) {
	s := serve(t)
	a := s.connect(&wirepb.GetWorkItemsRequest{}, "workerid", "a")
	s.remote("i")
	first := a.turn()
	b := s.connect(&wirepb.GetWorkItemsRequest{}, "workerid", "b")
	do[wirepb.AbandonOrchestrationTaskResponse](s, "AbandonTaskOrchestratorWorkItem", &wirepb.AbandonOrchestrationTaskRequest{CompletionToken: first.token})
	second := b.turn()
	if second.token == first.token {
		t.Errorf("the token of the second delivery = %q, that of the first", second.token)
	}
	do[wirepb.AbandonOrchestrationTaskResponse](s, "AbandonTaskOrchestratorWorkItem", &wirepb.AbandonOrchestrationTaskRequest{CompletionToken: second.token})
	b.cancel()
	third := a.turn() // the only one that is left
	s.act(third, end(1, completed, `"done"`))
	if got := s.wait("i").Output.GetValue(); got != `"done"` {
		t.Errorf("output = %s, want done", got)
	}
}

var hex32 = regexp.MustCompile(`^[0-9a-f]{32}$`)

// TestW14FirstDispatch looks at what a worker gets first.
func TestW14FirstDispatch(t *testing.T) {
	s := serve(t)
	s.start(&wirepb.CreateInstanceRequest{
		InstanceId: "i", Name: "remote", Version: text("1.2"), Input: text(`"in"`), Tags: map[string]string{"k": "v"},
		ParentTraceContext: &wirepb.TraceContext{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: text("s")},
	})
	s.raise("i", "Early", `1`)
	s.raise("i", "early", `2`)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	turn := w.turn()
	if diff := cmp.Diff([]string{"OrchestratorStarted(-1)", "ExecutionStarted(0)", "EventRaised(-1)", "EventRaised(-1)"}, kinds(turn.new)); diff != "" || len(turn.past) != 0 {
		t.Errorf("the first turn has %v behind it and (-want +got):\n%s", kinds(turn.past), diff)
	}
	started := body[*history.ExecutionStarted](s, turn.new)
	execution := turn.ExecutionId.GetValue()
	want := &history.ExecutionStarted{
		Name: "remote", Version: history.Some("1.2"), Input: history.Some(`"in"`), Tags: map[string]string{"k": "v"},
		Instance:    &history.Instance{InstanceID: "i", ExecutionID: history.Some(execution)},
		ParentTrace: &history.TraceContext{TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: history.Some("s")},
	}
	if diff := cmp.Diff(want, started); diff != "" || !hex32.MatchString(execution) {
		t.Errorf("execution %s has started with (-want +got):\n%s", execution, diff)
	}
	if w := turn.EntityParameters.GetEntityMessageReorderWindow(); w == nil || w.AsDuration() != 0 {
		t.Errorf("the reorder window = %v, want zero", w)
	}
	if got := s.get("i").ExecutionId.GetValue(); got != execution {
		t.Errorf("execution of the instance = %s, want %s", got, execution)
	}
	raised := bodies[*history.EventRaised](turn.new)
	if raised[0].Name != "Early" || raised[0].Input.S != `1` || raised[1].Name != "early" {
		t.Errorf("events = %+v, %+v, want those that were raised, in order", raised[0], raised[1])
	}
}

// TestW15TimesOfEvents looks at all that a worker is told in some turns.
func TestW15TimesOfEvents(t *testing.T) {
	s := serve(t)
	s.remote("i")
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	turn := w.turn()
	for n := range 4 {
		var last time.Time
		for _, e := range append(turn.past, turn.new...) {
			if e.Time.IsZero() {
				t.Errorf("event %v has no time", kinds([]*history.Event{e}))
			}
			if _, ok := e.Body.(*history.OrchestratorStarted); ok {
				if e.Time.Before(last) {
					t.Errorf("a turn at %v follows one at %v", e.Time, last)
				}
				last = e.Time
			}
		}
		s.act(turn)
		s.raise("i", "e", fmt.Sprint(n))
		turn = w.turn()
	}
}

// TestW16EachGenerationHasAnExecution continues a run as new.
func TestW16EachGenerationHasAnExecution(t *testing.T) {
	s := serve(t)
	s.remote("i")
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	turn := w.turn()
	execution := turn.ExecutionId.GetValue()
	if started := body[*history.ExecutionStarted](s, turn.new); !hex32.MatchString(execution) || started.Instance.ExecutionID.S != execution {
		t.Errorf("execution = %s, started as %s, want the same 32 hex digits", execution, started.Instance.ExecutionID.S)
	}
	s.act(turn, again(1, `"next"`))
	next := w.turn().ExecutionId.GetValue()
	if !hex32.MatchString(next) || next == execution {
		t.Errorf("the next generation has execution %s, want another than %s", next, execution)
	}
}

// TestW17HistoryOfOneActivity and what its commits look like.
func TestW17HistoryOfOneActivity(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), schedule(1, "a", `"x"`))
	a, token := w.activity()
	if a.Name != "a" || a.Input.GetValue() != `"x"` || a.TaskId != 1 || a.OrchestrationInstance.InstanceId != "i" || a.OrchestrationInstance.ExecutionId.GetValue() == "" {
		t.Errorf("activity = %v, want what was scheduled", a)
	}
	s.result(a, token, `"y"`)
	s.act(w.turn(), end(2, completed, `"y"`))
	s.wait("i")
	want := []string{
		"OrchestratorStarted(-1)", "ExecutionStarted(0)", "TaskScheduled(1)",
		"OrchestratorStarted(-1)", "TaskCompleted(-1)", "ExecutionCompleted(2)",
	}
	h := s.history("i")
	if diff := cmp.Diff(want, kinds(h)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if got := body[*history.TaskCompleted](s, h); got.TaskScheduledID != 1 || got.Result.S != `"y"` {
		t.Errorf("taskCompleted = %+v, want that of task 1", got)
	}
}

// TestW18MixedHistory does an activity, a timer and a child.
func TestW18MixedHistory(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), schedule(1, "a", `"x"`))
	a, token := w.activity()
	s.result(a, token, `"y"`)
	s.act(w.turn(), timer(2, time.Now().Add(30*time.Millisecond)))
	fired := w.turn()
	s.act(fired, child(3, "i-child", "sub", `"c"`))
	sub := w.turn()
	if sub.InstanceId != "i-child" {
		t.Fatalf("the next turn is of %s, want the child", sub.InstanceId)
	}
	s.act(sub, end(1, completed, `"d"`))
	s.act(w.turn(), end(4, completed, `"e"`))
	s.wait("i")
	want := []string{
		"OrchestratorStarted(-1)", "ExecutionStarted(0)", "TaskScheduled(1)", "OrchestratorStarted(-1)", "TaskCompleted(-1)", "TimerCreated(2)",
		"OrchestratorStarted(-1)", "TimerFired(-1)", "SubOrchestrationInstanceCreated(3)",
		"OrchestratorStarted(-1)", "SubOrchestrationInstanceCompleted(-1)", "ExecutionCompleted(4)",
	}
	h := s.history("i")
	if diff := cmp.Diff(want, kinds(h)); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if f := body[*history.TimerFired](s, h); f.TimerID != 2 || f.FireAt.IsZero() {
		t.Errorf("timerFired = %+v, want that of timer 2", f)
	}
}

// TestW19PendingUntilTheFirstCompletion keeps a worker busy in its first turn.
func TestW19PendingUntilTheFirstCompletion(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turn := w.turn()
	if got := s.get("i").OrchestrationStatus; got != pending {
		t.Errorf("while its first turn is out the instance is %v, want PENDING", got)
	}
	s.act(turn)
	started := do[wirepb.GetInstanceResponse](s, "WaitForInstanceStart", &wirepb.GetInstanceRequest{InstanceId: "i"})
	if got := started.OrchestrationState.OrchestrationStatus; got != running_ {
		t.Errorf("after its first turn the instance is %v, want RUNNING", got)
	}
}

// TestW21EventsAreKeptInOrder raises events before anybody waits for them.
func TestW21EventsAreKeptInOrder(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	turn := w.turn()
	var want, got []string
	for n := range 20 {
		name := []string{"Approval", "approval", "OTHER"}[n%3]
		s.raise("i", name, fmt.Sprint(n))
		want = append(want, fmt.Sprint(name, n))
		if n == 10 {
			s.act(turn)
			turn = w.turn()
			for _, e := range bodies[*history.EventRaised](turn.new) {
				got = append(got, e.Name+e.Input.S)
			}
		}
	}
	s.act(turn)
	for len(got) < len(want) {
		turn = w.turn()
		for _, e := range bodies[*history.EventRaised](turn.new) {
			got = append(got, e.Name+e.Input.S)
		}
		s.act(turn)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
