package wire_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestW04StreamsAreNeverSilent reads nothing but pings.
func TestW04StreamsAreNeverSilent(t *testing.T) {
	_, s := serveScripted(t, ping(20*time.Millisecond))
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	for range 3 {
		began := time.Now()
		if got := w.next(); got.GetHealthPing() == nil || got.GetHealthPing().Level != 0 {
			t.Errorf("message = %v, want a ping without fields of ours", got)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("the ping came after %v, want 20 ms", d)
		}
	}
}

// TestW05WorkersAreDescribed connects workers as SDKs do.
func TestW05WorkersAreDescribed(t *testing.T) {
	h, s := serveScripted(t)
	s.connect(&wirepb.GetWorkItemsRequest{MaxConcurrentActivityWorkItems: 3}, "workerid", "p1", "x-user-agent", "durabletask-python/1.9")
	s.connect(&wirepb.GetWorkItemsRequest{WorkerInstanceId: "p2", WorkItemFilters: &wirepb.WorkItemFilters{
		Entities:          []*wirepb.EntityFilter{{Name: "Counter"}},
		Activities:        []*wirepb.ActivityFilter{{Name: "a", Versions: []string{"1"}}},
		ExcludeActivities: []*wirepb.ActivityFilter{{Name: "b"}},
	}}, "x-user-agent", "durabletask-js/0.4")
	own := s.connect(&wirepb.GetWorkItemsRequest{Capabilities: []wirepb.WorkerCapability{wirepb.WorkerCapability_WORKER_CAPABILITY_PERDURE}})
	want := []hub.Worker{
		{ID: "p1", Client: "durabletask-python/1.9", Address: "127.0.0.1", Activities: 3, MaxHistory: 4<<20 - 64<<10},
		{ID: "p2", Client: "durabletask-js/0.4", Address: "127.0.0.1", Filters: &hub.Filters{
			Activities: []hub.NameFilter{{Name: "a", Versions: []string{"1"}}}, Never: []hub.NameFilter{{Name: "b"}}, Entities: []string{"counter"},
		}},
		{Own: true, Client: "grpc-go/" + grpc.Version, Address: "127.0.0.1"},
	}
	if diff := cmp.Diff(want, look(h, &h.workers), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the hub was told of other workers (-want +got):\n%s", diff)
	}
	own.cancel()
	_, err := s.any(s.ctx, "GetWorkItems", &wirepb.GetWorkItemsRequest{MaxConcurrentEntityWorkItems: -1})
	wantStatus(t, "GetWorkItems(-1 entities)", err, codes.InvalidArgument)
}

