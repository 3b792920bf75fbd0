package codec_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// sent returns the message as it arrives.
func sent[M proto.Message](t *testing.T, m M) M {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatalf("Marshal(%v) = %v", m, err)
	}
	arrived := m.ProtoReflect().New().Interface().(M)
	if err := proto.Unmarshal(b, arrived); err != nil {
		t.Fatal(err)
	}
	return arrived
}

// roundTrips checks that random values survive there and back.
func roundTrips[T any](t *testing.T, there func(*T) (back *T, err error), mend func(*T)) {
	t.Helper()
	seed := rand.Uint64()
	r := random{rand.New(rand.NewPCG(seed, 1))}
	for range 500 {
		want := filled[T](r)
		if mend != nil {
			mend(want)
		}
		got, err := there(want)
		if err != nil {
			t.Fatalf("seed %d: round trip of %+v = %v, want no error", seed, want, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: round trip (-want +got):\n%s", seed, diff)
		}
	}
}

func TestTurnRoundTrip(t *testing.T) {
	roundTrips(t, func(done *hub.OrchestrationDone) (*hub.OrchestrationDone, error) {
		got, unknown, err := codec.DecodeTurn(sent(t, codec.EncodeTurn(done)), true)
		if unknown != 0 {
			t.Errorf("DecodeTurn() = %d unknown actions, want 0", unknown)
		}
		return got, err
	}, func(done *hub.OrchestrationDone) { done.TaskID, done.Lost = 0, false }) // of what is abandoned
}

func TestActivityDoneRoundTrip(t *testing.T) {
	roundTrips(t, func(done *hub.ActivityDone) (*hub.ActivityDone, error) {
		return codec.DecodeActivityDone(sent(t, codec.EncodeActivityDone(done)), true), nil
	}, func(done *hub.ActivityDone) { done.Lost, done.FollowUp = false, nil }) // a turn is written beside it
}

func TestFollowUpRoundTrip(t *testing.T) {
	roundTrips(t, func(turn *hub.FollowUp) (*hub.FollowUp, error) {
		return codec.DecodeFollowUp(sent(t, codec.EncodeFollowUp(turn)))
	}, func(turn *hub.FollowUp) { turn.Taken = false }) // the hub says it
}

func TestEntityDoneRoundTrip(t *testing.T) {
	roundTrips(t, func(done *hub.EntityDone) (*hub.EntityDone, error) {
		got, _, err := codec.DecodeEntityDone(sent(t, codec.EncodeEntityDone(done)), true)
		return got, err
	}, func(done *hub.EntityDone) {
		done.InstanceID, done.TaskID, done.Lost = "", 0, false
		for i := range done.Result.Results { // a result is one of three
			switch r := &done.Result.Results[i]; {
			case r.Deferred:
				r.Failure, r.Result = nil, history.Text{}
			case r.Failure != nil:
				r.Result = history.Text{}
			}
		}
	})
}

func TestWorkRoundTrip(t *testing.T) {
	roundTrips(t, func(work *hub.Work) (*hub.Work, error) {
		return codec.DecodeWork(sent(t, codec.EncodeWork(work, true)))
	}, func(work *hub.Work) {
		work.More = nil // of streams between nodes; an item is one of four
		// an item is one of four
		switch {
		case work.Orchestration != nil:
			work.Activity, work.Entity, work.Cancel = nil, nil, nil
		case work.Activity != nil:
			work.Entity, work.Cancel = nil, nil
			work.Activity.Attempt = max(1, work.Activity.Attempt)
		case work.Entity != nil:
			work.Cancel = nil
		default:
			work.Cancel = &hub.CancelWork{Reason: "r"}
		}
	})
}

func TestWorkerRoundTrip(t *testing.T) {
	roundTrips(t, func(w *hub.Worker) (*hub.Worker, error) {
		return codec.DecodeWorker(sent(t, codec.EncodeWorker(w)), "", w.ID)
	}, func(w *hub.Worker) {
		w.Own, w.StreamsHistory, w.MaxHistory, w.Forgets, w.Follows = true, false, 0, false, false // none that is connected forgets
		w.Client, w.Address = "", ""                                                               // the connection tells
		if w.Filters != nil {
			for i := range w.Filters.Entities {
				w.Filters.Entities[i] = strings.ToLower(w.Filters.Entities[i])
			}
		}
	})
}

func TestDecodeWorkerKnowsSDKs(t *testing.T) {
	none := &wirepb.GetWorkItemsRequest{}
	streams := &wirepb.GetWorkItemsRequest{Capabilities: []wirepb.WorkerCapability{wirepb.WorkerCapability_WORKER_CAPABILITY_HISTORY_STREAMING}}
	for _, test := range []struct {
		request *wirepb.GetWorkItemsRequest
		agent   string
		want    hub.Worker
	}{
		{none, "durabletask-python/1.9.0", hub.Worker{MaxHistory: 4<<20 - 64<<10}},
		{none, "durabletask-js/0.4.0", hub.Worker{}},
		{none, "", hub.Worker{MaxHistory: 4<<20 - 64<<10}},
		{streams, "durabletask-dotnet/1.25", hub.Worker{MaxHistory: 4<<20 - 64<<10, StreamsHistory: true}},
	} {
		got, err := codec.DecodeWorker(test.request, test.agent, "")
		if diff := cmp.Diff(&test.want, got); diff != "" || err != nil {
			t.Errorf("DecodeWorker(%v, %q) = %v (-want +got):\n%s", test.request, test.agent, err, diff)
		}
	}
	if _, err := codec.DecodeWorker(&wirepb.GetWorkItemsRequest{MaxConcurrentEntityWorkItems: -1}, "", ""); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("DecodeWorker(-1 entities) = %v, want invalid_argument", err)
	}
}

