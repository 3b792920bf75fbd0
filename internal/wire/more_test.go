package wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestW06SlowReadersHoldNoMoreThanStated has one worker not read what it is sent.
func TestW06SlowReadersHoldNoMoreThanStated(t *testing.T) {
	s := serve(t)
	slow := s.connect(&wirepb.GetWorkItemsRequest{MaxConcurrentOrchestrationWorkItems: 40})
	big := `"` + strings.Repeat("x", 50_000) + `"` // more than a window of HTTP/2 in all
	for n := range 60 {
		s.start(&wirepb.CreateInstanceRequest{InstanceId: fmt.Sprint(n), Name: "remote", Input: text(big)})
	}
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	for n := range 60 {
		if n == 20 { // what the slow one holds comes when it has gone
			slow.cancel()
		}
		s.act(w.turn(), end(1, completed, `1`))
	}
}

// TestW16ExecutionIDs are the client's if they can be, and new otherwise.
func TestW16ExecutionIDs(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	seen := map[string]bool{}
	for given, kept := range map[string]bool{executionID("a"): true, "": false, "short": false, strings.ToUpper(executionID("b")): false} {
		s.start(&wirepb.CreateInstanceRequest{Name: "remote", ExecutionId: text(given)})
		turn := w.turn()
		got := turn.ExecutionId.GetValue()
		if !hex32.MatchString(got) || (got == given) != kept || seen[got] {
			t.Errorf("a start with execution %q has %q, want it kept: %v", given, got, kept)
		}
		seen[got] = true
		s.act(turn, end(1, completed, `1`))
		s.wait(turn.InstanceId)
		do[wirepb.RestartInstanceResponse](s, "RestartInstance", &wirepb.RestartInstanceRequest{InstanceId: turn.InstanceId})
		again := w.turn()
		if next := again.ExecutionId.GetValue(); !hex32.MatchString(next) || seen[next] {
			t.Errorf("a restart has execution %q, want a new one", next)
		}
		s.act(again, end(1, completed, `1`))
	}
}

// TestW42PurgesEntities by their ids.
func TestW42PurgesEntities(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	purge := func(id string) int32 {
		return do[wirepb.PurgeInstancesResponse](s, "PurgeInstances", &wirepb.PurgeInstancesRequest{
			Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: id},
		}).DeletedInstanceCount
	}
	s.signal("@e@k", "o", 1)
	s.outcome(w.batch(), text("s"), "")
	if n := purge("@e@none"); n != 0 {
		t.Errorf("purge of an unknown entity = %d, want 0", n)
	}
	if n := purge("@e@k"); n != 1 {
		t.Errorf("purge of an entity = %d, want 1", n)
	}
	if got := do[wirepb.GetEntityResponse](s, "GetEntity", &wirepb.GetEntityRequest{InstanceId: "@e@k"}); got.Exists {
		t.Errorf("after its purge GetEntity() = %v, want exists false", got)
	}
}

// TestW55RequestIDsAreGUIDs whatever the client says: .NET's worker parses them.
func TestW55RequestIDsAreGUIDs(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	for _, id := range []string{"", "no GUID", guid(1)} {
		do[wirepb.SignalEntityResponse](s, "SignalEntity", &wirepb.SignalEntityRequest{InstanceId: "@e@k", Name: "o", RequestId: id})
		b := w.batch()
		if got := body[*history.EntityOperationSignaled](s, b.ops).RequestID; !isGUID.MatchString(got) || isGUID.MatchString(id) && got != id {
			t.Errorf("a signal with request id %q has %q at the worker, want a GUID", id, got)
		}
		s.outcome(b, text("s"), "")
	}
	// One that is repeated has one effect.
	do[wirepb.SignalEntityResponse](s, "SignalEntity", &wirepb.SignalEntityRequest{InstanceId: "@e@k", Name: "o", RequestId: guid(1)})
	w.silent("after a signal that was sent before")
}

// TestW57LocksOfPurgedHolders holds a lock, is terminated at once, and purged.
func TestW57LocksOfPurgedHolders(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), lock(1, guid(1), "@e@a"))
	s.act(w.turn())
	do[wirepb.TerminateResponse](s, "TerminateInstance", &wirepb.TerminateRequest{InstanceId: "i"})
	s.act(w.turn(), end(2, terminated, `1`))
	s.wait("i")
	do[wirepb.PurgeInstancesResponse](s, "PurgeInstances", &wirepb.PurgeInstancesRequest{Request: &wirepb.PurgeInstancesRequest_InstanceId{InstanceId: "i"}})
	s.remote("next")
	s.act(w.turn(), lock(1, guid(2), "@e@a"))
	body[*history.EntityLockGranted](s, w.turn().new)
}

