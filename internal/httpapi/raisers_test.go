package httpapi_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model/modeltest"
)

// TestRaisedEventsTellWho raises an event as somebody, and one as nobody: the conversation of the run, its
// steps and the audit tell of both what is known.
func TestRaisedEventsTellWho(t *testing.T) {
	reg := perdure.NewRegistry()
	perdure.AddOrchestrationNamed(reg, "Review", func(ctx *perdure.Context, _ struct{}) (bool, error) {
		if _, err := perdure.NewEvent[string]("Note").Wait(ctx).Await(); err != nil {
			return false, err
		}
		return perdure.NewEvent[bool]("Approval").Wait(ctx).Await()
	})
	url, h := registryHub(t, reg, func(c *httpapi.Config) { c.Orchestrations = nil }, &agent.Agent{Name: "Writer", Model: modeltest.Script(t)})
	c := client.New(h)
	if _, err := c.Start(t.Context(), "Review", struct{}{}, client.StartOptions{ID: "r1"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Raise(t.Context(), "r1", "Note", "fine"); err != nil {
		t.Fatal(err)
	}
	ada := hub.WithActor(t.Context(), &hub.Actor{By: "ada", Action: "raise event"})
	if err := c.Raise(ada, "r1", "Approval", true); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitCompletion(t.Context(), "r1"); err != nil {
		t.Fatal(err)
	}
	type event struct {
		Name string          `json:"name"`
		Data json.RawMessage `json:"data"`
		By   string          `json:"by"`
	}
	var said struct{ Items []struct{ Event *event } }
	got := do(t, "GET", url+"/api/v1/runs/r1/conversation", "")
	fits(t, "Conversation", got.Body)
	if err := json.Unmarshal([]byte(got.Body), &said); err != nil {
		t.Fatal(err)
	}
	var events []string
	for _, s := range said.Items {
		if s.Event != nil {
			events = append(events, s.Event.Name+" "+string(s.Event.Data)+" by "+s.Event.By)
		}
	}
	if diff := cmp.Diff([]string{`Note "fine" by `, `Approval true by ada`}, events); diff != "" {
		t.Errorf("conversation (-want +got):\n%s", diff)
	}
	var steps struct {
		Items []struct{ Kind, Name, Decided_by string }
	}
	if err := json.Unmarshal([]byte(do(t, "GET", url+"/api/v1/runs/r1/steps", "").Body), &steps); err != nil {
		t.Fatal(err)
	}
	events = nil
	for _, s := range steps.Items {
		events = append(events, s.Kind+" "+s.Name+" by "+s.Decided_by)
	}
	if diff := cmp.Diff([]string{"event Note by ", "event Approval by ada"}, events); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	var audit struct {
		Items []struct{ Action, By, Name, Target string }
	}
	if err := json.Unmarshal([]byte(do(t, "GET", url+"/api/v1/audit?action=raise+event", "").Body), &audit); err != nil {
		t.Fatal(err)
	}
	if len(audit.Items) != 1 || audit.Items[0].Name != "Approval" || audit.Items[0].By != "ada" || audit.Items[0].Target != "r1" {
		t.Errorf("audit = %+v, want ada's Approval of r1 alone", audit.Items)
	}
}
