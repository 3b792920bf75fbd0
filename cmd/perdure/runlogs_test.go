package main

import (
	"strings"
	"testing"
	"time"
)

// TestLogsEnd follows the log of a run until it has ended, and no longer.
func TestLogsEnd(t *testing.T) {
	url := running(t)
	cli := func(args ...string) result { return perdureCLI(t.Context(), url, screen{}, args...) }
	if got := cli("run", "start", "Approve", "--id", "order-1", "--input", `"tea"`); got.Code != exitDone {
		t.Fatalf("start = %+v", got)
	}
	done := make(chan result, 1)
	go func() { done <- cli("run", "logs", "order-1", "--watch") }()
	if got := cli("run", "event", "order-1", "Approval", "--data", "true"); got.Code != exitDone {
		t.Fatalf("event = %+v", got)
	}
	for _, after := range []string{"the event", "the end"} {
		select {
		case got := <-done:
			if got.Code != exitDone || got.Err != "" || strings.Count(got.Out, "approved") != 1 {
				t.Errorf("logs --watch after %s = %+v, want the line, once, and exit 0", after, got)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("logs --watch goes on after %s", after)
		}
		go func() { done <- cli("run", "logs", "order-1", "--watch") }()
	}
	<-done
}
