package wire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestW07HeldItemsKeepTheirLeases has a serial worker hold items for 10 minutes.
func TestW07HeldItemsKeepTheirLeases(t *testing.T) {
	now := clock.NewVirtual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	s := serve(t, hubClock(now))
	w := s.connect(&wirepb.GetWorkItemsRequest{})
	s.remote("i")
	s.act(w.turn(), schedule(1, "a", `1`), toEntity(2, &history.EntityOperationSignaled{
		RequestID: guid(1), Operation: "o", TargetInstanceID: history.Some("@e@k"),
	}))
	s.raise("i", "e", `1`)
	held := map[string]*wirepb.WorkItem{}
	for range 3 {
		item := w.item()
		held[kindOf(item)] = item
	}
	other := s.connect(&wirepb.GetWorkItemsRequest{})
	for range 20 {
		now.Advance(time.Minute)
		s.get("i") // what follows from the time comes before it
	}
	other.silent("while another worker holds all items")
	s.answer(&wirepb.OrchestratorResponse{InstanceId: "i", CompletionToken: held["turn"].CompletionToken})
	s.result(held["activity"].GetActivityRequest(), held["activity"].CompletionToken, `"y"`)
	s.outcome(&batch{token: held["batch"].CompletionToken}, text("s"), "")
	body[*history.TaskCompleted](s, w.turn().new)
}

// grow makes the history of an instance longer by an event of a size.
func (s *server) grow(w *items, id string, size int) {
	s.t.Helper()
	s.raise(id, "grow", `"`+strings.Repeat("x", size)+`"`)
	s.act(w.turn())
}

// TestW46LongHistoriesAreStreamed to workers that can read them so, as .NET's.
func TestW46LongHistoriesAreStreamed(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{
		Capabilities: []wirepb.WorkerCapability{wirepb.WorkerCapability_WORKER_CAPABILITY_HISTORY_STREAMING},
	}, "x-user-agent", "durabletask-dotnet/1.25")
	s.remote("i")
	turn := w.turn()
	if turn.RequiresHistoryStreaming {
		t.Error("a first turn is to be read as a stream")
	}
	s.act(turn)
	for range 3 {
		s.grow(w, "i", 600_000)
	}
	s.raise("i", "last", `1`)
	turn = w.turn()
	if !turn.RequiresHistoryStreaming || len(turn.past) != 0 {
		t.Errorf("a turn with a long history has %d past events and requiresHistoryStreaming %v, want none and true", len(turn.past), turn.RequiresHistoryStreaming)
	}
	past := s.read("i", true, func(c *wirepb.HistoryChunk) {
		if n := len(c.Events); n > 1 && size(c) > 256<<10 {
			t.Errorf("a chunk has %d events and %d bytes, want at most 256 KiB", n, size(c))
		}
	})
	if got := len(bodies[*history.EventRaised](past)); got != 3 {
		t.Errorf("the history that is streamed has %d events of clients, want the 3 of earlier turns", got)
	}
	if e := body[*history.EventRaised](s, turn.new); e.Name != "last" {
		t.Errorf("the new event is %q, want the last", e.Name)
	}
	w.cancel()
	plain := s.connect(&wirepb.GetWorkItemsRequest{}, "x-user-agent", "durabletask-js/0.4")
	inline := plain.turn()
	if diff := cmp.Diff(past, inline.past); diff != "" || inline.RequiresHistoryStreaming {
		t.Errorf("the history in the item differs from the streamed one (-streamed +inline):\n%s", diff)
	}
	s.act(inline, end(1, completed, `1`))
	s.wait("i")
}

func size(c *wirepb.HistoryChunk) (n int) {
	for _, e := range c.Events {
		n += len(e)
	}
	return n
}

