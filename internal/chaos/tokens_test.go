package chaos_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// holder is a worker that lets a test say what becomes of its items.
type holder struct {
	worker
	items chan *hub.Work
	stop  func()
	serve atomic.Bool // items are carried out from now on
}

// hold connects a worker that does nothing with its items until stop or the end of the
// test.
func hold(t *testing.T, addr, hubName string, filters *wirepb.WorkItemFilters) *holder {
	t.Helper()
	h := &holder{worker: worker{conn: dial(t, addr), hub: hubName, id: "holder", seen: newWitness(), code: program, filters: filters}, items: make(chan *hub.Work, 1000)}
	h.do = func(ctx context.Context, work *hub.Work, old older) {
		if h.serve.Load() {
			h.carryOut(ctx, work, old)
		} else {
			h.items <- work
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); h.run(ctx) }()
	h.stop = func() { cancel(); <-ended; _ = h.conn.Close() }
	t.Cleanup(h.stop)
	return h
}

// serveRest has the worker carry out what comes from now on.
func (h *holder) serveRest() { h.serve.Store(true) }

// helper runs a worker that takes turns of some orchestrations only, until the test ends.
func helper(t *testing.T, addr string, code func(*flow), names ...string) *worker {
	t.Helper()
	filters := &wirepb.WorkItemFilters{}
	for _, n := range names {
		filters.Orchestrations = append(filters.Orchestrations, &wirepb.OrchestrationFilter{Name: n})
	}
	h := hold(t, addr, "default", filters)
	h.code = code
	h.serveRest()
	return &h.worker
}

// next waits for an item.
func (h *holder) next(t *testing.T) *hub.Work {
	t.Helper()
	select {
	case work := <-h.items:
		return work
	case <-time.After(20 * time.Second):
		t.Fatalf("hub %q hands nothing out", h.hub)
		return nil
	}
}

// as completes an item as the program says, under any token.
func (h *holder) as(t *testing.T, token string, work *hub.Work) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(h.meta(t.Context()), 10*time.Second)
	defer cancel()
	other := *work
	other.Token = token
	return h.worker.complete(ctx, h.outcome(&other))
}

// TestT12_ForeignTokens completes items of one hub under the tokens of another's, which
// are about the same instance, execution and delivery.
func TestT12_ForeignTokens(t *testing.T) {
	normalOnly(t)
	addr := serve(t, host.Config{TaskHubs: []string{"mine", "theirs"}})
	execution := strings.Repeat("ab", 16)
	begin := func(name string) (*client, *holder, *hub.Work) {
		c := &client{dial(t, addr), name}
		err := c.call(t.Context(), "StartInstance", &wirepb.CreateInstanceRequest{
			InstanceId: "same/0", Name: "program", Input: wrapperspb.String("0"), ExecutionId: wrapperspb.String(execution),
		}, new(wirepb.CreateInstanceResponse))
		if err != nil {
			t.Fatal(err)
		}
		err = c.call(t.Context(), "SignalEntity", &wirepb.SignalEntityRequest{
			InstanceId: "@acc@k", Name: "add", Input: wrapperspb.String("1"), RequestId: "8f14e45f-ceea-467f-a0e6-1f0f3c2b1a00",
		}, new(wirepb.SignalEntityResponse))
		if err != nil {
			t.Fatal(err)
		}
		h := hold(t, addr, name, nil)
		return c, h, nil
	}
	_, mine, _ := begin("mine")
	c, theirs, _ := begin("theirs")
	took := func(h *holder) map[string]*hub.Work {
		items := make(map[string]*hub.Work)
		for range 2 {
			w := h.next(t)
			if w.Orchestration != nil {
				items["turn"] = w
			} else {
				items["batch"] = w
			}
		}
		return items
	}
	ours, others := took(mine), took(theirs)
	foreign := func(kind string) {
		t.Helper()
		if err := theirs.as(t, ours[kind].Token, others[kind]); status.Code(err) != codes.NotFound {
			t.Errorf("completion of a %s under the token of another hub = %v, want NotFound", kind, err)
		}
		if err := theirs.as(t, others[kind].Token, others[kind]); err != nil {
			t.Errorf("completion of a %s under its own token = %v, want OK", kind, err)
		}
		if err := mine.as(t, ours[kind].Token, ours[kind]); err != nil {
			t.Errorf("completion of the other hub's %s = %v, want OK", kind, err)
		}
	}
	foreign("batch")
	foreign("turn")
	ours["activity"], others["activity"] = mine.next(t), theirs.next(t)
	foreign("activity")

	// A hub that is made anew begins to count anew.
	if err := c.call(t.Context(), "CreateTaskHub", &wirepb.CreateTaskHubRequest{RecreateIfExists: true}, new(wirepb.CreateTaskHubResponse)); err != nil {
		t.Fatal(err)
	}
	theirs.stop()
	_, again, _ := begin("theirs")
	for kind, w := range took(again) {
		if err := again.as(t, others[kind].Token, w); status.Code(err) != codes.NotFound {
			t.Errorf("completion of a %s under a token from before the hub was emptied = %v, want NotFound", kind, err)
		}
	}
}
