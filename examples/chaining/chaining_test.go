package chaining_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/chaining"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// writer improves what it has said before; without that it has nothing to improve.
func writer() model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		switch len(r.Messages) {
		case 1:
			return modeltest.Say("Two seats!")
		case 3:
			return modeltest.Say("Better than " + r.Messages[1].Text())
		}
		return modeltest.Say("What do you mean?")
	})
}

// TestCrashEverywhere crashes at each commit: the second turn always knows the
// first, which is asked once.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			if err := chaining.Register(reg, writer()); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			_, err := client.Start(t.Context(), e.Client(), chaining.Slogan, "a bicycle", client.StartOptions{ID: "s1"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := perduretest.Result[string](e, "s1")
			if want := "Better than Two seats!"; err != nil || got != want {
				t.Errorf("Slogan() = %q, %v, want %q", got, err, want)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}

// TestSessions runs the orchestration twice: the runs have conversations of their
// own.
func TestSessions(t *testing.T) {
	reg := perdure.NewRegistry()
	if err := chaining.Register(reg, writer()); err != nil {
		t.Fatal(err)
	}
	env := perduretest.New(t, reg)
	for range 2 {
		if got, err := perduretest.Run(env, chaining.Slogan, "a bicycle"); err != nil || got != "Better than Two seats!" {
			t.Errorf("Slogan() = %q, %v, want that the second turn knows the first, and no more", got, err)
		}
	}
}
