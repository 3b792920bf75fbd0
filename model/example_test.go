package model_test

import (
	"context"
	"encoding/json"
	"fmt"

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
