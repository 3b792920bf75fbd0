package memory_test

import (
	"context"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// filled returns a hub with three instances and a row of each.
func filled(t testing.TB) *memory.Hub {
	t.Helper()
	h, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	group := &store.Group{}
	for _, id := range []string{"a", "b", "c"} {
		r := &store.Record{ID: id, Root: id, Version: 1, Name: "n", Created: created, Execution: "e"}
		group.Commits = append(group.Commits, &store.Commit{
			ID: id, Shard: store.ShardOf(id), Record: r,
			Rows: []store.Row{{Kind: 100, Owner: id, Key: []byte("k"), Value: []byte("v")}},
		})
		leases, err := h.Acquire(t.Context(), "node", []store.Shard{store.ShardOf(id)}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		group.Epochs = append(group.Epochs, leases...)
	}
	receipt, err := h.Submit(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if refused, err := receipt.Wait(t.Context()); err != nil || len(refused) > 0 {
		t.Fatalf("Submit() = %v, %v", refused, err)
	}
	return h
}

var created = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// FuzzCursors gives arbitrary bytes as the cursor and the position of each read:
// a refusal, or a page of what there is.
func FuzzCursors(f *testing.F) {
	h := filled(f)
	position, err := h.Position(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(position))
	f.Add([]byte{byte(store.IDAsc), 'a'})
	f.Add([]byte{byte(store.CreatedDesc)})
	f.Add([]byte{0xff, 0xff})
	f.Add([]byte("1--1"))
	f.Add([]byte("1-99999999999999999999"))
	f.Fuzz(func(t *testing.T, cursor []byte) {
		for order := range store.CompletedDesc + 1 {
			page, err := h.List(t.Context(), store.Query{Order: order, After: cursor, Limit: 2})
			if err == nil && len(page.Records) > 2 {
				t.Errorf("List(%v, after %x) = %d records, want at most 2", order, cursor, len(page.Records))
			}
		}
		rows, _, err := h.Rows(t.Context(), store.RowQuery{Kind: 100, Owner: "a", After: cursor})
		if err != nil || len(rows) > 1 {
			t.Errorf("Rows(after %x) = %d rows, %v, want at most 1", cursor, len(rows), err)
		}
		if _, _, err := h.Messages(t.Context(), 0, cursor, 1); err != nil {
			t.Errorf("Messages(after %x) = %v", cursor, err)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		list, next, _, _ := h.Changes(stopped, store.Position(cursor), 0)
		if len(list) > 3 || len(list) > 0 && next == store.Position(cursor) {
			t.Errorf("Changes(%q) = %d changes, next %q", cursor, len(list), next)
		}
		if _, _, err := h.Timers(t.Context(), 0, time.Time{}, created, cursor, 1); err != nil {
			t.Errorf("Timers(after %x) = %v", cursor, err)
		}
	})
}
