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
