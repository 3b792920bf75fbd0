package httpapi_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
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
	reads  atomic.Int32
	counts atomic.Int32
	asks   atomic.Int32 // of the feed
	fails  atomic.Int32 // reads that fail first

	mu      sync.Mutex // guards what follows
	changes []store.Change
	more    chan struct{} // closed when changes grows
}

func newTeller() *teller { return &teller{stub: fixture(), more: make(chan struct{})} }

// tell adds changes to the feed.
func (h *teller) tell(changes ...store.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, changes...)
	close(h.more)
	h.more = make(chan struct{})
}

func (h *teller) Changes(ctx context.Context, p store.Position, limit int) ([]store.Change, store.Position, bool, error) {
	h.asks.Add(1)
	for n := strings.Count(string(p), "+"); ; {
		h.mu.Lock()
		changes, more := h.changes[min(n, len(h.changes)):], h.more
		h.mu.Unlock()
		if len(changes) > 0 {
			changes = changes[:min(limit, len(changes))]
			return changes, p + store.Position(strings.Repeat("+", len(changes))), false, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, p, false, ctx.Err()
		}
	}
}

func (h *teller) Counts(ctx context.Context) ([]store.Count, error) {
	h.counts.Add(1)
	return h.stub.Counts(ctx)
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
	h := newTeller()
	url := serve(t, h, func(c *httpapi.Config) { c.Batch = time.Millisecond })
	var streams []*frames
	for i := range 10 {
		f := open(t, url+"/api/v1/stream?topics="+viewed(i))
		f.want("event: hello")
		streams = append(streams, f)
	}
	for version := range 2 {
		h.tell(store.Change{ID: "order-2", Version: uint64(8 + version)})
		for i, f := range streams {
			f.want(`"topic":"`+viewed(i)+`"`, `"id":"order-2"`, `"status":"failed"`, `"gone":[]`)
		}
	}
	if got := h.reads.Load(); got != 2 {
		t.Errorf("ten streams of two changes read %d rows, want 2", got)
	}
}

func viewed(i int) string {
	return []string{"runs:", "run:order-2", "list:", "list:status:failed"}[i%4]
}

// TestViewersDoNotShareFailures wants a stream to read by itself what another could not.
func TestViewersDoNotShareFailures(t *testing.T) {
	h := newTeller()
	h.tell(store.Change{ID: "order-2", Version: 8})
	h.fails.Store(1)
	url := serve(t, h, func(c *httpapi.Config) { c.Batch = time.Millisecond })
	first := open(t, url+"/api/v1/stream?topics=runs:")
	for first.next() != "" { // it ends with the failure
	}
	f := open(t, url+"/api/v1/stream?topics=runs:")
	f.want("event: hello")
	f.want("event: runs", `"id":"order-2"`)
}

var unseenOf = regexp.MustCompile(`"unseen":(\d+)`)

// TestManyChangesAreNotToldOneByOne floods ten streams: no row is read that nobody holds, the
// one that they hold is, once, and the counts are read once for all.
func TestManyChangesAreNotToldOneByOne(t *testing.T) {
	h := newTeller()
	url := serve(t, h, func(c *httpapi.Config) { c.Batch = time.Millisecond })
	var streams []*frames
	for i := range 10 {
		filter := []string{"", "name:Order"}[i%2]
		f := open(t, url+"/api/v1/stream?held=f8ic&topics=list:"+filter) // of order-2
		f.want("event: hello")
		streams = append(streams, f)
	}
	var flood []store.Change
	for i := range 500 {
		flood = append(flood, store.Change{ID: fmt.Sprintf("run-%d", i), Version: 1}, store.Change{ID: fmt.Sprintf("run-%d", i), Version: 2})
	}
	h.tell(append(flood, store.Change{ID: "order-2", Version: 8})...)
	for i, f := range streams {
		// They come in one frame; on a busy machine what comes last may be told in another.
		unseen, got := 0, ""
		for frames := 0; frames < 5 && !strings.Contains(got, `"id":"order-2"`); frames++ {
			got = f.next()
			if m := unseenOf.FindStringSubmatch(got); m != nil {
				n, _ := strconv.Atoi(m[1])
				unseen += n
			}
		}
		if !strings.Contains(got, "event: list") || !strings.Contains(got, `"status":"failed"`) || unseen < []int{500, 1000}[i%2] || unseen > 1000 {
			t.Errorf("%d unseen changes, then %q; want all, and the row that is held", unseen, got)
		}
	}
	if got := h.reads.Load(); got != 1 {
		t.Errorf("ten streams of 1,001 changes read %d rows, want 1", got)
	}
	// The control: few changes are all told one by one.
	h.tell(store.Change{ID: "order/1%", Version: 8})
	for _, f := range streams {
		f.want("event: list", `"id":"order/1%"`, `"unseen":0`)
	}
	if got := h.reads.Load(); got != 2 {
		t.Errorf("of one change more %d rows were read, want 1", got-1)
	}
}

// TestNoViewersCostNothing wants the hub asked for nothing, and nothing kept, while nobody
// views it, before and after somebody does.
func TestNoViewersCostNothing(t *testing.T) {
	h := newTeller()
	api := httpapi.New(httpapi.Config{Hub: h, Batch: time.Millisecond})
	url := serveHandler(t, api)
	t.Cleanup(api.Stop)
	change := func(version uint64) {
		h.tell(store.Change{ID: "order-2", Version: version}, store.Change{ID: "order/1%", Version: version})
	}
	asked := func() int32 { return h.reads.Load() + h.counts.Load() + h.asks.Load() }
	for version := range uint64(50) {
		change(version + 1)
	}
	if asked() != 0 {
		t.Errorf("without viewers the hub was asked %d times, want 0", asked())
	}
	ctx, leave := context.WithCancel(t.Context())
	f := openWith(ctx, t, url+"/api/v1/stream?topics=list:&topics=counts")
	f.want("event: hello")
	for f.next() != "" && h.counts.Load() == 0 { // it has read what was there
	}
	change(60)
	for f.next() != "" && h.reads.Load() == 0 {
	}
	if h.reads.Load() == 0 || h.asks.Load() == 0 || api.Kept() == 0 {
		t.Errorf("with a viewer %d rows were read, the feed %d times, %d kept; want all more than 0", h.reads.Load(), h.asks.Load(), api.Kept())
	}
	leave()
	for api.Streams() > 0 {
		time.Sleep(time.Millisecond)
	}
	before := asked()
	for version := range uint64(50) {
		change(version + 100)
	}
	if asked() != before || api.Kept() != 0 {
		t.Errorf("when the viewer had left the hub was asked %d times and %d were kept, want 0", asked()-before, api.Kept())
	}
}
