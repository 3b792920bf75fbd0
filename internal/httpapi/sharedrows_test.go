package httpapi_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

// teller tells every stream of the same changes, and counts what is read of them.
type teller struct {
	*stub
	changes []store.Change
	reads   atomic.Int32
	fails   atomic.Int32 // reads that fail first
}

func (h *teller) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	if n := strings.Count(string(p), "+"); n < len(h.changes) {
		return h.changes[n : n+1], p + "+", false, nil
	}
	return h.stub.Changes(ctx, p, limit)
}

func (h *teller) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	h.reads.Add(1)
	if h.fails.Add(-1) >= 0 {
		return nil, &perdure.Error{Code: perdure.Unavailable, Op: "get", Message: "the store is away"}
	}
	return h.stub.Instance(ctx, id, payloads)
}

// TestViewersShareRows wants a row read once for ten streams that tell of it, whatever their
// filters, and once more when it has changed again.
func TestViewersShareRows(t *testing.T) {
	h := &teller{stub: fixture(), changes: []store.Change{{ID: "order-2", Version: 8}, {ID: "order-2", Version: 9}}}
	url := serve(t, h, func(c *httpapi.Config) { c.Batch = time.Millisecond })
	for i := range 10 {
		topic := []string{"runs:", "run:order-2"}[i%2]
		f := open(t, url+"/api/v1/stream?topics="+topic)
		f.want("event: hello")
		for range h.changes {
			f.want(`"topic":"`+topic+`"`, `"id":"order-2"`, `"status":"failed"`, `"gone":[]`)
		}
	}
	if got := h.reads.Load(); got != 2 {
		t.Errorf("ten streams of two changes read %d rows, want 2", got)
	}
}

// TestViewersDoNotShareFailures wants a stream to read by itself what another could not.
func TestViewersDoNotShareFailures(t *testing.T) {
	h := &teller{stub: fixture(), changes: []store.Change{{ID: "order-2", Version: 8}}}
	h.fails.Store(1)
	url := serve(t, h, func(c *httpapi.Config) { c.Batch = time.Millisecond })
	first := open(t, url+"/api/v1/stream?topics=runs:")
	for first.next() != "" { // it ends with the failure
	}
	f := open(t, url+"/api/v1/stream?topics=runs:")
	f.want("event: hello")
	f.want("event: runs", `"id":"order-2"`)
}
