package history_test

import (
	"bytes"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/perdure/perdure/internal/history"
	"google.golang.org/protobuf/encoding/protowire"
)

// nested returns an event with a failure of n levels.
func nested(n int) []byte {
	var b []byte
	for range n - 1 {
		b = protowire.AppendBytes(protowire.AppendTag(nil, 4, protowire.BytesType), b)
	}
	b = protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), b)
	return protowire.AppendBytes(protowire.AppendTag(nil, 8, protowire.BytesType), b)
}

// groups returns n groups, each in the one before.
func groups(n int) []byte {
	var b []byte
	for range n {
		b = protowire.AppendTag(b, 40, protowire.StartGroupType)
	}
	for range n {
		b = protowire.AppendTag(b, 40, protowire.EndGroupType)
	}
	return b
}

func TestDecodeRefuses(t *testing.T) {
	for name, in := range map[string][]byte{
		"tag cut off":         {0x80},
		"field number 0":      {0x00, 0x00},
		"varint cut off":      {0x08, 0x80},
		"length beyond input": {0x3a, 0x05, 0x08},
		"length of 2^63":      {0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"body cut off":        {0x3a, 0x01, 0x08},
		"text cut off":        {0x3a, 0x03, 0x12, 0x01, 0x0a},
		"invalid UTF-8":       {0x32, 0x03, 0x0a, 0x01, 0xff},
		"invalid UTF-8 text":  {0x3a, 0x05, 0x12, 0x03, 0x0a, 0x01, 0xff},
		"nanos out of range":  {0x12, 0x06, 0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03},
		"open group":          {0xc3, 0x02},
		"wrong end of group":  {0xc3, 0x02, 0xcc, 0x02},
		"lone end of group":   {0xc4, 0x02},
		"deep failure":        nested(63),
		"deep groups":         groups(65),
		"tags that explode":   append([]byte{0x32, 0x80, 0x80, 0x04}, bytes.Repeat([]byte{0x2a, 0x00}, 1<<15)...),
	} {
		if e, err := history.Decode(in); err == nil {
			t.Errorf("%s: Decode(%.40x) = %v, want an error", name, in, e)
		}
	}
	if e, err := history.DecodeChunk(bytes.Repeat([]byte{0x0a, 0x00}, 1<<16)); err == nil {
		t.Errorf("DecodeChunk(65536 empty events) = %d events, want an error", len(e))
	}
	for raw, err := range history.ChunkEvents([]byte{0x0a, 0x00, 0x0a, 0x02}) {
		if err == nil && len(raw) > 0 {
			t.Errorf("ChunkEvents(truncated) gave %x, want an error", raw)
		}
	}
}

func TestDecodeAccepts(t *testing.T) {
	if _, err := history.Decode(nested(62)); err != nil {
		t.Errorf("Decode(62 failures) = %v, want none", err)
	}
	if _, err := history.Decode(groups(64)); err != nil {
		t.Errorf("Decode(64 groups) = %v, want none", err)
	}
	for name, test := range map[string]struct {
		in   []byte
		want *history.Event
	}{
		"unknown fields of the event": {
			[]byte{0xf8, 0x01, 0x07, 0x08, 0x05, 0x9a, 0x06, 0x01, 0x41},
			&history.Event{ID: 5, Unknown: []byte{0xf8, 0x01, 0x07, 0x9a, 0x06, 0x01, 0x41}},
		},
		"unknown fields of a body": {
			[]byte{0x3a, 0x05, 0x08, 0x03, 0x9a, 0x06, 0x00},
			&history.Event{Body: &history.TaskCompleted{TaskScheduledID: 3}},
		},
		"known fields of another type": {
			[]byte{0x0a, 0x00, 0x38, 0x01, 0x3a, 0x02, 0x10, 0x01},
			&history.Event{Body: &history.TaskCompleted{}, Unknown: []byte{0x0a, 0x00, 0x38, 0x01}},
		},
		"the last of two bodies": {
			[]byte{0x3a, 0x02, 0x08, 0x03, 0x72, 0x00},
			&history.Event{Body: &history.OrchestratorStarted{}},
		},
		"a body in two pieces": {
			[]byte{0x3a, 0x02, 0x08, 0x03, 0x3a, 0x02, 0x12, 0x00},
			&history.Event{Body: &history.TaskCompleted{TaskScheduledID: 3, Result: history.Some("")}},
		},
		"own fields with nothing in them": {
			[]byte{0xc0, 0x3e, 0x00, 0xda, 0x3e, 0x00},
			&history.Event{},
		},
	} {
		got, err := history.Decode(test.in)
		if err != nil {
			t.Errorf("%s: Decode(%x) = %v", name, test.in, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: Decode(%x) differs (-want +got):\n%s", name, test.in, diff)
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// checkAllocation checks that f, given n bytes, allocates at most 16 times as
// much, besides a constant for small inputs and the test itself.
func checkAllocation(t *testing.T, n int, f func()) {
	t.Helper()
	if got, want := allocated(f), uint64(16*n+256<<10); got > want {
		t.Errorf("decoding %d bytes allocated %d, want at most %d", n, got, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		var e *history.Event
		var err error
		checkAllocation(t, len(b), func() { e, err = history.Decode(b) })
		if err != nil {
			return
		}
		again := e.Append(nil)
		got, err := history.Decode(again)
		if err != nil {
			t.Fatalf("Decode(Append(Decode(%x))) = %v", b, err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("Decode(Append(Decode(%x))) differs (-want +got):\n%s", b, diff)
		}
		if e.String() == "" {
			t.Error(`String() = "", want a line`)
		}
	})
}

func FuzzDecodeChunk(f *testing.F) {
	f.Add(bytes.Repeat([]byte{0x0a, 0x00}, 5000))
	f.Fuzz(func(t *testing.T, b []byte) {
		var events []*history.Event
		var err error
		checkAllocation(t, len(b), func() { events, err = history.DecodeChunk(b) })
		if err != nil {
			return
		}
		got, err := history.DecodeChunk(history.AppendChunk(nil, events...))
		if err != nil {
			t.Fatalf("DecodeChunk(AppendChunk(DecodeChunk(%x))) = %v", b, err)
		}
		if diff := cmp.Diff(events, got); diff != "" {
			t.Errorf("DecodeChunk(AppendChunk(DecodeChunk(%x))) differs (-want +got):\n%s", b, diff)
		}
	})
}

func completed() *history.Event {
	e := new(filler).event(&history.TaskCompleted{})
	e.ID, e.Meta = -1, nil
	return e
}

func BenchmarkAppend(b *testing.B) {
	e := completed()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = e.Append(buf[:0])
	}
}

func BenchmarkDecode(b *testing.B) {
	buf := completed().Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := history.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
