package longtools_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/longtools"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// publisher is a model that calls the tool which the user's words suggest, and then
// repeats what it has answered. It is the writer's model too.
func publisher(t *testing.T) model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		if len(r.Tools) == 0 {
			return modeltest.Say("They come and go.")
		}
		last := r.Messages[len(r.Messages)-1]
		if f, ok := last.Contents[0].(*model.FunctionResult); ok {
			return modeltest.Say(string(f.Result) + f.Error)
		}
		switch text := last.Text(); {
		case strings.Contains(text, "write"):
			return modeltest.Call("start_content", longtools.Topic{Topic: "tides"})
		case strings.Contains(text, "How"):
			return modeltest.Call("get_status", started(t, r))
		}
		return modeltest.Call("submit_decision", longtools.Decision{Run: started(t, r), Verdict: longtools.Verdict{Approved: true}})
	})
}

// started returns the run that was started in the conversation.
func started(t *testing.T, r *model.Request) longtools.Run {
	var run longtools.Run
	for _, m := range r.Messages {
		for _, c := range m.Contents {
			if f, ok := c.(*model.FunctionResult); ok && run.ID == "" {
				if err := json.Unmarshal(f.Result, &run); err != nil {
					t.Errorf("the first result is %s: %v", f.Result, err)
				}
			}
		}
	}
	return run
}

// TestCrashEverywhere has an article written, asks how it goes and approves it,
// with a crash at each commit: there is one run, which gets the decision once.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			if err := longtools.Register(reg, publisher(t)); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			say := func(text, part string) {
				t.Helper()
				r, err := e.Answer(e.Tell("Publisher", "k1", agent.Message{Text: text}))
				if err != nil || !strings.Contains(r.Text, part) {
					t.Errorf("%q is answered with %+v, %v, want %s", text, r, err, part)
				}
			}
			say("Please write about tides.", "run_id")
			say("How is it going?", "They come and go.")
			say("I like the draft: publish it.", "handed on")
			list, err := e.Client().List(t.Context(), client.Query{Filter: "name:Article status:completed", Limit: 10})
			if err != nil || len(list.Items) != 1 {
				t.Errorf("completed runs of Article: %+v, %v, want one", list, err)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
