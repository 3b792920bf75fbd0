package wire_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// BenchmarkSequence runs orchestrations of 5 activities by a worker at the other end
// of a connection, 128 at a time. Worker and hub share the process.
func BenchmarkSequence(b *testing.B) {
	s := serve(b)
	w := s.connect(&wirepb.GetWorkItemsRequest{MaxConcurrentActivityWorkItems: 500, MaxConcurrentOrchestrationWorkItems: 500})
	items := make(chan *wirepb.WorkItem, 1000)
	s.calls.Go(func() {
		defer close(items)
		for {
			item, err := w.receive()
			if err != nil {
				return
			}
			items <- item
		}
	})
	for range 64 {
		s.calls.Go(func() {
			for item := range items {
				s.step(item)
			}
		})
	}
	var running sync.WaitGroup
	next := make(chan int)
	b.ResetTimer()
	for range 128 {
		running.Go(func() {
			for n := range next {
				id := fmt.Sprint("i", n)
				if _, err := call[wirepb.CreateInstanceResponse](s.ctx, s, "StartInstance", &wirepb.CreateInstanceRequest{InstanceId: id, Name: "remote", Input: text(`0`)}); err != nil {
					b.Error(err)
					return
				}
				if _, err := call[wirepb.GetInstanceResponse](s.ctx, s, "WaitForInstanceCompletion", &wirepb.GetInstanceRequest{InstanceId: id}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	for n := range b.N {
		next <- n
	}
	close(next)
	running.Wait()
	b.StopTimer()
	w.cancel()
}

// step answers an item of BenchmarkSequence.
func (s *server) step(item *wirepb.WorkItem) {
	if a := item.GetActivityRequest(); a != nil {
		_, _ = call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteActivityTask", &wirepb.ActivityResponse{
			InstanceId: a.OrchestrationInstance.InstanceId, TaskId: a.TaskId, CompletionToken: item.CompletionToken, Result: a.Input,
		})
		return
	}
	r := item.GetOrchestratorRequest()
	if r == nil {
		return
	}
	done := int32(0)
	for _, list := range [][][]byte{r.PastEvents, r.NewEvents} {
		for _, raw := range list {
			if e, err := history.Decode(raw); err == nil {
				if _, ok := e.Body.(*history.TaskCompleted); ok {
					done++
				}
			}
		}
	}
	action := schedule(done+1, "a", `1`)
	if done == 5 {
		action = end(6, completed, `1`)
	}
	_, _ = call[wirepb.CompleteTaskResponse](s.ctx, s, "CompleteOrchestratorTask", &wirepb.OrchestratorResponse{
		InstanceId: r.InstanceId, CompletionToken: item.CompletionToken, Actions: []*wirepb.OrchestratorAction{action},
	})
}
