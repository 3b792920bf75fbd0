// Package multiagent asks two agents the same question at the same time and lets
// a third judge their answers.
//
//	curl --json '{"name":"ExpertPanel","id":"panel","input":"What is temperature?"}' \
//	  http://127.0.0.1:8080/api/v1/runs
package multiagent

import (
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

var (
	physicist = agent.Named("Physicist")
	chemist   = agent.Named("Chemist")
	judge     = agent.Named("Judge")
)

// Verdict is what a panel comes to.
type Verdict struct {
	Physicist string `json:"physicist"`
	Chemist   string `json:"chemist"`
	Verdict   string `json:"verdict"`
}

// ExpertPanel asks a physicist and a chemist a question and a judge for the
// better answer.
func ExpertPanel(ctx *perdure.Context, question string) (Verdict, error) {
	first := physicist.Run(ctx, question)
	second := chemist.Run(ctx, question)
	if err := perdure.All(ctx, first, second); err != nil {
		return Verdict{}, err
	}
	var v Verdict
	var err error
	if v.Physicist, err = first.Text(); err != nil {
		return v, err
	}
	if v.Chemist, err = second.Text(); err != nil {
		return v, err
	}
	v.Verdict, err = judge.Run(ctx, fmt.Sprintf(
		"Compare these answers to the question %q and say which is better, and why.\n\nPhysicist: %s\n\nChemist: %s",
		question, v.Physicist, v.Chemist)).Text()
	return v, err
}

// Agents returns the members of the panel.
func Agents(m model.Model) []*agent.Agent {
	return []*agent.Agent{
		{Name: "Physicist", Description: "Answers as a physicist.", Instructions: "You are an expert in physics. Answer in two sentences.", Model: m},
		{Name: "Chemist", Description: "Answers as a chemist.", Instructions: "You are an expert in chemistry. Answer in two sentences.", Model: m},
		{Name: "Judge", Description: "Compares answers.", Instructions: "You compare the answers of experts and pick the better one.", Model: m},
	}
}

// Register makes the orchestration and its agents known to a worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, ExpertPanel)
	return agent.Register(reg, Agents(m)...)
}
