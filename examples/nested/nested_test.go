package nested_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/nested"
	"github.com/perdure/perdure/perduretest"
)

func env(t *testing.T, opts ...perduretest.Option) *perduretest.Env {
	t.Helper()
	reg := perdure.NewRegistry()
	nested.Register(reg)
	return perduretest.New(t, reg, opts...)
}

var order = nested.Order{ID: "A1", Cents: 49_00, Address: "12 Analytical Row"}

// TestOrder has an order paid and sent, in four runs that know where they belong.
func TestOrder(t *testing.T) {
	e := env(t)
	id := perduretest.Start(e, nested.ProcessOrder, order)
	got, err := perduretest.Result[nested.Done](e, id)
	want := nested.Done{Payment: "payment of A1", Shipment: "shipment of parcel of A1"}
	if err != nil || got != want {
		t.Errorf("ProcessOrder() = %+v, %v, want %+v", got, err, want)
	}
	page, err := e.Client().List(t.Context(), client.Query{Filter: "root:" + id})
	if err != nil {
		t.Fatal(err)
	}
	names, parents := map[string]string{}, map[string]string{}
	for _, i := range page.Items {
		names[i.ID] = i.Name
	}
	for _, i := range page.Items {
		parents[i.Name] = names[i.Parent]
	}
	family := map[string]string{"ProcessOrder": "", "PayOrder": "ProcessOrder", "CheckFraud": "PayOrder", "ShipOrder": "ProcessOrder"}
	if d := cmp.Diff(family, parents); d != "" {
		t.Errorf("the runs and those that called them (-want +got):\n%s", d)
	}
}

// TestFraud has what the innermost workflow finds reach the outermost.
func TestFraud(t *testing.T) {
	e := env(t)
	rich := order
	rich.Cents = 600_00
	for _, c := range []struct {
		order nested.Order
		err   string
	}{
		{rich, "order A1 looks like fraud: the risk is 0.60"},
		{nested.Order{ID: "A1"}, "there is no address"},
	} {
		_, err := perduretest.Run(e, nested.ProcessOrder, c.order)
		if err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("ProcessOrder(%+v) = %v, want %q", c.order, err, c.err)
		}
	}
	if n := len(e.Calls("ChargeCard")); n != 0 {
		t.Errorf("a card was charged %d times, want never", n)
	}
}

// TestNoCarrier has the shipment fail for good, each time as a run of its own: the
// payment, which was made once, is taken back.
func TestNoCarrier(t *testing.T) {
	down := perduretest.Fail(errors.New("no carrier"))
	e := env(t, perduretest.Outcomes("Dispatch", down, down, down))
	got, err := perduretest.Run(e, nested.ProcessOrder, order)
	want := nested.Done{Payment: "payment of A1", Refund: "refund of payment of A1"}
	if err != nil || got != want {
		t.Errorf("ProcessOrder() = %+v, %v, want %+v", got, err, want)
	}
	for step, want := range map[string]int{"ChargeCard": 1, "Pack": 3, "Dispatch": 3, "Refund": 1} {
		if n := len(e.Calls(step)); n != want {
			t.Errorf("%s ran %d times, want %d", step, n, want)
		}
	}
}
