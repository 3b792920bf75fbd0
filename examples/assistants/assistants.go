// Package assistants has two agents in one program, each with a tool of its own: a
// model decides when to call it, and each call is a step that is never run again
// once its result is recorded. (The offline demo model calls the tools that it reads
// of; a real one takes any words.)
//
//	go run ./examples/serve assistants
//	curl --json '{"message":"Get weather for \"Oslo\"."}' \
//	  http://127.0.0.1:8080/api/agents/WeatherAgent/run
//	curl --json '{"message":"Calculate tip: a bill of 50, at 20 percent."}' \
//	  http://127.0.0.1:8080/api/agents/MathAgent/run
package assistants

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// Place is the input of get_weather. The model is told its JSON schema.
type Place struct {
	City string `json:"city" jsonschema:"name of the city"`
}

// Weather is the output of get_weather.
type Weather struct {
	City    string `json:"city"`
	Celsius int    `json:"celsius"`
	Sky     string `json:"sky"`
}

// GetWeather stands for a weather service. The model is told its errors, and may
// try something else.
func GetWeather(_ context.Context, in Place) (Weather, error) {
	known := map[string]Weather{
		"oslo":    {City: "Oslo", Celsius: 4, Sky: "rain"},
		"nairobi": {City: "Nairobi", Celsius: 24, Sky: "sun"},
	}
	w, ok := known[strings.ToLower(in.City)]
	if !ok {
		return Weather{}, fmt.Errorf("there is no weather station in %q", in.City)
	}
	return w, nil
}

// Bill is the input of calculate_tip.
type Bill struct {
	Amount  float64 `json:"amount"`
	Percent float64 `json:"percent" jsonschema:"the tip in percent of the amount"`
}

// Tip is the output of calculate_tip.
type Tip struct {
	Tip   float64 `json:"tip"`
	Total float64 `json:"total"`
}

// CalculateTip adds a tip to a bill.
func CalculateTip(_ context.Context, in Bill) (Tip, error) {
	if in.Amount < 0 || in.Percent < 0 {
		return Tip{}, errors.New("neither amount nor percent may be negative")
	}
	tip := in.Amount * in.Percent / 100
	return Tip{Tip: tip, Total: in.Amount + tip}, nil
}

// Agents returns the two agents. Their tools change nothing in the world, which is
// what Pure says: after a crash they may be called again.
func Agents(m model.Model) []*agent.Agent {
	pure := agent.WithEffect(agent.Pure)
	return []*agent.Agent{
		{
			Name: "WeatherAgent", Description: "Knows the weather.", Model: m,
			Instructions: "You tell people the weather. Use your tool; do not guess.",
			Tools:        []agent.Tool{agent.NewTool("get_weather", "Returns the weather in a city.", GetWeather, pure)},
		},
		{
			Name: "MathAgent", Description: "Calculates tips.", Model: m,
			Instructions: "You help people with their bills. Use your tool; do not calculate yourself.",
			Tools:        []agent.Tool{agent.NewTool("calculate_tip", "Adds a tip to a bill.", CalculateTip, pure)},
		},
	}
}

// Register makes the agents known to a worker.
func Register(reg *perdure.Registry, m model.Model) error { return agent.Register(reg, Agents(m)...) }