// TestW05UserAgentNamesTheSDK connects as JavaScript's SDK does without the package for
// Azure's scheduler: its name is in gRPC's own header.
func TestW05UserAgentNamesTheSDK(t *testing.T) {
	h, s := serveScripted(t)
	conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUserAgent("durabletask-js"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.conn.Close()
	s.conn = conn
	s.connect(&wirepb.GetWorkItemsRequest{})
	if diff := cmp.Diff([]hub.Worker{{Client: "durabletask-js grpc-go/" + grpc.Version, Address: "127.0.0.1"}}, look(h, &h.workers), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the hub was told of another worker (-want +got):\n%s", diff)
	}
}

// TestStreamsEndInOrder ends streams from both sides and asks what the hub is told.
func TestStreamsEndInOrder(t *testing.T) {
	h, s := serveScripted(t)
	for name, test := range map[string]struct {
		end  func(*items, func() error, func())
		lost bool
	}{
		"cancelled":            {func(w *items, _ func() error, _ func()) { w.cancel() }, false},
		"closed":               {func(_ *items, closeIt func() error, _ func()) { closeIt() }, false},
		"cancelled and closed": {func(w *items, closeIt func() error, _ func()) { w.cancel(); closeIt() }, false},
		"cut":                  {func(_ *items, _ func() error, cut func()) { cut() }, true},
	} {
		for range 20 {
			conn, cut := s.dialCut()
			w := s.connectOn(conn, &wirepb.GetWorkItemsRequest{})
			test.end(w, conn.Close, cut)
			select {
			case lost := <-h.ends:
				if lost != test.lost {
					t.Fatalf("a stream that was %s was closed as lost: %v, want %v", name, lost, test.lost)
				}
			case <-s.ctx.Done():
				t.Fatalf("a stream that was %s was not closed", name)
			}
			conn.Close()
		}
	}
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	close(h.closed)
	if _, err := w.receive(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end of the hub the stream ends with %v, want OK", err)
	}
	if lost := <-h.ends; lost {
		t.Error("a stream that the hub has ended was closed as lost")
	}
}

// TestItemsAreSentAsTheyAre hands out one item of each kind.
func TestItemsAreSentAsTheyAre(t *testing.T) {
	h, s := serveScripted(t)
	plain := s.connect(&wirepb.GetWorkItemsRequest{})
	events := [][]byte{(&history.Event{ID: -1, Time: time.Unix(1, 0), Body: &history.OrchestratorStarted{}}).Append(nil)}
	for _, work := range []*hub.Work{
		{Token: "1", Orchestration: &hub.OrchestrationWork{InstanceID: "i", ExecutionID: "e", New: events, Warm: true}},
		{Token: "2", Activity: &hub.ActivityWork{InstanceID: "i", ExecutionID: "e", TaskID: 7, Name: "a", Input: history.Some(""), Attempt: 1, Effect: "x"}},
		{Token: "3", Entity: &hub.EntityWork{InstanceID: "@e@k", Operations: events}},
	} {
		h.work <- work
		got := plain.item()
		if want := codec.EncodeWork(work, false); !proto.Equal(got, want) {
			t.Errorf("item = %v, want %v", got, want)
		}
		if o := got.GetOrchestratorRequest(); o != nil {
			if w := o.GetEntityParameters().GetEntityMessageReorderWindow(); w == nil || w.AsDuration() != 0 {
				t.Errorf("the reorder window of entities = %v, want one of zero", w)
			}
		}
	}
}

// TestW48CompletionsInParts sends a completion in parts, some twice.
func TestW48CompletionsInParts(t *testing.T) {
	h, s := serveScripted(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	h.work <- &hub.Work{Token: "t", Orchestration: &hub.OrchestrationWork{InstanceID: "i"}}
	w.item()
	part := func(token string, index int32, partial bool) (*wirepb.CompleteTaskResponse, error) {
		in := &wirepb.OrchestratorResponse{
			InstanceId: "i", CompletionToken: token, IsPartial: partial, ChunkIndex: wrapperspb.Int32(index), CustomStatus: text("s"),
			Actions: []*wirepb.OrchestratorAction{{Id: index, OrchestratorActionType: &wirepb.OrchestratorAction_ScheduleTask{
				ScheduleTask: &wirepb.ScheduleTaskAction{Name: fmt.Sprint(index)},
			}}},
		}
		if index == 0 {
			in.OrchestrationTraceContext = &wirepb.OrchestrationTraceContext{SpanId: text("span")}
		} else {
			in.NumEventsProcessed = wrapperspb.Int32(0) // as .NET sends it, meaning nothing
		}
		return call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteOrchestratorTask", in)
	}
	for _, p := range []struct {
		index   int32
		partial bool
	}{{0, true}, {1, true}, {0, true}, {1, true}} {
		if _, err := part("t", p.index, p.partial); err != nil {
			t.Fatalf("part %d = %v", p.index, err)
		}
		if n := len(look(h, &h.turns)); n != 0 {
			t.Fatalf("after part %d the hub was told of %d completions, want none", p.index, n)
		}
	}
	if _, err := part("t", 2, false); err != nil {
		t.Fatal(err)
	}
	want := []*hub.OrchestrationDone{{
		Delivery: hub.Delivery{Token: "t", InstanceID: "i"}, Trace: &hub.OrchestrationTrace{SpanID: history.Some("span")},
		Result: engine.TurnResult{CustomStatus: history.Some("s"), Actions: []engine.Action{
			{ID: 0, Do: &engine.ScheduleTask{Name: "0"}}, {ID: 1, Do: &engine.ScheduleTask{Name: "1"}}, {ID: 2, Do: &engine.ScheduleTask{Name: "2"}},
		}},
	}}
	if diff := cmp.Diff(want, look(h, &h.turns), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the hub got another completion (-want +got):\n%s", diff)
	}
	_, err := part("never given", 0, true)
	wantStatus(t, "a part of a turn that is not out", err, codes.NotFound)

	h.work <- &hub.Work{Token: "gap", Orchestration: &hub.OrchestrationWork{InstanceID: "i"}}
	w.item()
	_, err = part("gap", 1, true)
	wantStatus(t, "a second part without a first", err, codes.InvalidArgument)
	if got := look(h, &h.abandoned); len(got) != 1 || got[0].Token != "gap" {
		t.Errorf("after a completion that cannot be whole these were given back: %v, want its turn", got)
	}
	h.work <- &hub.Work{Token: "lost", Orchestration: &hub.OrchestrationWork{InstanceID: "i"}}
	w.item()
	if _, err := part("lost", 0, true); err != nil {
		t.Fatal(err)
	}
	w.cancel()
	<-h.ends
	s.until("the loss of what came in parts", func() bool {
		_, err := part("lost", 1, false)
		return perdure.CodeOf(codec.DecodeError(err, "", "")) == perdure.NotFound
	})
	if n := len(look(h, &h.turns)); n != 1 {
		t.Errorf("the hub got %d completions, want none after the first", n)
	}
}

// TestRefusedCompletionsGiveTheirItemsBack answers completions with each error.
func TestRefusedCompletionsGiveTheirItemsBack(t *testing.T) {
	h, s := serveScripted(t)
	for c := perdure.Internal; c.String() != "unknown"; c++ {
		h.mu.Lock()
		h.refuse, h.abandoned = &perdure.Error{Code: c}, nil
		h.mu.Unlock()
		_, err := call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteActivityTask", &wirepb.ActivityResponse{CompletionToken: "t"})
		if got := codec.DecodeError(err, "", ""); perdure.CodeOf(got) == 0 {
			t.Errorf("CompleteActivityTask(%v) = %v, want an error", c, err)
		}
		back := len(look(h, &h.abandoned))
		keeps := c == perdure.NotFound || c == perdure.Canceled || c == perdure.DeadlineExceeded
		if (back == 0) != keeps {
			t.Errorf("after %v %d items were given back, want that: %v", c, back, !keeps)
		}
	}
	h.mu.Lock()
	h.abandoned = nil
	h.mu.Unlock()
	_, err := call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteOrchestratorTask", &wirepb.OrchestratorResponse{
		CompletionToken: "t", Actions: []*wirepb.OrchestratorAction{{OrchestratorActionType: &wirepb.OrchestratorAction_CreateTimer{}}},
	})
	wantStatus(t, "a turn that cannot be read", err, codes.InvalidArgument)
	if got := look(h, &h.abandoned); len(got) != 1 || got[0].Token != "t" {
		t.Errorf("after a turn that cannot be read these were given back: %v, want it", got)
	}
}

