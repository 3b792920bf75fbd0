package agent_test

import (
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/store/memory"
)

func registry(t *testing.T, agents ...*agent.Agent) *perdure.Registry {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, agents...); err != nil {
		t.Fatal(err)
	}
	return reg
}

func TestAnswer(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("Why did the pirate sleep? He was tide."))
	n := begin(t, &memory.Disk{}, registry(t, &agent.Agent{Name: "Joker", Instructions: "You are good at telling jokes.", Model: m}))
	r := say(t, n, "k1", "Tell me a joke about a pirate.")
	if got, want := r.Text, "Why did the pirate sleep? He was tide."; got != want {
		t.Errorf("answer = %q, want %q", got, want)
	}
}
