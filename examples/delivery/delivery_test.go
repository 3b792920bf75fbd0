package delivery_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/delivery"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// deliver lets an order fail at a closed warehouse, opens that and rewinds the run.
func deliver(t *testing.T, e *perduretest.Env) {
	c := e.Client()
	if _, err := client.Start(t.Context(), c, delivery.Delivery, "a lamp", client.StartOptions{ID: "run"}); err != nil {
		t.Error(err)
	}
	e.Settle()
	if err := c.Signal(t.Context(), perdure.NewEntityID("warehouse", "main"), "Open", nil, client.WithRequestID("open")); err != nil {
		t.Error(err)
	}
	e.Settle()
	if err := c.Rewind(t.Context(), "run", "the warehouse is open", client.WithRequestID("rewind")); err != nil {
		t.Error(err)
	}
	e.Settle()
}

func TestDelivery(t *testing.T) {
	reg := perdure.NewRegistry()
	delivery.Register(reg)
	e := perduretest.New(t, reg)
	deliver(t, e)
	run, err := e.Client().Get(t.Context(), "run")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(run.Output), `"Delivered from shelf 6, receipt run for a lamp"`; got != want {
		t.Errorf("output = %s (%s), want %s", got, run.Status, want)
	}
	if paid := e.Calls("TakePayment"); len(paid) != 1 {
		t.Errorf("it was paid %d times, want once", len(paid))
	}
}

func TestClosed(t *testing.T) {
	reg := perdure.NewRegistry()
	delivery.Register(reg)
	e := perduretest.New(t, reg)
	if _, err := client.Start(t.Context(), e.Client(), delivery.Delivery, "a lamp", client.StartOptions{ID: "run"}); err != nil {
		t.Fatal(err)
	}
	if run := e.Wait("run"); run.Failure == nil || !strings.Contains(run.Failure.Error(), "the warehouse is closed") {
		t.Errorf("run = %+v, want that it says what is to be done", run)
	}
}

// TestCrashEverywhere drops the process before and after each commit of it all: it is
// paid once and picked once.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: delivery.Register,
		Run:      func(e *perduretest.Env) { deliver(t, e) },
	}
	done := perduretest.CrashEverywhere(t, scenario)
	if done.Commits < 6 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
	crashes.LongOnPostgres(t, scenario)
}
