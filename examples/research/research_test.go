package research_test

import (
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/research"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// register registers the team with a model that splits each question in two.
func register(t *testing.T, reg *perdure.Registry) {
	t.Helper()
	m := modeltest.Reply(func(r *model.Request) modeltest.Step {
		prompt := r.Messages[0].Text()
		_, findings, reports := strings.Cut(prompt, "The findings:\n")
		switch {
		case r.Format != nil:
			return modeltest.Say(`{"value":["What pulls?","What turns?"]}`)
		case reports:
			return modeltest.Say(findings)
		case prompt == "What pulls?":
			return modeltest.Say("The moon.")
		}
		return modeltest.Say("The earth.")
	})
	if err := research.Register(reg, m); err != nil {
		t.Fatal(err)
	}
}

const report = "What pulls?\nThe moon.\n\nWhat turns?\nThe earth."

func start(t *testing.T, e *perduretest.Env, b agent.Budget) {
	t.Helper()
	task := research.Task{Question: "Why are there tides?", Budget: b}
	if _, err := client.Start(t.Context(), e.Client(), research.Research, task, client.StartOptions{ID: "q1"}); err != nil {
		t.Fatal(err)
	}
	e.Settle()
}

// finished checks the report and what it has cost.
func finished(t *testing.T, e *perduretest.Env, most agent.Budget) {
	t.Helper()
	r, err := perduretest.Result[research.Report](e, "q1")
	if err != nil || r.Text != report || r.Spent.Calls != 4 {
		t.Errorf("Research() = %+v, %v, want %q in 4 calls", r, err, report)
	}
	if most.Tokens > 0 && (r.Spent.Tokens == 0 || r.Spent.Tokens > most.Tokens) {
		t.Errorf("%d tokens were spent of a budget of %d", r.Spent.Tokens, most.Tokens)
	}
}

func TestWithinBudget(t *testing.T) {
	reg := perdure.NewRegistry()
	register(t, reg)
	env := perduretest.New(t, reg)
	budget := agent.Budget{Tokens: 20_000}
	start(t, env, budget)
	finished(t, env, budget)
}

// TestBudgetUsedUp has the budget end before the report. A week later a person
// raises it, or stops the run.
func TestBudgetUsedUp(t *testing.T) {
	for answer, raise := range map[string]*agent.Budget{agent.AnswerRaise: {Calls: 1}, agent.AnswerStop: nil} {
		t.Run(answer, func(t *testing.T) {
			reg := perdure.NewRegistry()
			register(t, reg)
			env := perduretest.New(t, reg)
			start(t, env, agent.Budget{Calls: 3})
			env.Advance(7 * 24 * time.Hour)
			list := env.Decisions()
			if len(list) != 1 || list[0].Budget == nil || list[0].Budget.Spent.Calls != 3 {
				t.Fatalf("decisions = %+v, want one about 3 calls that were spent", list)
			}
			env.Decide(list[0].ID, agent.Answer{Answer: answer, Raise: raise})
			if raise != nil {
				finished(t, env, agent.Budget{})
				return
			}
			if r, err := perduretest.Result[research.Report](env, "q1"); err == nil {
				t.Errorf("Research() = %+v, want that it was stopped", r)
			}
		})
	}
}

// TestCrashEverywhere raises a budget that is used up, with a crash at each commit.
// A call that a crash has cut is booked at what was reserved for it: then the
// budget has to be raised once more, and the ends differ in what was spent.
func TestCrashEverywhere(t *testing.T) {
	scenario := perduretest.Scenario{
		Varies:   true,
		Register: func(reg *perdure.Registry) { register(t, reg) },
		Run: func(e *perduretest.Env) {
			start(t, e, agent.Budget{Calls: 3})
			for range 2 {
				for _, d := range e.Decisions() {
					e.Decide(d.ID, agent.Answer{Answer: agent.AnswerRaise, Raise: &agent.Budget{Calls: 1}})
				}
			}
			r, err := perduretest.Result[research.Report](e, "q1")
			if err != nil || r.Text != report || r.Spent.Calls < 4 || r.Spent.Calls > 5 {
				t.Errorf("Research() = %+v, %v, want %q in 4 calls, or 5 with a crash", r, err, report)
			}
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
