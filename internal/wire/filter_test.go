package wire_test

import (
	"testing"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestW51Filters start orchestrations of some names and versions and look at which
// reach a worker.
func TestW51Filters(t *testing.T) {
	orchestration := func(name string, versions ...string) *wirepb.WorkItemFilters {
		return &wirepb.WorkItemFilters{Orchestrations: []*wirepb.OrchestrationFilter{{Name: name, Versions: versions}}}
	}
	for name, test := range map[string]struct {
		filters *wirepb.WorkItemFilters
		want    map[string]bool // instances that arrive
	}{
		"none":               {nil, map[string]bool{"a": true, "a1": true, "a2": true, "b": true}},
		"nothing listed":     {&wirepb.WorkItemFilters{}, map[string]bool{}},
		"a name":             {orchestration("a"), map[string]bool{"a": true, "a1": true, "a2": true}},
		"a name and version": {orchestration("a", "1"), map[string]bool{"a1": true}},
		"two versions":       {orchestration("a", "1", "2"), map[string]bool{"a1": true, "a2": true}},
		"another name":       {orchestration("c"), map[string]bool{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			w := s.connect(&wirepb.GetWorkItemsRequest{WorkItemFilters: test.filters})
			s.start(&wirepb.CreateInstanceRequest{InstanceId: "a", Name: "a"})
			s.start(&wirepb.CreateInstanceRequest{InstanceId: "a1", Name: "a", Version: text("1")})
			s.start(&wirepb.CreateInstanceRequest{InstanceId: "a2", Name: "a", Version: text("2")})
			s.start(&wirepb.CreateInstanceRequest{InstanceId: "b", Name: "b"})
			for range test.want {
				turn := w.turn()
				if !test.want[turn.InstanceId] {
					t.Errorf("there comes a turn of %s, want only %v", turn.InstanceId, test.want)
				}
				s.act(turn, end(1, completed, `1`))
			}
			w.silent("after all that match")
			for _, id := range []string{"a", "a1", "a2", "b"} {
				if got := s.get(id).OrchestrationStatus; !test.want[id] && got != pending {
					t.Errorf("%s, which nobody takes, is %v, want PENDING", id, got)
				}
			}
		})
	}
}

// TestW51FiltersOfActivitiesAndEntities splits the kinds among workers.
func TestW51FiltersOfActivitiesAndEntities(t *testing.T) {
	s := serve(t)
	turns := s.connect(&wirepb.GetWorkItemsRequest{WorkItemFilters: &wirepb.WorkItemFilters{Orchestrations: []*wirepb.OrchestrationFilter{{Name: "remote"}}}})
	s.start(&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "remote", Version: text("1")})
	s.act(turns.turn(), schedule(1, "a", `1`), schedule(2, "b", `1`), schedule(3, "c", `1`), toEntity(4, &history.EntityOperationSignaled{
		RequestID: guid(1), Operation: "o", TargetInstanceID: history.Some("@counter@k"),
	}))
	// An activity without version counts as of its orchestration's.
	acts := s.connect(&wirepb.GetWorkItemsRequest{WorkItemFilters: &wirepb.WorkItemFilters{
		Activities:        []*wirepb.ActivityFilter{{Name: "a", Versions: []string{"1"}}, {Name: "b", Versions: []string{"2"}}, {Name: "c"}},
		ExcludeActivities: []*wirepb.ActivityFilter{{Name: "c"}},
	}})
	if a, _ := acts.activity(); a.Name != "a" {
		t.Errorf("there comes activity %s, want a", a.Name)
	}
	acts.silent("besides the activity that matches")
	entities := s.connect(&wirepb.GetWorkItemsRequest{WorkItemFilters: &wirepb.WorkItemFilters{Entities: []*wirepb.EntityFilter{{Name: "Counter"}}}})
	s.outcome(entities.batch(), text("s"), "")
	entities.silent("besides the entity that matches")
	// The filters of those who have left are gone with them.
	all := s.connect(&wirepb.GetWorkItemsRequest{})
	seen := map[string]bool{}
	for range 3 {
		a, token := all.activity()
		seen[a.Name] = true
		s.result(a, token, `1`)
	}
	if !seen["a"] || !seen["b"] || !seen["c"] {
		t.Errorf("a worker without filters gets %v, want all activities", seen)
	}
}
