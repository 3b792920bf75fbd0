// Package research has a team of agents answer a question within one budget: a lead
// splits the question, researchers work on the parts at the same time, the lead
// writes the report. What a call can cost at most is reserved before it is made, so
// that the team together never spends more. When the budget is used up, the run
// waits, for days if need be, until a person raises the budget or stops it: nothing
// that was paid for is lost.
//
//	go run ./examples/serve research
//	curl --json '{"name":"Research","id":"q1","input":{"question":"Why are there tides?","budget":{"tokens":20000}}}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl 'http://127.0.0.1:8080/api/v1/runs/q1?wait=30s'
//
// With a budget of 1500 tokens it has to be raised:
//
//	curl 'http://127.0.0.1:8080/api/v1/decisions?kind=budget&state=pending'
//	curl --json '{"answer":"raise","raise":{"tokens":20000}}' http://127.0.0.1:8080/api/v1/decisions/ID
package research

import (
	"fmt"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// Task is a question and what the answer may cost.
type Task struct {
	Question string       `json:"question"`
	Budget   agent.Budget `json:"budget"` // tokens, usd, calls, time
}

// Report is the answer.
type Report struct {
	Text  string         `json:"text"`
	Spent agent.Spending `json:"spent"`
}

const (
	maxParts  = 5 // into which a question is split
	atOneTime = 3 // researchers
)

var (
	lead       = agent.Named("LeadResearcher")
	researcher = agent.Named("Researcher")
)

// Research has the team answer a question.
func Research(ctx *perdure.Context, task Task) (Report, error) {
	pool := agent.NewPool(ctx, task.Budget)
	within := agent.Under(pool)
	parts, err := agent.RunAs[[]string](ctx, lead, fmt.Sprintf(
		"Split this question into at most %d questions that can be answered apart:\n%s", maxParts, task.Question), within).Value()
	if err != nil {
		return Report{}, err
	}
	parts = parts[:min(len(parts), maxParts)]
	findings, err := perdure.Map(ctx, parts, atOneTime, func(ctx *perdure.Context, part string) (string, error) {
		text, err := researcher.Run(ctx, part, within).Text()
		return fmt.Sprintf("%s\n%s", part, text), err
	})
	if err != nil {
		return Report{}, err
	}
	text, err := lead.Run(ctx, fmt.Sprintf("Answer the question:\n%s\n\nThe findings:\n%s",
		task.Question, strings.Join(findings, "\n\n")), within).Text()
	return Report{Text: text, Spent: pool.Spent()}, err
}

// Agents returns the team. MaxOutputTokens bounds an answer, and so what has to be
// reserved for it.
func Agents(m model.Model) []*agent.Agent {
	most := 1000
	return []*agent.Agent{
		{Name: "LeadResearcher", Description: "Plans research and writes reports.", Model: m, MaxOutputTokens: &most,
			Instructions: "You lead a team of researchers."},
		{Name: "Researcher", Description: "Answers one question.", Model: m, MaxOutputTokens: &most,
			Instructions: "You answer one question, with facts, in at most five sentences."},
	}
}

// Register makes the orchestration and its agents known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, Research)
	return agent.Register(reg, Agents(m)...)
}
