package chaos_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// understood are the answers that SDKs understand. UNKNOWN and INTERNAL have them
// repeat what was refused.
var understood = []codes.Code{codes.OK, codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.ResourceExhausted}

// Actions of workers that mean no good.

func action(id int32, a any) *wirepb.OrchestratorAction {
	out := &wirepb.OrchestratorAction{Id: id}
	switch a := a.(type) {
	case *wirepb.ScheduleTaskAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_ScheduleTask{ScheduleTask: a}
	case *wirepb.CreateTimerAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_CreateTimer{CreateTimer: a}
	case *wirepb.CreateSubOrchestrationAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_CreateSubOrchestration{CreateSubOrchestration: a}
	case *wirepb.SendEventAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_SendEvent{SendEvent: a}
	case *wirepb.CompleteOrchestrationAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_CompleteOrchestration{CompleteOrchestration: a}
	case *wirepb.TerminateOrchestrationAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_TerminateOrchestration{TerminateOrchestration: a}
	case *wirepb.RewindOrchestrationAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_RewindOrchestration{RewindOrchestration: a}
	case *wirepb.SendEntityMessageAction:
		out.OrchestratorActionType = &wirepb.OrchestratorAction_SendEntityMessage{SendEntityMessage: a}
	}
	return out
}

// message returns a message to an entity.
func message(body history.Body) *wirepb.SendEntityMessageAction {
	return codec.EncodeActions([]engine.Action{{Do: &engine.SendEntityMessage{Body: body}}})[0].GetSendEntityMessage()
}

func event(body history.Body) []byte { return (&history.Event{ID: -1, Body: body}).Append(nil) }