func TestStateRoundTrip(t *testing.T) {
	roundTrips(t, func(in *hub.Instance) (*hub.Instance, error) {
		return codec.DecodeState(sent(t, codec.EncodeState(in, true)))
	}, func(in *hub.Instance) { // the rest does not travel
		c := hub.Instance{
			AppVersion: in.AppVersion, Updated: in.Updated, StartAt: in.StartAt, CustomStatus: in.CustomStatus,
			Failure: in.Failure, Input: in.Input, Output: in.Output,
		}
		c.ID, c.Name, c.Status, c.Created, c.Completed = in.ID, in.Name, in.Status&7, in.Created, in.Completed
		c.Execution, c.Parent, c.Tags = in.Execution, in.Parent, in.Tags
		if c.Updated.IsZero() {
			c.Updated = c.Created
		}
		*in = c
	})
}

func TestEntityRoundTrip(t *testing.T) {
	roundTrips(t, func(e *hub.Entity) (*hub.Entity, error) {
		return codec.DecodeEntity(sent(t, codec.EncodeEntity(e, true)))
	}, func(e *hub.Entity) {
		e.Operations = nil // the protocol does not tell them
		if e.Modified.IsZero() {
			e.Modified = time.Unix(0, 0).UTC()
		}
	})
}

// TestOthersGetNoFieldsOfOurs sends what only peers of ours understand.
func TestOthersGetNoFieldsOfOurs(t *testing.T) {
	w := codec.EncodeWork(&hub.Work{Activity: &hub.ActivityWork{
		Name: "a", Attempt: 2, Effect: "e", HeartbeatTimeout: time.Second, Deadline: time.Unix(1, 0),
	}}, false)
	if a := w.GetActivityRequest(); a.Attempt != 0 || a.Effect != nil || a.HeartbeatTimeout != nil || a.Deadline != nil {
		t.Errorf("EncodeWork(activity, false) = %v, want no fields from 1000 up", a)
	}
	if o := codec.EncodeWork(&hub.Work{Orchestration: &hub.OrchestrationWork{Warm: true}}, false); o.GetOrchestratorRequest().Warm {
		t.Errorf("EncodeWork(orchestration, false) = %v, want no fields from 1000 up", o)
	}
	e := &history.Event{ID: 1, Body: &history.OrchestratorStarted{}, Meta: &history.Meta{Attempt: 2}, Unknown: []byte{0xc8, 0x3e, 1}}
	if got, want := codec.EncodeEvent(e, false), (&history.Event{ID: 1, Body: e.Body}).Append(nil); string(got) != string(want) {
		t.Errorf("EncodeEvent(false) = %x, want %x", got, want)
	}
	if got, want := codec.EncodeEvent(e, true), e.Append(nil); string(got) != string(want) {
		t.Errorf("EncodeEvent(true) = %x, want %x", got, want)
	}
}

