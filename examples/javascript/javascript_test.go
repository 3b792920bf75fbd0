package javascript_test

import (
	"context"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/javascript"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// price stands in for the activity in worker.mjs; internal/sdk runs both.
func price(context.Context, string) (float64, error) { return 0.4, nil }

// TestCrashEverywhere crashes at each commit of the half in Go.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: func(reg *perdure.Registry) {
			if err := javascript.Register(reg, nil); err != nil {
				t.Error(err)
			}
			perdure.AddActivityNamed(reg, "price", price)
		},
		Run: func(e *perduretest.Env) {
			order := javascript.Order{Item: "apple", Count: 3}
			if _, err := client.Start(t.Context(), e.Client(), javascript.Quote, order, client.StartOptions{ID: "q1"}); err != nil {
				t.Fatal(err)
			}
			got, err := perduretest.Result[string](e, "q1")
			if want := "3 apple: 1.20"; err != nil || got != want {
				t.Errorf("Quote(%v) = %q, %v, want %q", order, got, err, want)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
