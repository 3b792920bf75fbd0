package history_test

import (
	"bytes"
	"testing"

	"github.com/perdure/perdure/internal/history"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestPublic(t *testing.T) {
	for _, body := range bodies() {
		e := new(filler).event(body)
		stored := e.Append(nil)
		e.Meta = nil
		got, referred, err := history.Public(stored)
		if want := e.Append(nil); err != nil || !referred || !bytes.Equal(got, want) {
			t.Errorf("Public(%x) = %x, %v, %v, want %x, true", stored, got, referred, err, want)
		}
		again, referred, err := history.Public(got)
		if err != nil || referred || !bytes.Equal(again, got) {
			t.Errorf("Public(%x) = %x, %v, %v, want it unchanged, false", got, again, referred, err)
		}
	}
}

func TestPublicKeepsWhatFollowsOwnFields(t *testing.T) {
	field := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	in := bytes.Join([][]byte{field(1, 7), field(1000, 1), field(31, 2), field(2000, 3), field(40, 4)}, nil)
	want := bytes.Join([][]byte{field(1, 7), field(31, 2), field(40, 4)}, nil)
	before := bytes.Clone(in)
	got, referred, err := history.Public(in)
	if err != nil || referred || !bytes.Equal(got, want) {
		t.Errorf("Public(%x) = %x, %v, %v, want %x, false", in, got, referred, err, want)
	}
	if !bytes.Equal(in, before) {
		t.Errorf("Public changed its input to %x, want %x", in, before)
	}
	if got, _, err := history.Public([]byte{0x08}); err == nil {
		t.Errorf("Public(truncated) = %x, want an error", got)
	}
}

func TestPublicDoesNotAllocate(t *testing.T) {
	stored := new(filler).event(&history.TaskCompleted{}).Append(nil)
	if n := testing.AllocsPerRun(100, func() {
		if _, _, err := history.Public(stored); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("allocations of Public = %v, want 0", n)
	}
}

// FuzzPublic strips own fields from events: what is left has none, and what it
// says of the protocol is unchanged.
func FuzzPublic(f *testing.F) {
	e := new(filler).event(&history.TaskScheduled{})
	f.Add(e.Append(nil))
	f.Add([]byte{0xc0, 0x3e, 0x00, 0x08, 0x05})
	f.Add([]byte{0x08})
	f.Fuzz(func(t *testing.T, b []byte) {
		var public []byte
		var err error
		checkAllocation(t, len(b), func() { public, _, err = history.Public(b) })
		if err != nil {
			return
		}
		if again, referred, err := history.Public(public); err != nil || referred || !bytes.Equal(again, public) {
			t.Errorf("Public(%x) = %x, %v, %v, want it unchanged", public, again, referred, err)
		}
		whole, err := history.Decode(b)
		if err != nil {
			return
		}
		stripped, err := history.Decode(public)
		if err != nil {
			t.Fatalf("Decode(Public(%x)) = %v", b, err)
		}
		if whole.ID != stripped.ID || !whole.Time.Equal(stripped.Time) || stripped.Meta != nil {
			t.Errorf("Decode(Public(%x)) = %v, want %v without own fields", b, stripped, whole)
		}
	})
}
