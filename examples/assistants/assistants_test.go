package assistants_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/examples/assistants"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

func register(t *testing.T, reg *perdure.Registry, m model.Model) {
	t.Helper()
	if err := assistants.Register(reg, m); err != nil {
		t.Fatal(err)
	}
}

// result is what the tool answered that was called last.
func result(r *model.Request) string {
	last := r.Messages[len(r.Messages)-1]
	if f, ok := last.Contents[0].(*model.FunctionResult); ok {
		return string(f.Result) + f.Error
	}
	return ""
}

// TestTools has the model make a mistake first, of which the tool tells it.
func TestTools(t *testing.T) {
	reg := perdure.NewRegistry()
	wants := func(part string, next modeltest.Step) modeltest.Step {
		return next.Check(func(r *model.Request) error {
			if got := result(r); !strings.Contains(got, part) {
				t.Errorf("the tool answered %s, want %s", got, part)
			}
			return nil
		})
	}
	register(t, reg, modeltest.Script(t,
		modeltest.Call("get_weather", assistants.Place{City: "Olso"}),
		wants(`no weather station in "Olso"`, modeltest.Call("get_weather", assistants.Place{City: "Oslo"})),
		wants(`{"city":"Oslo","celsius":4,"sky":"rain"}`, modeltest.Say("It rains in Oslo, at 4 degrees.")),
		modeltest.Call("calculate_tip", assistants.Bill{Amount: 50, Percent: 20}),
		wants(`{"tip":10,"total":60}`, modeltest.Say("Pay 60.")),
	))
	env := perduretest.New(t, reg)
	for _, c := range []struct{ agent, question, want string }{
		{"WeatherAgent", "What is the weather in Olso?", "It rains in Oslo, at 4 degrees."},
		{"MathAgent", "A tip of 20 percent on a bill of 50?", "Pay 60."},
	} {
		if r, err := env.Ask(c.agent, "k1", c.question); err != nil || r.Text != c.want {
			t.Errorf("Ask(%s) = %+v, %v, want %q", c.agent, r, err, c.want)
		}
	}
}

// TestCrashEverywhere crashes at each commit of a turn of each agent: the answers
// are the same, and no step with a recorded outcome is run again.
func TestCrashEverywhere(t *testing.T) {
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		switch {
		case result(r) != "":
			return modeltest.Say("The tool says " + result(r))
		case r.Tools[0].Name == "get_weather":
			return modeltest.Call("get_weather", assistants.Place{City: "Oslo"})
		}
		return modeltest.Call("calculate_tip", assistants.Bill{Amount: 50, Percent: 20})
	})
	scenario := perduretest.Scenario{
		Ignore:   perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) { register(t, reg, m) },
		Run: func(e *perduretest.Env) {
			weather := e.Tell("WeatherAgent", "k1", agent.Message{Text: "Oslo?"})
			tip := e.Tell("MathAgent", "k1", agent.Message{Text: "20 % on 50?"})
			for turn, want := range map[string]string{weather: "rain", tip: `"total":60`} {
				if r, err := e.Answer(turn); err != nil || !strings.Contains(r.Text, want) {
					t.Errorf("Answer() = %+v, %v, want %s", r, err, want)
				}
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