// TestW47HistoriesTooLongForAWorker hold their instance and leave the stream alone.
func TestW47HistoriesTooLongForAWorker(t *testing.T) {
	s := serve(t)
	python := s.connect(&wirepb.GetWorkItemsRequest{}, "x-user-agent", "durabletask-python/1.9")
	s.remote("i")
	s.act(python.turn())
	for range 4 {
		s.grow(python, "i", 950_000)
	}
	s.raise("i", "too much", `"`+strings.Repeat("x", 950_000)+`"`)
	s.remote("other")
	turn := python.turn()
	if turn.InstanceId != "other" {
		t.Fatalf("a worker that takes 4 MiB gets a turn of %s with %d bytes", turn.InstanceId, len(turn.PastEvents))
	}
	s.act(turn, end(1, completed, `1`))
	s.wait("other")
	s.until("a reason for the hold", func() bool {
		in, err := s.hubs.open["default"].hub.Instance(s.ctx, "i", false)
		return err == nil && strings.Contains(in.PhaseCause, "bytes")
	})
	js := s.connect(&wirepb.GetWorkItemsRequest{}, "x-user-agent", "durabletask-js/0.4")
	turn = js.turn()
	if got := len(bodies[*history.EventRaised](append(turn.past, turn.new...))); turn.InstanceId != "i" || got != 5 {
		t.Errorf("a worker without a limit gets a turn of %s with %d events, want all 5", turn.InstanceId, got)
	}
	s.act(turn, end(1, completed, `1`))
	s.wait("i")
}

// TestW47ManyNewEventsComeInTurns raises more at once than the worker takes.
func TestW47ManyNewEventsComeInTurns(t *testing.T) {
	for _, agent := range []string{"durabletask-python/1.9", "durabletask-dotnet/1.25"} {
		t.Run(agent, func(t *testing.T) {
			s := serve(t)
			in := &wirepb.GetWorkItemsRequest{}
			if strings.Contains(agent, "dotnet") {
				in.Capabilities = []wirepb.WorkerCapability{wirepb.WorkerCapability_WORKER_CAPABILITY_HISTORY_STREAMING}
			}
			w := s.connect(in, "x-user-agent", agent)
			s.remote("i")
			turn := w.turn()
			for n := range 6 {
				s.raise("i", "e", fmt.Sprintf(`"%d%s"`, n, strings.Repeat("x", 700_000)))
			}
			s.act(turn, end(1, continued, `1`)) // the events are late arrivals of the next generation
			var got []string
			for len(got) < 6 {
				turn := w.turn()
				events := bodies[*history.EventRaised](turn.new)
				for _, e := range events {
					got = append(got, e.Input.S[1:2])
				}
				if n := len(events); n > 5 {
					t.Errorf("one turn has %d events of 700 KB, more than the worker receives", n)
				}
				if agent == "durabletask-python/1.9" && len(got) >= 5 {
					break // the history has all that fits into one message
				}
				s.act(turn)
			}
			if want := "012345"[:len(got)]; strings.Join(got, "") != want {
				t.Errorf("events = %v, want %s", got, want)
			}
		})
	}
}

// TestW48ALargeTurnInParts commits one of thousands of actions.
func TestW48ALargeTurnInParts(t *testing.T) {
	s := serve(t)
	w := s.connect(&wirepb.GetWorkItemsRequest{MaxConcurrentActivityWorkItems: 1})
	s.remote("i")
	turn := w.turn()
	const parts, each = 3, 1000
	for p := range parts {
		r := &wirepb.OrchestratorResponse{
			InstanceId: "i", CompletionToken: turn.token, IsPartial: p < parts-1, ChunkIndex: wrapperspb.Int32(int32(p)),
		}
		for n := range each {
			r.Actions = append(r.Actions, schedule(int32(p*each+n+1), "a", `1`))
		}
		if got := s.get("i").OrchestrationStatus; got != pending {
			t.Errorf("before part %d the instance is %v, want nothing of it applied", p, got)
		}
		s.answer(r)
		if p == 0 {
			s.answer(r) // again
		}
	}
	if got := len(bodies[*history.TaskScheduled](s.history("i"))); got != parts*each {
		t.Errorf("the turn has scheduled %d activities, want %d", got, parts*each)
	}
}
