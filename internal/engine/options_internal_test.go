package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/history"
)

// FuzzOptions reads the options of a step, which only the engine does.
func FuzzOptions(f *testing.F) {
	f.Add(Options{
		Timeout: time.Second, HeartbeatTimeout: -1, LimitKey: "k", Limit: 3,
		Retry: &Retry{Name: "step", Attempt: 2, MaxAttempts: 5, Error: "T"},
	}.encode())
	f.Add(Options{Fold: &Fold{After: time.Hour, Rows: []uint16{100, 1<<16 - 1}}}.encode())
	f.Add([]byte{0x08, 0x80})
	f.Add([]byte{0x2a, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		read := func(b []byte) Options { return optionsOf(&history.Event{Meta: &history.Meta{Options: b}}) }
		o := read(b)
		if o.Retry != nil && *o.Retry == (Retry{}) {
			o.Retry = nil // says nothing
		}
		if diff := cmp.Diff(o, read(o.encode())); diff != "" {
			t.Errorf("optionsOf(%x) changes when stored again (-want +got):\n%s", b, diff)
		}
	})
}
