package httpapi_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/store"
)

// frames reads frames of a stream: event and data, or the text of a comment.
type frames struct {
	t *testing.T
	s *bufio.Scanner
}

func open(t *testing.T, url string, headers ...string) *frames {
	t.Helper()
	return openWith(t.Context(), t, url, headers...)
}

// openWith opens a stream until ctx ends.
func openWith(ctx context.Context, t *testing.T, url string, headers ...string) *frames {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || got != "text/event-stream" {
		t.Fatalf("stream = %d %q, want 200 text/event-stream", response.StatusCode, got)
	}
	return &frames{t, bufio.NewScanner(response.Body)}
}

// next returns the lines of the next frame, "" at the end.
func (f *frames) next() string {
	f.t.Helper()
	var lines []string
	for f.s.Scan() {
		if f.s.Text() == "" && len(lines) > 0 {
			return strings.Join(lines, "\n")
		}
		lines = append(lines, f.s.Text())
	}
	return ""
}

func (f *frames) want(wants ...string) {
	f.t.Helper()
	got := f.next()
	for _, w := range wants {
		if !strings.Contains(got, w) {
			f.t.Errorf("frame %q lacks %q", got, w)
		}
	}
}

func TestStream(t *testing.T) {
	h := fixture()
	url := serve(t, h, func(c *httpapi.Config) { c.Batch = time.Millisecond })
	f := open(t, url+"/api/v1/stream?topics=runs:status:running&topics=run:order-2")
	if diff := cmp.Diff("id: cDE\nevent: hello\ndata: {\"position\":\"cDE\"}", f.next()); diff != "" {
		t.Errorf("first frame (-want +got)\n%s", diff)
	}
	h.feed <- store.Change{ID: "order/1%", Version: 7}
	f.want("id: cDEr", "event: runs", `"topic":"runs:status:running"`, `"id":"order/1%"`, `"gone":[]`)
	h.feed <- store.Change{ID: "order-2", Version: 8}
	f.want("event: runs", `"upsert":[]`, `"gone":[{"id":"order-2","row_version":8}]`) // it failed
	f.want("event: run\n", `"topic":"run:order-2"`, `"status":"failed"`)
	h.feed <- store.Change{ID: "@counter@a", Version: 1}
	h.feed <- store.Change{ID: "order-2", Version: 9, Gone: true}
	f.want("event: runs", `"gone":[{"id":"order-2","row_version":9}]`)
}

func TestStreamCounts(t *testing.T) {
	f := open(t, serve(t, fixture(), nil)+"/api/v1/stream?topics=counts&since=cDE")
	f.want("event: hello")
	f.want("event: counts", `{"status":"completed","count":6}`, `{"status":"running","phase":"waiting_event","count":2}`)
}

func TestStreamReset(t *testing.T) {
	url := serve(t, fixture(), nil) + "/api/v1/stream?topics=runs:"
	f := open(t, url, "Last-Event-ID", "b2xk")
	f.want("event: hello", `"position":"b2xk"`)
	f.want("id: cDE", "event: reset", `"position":"cDE"`)
}

func TestStreamHeartbeatAndStop(t *testing.T) {
	api := httpapi.New(httpapi.Config{Hub: fixture(), Heartbeat: 5 * time.Millisecond, Batch: time.Millisecond})
	url := serveHandler(t, api)
	f := open(t, url+"/api/v1/stream?topics=runs:")
	f.want("event: hello")
	f.want(": alive")
	api.Stop()
	for frame := f.next(); frame != ""; frame = f.next() {
		if frame != ": alive" {
			t.Errorf("frame after stop = %q, want none", frame)
		}
	}
	if got := do(t, "GET", url+"/readyz", ""); got.Status != 503 {
		t.Errorf("readyz after stop = %d, want 503", got.Status)
	}
}
