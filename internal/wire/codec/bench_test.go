package codec_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// longWork is a turn with 100 past events.
func longWork() *hub.Work {
	at := time.Unix(1_700_000_000, 0)
	work := &hub.OrchestrationWork{InstanceID: "order-17", ExecutionID: strings.Repeat("0", 32)}
	for n := range int32(50) {
		work.Past = append(work.Past,
			(&history.Event{ID: n, Time: at, Body: &history.TaskScheduled{Name: "charge", Input: history.Some(fmt.Sprintf(`{"n":%d}`, n))}}).Append(nil),
			(&history.Event{ID: -1, Time: at, Body: &history.TaskCompleted{TaskScheduledID: n, Result: history.Some(`"ok"`)}}).Append(nil))
	}
	work.New = [][]byte{(&history.Event{ID: -1, Time: at, Body: &history.OrchestratorStarted{}}).Append(nil), work.Past[1]}
	return &hub.Work{Token: strings.Repeat("t", 60), Orchestration: work}
}

// BenchmarkEncodeWork encodes a turn with 100 past events as it is sent.
func BenchmarkEncodeWork(b *testing.B) {
	work := longWork()
	b.ReportAllocs()
	for b.Loop() {
		m, err := proto.Marshal(codec.EncodeWork(work, false))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(m)))
	}
}

// BenchmarkDecodeTurn decodes a turn's completion with one action.
func BenchmarkDecodeTurn(b *testing.B) {
	m, err := proto.Marshal(codec.EncodeTurn(&hub.OrchestrationDone{Result: engine.TurnResult{Actions: []engine.Action{{ID: 1, Do: &engine.ScheduleTask{Name: "charge", Input: history.Some(`{}`)}}}}}))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		w := &wirepb.OrchestratorResponse{}
		if err := proto.Unmarshal(m, w); err != nil {
			b.Fatal(err)
		}
		if _, _, err := codec.DecodeTurn(w, false); err != nil {
			b.Fatal(err)
		}
	}
}

// TestEncodeWorkCopiesNoEvents bounds what an item of 100 events costs: its events are
// copied once, into the message, and none is built as an object.
func TestEncodeWorkCopiesNoEvents(t *testing.T) {
	work := longWork()
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := proto.Marshal(codec.EncodeWork(work, false)); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 12 {
		t.Errorf("encoding an item of 100 events allocates %v times, want at most 12", allocs)
	}
}
