package pattern_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/pattern"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/perduretest"
)

// team makes members of names.
func team(names ...string) (members []pattern.Member, refs []agent.Ref) {
	for _, name := range names {
		members = append(members, pattern.Member{Agent: agent.Named(name), Does: "does " + name})
		refs = append(refs, agent.Named(name))
	}
	return members, refs
}

// check compares what an orchestration came to; want "" = the error contains
// wantErr.
func check[Out any](t *testing.T, what string, want Out, wantErr string, fn func(*perdure.Context, string) (Out, error), task string, agents ...*agent.Agent) {
	t.Helper()
	got, err := run(fn, task, agents...)
	switch {
	case wantErr != "":
		if err == nil || !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s = %v, %v, want an error with %q", what, got, err, wantErr)
		}
	case err != nil || !cmp.Equal(want, got):
		t.Errorf("%s = %v, %v, want %v", what, got, err, want)
	}
}

func failing(name string) *agent.Agent {
	return named(name, func(string, int) any { return errors.New("no luck") })
}

func TestSequential(t *testing.T) {
	_, refs := team("A", "B")
	check(t, "no agents", "x", "", pattern.Sequential(), "x")
	check(t, "failure", "", "agent B: ", pattern.Sequential(refs...), "x", saying("A", "a"), failing("B"))
}

func TestConcurrent(t *testing.T) {
	_, refs := team("A", "B", "C")
	check(t, "no agents", []pattern.Answer{}, "", pattern.Concurrent(), "x")
	check(t, "failure", nil, "agent B: ", pattern.Concurrent(refs...), "x", saying("A", "a"), failing("B"), saying("C", "c"))
}

func TestHandoff(t *testing.T) {
	to := func(name, next string) *agent.Agent {
		return named(name, func(prompt string, before int) any {
			return map[string]string{"to": next, "say": fmt.Sprint(name, before, " ", prompt[strings.LastIndexByte(prompt, '\n')+1:])}
		})
	}
	members, _ := team("A", "B")
	check(t, "itself", pattern.Answer{Agent: "A", Text: "A0 "}, "", pattern.Handoff(1, members...), "x", to("A", "a"), to("B", ""))
	check(t, "in circles", pattern.Answer{}, "handed over 3 times", pattern.Handoff(3, members...), "x", to("A", "B"), to("B", "A"))
	check(t, "no team", pattern.Answer{}, "no agents", pattern.Handoff(3), "x")
	check(t, "failure", pattern.Answer{}, "agent B: ", pattern.Handoff(3, members...), "x", to("A", "B"), failing("B"))
	lost := named("A", func(prompt string, before int) any {
		if before == 0 {
			return map[string]string{"to": "Zed", "say": ""}
		}
		return map[string]string{"to": "", "say": prompt[strings.LastIndexByte(prompt, '\n')+1:]}
	})
	check(t, "nobody", pattern.Answer{Agent: "A", Text: `There is no agent "Zed".`}, "", pattern.Handoff(1, members...), "x", lost, to("B", ""))
}

func TestGroupChat(t *testing.T) {
	members, refs := team("A", "B")
	told := func(name string) *agent.Agent {
		return named(name, func(prompt string, _ int) any { return strings.ReplaceAll(prompt, "\n", "/") })
	}
	check(t, "what members hear", []pattern.Answer{
		{Agent: "A", Text: "You take part in a discussion of this task:/x//It is your turn."},
		{Agent: "B", Text: "You take part in a discussion of this task:/x//A: You take part in a discussion of this task:/x//It is your turn./It is your turn."},
		{Agent: "A", Text: "B: You take part in a discussion of this task:/x//A: You take part in a discussion of this task:/x//It is your turn./It is your turn./It is your turn."},
	}, "", pattern.GroupChat(3, pattern.RoundRobin(refs...), refs...), "x", told("A"), told("B"))
	check(t, "nobody", []pattern.Answer{}, "", pattern.GroupChat(3, pattern.RoundRobin()), "x")
	check(t, "failure", nil, "agent B: ", pattern.GroupChat(3, pattern.RoundRobin(refs...), refs...), "x", saying("A", "a"), failing("B"))
	stranger := func(*perdure.Context, string, []pattern.Answer) (string, error) { return "Zed", nil }
	check(t, "stranger", nil, `"Zed" is to speak`, pattern.GroupChat(3, stranger, refs...), "x", saying("A", "a"), saying("B", "b"))

	chair := func(picks ...string) *agent.Agent {
		return named("Chair", func(prompt string, _ int) any {
			n := strings.Count(prompt, "\nA: ") + strings.Count(prompt, "\nB: ") + strings.Count(prompt, "There is no member")
			return map[string]string{"next": picks[min(n, len(picks)-1)]}
		})
	}
	chosen := pattern.ChosenBy(agent.Named("Chair"), members...)
	check(t, "bound", []pattern.Answer{{Agent: "B", Text: "b"}, {Agent: "B", Text: "b"}}, "",
		pattern.GroupChat(2, chosen, refs...), "x", saying("A", "a"), saying("B", "b"), chair("B"))
	check(t, "asked again", []pattern.Answer{{Agent: "A", Text: "a"}}, "",
		pattern.GroupChat(1, chosen, refs...), "x", saying("A", "a"), saying("B", "b"), chair("Zed", "a"))
	check(t, "nobody who is there", nil, "agent Chair picks nobody", pattern.GroupChat(2, chosen, refs...), "x", saying("A", "a"), saying("B", "b"), chair("Zed"))
	check(t, "chair fails", nil, "agent Chair: ", pattern.GroupChat(2, chosen, refs...), "x", saying("A", "a"), saying("B", "b"), failing("Chair"))
}