// hostileTurns are answers to a turn.
func hostileTurns() map[string]*wirepb.OrchestratorResponse {
	does := func(list ...*wirepb.OrchestratorAction) *wirepb.OrchestratorResponse {
		return &wirepb.OrchestratorResponse{Actions: list}
	}
	many := make([]*wirepb.OrchestratorAction, 100_001)
	for i := range many {
		many[i] = action(int32(i+1), &wirepb.ScheduleTaskAction{Name: "nobody"})
	}
	huge, key := strings.Repeat("n", 1<<20), "@acc@k"
	far := &timestamppb.Timestamp{Seconds: math.MaxInt64}
	anew := func(events ...[]byte) *wirepb.OrchestratorAction {
		return action(1, &wirepb.CompleteOrchestrationAction{
			OrchestrationStatus: wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_CONTINUED_AS_NEW, CarryoverEvents: events,
		})
	}
	rewind := func(events ...[]byte) *wirepb.OrchestratorAction {
		return action(-1, &wirepb.RewindOrchestrationAction{NewHistory: events})
	}
	all := map[string]*wirepb.OrchestratorResponse{
		"100,001 actions":         does(many...),
		"nothing":                 does(),
		"no kind":                 does(action(1, nil)),
		"negative id":             does(action(-7, &wirepb.ScheduleTaskAction{Name: "nobody"}), action(math.MinInt32, &wirepb.ScheduleTaskAction{Name: "nobody"})),
		"one id twice":            does(action(1, &wirepb.ScheduleTaskAction{Name: "nobody"}), action(1, &wirepb.ScheduleTaskAction{Name: "nobody"})),
		"no name":                 does(action(1, &wirepb.ScheduleTaskAction{})),
		"huge name":               does(action(1, &wirepb.ScheduleTaskAction{Name: huge})),
		"huge input":              does(action(1, &wirepb.ScheduleTaskAction{Name: "n", Input: wrapperspb.String(strings.Repeat("x", 9<<20))})),
		"no time":                 does(action(1, &wirepb.CreateTimerAction{})),
		"far time":                does(action(1, &wirepb.CreateTimerAction{FireAt: far})),
		"far past":                does(action(1, &wirepb.CreateTimerAction{FireAt: &timestamppb.Timestamp{Seconds: math.MinInt64}})),
		"wrong nanos":             does(action(1, &wirepb.CreateTimerAction{FireAt: &timestamppb.Timestamp{Nanos: -5}})),
		"year 9999":               does(action(1, &wirepb.CreateTimerAction{FireAt: &timestamppb.Timestamp{Seconds: 253402300799}})),
		"itself as a child":       does(action(1, &wirepb.CreateSubOrchestrationAction{InstanceId: "hostile", Name: "hostile"})),
		"an entity as a child":    does(action(1, &wirepb.CreateSubOrchestrationAction{InstanceId: key, Name: "hostile"})),
		"long id of a child":      does(action(1, &wirepb.CreateSubOrchestrationAction{InstanceId: huge, Name: "nobody"})),
		"nul in ids":              does(action(1, &wirepb.CreateSubOrchestrationAction{InstanceId: "a\x00b", Name: "no\x00body"})),
		"event to nobody":         does(action(1, &wirepb.SendEventAction{Name: "e"})),
		"event to an entity":      does(action(1, &wirepb.SendEventAction{Instance: &wirepb.OrchestrationInstance{InstanceId: key}, Name: "op", Data: wrapperspb.String("{")})),
		"event of lists":          does(action(1, &wirepb.SendEventAction{Instance: &wirepb.OrchestrationInstance{InstanceId: key}, Name: "op@x", Data: wrapperspb.String(strings.Repeat("[", 1<<16))})),
		"terminates nobody":       does(action(1, &wirepb.TerminateOrchestrationAction{})),
		"terminates itself":       does(action(1, &wirepb.TerminateOrchestrationAction{InstanceId: "hostile", Recurse: true})),
		"status 99":               does(action(1, &wirepb.CompleteOrchestrationAction{OrchestrationStatus: 99})),
		"ends as running":         does(action(1, &wirepb.CompleteOrchestrationAction{})),
		"ends twice":              does(action(1, &wirepb.CompleteOrchestrationAction{OrchestrationStatus: 1}), action(2, &wirepb.CompleteOrchestrationAction{OrchestrationStatus: 3})),
		"carries bytes":           does(anew([]byte{0xff, 0xff})),
		"carries an end":          does(anew(event(&history.ExecutionCompleted{Status: history.StatusCompleted}), event(&history.OrchestratorStarted{}))),
		"carries a start":         does(anew(event(&history.ExecutionStarted{Name: "other"}))),
		"carries results":         does(anew(event(&history.TaskCompleted{TaskScheduledID: 1}), event(&history.TimerFired{TimerID: 1}), event(&history.EntityLockGranted{CriticalSectionID: "x"}))),
		"carries state":           does(anew(event(&history.HistoryState{State: []byte{1}}), event(&history.GenericEvent{}))),
		"carries a rewind":        does(anew(event(&history.ExecutionRewound{}))),
		"rewinds unasked":         does(rewind()),
		"rewinds to bytes":        does(rewind([]byte{1, 2, 3})),
		"rewinds to another":      does(rewind(event(&history.ExecutionStarted{Name: "other", Instance: &history.Instance{InstanceID: "other"}}), event(&history.TaskScheduled{Name: "x"}))),
		"rewinds to the end":      does(rewind(event(&history.ExecutionCompleted{Status: history.StatusCompleted}))),
		"locks nothing":           does(action(1, message(&history.EntityLockRequested{CriticalSectionID: "s"}))),
		"locks no entity":         does(action(1, message(&history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{"x", ""}}))),
		"locks one twice":         does(action(1, message(&history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{key, key}}))),
		"locks from the middle":   does(action(1, message(&history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{key}, Position: 7}))),
		"locks before the first":  does(action(1, message(&history.EntityLockRequested{CriticalSectionID: "s", LockSet: []string{key}, Position: -1}))),
		"unlocks what it has not": does(action(1, message(&history.EntityUnlockSent{CriticalSectionID: "s", TargetInstanceID: history.Some(key)}))),
		"calls no entity":         does(action(1, message(&history.EntityOperationCalled{RequestID: "r", Operation: "o", TargetInstanceID: history.Some("x")}))),
		"calls as another":        does(action(1, message(&history.EntityOperationCalled{RequestID: "r", Operation: "o", TargetInstanceID: history.Some("@acc@call"), ParentInstanceID: history.Some("good/0")}))),
		"no message":              does(action(1, &wirepb.SendEntityMessageAction{})),
		"processed too few":       {NumEventsProcessed: wrapperspb.Int32(math.MinInt32)},
		"processed too many":      {NumEventsProcessed: wrapperspb.Int32(math.MaxInt32)},
		"huge status":             {CustomStatus: wrapperspb.String(strings.Repeat("s", 9<<20))},
		"wants history":           {RequiresHistory: true},
		"part of nothing":         {IsPartial: true, ChunkIndex: wrapperspb.Int32(-1)},
		"late part":               {IsPartial: true, ChunkIndex: wrapperspb.Int32(math.MaxInt32)},
		"far trace":               {OrchestrationTraceContext: &wirepb.OrchestrationTraceContext{SpanStartTime: far}},
		"fields of ours":          {Waits: []string{huge}, Diverged: &wirepb.Divergence{Event: -1}, Panicked: true, Blocked: "x", Unknown: true},
	}
	return all
}

