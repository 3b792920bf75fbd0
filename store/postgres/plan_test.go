package postgres_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// populate commits n instances of two names, of which few have failed and few have work.
func populate(t *testing.T, h *postgres.Hub, n int) {
	t.Helper()
	all := make([]store.Shard, store.Shards)
	for i := range all {
		all[i] = store.Shard(i)
	}
	leases, err := h.Acquire(t.Context(), "one", all, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Unix(1_700_000_000, 0)
	for done := 0; done < n; {
		g := &store.Group{Epochs: leases}
		for range min(256, n-done) {
			id := fmt.Sprintf("run-%06d", done)
			r := &store.Record{
				ID: id, Version: 1, Name: fmt.Sprintf("name%d", done%2), Created: began.Add(time.Duration(done) * time.Second),
				Status: store.Completed, Completed: began.Add(time.Duration(done+5) * time.Second),
				Parent: fmt.Sprintf("parent%d", done%97), Agent: "a", Session: fmt.Sprintf("s%d", done%53),
				Tags: map[string]string{"team": fmt.Sprint(done % 31)},
			}
			if done%1000 == 7 {
				r.Status = store.Failed
			}
			if done%500 == 3 {
				r.Status, r.Completed, r.Work, r.Phase = store.Running, time.Time{}, true, store.Active
			}
			c := &store.Commit{ID: id, Shard: store.ShardOf(id), Fresh: true, Record: r}
			for k := range 2 {
				c.Rows = append(c.Rows, store.Row{Kind: 5, Owner: id, Key: []byte{byte(k)}, Value: []byte("v"), Index: [2][]byte{[]byte(id), nil}})
			}
			g.Commits = append(g.Commits, c)
			done++
		}
		r, err := h.Submit(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		if refused, err := r.Wait(t.Context()); err != nil || len(refused) > 0 {
			t.Fatalf("Wait() = %v, %v", refused, err)
		}
	}
}

// TestPlans looks whether PostgreSQL, left to itself, answers by indexes.
func TestPlans(t *testing.T) {
	w := &world{t: t, server: pgtest.Start(t)}
	w.url = w.server.Database()
	h := w.open(false, postgres.Options{})
	populate(t, h, 20_000)
	if err := h.Compact(t.Context()); err != nil { // which brings the statistics up to date
		t.Fatal(err)
	}
	at := time.Unix(1_700_010_000, 0)
	plain := w.session()
	explain := func(what, sql string, args []any, index string) {
		t.Helper()
		rows, err := plain.Query(t.Context(), "EXPLAIN "+sql, args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, sql)
		}
		var plan strings.Builder
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			plan.WriteString(line + "\n")
		}
		if err := rows.Err(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if text := plan.String(); strings.Contains(text, "Seq Scan") || !strings.Contains(text, index) {
			t.Errorf("%s is not answered by %s:\n%s", what, index, text)
		}
	}
	for _, c := range []struct {
		query store.Query
		index string
	}{
		{store.Query{}, "listing_state"},
		{store.Query{Order: store.CreatedAsc, CreatedFrom: at}, "listing_state"},
		{store.Query{Statuses: []store.Status{store.Failed}}, "listing_state"},
		{store.Query{Phases: []store.Phase{store.Active}}, "listing_state"},
		{store.Query{Names: []string{"name1"}}, "listing_name"},
		{store.Query{Names: []string{"name1"}, Statuses: []store.Status{store.Failed}}, "listing_state"},
		{store.Query{Parent: "parent3"}, "listing_parent"},
		{store.Query{Agent: "a", Session: "s3"}, "listing_agent"},
		{store.Query{Tag: [2]string{"team", "3"}}, "tags_pkey"},
		{store.Query{Order: store.CompletedAsc, CompletedTo: at}, "listing_completed"},
		{store.Query{Order: store.CompletedDesc}, "listing_completed"},
		{store.Query{Order: store.IDAsc, IDPrefix: "run-0001"}, "listing_pkey"},
		{store.Query{WorkOnly: true, Order: store.CreatedAsc}, "listing_work"},
		{store.Query{WorkOnly: true, Order: store.CreatedAsc, Shards: []store.Shard{1, 2, 3}}, "listing_work"},
	} {
		sql, args, err := h.ListSQL(t.Context(), c.query)
		if err != nil {
			t.Fatal(err)
		}
		explain(fmt.Sprintf("List(%+v)", c.query), sql, args, c.index)
	}
	for _, c := range []struct {
		query store.RowQuery
		index string
	}{
		{store.RowQuery{Kind: 5, Owner: "run-000001"}, "rows_pkey"},
		{store.RowQuery{Kind: 5, Owner: "run-000001", From: []byte{1}, Desc: true}, "rows_pkey"},
		{store.RowQuery{Kind: 5, From: []byte("run-0001"), To: []byte("run-0002")}, "rows_index0"},
		{store.RowQuery{Kind: 5, Desc: true}, "rows_index0"},
	} {
		sql, args, err := h.RowsSQL(c.query)
		if err != nil {
			t.Fatal(err)
		}
		explain(fmt.Sprintf("Rows(%+v)", c.query), sql, args, c.index)
	}
}

func FuzzDecode(f *testing.F) {
	record, feed := postgres.Sample(&store.Record{ID: "id", Name: "n", Tags: map[string]string{"k": "v"}, Packed: []byte("p"), Execution: "x"})
	f.Add(record)
	f.Add(feed)
	f.Add([]byte("AAL88d64vdOwBq9J1x8"))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, ok := postgres.Decode(b)
		if !ok {
			return
		}
		if _, ok := postgres.Decode(again); !ok {
			t.Errorf("Decode(%x) decodes to something that does not encode: %x", b, again)
		}
	})
}
