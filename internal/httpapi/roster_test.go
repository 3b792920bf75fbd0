package httpapi_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
)

// TestRoster has a run wait for a worker, connects one, and sees both.
func TestRoster(t *testing.T) {
	url, h := agentsHub(t, func(*perdure.Registry) {})
	if _, err := h.Start(t.Context(), &hub.Start{InstanceID: "r1", Name: "Far"}); err != nil {
		t.Fatal(err)
	}
	backlog := func(want string) {
		t.Helper()
		got := ""
		for !strings.Contains(got, want) {
			answer := do(t, "GET", url+"/api/v1/backlog", "")
			if answer.Status != http.StatusOK || t.Context().Err() != nil {
				t.Fatalf("backlog = %d %s, want %s", answer.Status, answer.Body, want)
			}
			got = answer.Body
		}
		fits(t, "BacklogItems", got)
	}
	backlog(`{"kind":"orchestration","name":"Far","waiting":1,"running":0,"served":false,"oldest":"2`)
	stream, err := h.Connect(t.Context(), &hub.Worker{ID: "w1", Client: "sdk/1", Address: "10.0.0.7", Orchestrations: 3,
		Filters: &hub.Filters{Orchestrations: []hub.NameFilter{{Name: "Far"}, {Name: "Old", Versions: []string{"1", "2"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	backlog(`{"kind":"orchestration","name":"Far","waiting":0,"running":1,"served":true}`)
	got := do(t, "GET", url+"/api/v1/workers", "")
	fits(t, "WorkersPage", got.Body)
	want := `{"items":[],"connected":[{"id":"w1","own":false,"client":"sdk/1","address":"10.0.0.7","since":"T","everything":false,"orchestrations":["Far","Old 1, 2"],"activities":[],"entities":[],` +
		`"capacity":{"orchestrations":3,"activities":100,"entities":100},"in_flight":{"orchestrations":1,"activities":0,"entities":0}}],"lost":[]}`
	since := regexp.MustCompile(`"since":"[^"]+"`)
	if diff := cmp.Diff(want, since.ReplaceAllString(strings.TrimSpace(got.Body), `"since":"T"`)); diff != "" {
		t.Errorf("workers (-want +got):\n%s", diff)
	}
	frame := open(t, url+"/api/v1/stream?topics=workers").data("workers", "WorkersFrame")
	if list, _ := frame["connected"].([]any); len(list) != 1 {
		t.Errorf("frame of workers = %v, want one that is connected", frame)
	}
	stream.Close(true)
	if got := do(t, "GET", url+"/api/v1/workers", ""); !strings.Contains(got.Body, `"connected":[],"lost":[{"id":"w1","at":"`) || !strings.Contains(got.Body, `"items":1,"back":false}]`) {
		t.Errorf("workers after one was lost = %s, want it told", got.Body)
	}
	takeovers := do(t, "GET", url+"/api/v1/takeovers", "")
	fits(t, "TakeoverItems", takeovers.Body)
	if takeovers.Body != "{\"items\":[]}\n" {
		t.Errorf("takeovers = %q, want none", takeovers.Body)
	}
	nodes := do(t, "GET", url+"/api/v1/nodes", "")
	fits(t, "NodeItems", nodes.Body)
	if !strings.Contains(nodes.Body, `"name":"local","version":"v0","shards":256,"here":true`) {
		t.Errorf("nodes = %s, want the one that holds all shards", nodes.Body)
	}
}
