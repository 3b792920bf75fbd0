package local_test

import (
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/hub"
)

// TestWorkerComesDuringCommit connects the first worker of a run and of an entity while
// a commit of each is on its way: they go to the worker once it is durable.
func TestWorkerComesDuringCommit(t *testing.T) {
	for _, kind := range []string{"turn", "batch"} {
		s := newStage(t)
		s.open()
		id := "a"
		if kind == "turn" {
			s.start(id, "elsewhere")
		} else {
			id = "@elsewhere@k"
			if err := s.Signal(s.ctx, &hub.Signal{InstanceID: id, Operation: "op"}); err != nil {
				t.Fatal(err)
			}
		}
		s.idle() // it rests in the store, for nobody serves it
		s.hold(id)
		stream, err := s.Connect(s.ctx, &hub.Worker{})
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(s.ctx, 10*time.Millisecond)
		if w, err := stream.Next(short); err == nil {
			t.Errorf("%s is handed out before a commit is durable: %+v", kind, w)
		}
		cancel()
		// What Next has asked for is looked at before this answer.
		if err := s.Abandon(s.ctx, hub.Delivery{InstanceID: "nobody"}); err == nil {
			t.Error("Abandon(nobody) = nil, want an error")
		}
		s.release()
		long, cancel := context.WithTimeout(s.ctx, 5*time.Second)
		if _, err := stream.Next(long); err != nil {
			t.Errorf("the %s does not reach the worker that came during a commit: %v", kind, err)
		}
		cancel()
		stream.Close(false)
	}
}