// TestForcedTerminations ends instances without asking their code.
func TestForcedTerminations(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	for _, id := range []string{"running", "locking", "done"} {
		s.remote(id)
		switch turn := w.turn(); id {
		case "locking":
			s.act(turn, lock(1, guid(1), "@e@a"))
			s.act(w.turn())
		case "done":
			s.act(turn, end(1, completed, `1`))
			s.wait(id)
		default:
			s.act(turn)
		}
	}
	ids := []string{"running", "locking", "done", "none", "@e@a"}
	got := do[wirepb.SkipGracefulOrchestrationTerminationsResponse](s, "SkipGracefulOrchestrationTerminations", &wirepb.SkipGracefulOrchestrationTerminationsRequest{
		InstanceBatch: &wirepb.InstanceBatch{InstanceIds: ids}, Reason: text("why"),
	}).UnterminatedInstanceIds
	slices.Sort(got)
	if diff := cmp.Diff([]string{"@e@a", "done", "locking", "none"}, got); diff != "" {
		t.Errorf("left alone (-want +got):\n%s", diff)
	}
	if st := s.get("running"); st.OrchestrationStatus != terminated {
		t.Errorf("the running instance = %v, want it terminated", st)
	}
	_, err := call[wirepb.SkipGracefulOrchestrationTerminationsResponse](s.ctx, s, "SkipGracefulOrchestrationTerminations", &wirepb.SkipGracefulOrchestrationTerminationsRequest{
		InstanceBatch: &wirepb.InstanceBatch{InstanceIds: slices.Repeat([]string{"i"}, 501)},
	})
	wantStatus(t, "a batch of 501", err, codes.InvalidArgument)
}

// TestG07RequestIDsMakeRepeatsHarmless to callers of ours; others do not know them.
func TestG07RequestIDsMakeRepeatsHarmless(t *testing.T) {
	s := serve(t)
	in := &wirepb.CreateInstanceRequest{InstanceId: "i", Name: "remote", RequestId: "r1"}
	own := s.with("perdure-level", "1")
	for range 2 {
		if out, err := call[wirepb.CreateInstanceResponse](own, s, "StartInstance", in); err != nil || out.InstanceId != "i" {
			t.Errorf("StartInstance(r1) = %v, %v, want the same answer each time", out, err)
		}
	}
	_, err := call[wirepb.CreateInstanceResponse](s.ctx, s, "StartInstance", in)
	wantStatus(t, "the same start from another SDK", err, codes.AlreadyExists)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.act(w.turn())
	raise := &wirepb.RaiseEventRequest{InstanceId: "i", Name: "e", Input: text(`1`), RequestId: "r2"}
	for range 3 {
		if _, err := call[wirepb.RaiseEventResponse](own, s, "RaiseEvent", raise); err != nil {
			t.Fatal(err)
		}
	}
	s.raise("i", "last", `1`)
	var names []string
	for !slices.Contains(names, "last") {
		turn := w.turn()
		for _, e := range bodies[*history.EventRaised](turn.new) {
			names = append(names, e.Name)
		}
		s.act(turn)
	}
	if diff := cmp.Diff([]string{"e", "last"}, names); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	raise.Input = text(`2`)
	_, err = call[wirepb.RaiseEventResponse](own, s, "RaiseEvent", raise)
	wantStatus(t, "the request id with other content", err, codes.FailedPrecondition)
}

// TestOlderExecutionsStayReadable reads the history of a generation that is over.
func TestOlderExecutionsStayReadable(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	first := w.turn()
	s.act(first, schedule(1, "a", `1`), again(2, `"next"`))
	second := w.turn()
	s.act(second, end(1, completed, `1`))
	s.wait("i")
	stream, err := s.conn.NewStream(s.ctx, &grpc.StreamDesc{ServerStreams: true}, "/TaskHubSidecarService/StreamInstanceHistory")
	if err == nil {
		err = stream.SendMsg(&wirepb.StreamInstanceHistoryRequest{InstanceId: "i", ExecutionId: text(first.ExecutionId.GetValue())})
	}
	if err != nil {
		t.Fatal(err)
	}
	var chunk wirepb.HistoryChunk
	if err := stream.RecvMsg(&chunk); err != nil {
		t.Fatal(err)
	}
	if got := body[*history.ExecutionStarted](s, s.events(chunk.Events)).Instance.ExecutionID.S; got != first.ExecutionId.GetValue() {
		t.Errorf("the history is that of execution %s, want %s", got, first.ExecutionId.GetValue())
	}
}