// TestS10_HostileWorker answers turns, activities and batches in ways that no honest
// worker does. Answers are those that SDKs understand, the instances can be removed,
// and another worker goes on with what is its own.
func TestS10_HostileWorker(t *testing.T) {
	normalOnly(t)
	addr := serve(t, config())
	c := &client{dial(t, addr), "default"}
	good := newGood(t, addr)
	answers := make(map[codes.Code]int)
	check := func(what string, err error) {
		t.Helper()
		answers[status.Code(err)]++
		if !slices.Contains(understood, status.Code(err)) {
			t.Errorf("%s = %v, want one of %v", what, err, understood)
		}
	}
	hostile := hold(t, addr, "default", &wirepb.WorkItemFilters{
		Orchestrations: []*wirepb.OrchestrationFilter{{Name: "hostile"}}, Activities: []*wirepb.ActivityFilter{{Name: "trap"}},
		Entities: []*wirepb.EntityFilter{{Name: "trap"}},
	})
	send := func(rpc string, in proto.Message) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return c.call(ctx, rpc, in, new(wirepb.CompleteTaskResponse))
	}
	rounds := 0
	for what, r := range hostileTurns() {
		c.begin(t, "hostile", "hostile", 0)
		work := hostile.next(t)
		for work.Orchestration == nil || work.Orchestration.InstanceID != "hostile" { // children of it
			work = hostile.next(t)
		}
		r.InstanceId, r.CompletionToken = "hostile", work.Token
		check(what, send("CompleteOrchestratorTask", r))
		check(what+", again", send("CompleteOrchestratorTask", r))
		good.round(t)
		c.remove(t, hostile, "hostile", what)
		rounds++
	}
	for what, r := range map[string]proto.Message{
		"turn of nobody":     &wirepb.OrchestratorResponse{InstanceId: "nobody", CompletionToken: "AAAA"},
		"turn without token": &wirepb.OrchestratorResponse{InstanceId: "good"},
		"turn of an entity":  &wirepb.OrchestratorResponse{InstanceId: "@acc@k"},
	} {
		check(what, send("CompleteOrchestratorTask", r))
	}
	for what, r := range map[string]*wirepb.ActivityResponse{
		"activity of nobody":      {InstanceId: "nobody", CompletionToken: "x"},
		"negative task":           {InstanceId: "good", TaskId: -1},
		"activity without a name": {},
		"huge token":              {CompletionToken: strings.Repeat("A", 1<<20)},
	} {
		check(what, send("CompleteActivityTask", r))
	}
	for what, r := range map[string]*wirepb.EntityBatchResult{
		"too many results": {Results: many(1000)},
		"no state":         {Results: many(1)},
		"unset result":     {Results: []*wirepb.OperationResult{{}}},
		"huge state":       {Results: many(1), EntityState: wrapperspb.String(strings.Repeat("s", 9<<20))},
		"signals nobody":   {Results: many(1), Actions: []*wirepb.OperationAction{{OperationActionType: &wirepb.OperationAction_SendSignal{SendSignal: &wirepb.SendSignalAction{InstanceId: "x", ScheduledTime: &timestamppb.Timestamp{Seconds: math.MaxInt64}}}}}},
		"starts an entity": {Results: many(1), Actions: []*wirepb.OperationAction{{OperationActionType: &wirepb.OperationAction_StartNewOrchestration{StartNewOrchestration: &wirepb.StartNewOrchestrationAction{InstanceId: "@acc@k", Name: "x"}}}}},
		"empty action":     {Results: many(1), Actions: []*wirepb.OperationAction{{}}},
		"100,001 signals":  {Results: many(1), Actions: signals(100_001)},
	} {
		id := fmt.Sprintf("@trap@%d", rounds)
		c.signal(t, id, 1)
		work := hostile.next(t)
		if work.Entity == nil || work.Entity.InstanceID != id {
			t.Fatalf("%s: the next item is %s, want the batch of %s", what, keyOf(work), id)
		}
		r.CompletionToken = work.Token
		err := send("CompleteEntityTask", r)
		check(what, err)
		check(what+", again", send("CompleteEntityTask", r))
		good.round(t)
		if err != nil { // it comes again, and can be done
			again := hostile.next(t)
			if err := send("CompleteEntityTask", &wirepb.EntityBatchResult{CompletionToken: again.Token, Results: many(1)}); err != nil {
				t.Errorf("after %s the batch can not be completed: %v", what, err)
			}
		}
		rounds++
	}
	good.round(t)
	if rounds < 55 || answers[codes.OK] < 20 || answers[codes.InvalidArgument] == 0 || answers[codes.NotFound] == 0 {
		t.Errorf("%d rounds with the answers %v: too few", rounds, answers)
	}
	t.Logf("%d rounds with the answers %v; an honest worker has done %d", rounds, answers, good.done)
}

