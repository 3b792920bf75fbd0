package history_test

import (
	"testing"

	"github.com/perdure/perdure/internal/history"
)

func TestUsage(t *testing.T) {
	u := history.Usage{In: 10, Out: 2, Cached: 3, Nano: 4}
	u.Add(history.Usage{In: 1, Out: 1, Cached: 1, Nano: 1, Model: "m"})
	u.Add(history.Usage{In: 1})
	want := history.Usage{In: 12, Out: 3, Cached: 4, Nano: 5, Model: "m"}
	if u != want {
		t.Errorf("Add = %+v, want %+v", u, want)
	}
	later := append(u.Append(nil), 0x30, 7, 0x3a, 1, 'x') // two fields of a later version
	for _, b := range [][]byte{u.Append(nil), later} {
		if got, err := history.DecodeUsage(b); err != nil || got != want {
			t.Errorf("DecodeUsage(%x) = %+v, %v, want %+v", b, got, err, want)
		}
	}
	for _, b := range []string{"\x08", "\x2a\x05x", "\x80", "\x30"} {
		if got, err := history.DecodeUsage([]byte(b)); err == nil {
			t.Errorf("DecodeUsage(%x) = %+v, want an error", b, got)
		}
	}
	if b := (history.Usage{}).Append(nil); len(b) != 0 {
		t.Errorf("Append of nothing = %x, want nothing", b)
	}
}
