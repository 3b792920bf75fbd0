package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestDisplay draws a block over itself, cut to the terminal.
func TestDisplay(t *testing.T) {
	var shown bytes.Buffer
	d := &display{output: &output{colour: true, terminal: &terminal{out: &shown, width: 10, height: 6}}}
	d.draw([]string{"one", d.paint(red, "日本語の長い行")})
	if got, want := shown.String(), "one\n\x1b[31m日本語の…\x1b[0m\n"; got != want {
		t.Errorf("first drawing = %q, want %q", got, want)
	}
	shown.Reset()
	d.draw(strings.Fields("1 2 3 4 5 6 7"))
	if got, want := shown.String(), "\x1b[2A\r\x1b[J1\n2\n3\n  … 4 more\n"; got != want {
		t.Errorf("second drawing = %q, want %q", got, want)
	}
}

// TestCutPainted never shows more columns than there are, and ends what it begins.
func TestCutPainted(t *testing.T) {
	o := &output{colour: true}
	for _, text := range []string{"", "abc", o.paint(dim, "abcdefgh"), "a" + o.paint(red, "日本") + "b", "e\u0301e\u0301e\u0301"} {
		for width := 1; width < 12; width++ {
			got := cutPainted(text, width)
			if n := columns(unpainted(got)); n > width {
				t.Errorf("cutPainted(%q, %d) = %q, want %d columns at most, got %d", text, width, got, width, n)
			}
			if strings.Count(got, "\x1b")%2 != 0 {
				t.Errorf("cutPainted(%q, %d) = %q, want each style ended", text, width, got)
			}
			if columns(unpainted(text)) <= width && got != text {
				t.Errorf("cutPainted(%q, %d) = %q, want it as it is", text, width, got)
			}
		}
	}
}

// TestWatchTree watches a run on a terminal until an event lets it end.
func TestWatchTree(t *testing.T) {
	url := running(t)
	cli := func(s screen, args ...string) result { return perdureCLI(t.Context(), url, s, args...) }
	if got := cli(screen{}, "run", "start", "Approve", "--id", "order-1", "--input", `"tea"`); got.Code != exitDone {
		t.Fatalf("start = %+v", got)
	}
	if got := cli(screen{tty: true, width: 80}, "run", "watch", "order-1", "--timeout", "1s"); got.Code != exitTimeout || !strings.Contains(got.Out, "waiting for Approval") || !strings.Contains(got.Out, "? event Approval") {
		t.Errorf("watch of a waiting run = %+v, want what it waits for, and exit 7", got)
	}
	if got := cli(screen{}, "run", "result", "order-1"); got.Code != exitConflict {
		t.Errorf("result of a waiting run = %+v, want exit 4", got)
	}
	done := make(chan result, 1)
	go func() { done <- cli(screen{tty: true, width: 80}, "run", "watch", "order-1", "--timeout", "1m") }()
	if got := cli(screen{}, "run", "event", "order-1", "Approval", "--data", "true"); got.Code != exitDone {
		t.Fatalf("event = %+v", got)
	}
	select {
	case got := <-done:
		if got.Code != exitDone || !strings.Contains(got.Out, "order-1  completed after") || !strings.HasSuffix(got.Out, "✓ 1 done\n\"published tea\"\n") {
			t.Errorf("watch = %+v, want the end and the output", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("watch goes on after the run has ended")
	}
	if got := cli(screen{}, "run", "wait", "order-1"); got.Code != exitDone || !strings.Contains(got.Out, `"status":"completed"`) {
		t.Errorf("wait = %+v, want the run", got)
	}
	if got := cli(screen{}, "run", "result", "order-1"); got.Out != "\"published tea\"\n" {
		t.Errorf("result = %+v, want the output alone", got)
	}
}

// TestPrefix takes the beginning of an id for the run that people started.
func TestPrefix(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/api/v1/runs/tides":
			_, _ = io.WriteString(w, `{"id":"tides","status":"running","phase":"active","current_step":"perdure.agent/judge"}`)
		case r.URL.Path == "/api/v1/runs":
			_, _ = io.WriteString(w, `{"items":[{"id":"tides:0001","parent_id":"tides"},{"id":"tides"}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"not_found","detail":"no such run"}`)
		}
	}))
	t.Cleanup(server.Close)
	got := perdureCLI(t.Context(), server.URL, screen{tty: true}, "run", "get", "tide")
	if got.Code != exitDone || !strings.Contains(got.Out, "step      agent judge") {
		t.Errorf("get of a beginning = %+v, want the run tides", got)
	}
}
