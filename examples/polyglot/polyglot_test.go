package polyglot_test

import (
	"context"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/polyglot"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/perduretest"
)

// wordCount stands in for the activity in worker.py; internal/sdk runs both.
func wordCount(_ context.Context, text string) (polyglot.Count, error) {
	return polyglot.Count{Words: len(strings.Fields(text)), Longest: "much"}, nil
}

// TestCrashEverywhere crashes at each commit of the half in Go.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Register: func(reg *perdure.Registry) {
			if err := polyglot.Register(reg, nil); err != nil {
				t.Error(err)
			}
			perdure.AddActivityNamed(reg, "word_count", wordCount)
		},
		Run: func(e *perduretest.Env) {
			if _, err := client.Start(t.Context(), e.Client(), polyglot.Report, "so much to say", client.StartOptions{ID: "r1"}); err != nil {
				t.Fatal(err)
			}
			got, err := perduretest.Result[string](e, "r1")
			if want := "4 WORDS, THE LONGEST IS MUCH!"; err != nil || got != want {
				t.Errorf("Report() = %q, %v, want %q", got, err, want)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
