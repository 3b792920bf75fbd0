package wire_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestG14MessagesNameNoHub looks through all messages for fields that could name a
// hub: that comes from the call alone. The namespace of a scaler's object is one of
// Kubernetes, which nobody reads.
func TestG14MessagesNameNoHub(t *testing.T) {
	seen := 0
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if !strings.HasPrefix(string(f.Package()), "perdure.") {
			return true
		}
		for i := range f.Messages().Len() {
			m := f.Messages().Get(i)
			for j := range m.Fields().Len() {
				seen++
				name := strings.ToLower(string(m.Fields().Get(j).Name()))
				if m.FullName() == "perdure.scaler.v1.ScaledObjectRef" && name == "namespace" {
					continue
				}
				for _, word := range []string{"hub", "tenant", "namespace", "scheduler"} {
					if strings.Contains(name, word) && name != "task_hub_names" {
						t.Errorf("%s has the field %s: no message names a hub", m.FullName(), name)
					}
				}
			}
		}
		return true
	})
	if seen < 300 {
		t.Errorf("only %d fields were looked at", seen)
	}
}

// TestG14TokensCountInTheirHubOnly completes items under the tokens of the same
// items of another hub, and of the same hub before it was recreated.
func TestG14TokensCountInTheirHubOnly(t *testing.T) {
	s := serve(t)
	other := func() *items {
		t.Helper()
		ctx := s.with("taskhub", "other")
		for _, in := range []struct {
			rpc string
			in  proto.Message
		}{
			{"StartInstance", &wirepb.CreateInstanceRequest{InstanceId: "i", Name: "remote"}},
			{"SignalEntity", &wirepb.SignalEntityRequest{InstanceId: "@e@k", Name: "o", RequestId: guid(1)}},
		} {
			if _, err := s.any(ctx, in.rpc, in.in); err != nil {
				t.Fatal(err)
			}
		}
		return s.connect(&wirepb.GetWorkItemsRequest{}, "taskhub", "other")
	}
	mine := s.connect(&wirepb.GetWorkItemsRequest{})
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "remote"})
	turn := mine.turn()
	s.signal("@e@k", "o", 1)
	b := mine.batch()
	w := other()
	var before *batch
	for range 2 {
		if item := w.item(); item.GetEntityRequestV2() != nil {
			before = &batch{token: item.CompletionToken, ops: s.events(item.GetEntityRequestV2().OperationRequests)}
		}
	}
	complete := func(token, hub string) error {
		_, err := s.any(s.with("taskhub", hub), "CompleteEntityTask", &wirepb.EntityBatchResult{
			CompletionToken: token, EntityState: text("forged"), Results: []*wirepb.OperationResult{success("")},
		})
		return err
	}
	wantStatus(t, "a batch with another hub's token", complete(b.token, "other"), codes.NotFound)
	_, err := s.any(s.with("taskhub", "other"), "CompleteOrchestratorTask", &wirepb.OrchestratorResponse{
		InstanceId: "i", CompletionToken: turn.token, Actions: []*wirepb.OrchestratorAction{end(1, completed, `"forged"`)},
	})
	wantStatus(t, "a turn with another hub's token", err, codes.NotFound)
	w.cancel()
	if _, err := s.any(s.with("taskhub", "other"), "CreateTaskHub", &wirepb.CreateTaskHubRequest{RecreateIfExists: true}); err != nil {
		t.Fatal(err)
	}
	w = other()
	for range 2 {
		w.item()
	}
	wantStatus(t, "a batch with a token from before its hub was recreated", complete(before.token, "other"), codes.NotFound)
	if len(bodies[*history.EntityOperationSignaled](before.ops)) != 1 {
		t.Errorf("the batch has %v, want the signal", kinds(before.ops))
	}
	s.act(turn, end(1, completed, `1`))
	s.outcome(b, text("s"), "")
	if got := s.wait("i").Output.GetValue(); got != `1` {
		t.Errorf("output = %s, want that of its own worker", got)
	}
}
