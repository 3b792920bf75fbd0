// Package pattern holds the usual ways in which agents work together: one after
// the other ([Sequential]), at the same time ([Concurrent]), passing a task on
// ([Handoff]), in a discussion ([GroupChat]), and under a manager ([Managed]).
//
// Each is a function that returns an orchestration, to be registered under a name
// or called by another orchestration:
//
//	perdure.AddOrchestrationNamed(reg, "Article", pattern.Sequential(writer, editor))
//
// None knows more than package agent offers to everybody. Each fits on a page and
// is meant to be copied when it is almost what is needed.
package pattern

import (
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Answer is what an agent has said.
type Answer struct {
	Agent string `json:"agent"`
	Text  string `json:"text"`
}

// Member is an agent of a team.
type Member struct {
	Agent agent.Ref
	// Does tells the others what it is good for.
	Does string
}

// find returns the member with this name, whose case does not count.
func find(team []Member, name string) (Member, bool) {
	i := slices.IndexFunc(team, func(m Member) bool { return strings.EqualFold(m.Agent.Name(), strings.TrimSpace(name)) })
	if i < 0 {
		return Member{}, false
	}
	return team[i], true
}

// roster lists a team for its agents.
func roster(team []Member) string {
	var b strings.Builder
	for _, m := range team {
		fmt.Fprintf(&b, "- %s: %s\n", m.Agent.Name(), m.Does)
	}
	return b.String()
}

// sessionKey returns a key for sessions that belong to the run alone.
func sessionKey(ctx *perdure.Context) string {
	return strings.ReplaceAll(ctx.NewID(), "-", "")[:16]
}

// failed names the agent whose answer is missing.
func failed(a agent.Ref, err error) error { return fmt.Errorf("agent %s: %w", a.Name(), err) }

// unfinished is the error of a pattern that has come to its bound.
func unfinished(ctx *perdure.Context, format string, args ...any) error {
	return &perdure.Error{Code: perdure.ResourceExhausted, Op: "work together", Instance: ctx.InstanceID(), Message: fmt.Sprintf(format, args...)}
}