// TestFieldsOfOursCountFromUsOnly reads them from a peer that is another SDK's.
func TestFieldsOfOursCountFromUsOnly(t *testing.T) {
	meta := &history.Event{Body: &history.OrchestratorStarted{}, Meta: &history.Meta{Attempt: 2, Payload: &history.PayloadReference{Size: 1}}}
	done := &hub.OrchestrationDone{Result: engine.TurnResult{
		Waits: []string{"w"}, Unknown: true, Panicked: true, Blocked: "b", Diverged: &engine.Divergence{Got: "g"},
		Actions: []engine.Action{
			{ID: 1, Do: &engine.ScheduleTask{Name: "a", Timeout: 1, HeartbeatTimeout: 1, Effect: []byte("e"), Attempt: 2, Limit: 1, LimitKey: "k"}},
			{ID: 2, Do: &engine.CreateTimer{FireAt: time.Unix(9, 0).UTC(), Retry: &engine.Retry{Name: "n"}}},
			{ID: 3, Do: &engine.CreateSubOrchestration{Name: "c", Detached: true, Fold: &engine.Fold{After: 1}}},
			{ID: 4, Do: &engine.Complete{Status: history.StatusContinuedAsNew, Carryover: []*history.Event{meta}}},
			{ID: 5, Do: &engine.Rewind{NewHistory: []*history.Event{meta}, Redeliver: []*history.Event{meta}}},
			{Do: &engine.Cancel{Task: 1}}, {Do: &engine.Mark{Name: "m"}}, {Do: &engine.Reply{}}, {Do: &engine.PutRows{Rows: []engine.Row{{Kind: 1}}}},
		},
	}}
	plain := []*history.Event{{Body: &history.OrchestratorStarted{}}}
	want := &hub.OrchestrationDone{Result: engine.TurnResult{Actions: []engine.Action{
		{ID: 1, Do: &engine.ScheduleTask{Name: "a"}},
		{ID: 2, Do: &engine.CreateTimer{FireAt: time.Unix(9, 0).UTC()}},
		{ID: 3, Do: &engine.CreateSubOrchestration{Name: "c"}},
		{ID: 4, Do: &engine.Complete{Status: history.StatusContinuedAsNew, Carryover: plain}},
		{ID: 5, Do: &engine.Rewind{NewHistory: plain}},
	}}}
	got, unknown, err := codec.DecodeTurn(sent(t, codec.EncodeTurn(done)), false)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || unknown != 4 || err != nil {
		t.Errorf("DecodeTurn(false) = %d unknown, %v, want 4 and no error (-want +got):\n%s", unknown, err, diff)
	}
	entity := &hub.EntityDone{Result: engine.EntityResult{Unknown: true, Actions: []engine.EntityAction{
		&engine.RaiseEvent{}, &engine.PutEntityRows{}, &engine.ResolveReply{}, &engine.TerminateOrchestration{},
		&engine.StartOrchestration{Name: "n", Tags: map[string]string{"k": "v"}, Fold: &engine.Fold{}},
	}}}
	e, unknown, err := codec.DecodeEntityDone(sent(t, codec.EncodeEntityDone(entity)), false)
	wantEntity := &hub.EntityDone{Result: engine.EntityResult{Actions: []engine.EntityAction{&engine.StartOrchestration{Name: "n"}}}}
	if diff := cmp.Diff(wantEntity, e, cmpopts.EquateEmpty()); diff != "" || unknown != 4 || err != nil {
		t.Errorf("DecodeEntityDone(false) = %d unknown, %v, want 4 and no error (-want +got):\n%s", unknown, err, diff)
	}
}