func many(n int) (list []*wirepb.OperationResult) {
	for range n {
		list = append(list, &wirepb.OperationResult{ResultType: &wirepb.OperationResult_Success{Success: &wirepb.OperationResultSuccess{}}})
	}
	return list
}

func signals(n int) (list []*wirepb.OperationAction) {
	for i := range n {
		list = append(list, &wirepb.OperationAction{Id: int32(i), OperationActionType: &wirepb.OperationAction_SendSignal{
			SendSignal: &wirepb.SendSignalAction{InstanceId: "@sink@k", Name: "x"},
		}})
	}
	return list
}

// good is a worker that goes on beside.
type good struct {
	c    *client
	w    *worker
	done int
}

func newGood(t *testing.T, addr string) *good {
	t.Helper()
	h := hold(t, addr, "default", &wirepb.WorkItemFilters{
		Orchestrations: []*wirepb.OrchestrationFilter{{Name: "child"}}, Activities: []*wirepb.ActivityFilter{{Name: "double"}},
	})
	h.serveRest()
	return &good{&client{h.conn, "default"}, &h.worker, 0}
}

// round has an instance run to its end.
func (g *good) round(t *testing.T) {
	t.Helper()
	id := fmt.Sprint("good-", g.done)
	g.c.begin(t, "child", id, g.done)
	g.c.ends(t, id, 2*g.done)
	g.w.seen.none(t)
	g.done++
}

// remove ends an instance whatever state it is in, and purges it.
func (c *client) remove(t *testing.T, w *holder, id, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tries := 0; ; tries++ {
		err := c.call(ctx, "PurgeInstances", &wirepb.PurgeInstancesRequest{
			Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: id}, Recursive: true,
		}, new(wirepb.PurgeInstancesResponse))
		if err == nil {
			return
		}
		if status.Code(err) != codes.FailedPrecondition || ctx.Err() != nil {
			t.Fatalf("after %s the instance cannot be purged: %v", what, err)
		}
		if err := c.call(ctx, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: id, Recursive: true}, new(wirepb.TerminateResponse)); err != nil {
			t.Fatalf("after %s the instance cannot be terminated: %v", what, err)
		}
		if tries == 20 { // the worker keeps what it has
			force := &wirepb.SkipGracefulOrchestrationTerminationsRequest{InstanceBatch: &wirepb.InstanceBatch{InstanceIds: []string{id}}}
			if err := c.call(ctx, "SkipGracefulOrchestrationTerminations", force, new(wirepb.SkipGracefulOrchestrationTerminationsResponse)); err != nil {
				t.Fatalf("after %s the instance cannot be ended by force: %v", what, err)
			}
		}
		select {
		case work := <-w.items: // an honest worker would end it now
			if work.Orchestration != nil {
				_ = w.complete(w.meta(ctx), &hub.OrchestrationDone{Delivery: hub.Delivery{Token: work.Token}})
			}
		case <-time.After(5 * time.Millisecond):
		}
	}
}