func TestManaged(t *testing.T) {
	members, _ := team("A", "B")
	manager := func(decide func(report string) map[string]any) *agent.Agent {
		return named("Manager", func(prompt string, before int) any {
			report, _, asked := strings.Cut(prompt, "\n\nIs the task done?")
			switch {
			case before == 0:
				return "the plan"
			case !asked:
				return "at last: " + prompt
			}
			o := map[string]any{"done": false, "answer": "", "agent": "", "work": ""}
			for k, v := range decide(report) {
				o[k] = v
			}
			return o
		})
	}
	boss := agent.Named("Manager")
	failed := manager(func(report string) map[string]any {
		switch report {
		case "Begin.":
			return map[string]any{"agent": "Zed"}
		case `There is no agent "Zed" in the team.`:
			return map[string]any{"agent": "a", "work": "try"}
		}
		return map[string]any{"done": true, "answer": report}
	})
	check(t, "failures are reports", "A has failed: test: no luck", "", pattern.Managed(boss, 5, members...), "x", failed, failing("A"), saying("B", "b"))
	endless := manager(func(string) map[string]any { return map[string]any{"agent": "B", "work": "more"} })
	check(t, "bound", "at last: B answers:\nb\n\nThere is no time left. Answer the task as well as you can now.", "",
		pattern.Managed(boss, 2, members...), "x", endless, saying("A", "a"), saying("B", "b"))
	check(t, "manager fails", "", "agent Manager: ", pattern.Managed(boss, 2, members...), "x", failing("Manager"), saying("A", "a"), saying("B", "b"))
}

// odd are ids that are made anew in each run, and offsets that count attempts.
var odd = regexp.MustCompile(`[0-9a-f]{16,}|"(next|offset)":\d+`)

// TestCrashEverywhere drops the process before and after each commit of each
// pattern: they come to the same end, and no answer is asked for twice.
func TestCrashEverywhere(t *testing.T) {
	members, refs := team("A", "B")
	a := named("A", func(_ string, before int) any { return fmt.Sprint("a", before) })
	b := named("B", func(prompt string, before int) any { return fmt.Sprint("b", before, " of ", len(prompt)) })
	lead := named("Lead", func(prompt string, before int) any {
		switch {
		case strings.Contains(prompt, "Who speaks next?"):
			return map[string]string{"next": []string{"B", "A", ""}[strings.Count(prompt, "\nA: ")+strings.Count(prompt, "\nB: ")]}
		case strings.Contains(prompt, "hand it over"):
			return map[string]string{"to": []string{"Second", ""}[min(before, 1)], "say": fmt.Sprint("lead", before)}
		case before == 0:
			return "plan"
		}
		return map[string]any{"done": before == 3, "answer": prompt, "agent": []string{"", "A", "B", ""}[before], "work": "do"}
	})
	second := named("Second", func(string, int) any { return map[string]string{"to": "Lead", "say": "not mine"} })
	desk, _ := team("Lead", "Second")
	for name, add := range map[string]func(reg *perdure.Registry){
		"sequential": func(reg *perdure.Registry) { perdure.AddOrchestrationNamed(reg, "work", pattern.Sequential(refs...)) },
		"concurrent": func(reg *perdure.Registry) { perdure.AddOrchestrationNamed(reg, "work", pattern.Concurrent(refs...)) },
		"handoff":    func(reg *perdure.Registry) { perdure.AddOrchestrationNamed(reg, "work", pattern.Handoff(3, desk...)) },
		"round robin": func(reg *perdure.Registry) {
			perdure.AddOrchestrationNamed(reg, "work", pattern.GroupChat(3, pattern.RoundRobin(refs...), refs...))
		},
		"chosen": func(reg *perdure.Registry) {
			perdure.AddOrchestrationNamed(reg, "work", pattern.GroupChat(5, pattern.ChosenBy(agent.Named("Lead"), members...), refs...))
		},
		"managed": func(reg *perdure.Registry) {
			perdure.AddOrchestrationNamed(reg, "work", pattern.Managed(agent.Named("Lead"), 5, members...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			done := perduretest.CrashEverywhere(t, perduretest.Scenario{
				Ignore: odd,
				Register: func(reg *perdure.Registry) {
					add(reg)
					if err := agent.Register(reg, a, b, lead, second); err != nil {
						t.Error(err)
					}
				},
				Run: func(e *perduretest.Env) {
					if _, err := e.Client().Start(t.Context(), "work", "x", client.StartOptions{ID: "run"}); err != nil {
						t.Error(err)
					}
					if i := e.Wait("run"); i.Status != client.Completed {
						t.Errorf("the run has %s: %v", i.Status, i.Failure)
					}
					e.Settle()
				},
			})
			if done.Commits < 4 || done.Crashes < done.Commits {
				t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
			}
			t.Logf("%d commits, %d crashes", done.Commits, done.Crashes)
		})
	}
}