// TestDecodeRefuses gives each completion something that cannot be carried out.
func TestDecodeRefuses(t *testing.T) {
	action := func(do engine.Op) *wirepb.OrchestratorResponse {
		return codec.EncodeTurn(&hub.OrchestrationDone{Result: engine.TurnResult{Actions: []engine.Action{{ID: 1, Do: do}}}})
	}
	broken := action(&engine.Complete{Status: history.StatusContinuedAsNew})
	broken.Actions[0].GetCompleteOrchestration().CarryoverEvents = [][]byte{{0xff}}
	for name, w := range map[string]*wirepb.OrchestratorResponse{
		"a status that is no end":    action(&engine.Complete{Status: history.StatusRunning}),
		"an unknown status":          action(&engine.Complete{Status: 99}),
		"an event that is none":      broken,
		"a timer without a time":     action(&engine.CreateTimer{}),
		"an event to nobody":         action(&engine.SendEvent{Name: "e"}),
		"the termination of nothing": action(&engine.Terminate{}),
		"locks of nothing":           action(&engine.SendEntityMessage{Body: &history.EntityLockRequested{CriticalSectionID: "c"}}),
		"a signal to nobody":         action(&engine.SendEntityMessage{Body: &history.EntityOperationSignaled{Operation: "o"}}),
	} {
		if _, _, err := codec.DecodeTurn(sent(t, w), true); perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("DecodeTurn(%s) = %v, want invalid_argument", name, err)
		}
	}
	if _, _, err := codec.DecodeEntityDone(&wirepb.EntityBatchResult{Results: []*wirepb.OperationResult{{}}}, true); perdure.CodeOf(err) != perdure.InvalidArgument {
		t.Errorf("DecodeEntityDone(a result that is neither) = %v, want invalid_argument", err)
	}
}

func TestErrorsTravel(t *testing.T) {
	for c := perdure.Internal; c.String() != "unknown"; c++ {
		sent := &perdure.Error{Code: c, Op: "start", Instance: "i", Message: "why"}
		err := codec.EncodeError(sent, true)
		if s := status.Code(err); s == codes.Unknown || s == codes.OK || s == codes.Aborted {
			t.Errorf("EncodeError(%v) has status %v, want one that SDKs understand", c, s)
		}
		if diff := cmp.Diff(error(sent), codec.DecodeError(err, "", "")); diff != "" {
			t.Errorf("DecodeError(EncodeError(%v)) (-want +got):\n%s", c, diff)
		}
		others := codec.EncodeError(sent, false)
		if n := len(status.Convert(others).Details()); n != 0 {
			t.Errorf("EncodeError(%v, false) has %d details, want 0", c, n)
		}
	}
	for _, test := range []struct {
		err  error
		want codes.Code
	}{
		{nil, codes.OK}, {context.Canceled, codes.Canceled}, {context.DeadlineExceeded, codes.DeadlineExceeded},
		{errors.New("what nobody has foreseen"), codes.Internal}, {status.Error(codes.PermissionDenied, "no"), codes.PermissionDenied},
	} {
		err := codec.EncodeError(test.err, false)
		if got := status.Code(err); got != test.want {
			t.Errorf("EncodeError(%v) has status %v, want %v", test.err, got, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "foreseen") {
			t.Errorf("EncodeError() = %v, which tells strangers what went wrong inside", err)
		}
	}
	long := codec.EncodeError(&perdure.Error{Code: perdure.InvalidArgument, Message: strings.Repeat("é", 100_000)}, true)
	if n := len(status.Convert(long).Message()); n > 3000 {
		t.Errorf("EncodeError(a long message) has %d bytes, want it to fit into a header", n)
	}
}

// TestFailureProperties are passed on as they came, however they are nested.
func TestFailureProperties(t *testing.T) {
	deep := &history.Failure{Type: "t"}
	for range 100 {
		deep = &history.Failure{Inner: deep, Properties: [][]byte{{1, 2}, {}}}
	}
	got := codec.DecodeFailure(sent(t, codec.EncodeFailure(deep)))
	n := 0
	for f := got; f != nil; f = f.Inner {
		if n++; len(f.Properties) != 2 {
			t.Fatalf("cause %d has properties %v, want two", n, f.Properties)
		}
	}
	if n != 60 {
		t.Errorf("a chain of 101 causes arrives with %d, want 60", n)
	}
}
