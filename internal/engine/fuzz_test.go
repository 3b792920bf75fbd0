package engine_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

func FuzzDecodeMessage(f *testing.F) {
	m := &engine.Message{
		Class: engine.ClassCarry, From: "a", Execution: "e", Ask: "q", Cancel: true,
		Event: &history.Event{ID: -1, Time: epoch, Body: &history.EventRaised{Name: "n", Input: history.Some("1")}},
	}
	f.Add(m.Append(nil))
	f.Add([]byte{0x1a, 0x02, 0x08, 0x01})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := engine.DecodeMessage(data)
		if err != nil {
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

func FuzzDecodeEntity(f *testing.F) {
	s := &engine.Entity{
		ID: "@n@k", State: history.Some("1"), Delayed: 2, NextTimer: 3,
		Lock:     &engine.Lock{Section: "s", Instance: "i", Execution: "e", Set: []string{"@n@a", "@n@k"}},
		Deferred: map[string]engine.Caller{"r": {Instance: "i", Execution: "e"}, "q": {Ask: "q"}},
		Early:    map[string]time.Time{"t": epoch},
	}
	f.Add(s.Encode())
	f.Add([]byte{0x12, 0x00})
	f.Add([]byte{0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := engine.DecodeEntity("@n@k", data)
		if err != nil {
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
