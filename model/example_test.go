package model_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// The text of an answer is shown while it arrives; the whole is kept.
func ExampleCollector() {
	var m model.Model = modeltest.NewScript(modeltest.Say("It rains in Oslo."))
	req := &model.Request{
		Instructions: "You know the weather.",
		Messages:     []*model.Message{model.UserText("And today?")},
	}
	var answer model.Collector
	for u, err := range m.Generate(context.Background(), req) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s|", u.Text())
		answer.Add(u)
	}
	r := answer.Response()
	fmt.Printf("\n%s (%s, %d tokens)\n", r.Text(), r.FinishReason, r.Usage().OutputTokenCount)
	// Output:
	// It |rains |in |Oslo.||
	// It rains in Oslo. (stop, 4 tokens)
}

// A conversation with a tool: the answer asks for it, its result goes back.
func ExampleToolResult() {
	m := modeltest.NewScript(
		modeltest.Call("get_weather", map[string]string{"city": "Oslo"}),
		modeltest.Say("Take an umbrella."),
	)
	req := &model.Request{
		Messages: []*model.Message{model.UserText("What do I need in Oslo?")},
		Tools: []model.Tool{{Name: "get_weather", Schema: json.RawMessage(
			`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`)}},
	}
	for {
		r, err := model.Collect(m.Generate(context.Background(), req))
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Messages = append(req.Messages, r.Messages...)
		if len(r.Calls()) == 0 {
			fmt.Println(r.Text())
			return
		}
		for _, call := range r.Calls() {
			fmt.Println(call.Name, call.Arguments)
			req.Messages = append(req.Messages, model.ToolResult(call.CallID, "rain"))
		}
	}
	// Output:
	// get_weather {"city":"Oslo"}
	// Take an umbrella.
}

// What a call has cost, and what the next one can cost at most.
func ExamplePrices() {
	prices := model.DefaultPrices().With(model.Prices{
		"openai-compatible/house-model": {Rates: model.Rates{Input: 0.20, Output: 0.80}},
		"mirror/*":                      {}, // all models of that provider are free
	})
	price, known := prices.Find("anthropic", "claude-haiku-4-5-20251001")
	cost := price.Cost(model.Usage{InputTokenCount: 1200, CachedInputTokenCount: 1000, OutputTokenCount: 300})
	fmt.Println(known, cost)

	most := 500
	req := &model.Request{Messages: []*model.Message{model.UserText("Hello")}, MaxOutputTokens: &most}
	bound := model.WorstCase(req, 0)
	fmt.Println(price.AtMost(bound))
	// Output:
	// true $0.0018
	// $0.00290625
}

// Two adapters for one account share what its answers tell about rate limits.
func ExampleLimiter() {
	limiter := model.NewLimiter(model.LimiterConfig{Provider: "openai", MaxWait: 20 * time.Second})
	permit, err := limiter.Wait(context.Background(), "gpt-5.4", 1200)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer permit.Release()
	header := http.Header{"Retry-After": {"60"}}
	permit.Answered(http.StatusTooManyRequests, header.Get, time.Now())

	_, err = limiter.Wait(context.Background(), "gpt-5.4", 1200)
	after, again := model.Retry(err)
	fmt.Println(again, after.Round(time.Second))
	// Output:
	// true 1m0s
}
