package emailtriage_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/emailtriage"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

func registry(t *testing.T, m model.Model) *perdure.Registry {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := emailtriage.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	return reg
}

// TestRoutes has each kind of e-mail handled. The first answer of the detector
// does not fit its type and is asked for again.
func TestRoutes(t *testing.T) {
	for _, c := range []struct {
		name  string
		steps []modeltest.Step
		want  string
	}{
		{"spam", []modeltest.Step{
			modeltest.Say("That is spam."),
			modeltest.Say(`{"is_spam":true,"reason":"It promises money."}`),
		}, "E-mail marked as spam: It promises money."},
		{"e-mail", []modeltest.Step{
			modeltest.Say(`{"is_spam":false,"reason":"It asks for a meeting."}`),
			modeltest.Say(`{"response":"Friday is fine."}`),
		}, "E-mail sent to ann@example.com: Friday is fine."},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := perduretest.New(t, registry(t, modeltest.Script(t, c.steps...)))
			mail := emailtriage.Email{From: "ann@example.com", Body: "Can we meet on Friday?"}
			if got, err := perduretest.Run(env, emailtriage.HandleEmail, mail); err != nil || got != c.want {
				t.Errorf("HandleEmail() = %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// TestNonsense has the detector never answer in the form that is asked for: the
// run fails, and nothing is sent.
func TestNonsense(t *testing.T) {
	env := perduretest.New(t, registry(t, modeltest.Repeat(modeltest.Say("No idea."))))
	if got, err := perduretest.Run(env, emailtriage.HandleEmail, emailtriage.Email{}); err == nil {
		t.Errorf("HandleEmail() = %q, want an error", got)
	}
	if calls := env.Calls("SendEmail"); len(calls) > 0 {
		t.Errorf("SendEmail was called: %+v", calls)
	}
}

func TestCrashEverywhere(t *testing.T) {
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		if strings.HasPrefix(r.Messages[0].Text(), "Is this") {
			return modeltest.Say(`{"is_spam":false,"reason":"It asks for a meeting."}`)
		}
		return modeltest.Say(`{"response":"Friday is fine."}`)
	})
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			if err := emailtriage.Register(reg, m); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			mail := emailtriage.Email{From: "ann@example.com", Body: "Can we meet on Friday?"}
			if _, err := client.Start(t.Context(), e.Client(), emailtriage.HandleEmail, mail, client.StartOptions{ID: "mail"}); err != nil {
				t.Error(err)
			}
			e.Wait("mail")
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
