package client_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// TestFieldsOfRuns matches what only the whole instance tells.
func TestFieldsOfRuns(t *testing.T) {
	failure := &history.Failure{Type: "Timeout", Message: "charge 7 was lost"}
	run := &hub.Instance{Record: store.Record{ID: "order-1", Name: "Order", Status: store.Failed}, Worker: "w1", Step: "charge",
		Usage: history.Usage{In: 900, Out: 300, Nano: 50_000_001, Model: "gpt-5"}, Failure: failure}
	for text, want := range map[string]bool{
		"worker:w1": true, "worker:w2": false, "model:gpt*": true, "model:claude*": false, "step:charge": true, "step:pack": false,
		"tokens>1000": true, "tokens>1200": false, "tokens:1200": true, "cost>0.05": true, "cost>0.06": false, "cost<=0.050001": true,
		"fingerprint:" + client.Fingerprint(failure): true, "fingerprint:0": false, "cost>1 or worker:w1": true, "-(cost>1 or worker:w1)": false,
	} {
		s, err := client.Select(text, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Matches(run); got != want {
			t.Errorf("Select(%q).Matches(run) = %v, want %v", text, got, want)
		}
	}
}

// TestTurnsThatAreAskedFor shows agent turns where an alternative names them.
func TestTurnsThatAreAskedFor(t *testing.T) {
	turn := &hub.Instance{Record: store.Record{ID: "dafx-joker~k~1", Name: "perdure.agent/joker", Agent: "joker", Status: store.Failed, Phase: store.WaitingApproval}}
	for text, want := range map[string]bool{
		"status:failed": false, "agent:joker": true, "status:failed or agent:joker": true, "(status:failed or agent:joker) created>-1h": false,
		"phase:waiting_approval": true, "phase:stuck,waiting_approval": true, "phase:stuck or phase:waiting_approval": true, "status:running": false,
		"-phase:stuck": false, "-(-phase:waiting_approval)": true, "-agent:writer": false, "-(agent:writer)": false, "status:failed -(-agent:joker)": true, "status:failed -(agent:writer or tag.a:b)": false,
	} {
		s, err := client.Select(text, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Matches(turn); got != want {
			t.Errorf("Select(%q).Matches(turn) = %v, want %v", text, got, want)
		}
	}
}
