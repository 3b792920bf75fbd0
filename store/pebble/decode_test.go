package pebble

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure/store"
)

// The decoders are not exported, so these tests look from inside.

func sampleRecord() *store.Record {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	return &store.Record{
		ID: "a", Kind: store.Entity, Incarnation: [16]byte{1, 2}, Version: 300, Name: "n", Release: "r",
		Created: at, Parent: "p", Root: "root", Agent: "ag", Session: "s", Tags: map[string]string{"k": "v", "": ""},
		Execution: "0123456789abcdef0123456789abcdef", Status: store.Failed, Phase: store.Stuck,
		PhaseSince: at.Add(-time.Second), Completed: at.Add(time.Hour), Work: true, Packed: []byte("packed"),
	}
}

func TestRecordRoundTrip(t *testing.T) {
	bare := &store.Record{ID: "b", Root: "b", Version: 1, Execution: "not hexadecimal\x00"}
	for _, r := range []*store.Record{sampleRecord(), bare} {
		timers := []timerRef{{due: 5, branch: "x", task: -1}, {due: -5, branch: r.Execution, task: 1 << 30}}
		want := headOf(r, timers)
		got, head, ok := decodeRecord(appendRecord(nil, r, &want), r.ID)
		if !ok {
			t.Fatalf("decodeRecord(%q) fails", r.ID)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("decodeRecord(%q): want (-), got (+):\n%s", r.ID, diff)
		}
		if diff := cmp.Diff(want, head, cmp.AllowUnexported(head, timerRef{})); diff != "" {
			t.Errorf("head of %q: want (-), got (+):\n%s", r.ID, diff)
		}
	}
}

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

// manyTags is a record that says to have more tags than it has.
func manyTags() []byte {
	r := &store.Record{ID: "a", Root: "a", Tags: map[string]string{"a": "b"}, Packed: make([]byte, 58_000)}
	h := headOf(r, nil)
	whole := appendRecord(nil, r, &h)
	at := bytes.LastIndex(whole, []byte("\x01\x01a\x01b"))
	return append(binary.AppendUvarint(bytes.Clone(whole[:at]), 1<<32), whole[at+1:]...)
}

// FuzzRecord reads records. A timer takes 5 bytes and is 32 in a slice that grows,
// so the bound of memory is wider than for what comes from outside; the bytes are
// our own and have a checksum.
func FuzzRecord(f *testing.F) {
	r := sampleRecord()
	h := headOf(r, []timerRef{{due: 5, branch: "x", task: 3}})
	f.Add(appendRecord(nil, r, &h))
	f.Add([]byte{})
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add(append(binary.AppendUvarint([]byte{1}, 4000), bytes.Repeat([]byte{2, branchText, 0, endByte, 2}, 4000)...))
	f.Add(manyTags())
	f.Fuzz(func(t *testing.T, body []byte) {
		var r *store.Record
		var h head
		var ok bool
		checkAllocation(t, len(body), 48, func() { r, h, ok = decodeRecord(body, "a") })
		if !ok {
			return
		}
		again, _, ok := decodeRecord(appendRecord(nil, r, &h), "a")
		if !ok {
			t.Fatalf("decodeRecord(%x) does not fit what it returns", body)
		}
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("decodeRecord(%x) changes when stored again:\n%s", body, diff)
		}
	})
}

func FuzzRow(f *testing.F) {
	h := &Hub{db: &DB{}, number: 1}
	r := store.Row{Kind: 3, Owner: "a", Key: []byte("k"), Value: []byte("v"), Index: [2][]byte{{}, []byte("i")}, Keep: true}
	b := builder{hub: h}
	b.rowKey(&r)
	f.Add(b.key, appendRow(nil, &r))
	f.Add([]byte("123456"), []byte{rowIndex0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, key, body []byte) {
		if len(key) < prefixSize {
			return // no key of the store
		}
		r, err := h.decodeRow(key, store.Seal(nil, body, nil))
		if err != nil {
			return
		}
		again, err := h.decodeRow(key, store.Seal(nil, appendRow(nil, &r), nil))
		if diff := cmp.Diff(r, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("decodeRow(%x, %x) changes when stored again: %v\n%s", key, body, err, diff)
		}
	})
}

// FuzzKeys puts arbitrary keys before all that reads keys; none may panic.
func FuzzKeys(f *testing.F) {
	h := &Hub{db: &DB{}, number: 1}
	b := builder{hub: h}
	b.timerKey(3, "owner", timerRef{due: 1, branch: "b", task: 2})
	f.Add(bytes.Clone(b.key))
	b.ownTimerKey("owner", timerRef{due: 1, branch: "b", task: 2})
	f.Add(bytes.Clone(b.key))
	b.messageKey("target", store.MessageID{Version: 1 << 40})
	f.Add(bytes.Clone(b.key))
	f.Add(cursor(store.CompletedAsc, place{at: 1, id: "a"}))
	f.Fuzz(func(_ *testing.T, key []byte) {
		_ = shownKey(key).String()
		_, _ = cutCursor(store.CompletedAsc, key)
		_, _, _ = cutBranch(key)
		_, _ = cutOwnTimer(key)
		if len(key) > prefixSize {
			_, _ = h.decodeMessage(key, nil)
			_, _ = h.decodeTimer(key, nil)
		}
	})
}

// FuzzParts checks that parts keep the order of strings and come back.
func FuzzParts(f *testing.F) {
	f.Add("a", "a\x00", "tail")
	f.Add("", "\x00\xff", "\x00\x01")
	f.Fuzz(func(t *testing.T, a, b, tail string) {
		ka, kb := appendPart(nil, a), appendPart(nil, b)
		if got, want := bytes.Compare(ka, kb), bytes.Compare([]byte(a), []byte(b)); got != want {
			t.Errorf("parts of %q and %q compare %d, want %d", a, b, got, want)
		}
		if a != b && bytes.HasPrefix(ka, kb) {
			t.Errorf("part of %q begins with that of %q", a, b)
		}
		part, rest, ok := cutPart(append(ka, tail...))
		if !ok || string(part) != a || string(rest) != tail {
			t.Errorf("cutPart(appendPart(%q) + %q) = %q, %q, %v", a, tail, part, rest, ok)
		}
	})
}

func FuzzSequence(f *testing.F) {
	f.Add(uint64(0), uint64(255), int64(-1), int64(1))
	f.Add(uint64(256), uint64(1<<63), int64(-1<<63), int64(1<<63-1))
	f.Fuzz(func(t *testing.T, a, b uint64, x, y int64) {
		if got := bytes.Compare(appendSeq(nil, a), appendSeq(nil, b)) < 0; got != (a < b) {
			t.Errorf("appendSeq(%d) < appendSeq(%d) = %v, want %v", a, b, got, a < b)
		}
		if n, rest, ok := cutSeq(appendSeq(nil, a)); n != a || len(rest) > 0 || !ok {
			t.Errorf("cutSeq(appendSeq(%d)) = %d, %x, %v", a, n, rest, ok)
		}
		if got := bytes.Compare(appendTime(nil, x), appendTime(nil, y)) < 0; got != (x < y) {
			t.Errorf("appendTime(%d) < appendTime(%d) = %v, want %v", x, y, got, x < y)
		}
	})
}
