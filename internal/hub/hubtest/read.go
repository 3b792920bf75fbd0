package hubtest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var waitCases = []testCase{
	{"Start", waitStart},
	{"Completion", waitCompletion},
	{"BeforeCreation", waitCreation},
	{"Cancelled", waitCancelled},
	{"AcrossContinue", waitContinue},
	{"CustomStatus", waitCustomStatus},
}

var listCases = []testCase{
	{"Conditions", listConditions},
	{"Paging", listPaging},
	{"Counts", listCounts},
}

var feedCases = []testCase{
	{"Changes", feedChanges},
	{"Waits", feedWaits},
}

// waiting runs a wait on a goroutine of its own.
func waiting(e *env, wait func(context.Context, string) (*hub.Instance, error), id string) <-chan *hub.Instance {
	done := make(chan *hub.Instance, 1)
	go func() {
		in, err := wait(e.ctx, id)
		if err != nil {
			e.t.Errorf("wait for %s: %v", id, err)
		}
		done <- in
	}()
	return done
}

func waitStart(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "", at(epoch.Add(time.Hour)))
	done := waiting(e, e.hub.WaitStart, "a")
	e.advance(59 * time.Minute)
	select {
	case in := <-done:
		t.Fatalf("WaitStart() = %+v before the start", in)
	default:
	}
	e.advance(time.Minute)
	if in := receive(e, done); in.Status != store.Running {
		t.Errorf("WaitStart() = %v, want running", history.Status(in.Status))
	}
}

func waitCompletion(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", `"in"`)
	var waits []<-chan *hub.Instance
	for range 10 {
		waits = append(waits, waiting(e, e.hub.WaitCompletion, "a"))
	}
	e.settle()
	e.raise("a", "go", `"x"`)
	waits = append(waits, waiting(e, e.hub.WaitCompletion, "a"))
	for _, w := range waits {
		if in := receive(e, w); in.Status != store.Completed || in.Output.S != `"x"` {
			t.Errorf("WaitCompletion() = %v, output %s, want completed with x", in.Status, in.Output.S)
		}
	}
}

func waitCreation(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	started, ended := waiting(e, e.hub.WaitStart, "a"), waiting(e, e.hub.WaitCompletion, "a")
	e.settle()
	e.start("echo", "a", `"x"`)
	if in := receive(e, started); in.Status == store.Pending {
		t.Errorf("WaitStart() = %v, want it started", in.Status)
	}
	if in := receive(e, ended); in.Output.S != `"x"` {
		t.Errorf("WaitCompletion() = %v with %s, want x", in.Status, in.Output.S)
	}
}

func waitCancelled(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	e.start("wait", "a", "")
	ctx, cancel := context.WithCancel(e.ctx)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			_, err := e.hub.WaitCompletion(ctx, "a")
			e.code("WaitCompletion(cancelled)", err, perdure.Canceled)
		})
	}
	e.settle()
	cancel()
	wg.Wait()
	ctx, cancel = context.WithTimeout(e.ctx, time.Nanosecond)
	defer cancel()
	_, err := e.hub.WaitStart(ctx, "nobody")
	e.code("WaitStart(no time)", err, perdure.DeadlineExceeded)
	e.raise("a", "go", `"x"`)
	e.completes("a", `"x"`)
}

func waitContinue(t *testing.T, s suite) {
	e := s.open(t, collector)
	e.start("collect", "a", `{"Want":7}`)
	done := waiting(e, e.hub.WaitCompletion, "a")
	for i := range 7 {
		e.raise("a", "go", fmt.Sprint(i))
	}
	if in := receive(e, done); in.Output.S != sequence(7) {
		t.Errorf("WaitCompletion() = %s, want %s", in.Output.S, sequence(7))
	}
}

func waitCustomStatus(t *testing.T, s suite) {
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddOrchestrationNamed(r, "run", func(ctx *perdure.Context, _ string) (string, error) {
			for _, st := range []any{"one", map[string]int{"two": 2}, nil} {
				ctx.SetCustomStatus(st)
				if _, err := perdure.NewEvent[string]("go").Wait(ctx).Await(); err != nil {
					return "", err
				}
			}
			return "done", nil
		})
	})
	e.start("run", "a", "")
	for _, want := range []string{`"one"`, `{"two":2}`} {
		e.settle()
		if got := e.get("a").CustomStatus.S; got != want {
			t.Errorf("custom status = %s, want %s", got, want)
		}
		e.raise("a", "go", "")
	}
	e.raise("a", "go", "")
	e.completes("a", `"done"`)
}

// listed makes instances of several kinds and returns when each was created.
func listed(t *testing.T, s suite) *env {
	t.Helper()
	e := s.open(t, func(r *perdure.Registry) {
		parents(r)
		counters(r)
	})
	e.start("echo", "echo-1", `"x"`, tags(map[string]string{"team": "red"}))
	e.end("echo-1")
	e.clock.Advance(time.Hour)
	e.start("fail", "fail-1", "", tags(map[string]string{"team": "blue"}))
	e.end("fail-1")
	e.clock.Advance(time.Hour)
	e.start("wait", "wait-1", "", tags(map[string]string{"team": "red"}))
	e.start("parent", "parent-1", `{"Name":"wait","ID":"child-1"}`)
	e.signal("@counter@k", "add", "1")
	e.settle()
	return e
}

