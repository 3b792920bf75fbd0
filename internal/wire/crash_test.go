package wire_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestW60NothingAcknowledgedIsLost cuts the power of the hub again and again while
// clients start instances and raise events, and a worker runs them. With a real
// process and kill -9 it is done by the suites of the SDKs.
func TestW60NothingAcknowledgedIsLost(t *testing.T) {
	cuts := 8
	if os.Getenv("PERDURE_SOAK") == "1" {
		cuts = 500
	}
	s := serve(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(cuts)*time.Second+patience)
	defer cancel()
	s.ctx = ctx
	working, stop := context.WithCancel(ctx)
	var workers, clients sync.WaitGroup
	workers.Go(func() { s.serveRemote(working) })
	var mu sync.Mutex
	started, raised := map[string]bool{}, map[string]bool{}
	over := make(chan struct{})
	for n := range 4 {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-over:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", n, i)
				if !s.retried(ctx, "StartInstance", &wirepb.CreateInstanceRequest{InstanceId: id, Name: "remote"}, &wirepb.CreateInstanceResponse{}, started, &mu, id) {
					continue
				}
				s.retried(ctx, "RaiseEvent", &wirepb.RaiseEventRequest{InstanceId: id, Name: "go on", Input: text(`"` + id + `"`)}, &wirepb.RaiseEventResponse{}, raised, &mu, id)
			}
		})
	}
	for range cuts {
		pause(ctx, time.Duration(20+rand.IntN(80))*time.Millisecond)
		s.hubs.crash("default")
	}
	close(over)
	clients.Wait()
	for id := range started {
		if !raised[id] { // it is not known whether its event has come: another will do
			s.raise(id, "go on", `"`+id+`"`)
		}
		if got := s.wait(id); got.OrchestrationStatus != completed || got.Output.GetValue() != `"`+id+`"` {
			t.Errorf("%s = %v, want it completed", id, got)
		}
		once := map[string]int{}
		for _, e := range s.history(id) {
			switch b := e.Body.(type) {
			case *history.TaskScheduled, *history.TaskCompleted, *history.ExecutionStarted, *history.ExecutionCompleted:
				once[strings.TrimPrefix(fmt.Sprintf("%T", b), "*history.")]++
			}
		}
		for kind, n := range once {
			if n != 1 {
				t.Errorf("the history of %s has %d %s, want one", id, n, kind)
			}
		}
	}
	if len(started) < cuts {
		t.Errorf("only %d instances were started in %d cuts", len(started), cuts)
	}
	stop()
	workers.Wait()
}

// pause lets time pass for others.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// retried makes a call and notes in done that it was acknowledged.
func (s *server) retried(ctx context.Context, rpc string, in, out any, done map[string]bool, mu *sync.Mutex, id string) bool {
	if err := s.conn.Invoke(ctx, "/TaskHubSidecarService/"+rpc, in, out); err != nil {
		pause(ctx, time.Millisecond)
		return false
	}
	mu.Lock()
	defer mu.Unlock()
	done[id] = true
	return true
}

// serveRemote is a worker that runs an activity, waits for an event and ends. It
// connects again when its stream ends, and forgets what cannot be completed.
func (s *server) serveRemote(ctx context.Context) {
	for ctx.Err() == nil {
		stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/TaskHubSidecarService/GetWorkItems")
		if err == nil {
			err = stream.SendMsg(&wirepb.GetWorkItemsRequest{})
		}
		if err == nil {
			err = stream.CloseSend()
		}
		for err == nil {
			item := &wirepb.WorkItem{}
			if err = stream.RecvMsg(item); err == nil {
				s.handleRemote(ctx, item)
			}
		}
		pause(ctx, 2*time.Millisecond)
	}
}

// handleRemote answers an item; an error is that of a hub that is down.
func (s *server) handleRemote(ctx context.Context, item *wirepb.WorkItem) {
	switch kindOf(item) {
	case "activity":
		_, _ = call[wirepb.CompleteTaskResponse](ctx, s, "CompleteActivityTask", &wirepb.ActivityResponse{
			InstanceId: item.GetActivityRequest().OrchestrationInstance.InstanceId, TaskId: 1, CompletionToken: item.CompletionToken, Result: text(`1`),
		})
	case "turn":
		r := item.GetOrchestratorRequest()
		var scheduled, ended bool
		event := ""
		for _, list := range [][][]byte{r.PastEvents, r.NewEvents} {
			for _, b := range list {
				e, err := history.Decode(b)
				if err != nil {
					panic(err)
				}
				switch b := e.Body.(type) {
				case *history.TaskScheduled:
					scheduled = true
				case *history.TaskCompleted:
					ended = true
				case *history.EventRaised:
					event = b.Input.S
				}
			}
		}
		out := &wirepb.OrchestratorResponse{InstanceId: r.InstanceId, CompletionToken: item.CompletionToken}
		switch {
		case !scheduled:
			out.Actions = append(out.Actions, schedule(1, "a", `1`))
		case ended && event != "":
			out.Actions = append(out.Actions, end(2, completed, event))
		}
		_, _ = call[wirepb.CompleteTaskResponse](ctx, s, "CompleteOrchestratorTask", out)
	}
}
