package backup_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/backup"
)

// items has all fields, and all of them empty.
func items() []*store.Item {
	at := time.Date(2026, 3, 4, 5, 6, 7, 891_000, time.UTC)
	return []*store.Item{
		{Origin: &store.Origin{Identity: store.Identity{Lineage: [16]byte{1}, Timeline: [16]byte{2}}, Epoch: 7 << 32}},
		{Record: &store.Record{
			ID: "a", Kind: store.Entity, Incarnation: [16]byte{3}, Version: 9, Name: "n", Release: "v", Created: at, Parent: "p", Root: "r",
			Agent: "ag", Session: "s", Tags: map[string]string{"k": "v", "": ""}, Execution: "e", Status: store.Failed, Phase: store.Stuck,
			PhaseSince: at.Add(-time.Hour), Completed: at, Work: true, Packed: []byte("packed"),
		}},
		{Record: &store.Record{ID: "old", Created: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{Chunk: &store.HistoryChunk{ID: "a", Branch: "b", Chunk: store.Chunk{Seq: 1, Data: []byte("data")}}},
		{Message: &store.Message{Target: "a", ID: store.MessageID{Source: [16]byte{4}, Version: 5, Index: 6}, Data: []byte{}}},
		{Timer: &store.Timer{Owner: "a", Due: at, Execution: "e", Task: -2, Data: []byte("t")}},
		{Timer: &store.Timer{Owner: "a", Due: time.UnixMicro(0).UTC()}},
		{Row: &store.Row{Kind: 7, Owner: "a", Key: []byte("k"), Value: []byte("v"), Index: [2][]byte{{}, []byte("i")}, Keep: true}},
		{Row: &store.Row{Kind: 65535, Owner: "~hub", Key: []byte{}, Value: bytes.Repeat([]byte("long"), 50_000)}},
	}
}

func write(t testing.TB, hubs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := backup.NewWriter(&b)
	for _, name := range hubs {
		if err := w.Begin(backup.Hub{Name: name, Taken: time.UnixMicro(5).UTC()}); err != nil {
			t.Fatal(err)
		}
		for _, it := range items() {
			if err := w.Write(it); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// read reads all hubs.
func read(r io.Reader) (hubs []string, all [][]*store.Item, err error) {
	from := backup.NewReader(r)
	for {
		h, err := from.Hub()
		if errors.Is(err, io.EOF) {
			return hubs, all, nil
		}
		if err != nil {
			return hubs, all, err
		}
		hubs = append(hubs, fmt.Sprint(h.Name, " ", h.Taken.UnixMicro()))
		var list []*store.Item
		for {
			it, err := from.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return hubs, all, err
			}
			list = append(list, it)
		}
		all = append(all, list)
	}
}

func TestRoundTrip(t *testing.T) {
	hubs, all, err := read(bytes.NewReader(write(t, "one", "two")))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"one 5", "two 5"}; !slices.Equal(hubs, want) {
		t.Errorf("hubs = %q, want %q", hubs, want)
	}
	if diff := cmp.Diff([][]*store.Item{items(), items()}, all, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("items (-want +got)\n%s", diff)
	}
}

// TestFilesOneBehindTheOther puts two files together.
func TestFilesOneBehindTheOther(t *testing.T) {
	hubs, _, err := read(bytes.NewReader(append(write(t, "one"), write(t, "two")...)))
	if err != nil || len(hubs) != 2 {
		t.Errorf("hubs = %q, %v, want both", hubs, err)
	}
}

// TestDamage flips each bit, cuts the file at each byte, and leaves out each frame.
func TestDamage(t *testing.T) {
	whole := write(t, "one")
	head := len(whole) - 200_300 // the long row is damaged as a short one is
	for i := range whole {
		if i > head && i < len(whole)-100 && i%997 > 0 {
			continue
		}
		damaged := slices.Clone(whole)
		damaged[i] ^= 1 << (i % 8)
		if _, _, err := read(bytes.NewReader(damaged)); !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrFormat) {
			t.Fatalf("byte %d is damaged: %v, want %v", i, err, store.ErrCorrupt)
		}
		if _, _, err := read(bytes.NewReader(whole[:i])); i > 0 && !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrFormat) {
			t.Fatalf("cut at byte %d: %v, want %v", i, err, store.ErrCorrupt)
		}
	}
}

// TestMissingFrame leaves out a whole frame, whose neighbours are sound.
func TestMissingFrame(t *testing.T) {
	frames := func(tasks ...int32) (start int, data []byte) {
		var b bytes.Buffer
		w := backup.NewWriter(&b)
		if err := w.Begin(backup.Hub{Name: "x"}); err != nil {
			t.Fatal(err)
		}
		for _, task := range tasks {
			if err := w.Write(&store.Item{Timer: &store.Timer{Owner: "a", Task: task}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		return len("perdure backup 1\n") + 1 + 1 + len("\x0a\x01x") + 4, b.Bytes()
	}
	_, two := frames(1, 2)
	start, three := frames(1, 2, 3)
	size := len(three) - len(two)
	for name, cut := range map[string][]byte{
		"without the first":    slices.Concat(three[:start], three[start+size:]),
		"in another order":     slices.Concat(three[:start], three[start+size:start+2*size], three[start:start+size], three[start+2*size:]),
		"with one twice":       slices.Concat(three[:start+size], three[start:]),
		"with another's start": slices.Concat(two[:start+size], three[start+2*size:]),
	} {
		if _, _, err := read(bytes.NewReader(cut)); !errors.Is(err, store.ErrCorrupt) {
			t.Errorf("items %s = %v, want %v", name, err, store.ErrCorrupt)
		}
	}
	if _, _, err := read(bytes.NewReader(three)); err != nil {
		t.Errorf("as it was = %v", err)
	}
}

func TestOtherFormat(t *testing.T) {
	for _, text := range []string{"perdure backup 2\n", "PGDMP", strings.Repeat("x", 100)} {
		if _, _, err := read(strings.NewReader(text)); !errors.Is(err, store.ErrFormat) {
			t.Errorf("read(%q) = %v, want %v", text, err, store.ErrFormat)
		}
	}
}

// FuzzReader: whatever is read is named, costs no more memory than there is input, and
// is written again as it was.
func FuzzReader(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte("perdure backup 1\n\xff\xff\xff\x7f"))
	f.Add(write(f, "one")[:400])
	var small bytes.Buffer
	w := backup.NewWriter(&small)
	_ = w.Begin(backup.Hub{Name: "x"}) // a buffer takes everything
	_ = w.Write(items()[1])
	_ = w.End()
	f.Add(small.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		hubs, all, err := read(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrFormat) {
				t.Errorf("read(%x) = %v", data, err)
			}
			return
		}
		var b bytes.Buffer
		w := backup.NewWriter(&b)
		for i := range hubs {
			if err := w.Begin(backup.Hub{}); err != nil {
				t.Fatal(err)
			}
			for _, it := range all[i] {
				if err := w.Write(it); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.End(); err != nil {
				t.Fatal(err)
			}
		}
		_, again, err := read(&b)
		if diff := cmp.Diff(all, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Errorf("written and read again (-want +got), %v\n%s", err, diff)
		}
	})
}
