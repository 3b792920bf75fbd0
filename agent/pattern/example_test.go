package pattern_test

import (
	"fmt"
	"strings"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/pattern"
)

// The agents of these examples have models that follow a fixed rule.

// A writer writes, an editor shortens what it has written.
func ExampleSequential() {
	writer := named("Writer", func(prompt string, _ int) any { return "A long article about " + prompt })
	editor := named("Editor", func(prompt string, _ int) any { return strings.Replace(prompt, "long", "short", 1) })

	article := pattern.Sequential(agent.Named("Writer"), agent.Named("Editor"))
	fmt.Println(run(article, "tides", writer, editor))
	// Output: A short article about tides <nil>
}

// Two experts answer the same question at the same time.
func ExampleConcurrent() {
	physicist, chemist := saying("Physicist", "motion"), saying("Chemist", "reactions")

	panel := pattern.Concurrent(agent.Named("Physicist"), agent.Named("Chemist"))
	fmt.Println(run(panel, "What is temperature?", physicist, chemist))
	// Output: [{Physicist motion} {Chemist reactions}] <nil>
}

// A desk hands a question over to whoever can answer it.
func ExampleHandoff() {
	desk := named("Desk", func(string, int) any { return map[string]string{"to": "Refunds", "say": "order 7 came broken"} })
	refunds := named("Refunds", func(prompt string, _ int) any {
		_, note, _ := strings.Cut(prompt, "hands it over to you: ")
		return map[string]string{"to": "", "say": "Refunded, as " + note}
	})

	support := pattern.Handoff(3,
		pattern.Member{Agent: agent.Named("Desk"), Does: "takes calls"},
		pattern.Member{Agent: agent.Named("Refunds"), Does: "pays money back"})
	fmt.Println(run(support, "My order is broken.", desk, refunds))
	// Output: {Refunds Refunded, as order 7 came broken} <nil>
}

// Two agents discuss in turn, each of which remembers what it has said.
func ExampleGroupChat() {
	pro := named("Pro", func(_ string, before int) any { return fmt.Sprint("yes, for reason ", before+1) })
	con := named("Con", func(_ string, before int) any { return fmt.Sprint("no, for reason ", before+1) })

	members := []agent.Ref{agent.Named("Pro"), agent.Named("Con")}
	debate := pattern.GroupChat(3, pattern.RoundRobin(members...), members...)
	said, err := run(debate, "Shall we?", pro, con)
	for _, a := range said {
		fmt.Printf("%s: %s\n", a.Agent, a.Text)
	}
	fmt.Println(err)
	// Output:
	// Pro: yes, for reason 1
	// Con: no, for reason 1
	// Pro: yes, for reason 2
	// <nil>
}

// A chair decides who speaks, and when it is enough.
func ExampleChosenBy() {
	pro, con := saying("Pro", "yes"), saying("Con", "no")
	chair := named("Chair", func(prompt string, _ int) any {
		switch {
		case strings.Contains(prompt, "Con: no"):
			return map[string]string{"next": ""}
		case strings.Contains(prompt, "Pro: yes"):
			return map[string]string{"next": "Con"}
		}
		return map[string]string{"next": "pro"}
	})

	chosen := pattern.ChosenBy(agent.Named("Chair"),
		pattern.Member{Agent: agent.Named("Pro"), Does: "is for it"}, pattern.Member{Agent: agent.Named("Con"), Does: "is against it"})
	debate := pattern.GroupChat(10, chosen, agent.Named("Pro"), agent.Named("Con"))
	fmt.Println(run(debate, "Shall we?", pro, con, chair))
	// Output: [{Pro yes} {Con no}] <nil>
}

// A manager plans, has a researcher look something up, and answers.
func ExampleManaged() {
	manager := named("Manager", func(prompt string, _ int) any {
		switch {
		case strings.HasPrefix(prompt, "You manage"):
			return "Ask the researcher for the height, then answer."
		case strings.HasPrefix(prompt, "Begin."):
			return map[string]any{"done": false, "answer": "", "agent": "Researcher", "work": "How high is it?"}
		}
		_, found, _ := strings.Cut(prompt, "Researcher answers:\n")
		height, _, _ := strings.Cut(found, "\n")
		return map[string]any{"done": true, "answer": "It is " + height + " high.", "agent": "", "work": ""}
	})
	researcher := saying("Researcher", "324 m")

	work := pattern.Managed(agent.Named("Manager"), 5, pattern.Member{Agent: agent.Named("Researcher"), Does: "looks things up"})
	fmt.Println(run(work, "How high is the Eiffel tower?", manager, researcher))
	// Output: It is 324 m high. <nil>
}
