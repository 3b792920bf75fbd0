package host_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

// diligent completes every turn that it gets, until ctx ends.
func diligent(ctx context.Context, t *testing.T, conn *grpc.ClientConn) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	s, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, sidecar+"GetWorkItems")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SendMsg(new(wirepb.GetWorkItemsRequest)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			item := new(wirepb.WorkItem)
			if err := s.RecvMsg(item); err != nil {
				return
			}
			turn := item.GetOrchestratorRequest()
			if turn == nil {
				continue
			}
			end := &wirepb.CompleteOrchestrationAction{OrchestrationStatus: wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_COMPLETED}
			done := &wirepb.OrchestratorResponse{InstanceId: turn.GetInstanceId(), CompletionToken: item.GetCompletionToken(),
				Actions: []*wirepb.OrchestratorAction{{Id: 1, OrchestratorActionType: &wirepb.OrchestratorAction_CompleteOrchestration{CompleteOrchestration: end}}}}
			if err := conn.Invoke(ctx, sidecar+"CompleteOrchestratorTask", done, new(wirepb.CompleteTaskResponse)); err != nil && ctx.Err() == nil {
				t.Errorf("complete %s: %v", turn.GetInstanceId(), err)
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// deaf opens a stream of work items over a connection of its own and reads nothing.
func deaf(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fr := http2.NewFramer(conn, conn)
	_, _ = conn.Write([]byte(http2.ClientPreface))
	_ = fr.WriteSettings()
	var block strings.Builder
	enc := hpack.NewEncoder(&block)
	for _, h := range []string{":method POST", ":scheme http", ":path " + sidecar + "GetWorkItems", ":authority x", "te trailers", "content-type application/grpc"} {
		name, value, _ := strings.Cut(h, " ")
		_ = enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndHeaders: true})
	if err := fr.WriteData(1, true, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// greedy opens a stream of work items, reads all of them and completes none.
func greedy(ctx context.Context, t *testing.T, conn *grpc.ClientConn, taken func(id string)) {
	t.Helper()
	s, err := workItems(ctx, t, conn, "", "")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			item := new(wirepb.WorkItem)
			if s.RecvMsg(item) != nil {
				return
			}
			if turn := item.GetOrchestratorRequest(); turn != nil {
				taken(turn.GetInstanceId())
			}
		}
	}()
}

// TestBadWorkers has one worker read nothing and another complete nothing: each
// holds what it may and no more, a third does all the rest, and what the two held
// once they are gone.
func TestBadWorkers(t *testing.T) {
	app, _ := start(t, config(t.TempDir()))
	addr := strings.TrimPrefix(app.URL(), "http://")
	client := rpc(t, app.URL(), nil)
	silent := deaf(t, addr)
	greedyCtx, endGreedy := context.WithCancel(t.Context())
	defer endGreedy()
	var mu sync.Mutex
	held := make(map[string]bool)
	greedy(greedyCtx, t, rpc(t, app.URL(), nil), func(id string) {
		mu.Lock()
		defer mu.Unlock()
		held[id] = true
	})

	const runs, each = 260, 100 // that a worker may hold by default
	input := wrapperspb.String(`"` + strings.Repeat("x", 10_000) + `"`)
	for i := range runs {
		in := &wirepb.CreateInstanceRequest{InstanceId: fmt.Sprint("i", i), Name: "elsewhere", Input: input}
		if err := client.Invoke(t.Context(), sidecar+"StartInstance", in, new(wirepb.CreateInstanceResponse)); err != nil {
			t.Fatal(err)
		}
	}
	completed := func() int {
		out := new(wirepb.QueryInstancesResponse)
		query := &wirepb.QueryInstancesRequest{Query: &wirepb.InstanceQuery{MaxInstanceCount: 1000,
			RuntimeStatus: []wirepb.OrchestrationStatus{wirepb.OrchestrationStatus_ORCHESTRATION_STATUS_COMPLETED}}}
		if err := client.Invoke(t.Context(), sidecar+"QueryInstances", query, out); err != nil {
			t.Fatal(err)
		}
		return len(out.GetOrchestrationState())
	}
	await := func(what string, want int) {
		t.Helper()
		for began := time.Now(); completed() < want; time.Sleep(50 * time.Millisecond) {
			if time.Since(began) > 20*time.Second {
				t.Fatalf("%s %d of %d runs are completed, want %d", what, completed(), runs, want)
			}
		}
	}
	stop := diligent(t.Context(), t, rpc(t, app.URL(), nil))
	defer stop()
	await("beside two bad workers", runs-2*each)
	mu.Lock()
	if n := len(held); n != each {
		t.Errorf("a worker that completes nothing holds %d items, want %d", n, each)
	}
	mu.Unlock()
	_ = silent.Close()
	await("without the worker that reads nothing", runs-each)
	endGreedy()
	await("without both bad workers", runs)
}