// TestFieldsOfOursCountWithTheLevel sends heartbeats, from a worker of ours and from
// another.
func TestFieldsOfOursCountWithTheLevel(t *testing.T) {
	h, s := serveScripted(t)
	in := codec.EncodeHeartbeat("t", history.Some("50 %"))
	if _, err := call[wirepb.CompleteTaskResponse](s.with("perdure-level", "1"), s, "CompleteActivityTask", in); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"t:50 %"}, look(h, &h.beats)); diff != "" || len(look(h, &h.acts)) != 0 {
		t.Errorf("heartbeats (-want +got):\n%s", diff)
	}
	if _, err := call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteActivityTask", in); err != nil {
		t.Fatal(err)
	}
	if n := len(look(h, &h.acts)); n != 1 {
		t.Errorf("another SDK's answer with our field is a completion %d times, want once", n)
	}
	h.mu.Lock()
	h.refuse = &perdure.Error{Code: perdure.Conflict, Op: "o", Instance: "i", Message: "m"}
	h.mu.Unlock()
	in.Interim = false
	_, err := call[wirepb.CompleteTaskResponse](s.with("perdure-level", "1"), s, "CompleteActivityTask", in)
	if diff := cmp.Diff(error(h.refuse), codec.DecodeError(err, "", "")); diff != "" {
		t.Errorf("the error as our client gets it (-want +got):\n%s", diff)
	}
}