func listConditions(t *testing.T, s suite) {
	e := listed(t, s)
	for _, c := range []struct {
		name string
		q    store.Query
		want []string
	}{
		{"all", store.Query{}, []string{"child-1", "echo-1", "fail-1", "parent-1", "wait-1"}},
		{"entities", store.Query{Kind: store.Entity}, []string{"@counter@k"}},
		{"statuses", store.Query{Statuses: []store.Status{store.Completed, store.Failed}}, []string{"echo-1", "fail-1"}},
		{"phases", store.Query{Phases: []store.Phase{store.WaitingEvent}}, []string{"child-1", "parent-1", "wait-1"}},
		{"names", store.Query{Names: []string{"echo", "wait"}}, []string{"child-1", "echo-1", "wait-1"}},
		{"prefix", store.Query{IDPrefix: "fail"}, []string{"fail-1"}},
		{"parent", store.Query{Parent: "parent-1"}, []string{"child-1"}},
		{"tag", store.Query{Tag: [2]string{"team", "red"}}, []string{"echo-1", "wait-1"}},
		{"created", store.Query{CreatedFrom: epoch.Add(time.Hour), CreatedTo: epoch.Add(2 * time.Hour)}, []string{"fail-1"}},
		{"completed", store.Query{CompletedTo: epoch.Add(time.Hour)}, []string{"echo-1"}},
		{"both", store.Query{Names: []string{"wait"}, Tag: [2]string{"team", "red"}}, []string{"wait-1"}},
		{"none", store.Query{Names: []string{"nothing"}}, nil},
	} {
		c.q.Order = store.IDAsc
		page, err := e.hub.List(e.ctx, c.q)
		if err != nil {
			t.Errorf("List(%s): %v", c.name, err)
			continue
		}
		var got []string
		for _, in := range page.Items {
			got = append(got, in.ID)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("List(%s) (-want +got):\n%s", c.name, diff)
		}
	}
}

func listPaging(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	for i := range 25 {
		e.start("wait", fmt.Sprintf("i%02d", i), "")
		e.clock.Advance(time.Second)
	}
	for _, order := range []store.Order{store.CreatedAsc, store.CreatedDesc, store.IDAsc} {
		q := store.Query{Order: order, Limit: 10}
		var got []string
		for {
			page, err := e.hub.List(e.ctx, q)
			must(e, page, err)
			for _, in := range page.Items {
				got = append(got, in.ID)
			}
			if q.After = page.Next; page.Next == nil {
				break
			}
			e.start("echo", fmt.Sprint("x", order, len(got)), `"later"`) // others come meanwhile
		}
		n := 0
		for _, id := range got {
			if id[0] == 'i' {
				want := fmt.Sprintf("i%02d", n)
				if order == store.CreatedDesc {
					want = fmt.Sprintf("i%02d", 24-n)
				}
				if n++; id != want {
					t.Errorf("order %d: place %d holds %s, want %s", order, n, id, want)
				}
			}
		}
		if n != 25 {
			t.Errorf("order %d: the pages hold %d, want 25", order, n)
		}
	}
}

func listCounts(t *testing.T, s suite) {
	e := listed(t, s)
	counts, err := e.hub.Counts(e.ctx)
	must(e, counts, err)
	got := map[string]int64{}
	for _, c := range counts {
		if c.N != 0 {
			got[fmt.Sprint(c.Kind, c.Name, " ", history.Status(c.Status))] += c.N
		}
	}
	want := map[string]int64{
		"0echo completed": 1, "0fail failed": 1, "0wait running": 2, "0parent running": 1, "1counter running": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Counts() (-want +got):\n%s", diff)
	}
}

func feedChanges(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	pos, err := e.hub.Position(e.ctx)
	must(e, pos, err)
	e.start("echo", "a", `"x"`)
	e.end("a")
	e.purge(&hub.Purge{IDs: []string{"a"}}, 1)
	versions, gone := map[uint64]bool{}, false
	for !gone {
		changes, next, reset, err := e.hub.Changes(e.ctx, pos, 1)
		must(e, changes, err)
		if reset {
			t.Fatal("Changes() demands to read everything anew")
		}
		for _, c := range changes {
			if c.ID != "a" {
				continue
			}
			if gone = c.Gone; !gone {
				versions[c.Version] = true
			}
		}
		pos = next
	}
	if !versions[2] {
		t.Errorf("versions seen = %v, want the last one", versions)
	}
}

func feedWaits(t *testing.T, s suite) {
	e := s.open(t, echoCode)
	pos, err := e.hub.Position(e.ctx)
	must(e, pos, err)
	got := make(chan []store.Change, 1)
	go func() {
		changes, _, _, err := e.hub.Changes(e.ctx, pos, 10)
		if err != nil {
			t.Errorf("Changes(): %v", err)
		}
		got <- changes
	}()
	e.start("wait", "a", "")
	// Two of them, if the first turn has ended meanwhile.
	if changes := receive(e, got); len(changes) == 0 || slices.ContainsFunc(changes, func(c store.Change) bool { return c.ID != "a" }) {
		t.Errorf("Changes() = %+v, want a", changes)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	pos, err = e.hub.Position(e.ctx)
	must(e, pos, err)
	if changes, _, _, err := e.hub.Changes(ctx, pos, 10); err == nil {
		t.Errorf("Changes(cancelled) = %+v, want an error", changes)
	}
}
