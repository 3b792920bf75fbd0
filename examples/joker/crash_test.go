package joker_test

import (
	"regexp"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/examples/joker"
	"github.com/perdure/perdure/model/auto"
	"github.com/perdure/perdure/perduretest"
)

// offsets of streams count the attempts of a model step.
var offsets = regexp.MustCompile(`"next":\d+`)

// TestCrashEverywhere drops the process before and after each commit of two turns
// of one session: each message is there once, and no model step with an outcome
// is asked again.
func TestCrashEverywhere(t *testing.T) {
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: offsets,
		Register: func(reg *perdure.Registry) {
			if err := joker.Register(reg, auto.NewDemo(auto.DemoConfig{Pace: -1})); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			agents := agent.NewService(e.Client())
			id, err := agent.NewSessionID("Joker", "k1")
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"Tell me a joke about a pirate.", "And one about a robot."} {
				if _, err := agents.Send(t.Context(), id, agent.Message{Text: text, CorrelationID: text}); err != nil {
					t.Error(err)
				}
				e.Settle()
			}
			log, err := agents.Messages(t.Context(), id, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			var roles []string
			for _, m := range log {
				roles = append(roles, string(m.Message.Role))
			}
			if len(roles) != 4 {
				t.Errorf("the session has messages of %v, want user, assistant, user, assistant", roles)
			}
		},
	})
	if done.Commits < 8 {
		t.Errorf("%d commits: too few to mean anything", done.Commits)
	}
	t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
}
