package sharedstate_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/sharedstate"
	"github.com/perdure/perdure/perduretest"
)

func env(t *testing.T) *perduretest.Env {
	t.Helper()
	reg := perdure.NewRegistry()
	sharedstate.Register(reg)
	return perduretest.New(t, reg)
}

// fill puts something in stock.
func fill(t *testing.T, e *perduretest.Env, product string, n int) {
	t.Helper()
	if err := e.Client().Ask(t.Context(), "@stock@"+product, "Add", n, nil, client.WithRequestID("fill "+product)); err != nil {
		t.Fatal(err)
	}
}

func left(t *testing.T, e *perduretest.Env, product string) int {
	t.Helper()
	entity, err := e.Client().Entity(t.Context(), perdure.NewEntityID("stock", product))
	if err != nil {
		t.Fatal(err)
	}
	var s sharedstate.Stock
	if err := json.Unmarshal(entity.State, &s); err != nil {
		t.Fatal(err)
	}
	return s.Left
}

func order(counts map[string]int) sharedstate.Order {
	o := sharedstate.Order{Customer: "ada"}
	for _, product := range []string{"cup", "plate"} {
		if n := counts[product]; n > 0 {
			o.Lines = append(o.Lines, sharedstate.Line{Product: product, Count: n, Cents: 10_00})
		}
	}
	return o
}

func TestFulfilOrder(t *testing.T) {
	e := env(t)
	fill(t, e, "cup", 8)
	fill(t, e, "plate", 2)
	for i, c := range []struct {
		counts      map[string]int
		want        sharedstate.State
		cup, plates int // left
	}{
		{map[string]int{"cup": 3, "plate": 1}, sharedstate.State{Net: 40_00, Shipping: 4_90, Invoice: "2026-1"}, 5, 1},
		{map[string]int{"cup": 2, "plate": 2}, sharedstate.State{Net: 40_00, Halted: "1 of 2 plate are in stock"}, 5, 1},
		{map[string]int{"cup": 5}, sharedstate.State{Net: 50_00, Invoice: "2026-2"}, 0, 1},
	} {
		got, err := perduretest.Run(e, sharedstate.FulfilOrder, order(c.counts))
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("order %d: %v (-want +got):\n%s", i, err, d)
		}
		if cup, plates := left(t, e, "cup"), left(t, e, "plate"); cup != c.cup || plates != c.plates {
			t.Errorf("order %d leaves %d cups and %d plates, want %d and %d", i, cup, plates, c.cup, c.plates)
		}
	}
}

// TestTwoLines orders a product in two lines, for each of which alone there would
// be enough.
func TestTwoLines(t *testing.T) {
	e := env(t)
	fill(t, e, "cup", 3)
	line := sharedstate.Line{Product: "cup", Count: 2, Cents: 1}
	got, err := perduretest.Run(e, sharedstate.FulfilOrder, sharedstate.Order{Lines: []sharedstate.Line{line, line}})
	if want := "3 of 4 cup are in stock"; got.Halted != want || err != nil {
		t.Errorf("FulfilOrder() = %+v, %v, want it halted: %s", got, err, want)
	}
}

// TestNoOverselling has ten runs want a cup each at the same time, of which there
// are three.
func TestNoOverselling(t *testing.T) {
	e := env(t)
	fill(t, e, "cup", 3)
	var ids []string
	for range 10 {
		started, err := client.Start(t.Context(), e.Client(), sharedstate.FulfilOrder, order(map[string]int{"cup": 1}),
			client.StartOptions{At: e.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, started.ID)
	}
	invoices, halted := map[string]bool{}, 0
	for _, id := range ids {
		s, err := perduretest.Result[sharedstate.State](e, id)
		if err != nil {
			t.Fatal(err)
		}
		if s.Halted != "" {
			halted++
		} else {
			invoices[s.Invoice] = true
		}
	}
	want := map[string]bool{"2026-1": true, "2026-2": true, "2026-3": true}
	if n := left(t, e, "cup"); halted != 7 || n != 0 || !cmp.Equal(want, invoices) {
		t.Errorf("%d runs halted, %d cups are left, invoices %v, want 7, 0, %v", halted, n, invoices, want)
	}
}

func ExampleStock_Add() {
	s := &sharedstate.Stock{Left: 2}
	fmt.Println(s.Add(-3))
	fmt.Println(s.Add(-2))
	// Output:
	// 2 3 are too many: there are 2
	// 0 <nil>
}