func TestAbandonedItemsGoBack(t *testing.T) {
	h, s := serveScripted(t)
	do[wirepb.AbandonActivityTaskResponse](s, "AbandonTaskActivityWorkItem", &wirepb.AbandonActivityTaskRequest{CompletionToken: "a"})
	do[wirepb.AbandonOrchestrationTaskResponse](s, "AbandonTaskOrchestratorWorkItem", &wirepb.AbandonOrchestrationTaskRequest{CompletionToken: "o"})
	do[wirepb.AbandonEntityTaskResponse](s, "AbandonTaskEntityWorkItem", &wirepb.AbandonEntityTaskRequest{CompletionToken: "e"})
	want := []hub.Delivery{{Token: "a"}, {Token: "o"}, {Token: "e"}}
	if diff := cmp.Diff(want, look(h, &h.abandoned)); diff != "" {
		t.Errorf("abandoned (-want +got):\n%s", diff)
	}
	_, err := call[wirepb.AbandonEntityTaskResponse](s.ctx, s, "AbandonTaskEntityWorkItem", &wirepb.AbandonEntityTaskRequest{})
	wantStatus(t, "AbandonTaskEntityWorkItem(no token)", err, codes.InvalidArgument)
}

// TestItemsTooLargeForTheirWorker must not end its stream, which would come back
// and get them again.
func TestItemsTooLargeForTheirWorker(t *testing.T) {
	h, s := serveScripted(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{}, "x-user-agent", "durabletask-python/1.9")
	big := strings.Repeat("x", 3<<20)
	op := (&history.Event{Body: &history.EntityOperationCalled{Operation: "o", Input: history.Some(big)}}).Append(nil)
	small := (&history.Event{Body: &history.EntityOperationCalled{Operation: "o"}}).Append(nil)
	h.work <- &hub.Work{Token: "a", Activity: &hub.ActivityWork{Name: "big", Input: history.Some(big + big)}}
	h.work <- &hub.Work{Token: "e", Entity: &hub.EntityWork{InstanceID: "@e@k", State: history.Some(big), Operations: [][]byte{op, small}}}
	h.work <- &hub.Work{Token: "o", Orchestration: &hub.OrchestrationWork{InstanceID: "i", New: [][]byte{op, op}}}
	h.work <- &hub.Work{Token: "fewer", Entity: &hub.EntityWork{InstanceID: "@e@k", Operations: [][]byte{op, op, op}}}
	item := w.item()
	if got := item.GetEntityRequestV2(); item.CompletionToken != "fewer" || len(got.GetOperationRequests()) != 1 {
		t.Errorf("the item that arrives has token %q and %d operations, want the last with one", item.CompletionToken, len(got.GetOperationRequests()))
	}
	acts, batches, back := look(h, &h.acts), look(h, &h.batches), look(h, &h.abandoned)
	if len(acts) != 1 || acts[0].Token != "a" || acts[0].Failure == nil || !strings.Contains(acts[0].Failure.Message, `"big"`) {
		t.Errorf("activities = %+v, want one that has failed and names itself", acts)
	}
	if len(batches) != 1 || len(batches[0].Result.Results) != 1 || batches[0].Result.Results[0].Failure == nil || batches[0].Result.State.S != big {
		t.Errorf("%d batches, want one operation that has failed and a state as it was", len(batches))
	}
	if len(back) != 1 || back[0].Token != "o" {
		t.Errorf("given back = %v, want the turn", back)
	}
	js := s.connect(&wirepb.GetWorkItemsRequest{}, "x-user-agent", "durabletask-js/0.4")
	w.cancel()
	<-h.ends
	h.work <- &hub.Work{Token: "a", Activity: &hub.ActivityWork{Name: "big", Input: history.Some(big + big)}}
	if got := js.item().GetActivityRequest().GetInput().GetValue(); len(got) != 6<<20 {
		t.Errorf("to a worker without a limit an input of %d bytes arrives, want 6 MiB", len(got))
	}
}

func TestLevelIsAnsweredToOursOnly(t *testing.T) {
	_, s := serveScripted(t)
	for _, test := range []struct {
		pairs []string
		want  []string
	}{{nil, nil}, {[]string{"perdure-level", "1"}, []string{"1"}}} {
		stream := s.connect(&wirepb.GetWorkItemsRequest{}, test.pairs...)
		md, err := stream.stream.Header()
		if diff := cmp.Diff(test.want, md.Get("perdure-level"), cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("headers to a caller with %v (-want +got, %v):\n%s", test.pairs, err, diff)
		}
		stream.cancel()
	}
}
