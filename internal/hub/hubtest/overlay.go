package hubtest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// overlayCases drive hub.Overlay.
var overlayCases = []testCase{
	{"Outside", overlayOutside},
	{"Inside", overlayInside},
	{"Most", overlayMost},
}

// stands waits until the work of instances stands as wanted, in the order of the ids; the
// times are checked for being told of what is executed in place of their values.
func (e *env) stands(when string, ids []string, most int, want ...hub.Standing) {
	e.t.Helper()
	o, ok := e.hub.(hub.Overlay)
	if !ok {
		e.t.Skip("the hub does not tell how work stands")
	}
	var diff string
	for {
		got, err := o.Standing(e.ctx, ids, most)
		if err != nil {
			e.t.Fatalf("Standing(%v) %s = %v; (-want +got) before:\n%s", ids, when, err, diff)
		}
		slices.SortStableFunc(got, func(a, b hub.Standing) int { return slices.Index(ids, a.InstanceID) - slices.Index(ids, b.InstanceID) })
		for _, s := range got {
			if told := !s.Since.IsZero(); told != (s.Executing && s.Kind == hub.ActivityItems) {
				e.t.Errorf("Standing(%v) %s has since when = %v, want that of activities that are executed", ids, when, s.Since)
			}
		}
		if diff = cmp.Diff(want, got, cmpopts.IgnoreFields(hub.Standing{}, "Since"), cmpopts.EquateEmpty()); diff == "" {
			return
		}
	}
}

// overlayOutside follows work of all kinds through queues and workers.
func overlayOutside(t *testing.T, s suite) {
	e := s.open(t, nobody)
	ids := []string{"a", "b", "@counter@k", "none"}
	e.stands("at the beginning", ids, 9)
	e.start("run", "a", "")
	e.start("run", "b", "")
	e.signal("@counter@k", "add", "1")
	turn := func(id, worker string) hub.Standing {
		return hub.Standing{InstanceID: id, Kind: hub.Orchestrations, Name: "run", Executing: worker != "", Worker: worker}
	}
	batch := func(worker string) hub.Standing {
		return hub.Standing{InstanceID: "@counter@k", Kind: hub.EntityItems, Name: "counter", Executing: worker != "", Worker: worker}
	}
	act := func(worker string) hub.Standing {
		return hub.Standing{InstanceID: "a", Kind: hub.ActivityItems, Task: 1, Name: "act", Executing: worker != "", Worker: worker}
	}
	e.stands("without a worker", ids, 9, turn("a", ""), turn("b", ""), batch(""))
	p := e.connect(&hub.Worker{ID: "p", Orchestrations: 1, Filters: &hub.Filters{Orchestrations: []hub.NameFilter{{Name: "run"}}}})
	w, _ := p.turn()
	for w.Orchestration.InstanceID != "a" { // nodes give what they have in no order
		e.ok(p.does(w, finish(1, `"end"`)))
		w, _ = p.turn()
	}
	e.stands("with a turn at a worker", ids[:1], 9, turn("a", "p"))
	e.ok(p.does(w, schedule(1, "act")))
	e.stands("with an activity that nobody takes", ids[:1], 9, act(""))
	q := e.connect(&hub.Worker{ID: "q", Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "act"}}, Entities: []string{"counter"}}})
	work := map[bool]*hub.Work{}
	for range 2 {
		w := q.next()
		work[w.Activity != nil] = w
	}
	e.stands("with work at a worker", []string{"a", "@counter@k"}, 9, act("q"), batch("q"))
	e.ok(q.workers.CompleteActivity(e.ctx, &hub.ActivityDone{Delivery: hub.Delivery{Token: work[true].Token}, Pending: true}))
	e.stands("with an activity that is completed from elsewhere", ids[:1], 9, act("q"))
	e.ok(e.hub.Complete(e.ctx, work[true].Token, history.Some("1"), nil))
	for !e.get("a").Status.Terminal() {
		w, _ := p.turn()
		e.ok(p.does(w, finish(2, `"end"`)))
	}
	e.stands("after the end", ids[:1], 9)
	p.stream.Close(false)
	q.stream.Close(false)
}

// overlayInside follows activities of the hub's process.
func overlayInside(t *testing.T, s suite) {
	release := make(chan struct{})
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "slow", func(ctx context.Context, _ string) (string, error) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return "", ctx.Err()
		})
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			limited := perdure.WithLimit("one", 1)
			one, two := perdure.CallNamed[string](ctx, "slow", nil, limited), perdure.CallNamed[string](ctx, "slow", nil, limited)
			return "", perdure.All(ctx, one, two)
		})
	})
	e.start("run", "a", "")
	o, ok := e.hub.(hub.Overlay)
	if !ok {
		t.Skip("the hub does not tell how work stands")
	}
	e.until("one activity runs, and the other waits for it", func() bool {
		got, err := o.Standing(e.ctx, []string{"a"}, 9)
		must(e, got, err)
		return len(got) == 2 && got[0].Executing && got[0].Worker != "" && !got[1].Executing && got[0].Kind == hub.ActivityItems && got[0].Task < got[1].Task
	})
	close(release)
	e.completes("a", `""`)
	e.stands("at the end", []string{"a"}, 9)
}

// overlayMost tells what is executed before what is queued.
func overlayMost(t *testing.T, s suite) {
	e := s.open(t, nobody)
	e.start("run", "a", "")
	p := e.connect(&hub.Worker{ID: "p"})
	w, _ := p.turn()
	e.ok(p.does(w, schedule(1, "early"), schedule(2, "late"), schedule(3, "later")))
	for range 3 {
		p.activity()
	}
	p.stream.Close(false)
	q := e.connect(&hub.Worker{ID: "q", Activities: 1, Filters: &hub.Filters{Activities: []hub.NameFilter{{Name: "late"}}}})
	q.activity()
	e.stands("with one at a worker", []string{"a"}, 1, hub.Standing{InstanceID: "a", Kind: hub.ActivityItems, Task: 2, Name: "late", Executing: true, Worker: "q"})
	e.stands("with room for two", []string{"a"}, 2,
		hub.Standing{InstanceID: "a", Kind: hub.ActivityItems, Task: 2, Name: "late", Executing: true, Worker: "q"},
		hub.Standing{InstanceID: "a", Kind: hub.ActivityItems, Task: 1, Name: "early"})
	q.stream.Close(false)
}
