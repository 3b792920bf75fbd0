package engine_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// checkAllocation checks that f, given n bytes, allocates at most factor times as
// much, besides a constant for small inputs and the test itself.
func checkAllocation(t *testing.T, n, factor int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got, want := after.TotalAlloc-before.TotalAlloc, uint64(factor*n+256<<10); got > want {
		t.Errorf("decoding %d bytes allocated %d, want at most %d", n, got, want)
	}
}

func FuzzDecodeMessage(f *testing.F) {
	m := &engine.Message{
		Class: engine.ClassCarry, From: "a", Execution: "e", Ask: "q", Cancel: true,
		Event: &history.Event{ID: -1, Time: epoch, Body: &history.EventRaised{Name: "n", Input: history.Some("1")}},
	}
	f.Add(m.Append(nil))
	f.Add([]byte{0x1a, 0x02, 0x08, 0x01})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var got *engine.Message
		var err error
		checkAllocation(t, len(data), 16, func() { got, err = engine.DecodeMessage(data) })
		if err != nil {
			if !strings.Contains(err.Error(), "message") {
				t.Errorf("DecodeMessage(%x) = %v, want a message named", data, err)
			}
			return
		}
		again, err := engine.DecodeMessage(got.Append(nil))
		if err != nil {
			t.Fatalf("DecodeMessage(Append()) of %x: %v", data, err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("DecodeMessage(Append()) of %x (-want +got):\n%s", data, diff)
		}
	})
}

// FuzzDecodeEntity reads states of entities. An empty name in the set of a lock
// takes 2 bytes and is a string of 16 in a slice that grows, so the bound of
// memory is wider here; the bytes are our own and have a checksum.
func FuzzDecodeEntity(f *testing.F) {
	s := &engine.Entity{
		ID: "@n@k", State: history.Some("1"), Delayed: 2, NextTimer: 3,
		Lock:     &engine.Lock{Section: "s", Instance: "i", Execution: "e", Set: []string{"@n@a", "@n@k"}},
		Deferred: map[string]engine.Caller{"r": {Instance: "i", Execution: "e"}, "q": {Ask: "q"}},
		Early:    map[string]time.Time{"t": epoch},
	}
	f.Add(s.Encode())
	f.Add([]byte{0x12, 0x00})
	f.Add(append([]byte{0x12, 0xa0, 0x9c, 0x01}, bytes.Repeat([]byte{0x0a, 0x00}, 10_000)...))
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		var got *engine.Entity
		var err error
		checkAllocation(t, len(data), 64, func() { got, err = engine.DecodeEntity("@n@k", data) })
		if err != nil {
			if !strings.Contains(err.Error(), "entity") {
				t.Errorf("DecodeEntity(%x) = %v, want an entity named", data, err)
			}
			return
		}
		again, err := engine.DecodeEntity("@n@k", got.Encode())
		if err != nil {
			t.Fatalf("DecodeEntity(Encode()) of %x: %v", data, err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("DecodeEntity(Encode()) of %x (-want +got):\n%s", data, diff)
		}
	})
}
