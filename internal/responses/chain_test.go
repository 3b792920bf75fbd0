package responses_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	sdk "github.com/openai/openai-go/v3/responses"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// heard checks what the model is told.
func heard(want string) func(*model.Request) error {
	return func(r *model.Request) error {
		var said []string
		for _, m := range r.Messages {
			text := m.Text()
			for _, c := range m.Contents {
				switch c := c.(type) {
				case *model.FunctionCall:
					text += c.Name + c.Arguments
				case *model.FunctionResult:
					text += string(c.Result)
				}
			}
			said = append(said, fmt.Sprintf("%s: %s", m.Role, text))
		}
		if got := strings.Join(said, "; "); got != want {
			return fmt.Errorf("the model is told %q, want %q", got, want)
		}
		return nil
	}
}

// after is a request that follows a response.
func after(id, text string) sdk.ResponseNewParams {
	params := say(text)
	params.PreviousResponseID = openai.String(id)
	return params
}

// TestPreviousResponse chains responses, and forks where one is not the head.
func TestPreviousResponse(t *testing.T) {
	other := &agent.Agent{Name: "Other", Model: modeltest.Script(t,
		modeltest.Say("Mine.").Check(heard("user: 1; assistant: One.; user: 2; assistant: Two.; user: 3")))}
	s := serve(t, joker(t,
		modeltest.Say("One.").Check(heard("user: 1")),
		modeltest.Say("Two.").Check(heard("user: 1; assistant: One.; user: 2")),
		modeltest.Say("Second.").Check(heard("user: 1; assistant: One.; user: zwei")),
		modeltest.Say("Third.").Check(heard("user: 1; assistant: One.; user: zwei; assistant: Second.; user: drei")),
	), other)
	one := s.ask(say("1"))
	two := s.ask(after(one.ID, "2"))
	if two.PreviousResponseID != one.ID {
		t.Errorf("response = %s, want it to name %s", two.RawJSON(), one.ID)
	}
	fork := s.ask(after(one.ID, "zwei"), option.WithHeader("Idempotency-Key", "f"))
	if again := s.ask(after(one.ID, "zwei"), option.WithHeader("Idempotency-Key", "f")); again.RawJSON() != fork.RawJSON() {
		t.Errorf("repeated fork = %s, want %s", again.RawJSON(), fork.RawJSON())
	}
	s.restart()
	third := after(fork.ID, "drei")
	third.Model = ""
	if r := s.ask(third); r.OutputText() != "Third." || r.Model != "Joker" {
		t.Errorf("response = %s, want Third. by Joker", r.RawJSON())
	}
	foreign := after(two.ID, "3")
	foreign.Model = "other"
	if r := s.ask(foreign); r.OutputText() != "Mine." {
		t.Errorf("response of another agent = %s, want Mine.", r.RawJSON())
	}
	for id, want := range map[string]string{one.ID: "One.", two.ID: "Two.", fork.ID: "Second."} {
		if r, err := s.openai.Responses.Get(timely(t), id, sdk.ResponseGetParams{}); err != nil || r.OutputText() != want {
			t.Errorf("Responses.Get() = %v, %v, want %s", r, err, want)
		}
	}
}

// TestForkRace sends two requests after one response at the same time: each has
// the conversation up to there, and nothing of the other.
func TestForkRace(t *testing.T) {
	told := map[string]bool{}
	var mu sync.Mutex
	see := func(r *model.Request) error {
		mu.Lock()
		defer mu.Unlock()
		if n := len(r.Messages); n != 3 {
			return fmt.Errorf("the model is told %d messages, want 3", n)
		}
		told[r.Messages[2].Text()] = true
		return nil
	}
	steps := []modeltest.Step{modeltest.Say("One.")}
	for range 5 {
		steps = append(steps, modeltest.Say("Yes.").Check(see))
	}
	s := serve(t, joker(t, steps...))
	one := s.ask(say("1"))
	var all sync.WaitGroup
	for n := range 5 {
		all.Add(1)
		go func() {
			defer all.Done()
			r, err := s.openai.Responses.New(timely(t), after(one.ID, fmt.Sprint(n)))
			if err != nil || r.OutputText() != "Yes." {
				t.Errorf("Responses.New() = %v, %v, want Yes.", r, err)
			}
		}()
	}
	all.Wait()
	if len(told) != 5 {
		t.Errorf("the model was told %v, want 5 different messages", told)
	}
}

// weather is a function of the caller.
var weather = sdk.ToolUnionParam{OfFunction: &sdk.FunctionToolParam{
	Name: "weather", Description: openai.String("tells the weather"), Strict: openai.Bool(true),
	Parameters: map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}},
}}

// TestFunctions lets the model call functions of the caller, who answers by
// previous_response_id.
func TestFunctions(t *testing.T) {
	s := serve(t, joker(t,
		modeltest.Say("Let me see.").Then(modeltest.Call("weather", `{"city":"Oslo"}`), modeltest.Call("weather", `{"city":"Rome"}`)),
		modeltest.Say("Rain and sun.").Check(func(r *model.Request) error {
			return heard(`user: Weather?; assistant: Let me see.weather{"city":"Oslo"}weather{"city":"Rome"}; tool: "rain"; tool: "sun"`)(r)
		}),
	))
	params := say("Weather?")
	params.Tools = []sdk.ToolUnionParam{weather}
	stream := s.openai.Responses.NewStreaming(timely(t), params)
	var types []string
	var r sdk.Response
	for stream.Next() {
		e := stream.Current()
		if strings.Contains(e.Type, "function") || strings.Contains(e.Type, "output_item") {
			types = append(types, strings.TrimPrefix(e.Type, "response."))
		}
		r = e.Response
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	call := "output_item.added function_call_arguments.delta function_call_arguments.done output_item.done"
	if got, want := strings.Join(types, " "), "output_item.added output_item.done "+call+" "+call; got != want {
		t.Errorf("events = %s, want %s", got, want)
	}
	if r.Status != "completed" || len(r.Output) != 3 || r.Output[1].Type != "function_call" || r.Output[1].Name != "weather" ||
		r.Output[1].Arguments.OfString != `{"city":"Oslo"}` || len(r.Tools) != 1 || !r.Tools[0].Strict {
		t.Fatalf("response = %s, want a text and two calls", r.RawJSON())
	}
	output := func(call int, text string) sdk.ResponseInputItemUnionParam {
		id := "call_none"
		if call > 0 {
			id = r.Output[call].CallID
		}
		return sdk.ResponseInputItemUnionParam{OfFunctionCallOutput: &sdk.ResponseInputItemFunctionCallOutputParam{
			CallID: openai.String(id), Output: sdk.ResponseInputItemFunctionCallOutputOutputUnionParam{OfString: openai.String(text)},
		}}
	}
	for _, c := range []struct {
		outputs []sdk.ResponseInputItemUnionParam
		part    string
	}{
		{[]sdk.ResponseInputItemUnionParam{output(1, "rain")}, "No tool output found"},
		{[]sdk.ResponseInputItemUnionParam{output(1, "rain"), output(2, "sun"), output(0, "x")}, "No tool call found"},
		{[]sdk.ResponseInputItemUnionParam{output(1, "rain"), output(2, "sun")}, ""},
	} {
		next := sdk.ResponseNewParams{Model: "joker", PreviousResponseID: openai.String(r.ID), Tools: params.Tools,
			Input: sdk.ResponseNewParamsInputUnion{OfInputItemList: c.outputs}}
		answer, err := s.openai.Responses.New(timely(t), next)
		if c.part != "" {
			if e := (*openai.Error)(nil); !errors.As(err, &e) || e.StatusCode != 400 || !strings.Contains(e.Message, c.part) {
				t.Errorf("outputs %v = %v, want 400 with %s", c.outputs, err, c.part)
			}
			continue
		}
		if err != nil || answer.OutputText() != "Rain and sun." {
			t.Errorf("Responses.New() = %v, %v, want Rain and sun.", answer, err)
		}
		page, err := s.openai.Responses.InputItems.List(timely(t), answer.ID, sdk.InputItemListParams{Order: "asc", Limit: openai.Int(1)})
		if err != nil || len(page.Data) != 1 || page.Data[0].Type != "function_call_output" || !page.HasMore {
			t.Errorf("InputItems.List() = %+v, %v, want the first output", page, err)
		}
	}
}

// TestCallersConversation sends the whole conversation each time, as clients do
// that keep it themselves.
func TestCallersConversation(t *testing.T) {
	s := serve(t, joker(t,
		modeltest.Call("weather", `{"city":"Oslo"}`),
		modeltest.Say("Rain.").Check(heard(`system: Hurry.; user: Weather?; assistant: weather{"city":"Oslo"}; tool: "rain"`)),
		modeltest.Say("Yes.").Check(heard(`system: Hurry.; user: Weather?; assistant: weather{"city":"Oslo"}; tool: "rain"; assistant: Rain.; user: Sure?`)),
	))
	input := []map[string]any{{"role": "developer", "content": "Hurry."}, {"role": "user", "content": "Weather?"}}
	tools := []any{map[string]any{"type": "function", "name": "weather"}}
	for i, next := range [][]map[string]any{
		{{"type": "function_call_output", "call_id": "", "output": "rain"}},
		{{"role": "user", "content": []any{map[string]any{"type": "input_text", "text": "Sure?"}}}},
		nil,
	} {
		status, body := s.do("POST", "/responses", map[string]any{"model": "joker", "input": input, "tools": tools, "store": false})
		if status != 200 || body["status"] != "completed" || body["store"] != false {
			t.Fatalf("request %d = %d %v, want an answer", i, status, body)
		}
		if status, body := s.do("GET", "/responses/"+body["id"].(string), nil); status != 404 {
			t.Errorf("GET of what is not stored = %d %v, want 404", status, body)
		}
		for _, o := range body["output"].([]any) {
			o := o.(map[string]any)
			input = append(input, o)
			if len(next) > 0 && next[0]["call_id"] == "" {
				next[0]["call_id"] = o["call_id"]
			}
		}
		input = append(input, next...)
	}
	page, err := s.service.Sessions(timely(t), "joker", nil, 10)
	if err != nil || len(page.Sessions) != 0 {
		t.Errorf("Sessions() = %+v, %v, want none left", page, err)
	}
}

// TestStructured asks for structured output.
func TestStructured(t *testing.T) {
	s := serve(t, joker(t, modeltest.Say(`{"n":7}`).Check(func(r *model.Request) error {
		if r.Format == nil || r.Format.Name != "number" || !r.Format.Strict {
			return fmt.Errorf("format = %+v", r.Format)
		}
		return nil
	})))
	params := say("A number.")
	params.Text = sdk.ResponseTextConfigParam{Format: sdk.ResponseFormatTextConfigParamOfJSONSchema("number", map[string]any{
		"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer"}}, "required": []string{"n"},
	})}
	params.Text.Format.OfJSONSchema.Strict = openai.Bool(true)
	r := s.ask(params)
	var v struct{ N int }
	if err := json.Unmarshal([]byte(r.OutputText()), &v); err != nil || v.N != 7 || r.Text.Format.Type != "json_schema" || r.Text.Format.Name != "number" {
		t.Errorf("response = %s, %v, want the number 7", r.RawJSON(), err)
	}
}

// TestContent passes images and files on to the model.
func TestContent(t *testing.T) {
	const image, file = "data:image/png;base64,AQID", "data:application/pdf;base64,AQID"
	s := serve(t, joker(t, modeltest.Say("A cat.").Check(func(r *model.Request) error {
		var got []string
		for _, c := range r.Messages[0].Contents {
			switch c := c.(type) {
			case *model.Text:
				got = append(got, c.Text)
			case *model.Data:
				got = append(got, c.URI+c.Name)
			case *model.URI:
				got = append(got, c.URI)
			case *model.HostedFile:
				got = append(got, c.FileID)
			}
		}
		if text, want := fmt.Sprint(got), "[What? "+image+" http://x/y.png "+file+"a.pdf f9]"; text != want {
			return fmt.Errorf("content = %s, want %s", text, want)
		}
		return nil
	})))
	status, body := s.do("POST", "/responses", map[string]any{"model": "joker", "input": []any{map[string]any{"role": "user", "content": []any{
		map[string]any{"type": "input_text", "text": "What?"},
		map[string]any{"type": "input_image", "image_url": image, "detail": "high"},
		map[string]any{"type": "input_image", "image_url": "http://x/y.png"},
		map[string]any{"type": "input_file", "file_data": file, "filename": "a.pdf"},
		map[string]any{"type": "input_file", "file_id": "f9"},
	}}}})
	if status != 200 || body["status"] != "completed" {
		t.Fatalf("response = %d %v, want an answer", status, body)
	}
	_, text := s.text("GET", fmt.Sprintf("/responses/%s/input_items", body["id"]), nil)
	for _, part := range []string{image, "http://x/y.png", file, `"filename":"a.pdf"`, `"file_id":"f9"`} {
		if !strings.Contains(text, part) {
			t.Errorf("input items = %s, want %s in them", text, part)
		}
	}
}

// TestOwnTools shows calls of the agent's tools as they end.
func TestOwnTools(t *testing.T) {
	a := joker(t, modeltest.Call("add", `{"A":1}`).Then(modeltest.Call("add", `{"A":"x"}`)), modeltest.Say("Two."))
	a.Tools = []agent.Tool{agent.NewTool("add", "adds one", func(ctx context.Context, in struct{ A int }) (int, error) { return in.A + 1, nil }, agent.WithEffect(agent.Pure))}
	s := serve(t, a)
	r := s.ask(say("1+1?"))
	if len(r.Output) != 3 || r.OutputText() != "Two." {
		t.Fatalf("response = %s, want two calls and the answer", r.RawJSON())
	}
	good, bad := r.Output[0], r.Output[1] // in the order in which they have ended
	if good.Status == "failed" {
		good, bad = bad, good
	}
	if good.Type != "mcp_call" || good.Output.OfString != "2" || good.ServerLabel != "Joker" || good.Arguments.OfString != `{"A":1}` ||
		bad.Status != "failed" || !strings.Contains(bad.RawJSON(), `"error":"`) {
		t.Errorf("response = %s, want two calls and the answer", r.RawJSON())
	}
	_, body := s.text("GET", "/responses/"+r.ID+"?stream=true", nil)
	for _, typ := range []string{"response.mcp_call.in_progress", "response.mcp_call_arguments.done", "response.mcp_call.completed", "response.mcp_call.failed"} {
		if !strings.Contains(body, "event: "+typ+"\n") {
			t.Errorf("stream = %s, want %s", body, typ)
		}
	}
	s.events(body)
	for choice, part := range map[string]string{
		`{"type":"mcp","name":"add"}`: "", `"none"`: "", `{"type":"allowed_tools","mode":"auto","tools":[{"name":"sub"}]}`: "has a tool 'sub'",
	} {
		if part == "" {
			continue
		}
		status, body := s.do("POST", "/responses", `{"model":"joker","input":"x","tool_choice":`+choice+`}`)
		s.refused(choice, status, body, 400, "tool_choice.tools[0].name", part)
	}
	status, refusal := s.do("POST", "/responses", `{"model":"joker","input":"x","tools":[{"type":"function","name":"add"}]}`)
	s.refused("a function of the agent's name", status, refusal, 400, "tools[0].name", "of its own")
}

// TestReferences names items of earlier responses instead of sending them.
func TestReferences(t *testing.T) {
	s := serve(t, joker(t,
		modeltest.Say("Let me see.").Then(modeltest.Call("weather", `{"city":"Oslo"}`)),
		modeltest.Say("Rain.").Check(heard(`user: Weather?; assistant: Let me see.weather{"city":"Oslo"}; tool: "rain"`)),
	))
	tools := []any{map[string]any{"type": "function", "name": "weather"}}
	_, first := s.do("POST", "/responses", map[string]any{"model": "joker", "input": "Weather?", "tools": tools})
	said, called := first["output"].([]any)[0].(map[string]any), first["output"].([]any)[1].(map[string]any)
	s.restart()
	input := []any{
		map[string]any{"role": "user", "content": "Weather?"},
		map[string]any{"type": "item_reference", "id": said["id"]},
		map[string]any{"type": "item_reference", "id": called["id"]},
		map[string]any{"type": "function_call_output", "call_id": called["call_id"], "output": "rain"},
	}
	if status, second := s.do("POST", "/responses", map[string]any{"model": "joker", "input": input, "tools": tools}); status != 200 || second["status"] != "completed" {
		t.Errorf("response = %d %v, want an answer", status, second)
	}
	for _, id := range []any{"msg_none", "x", said["id"].(string) + "0", "msg_9_0_" + first["id"].(string)[5:]} {
		status, body := s.do("POST", "/responses", map[string]any{"model": "joker", "input": []any{map[string]any{"type": "item_reference", "id": id}}})
		s.refused(fmt.Sprint(id), status, body, 400, "input[0].id", "not found")
	}
}

// TestManyCalls makes more calls at once than a frame has numbers for events.
func TestManyCalls(t *testing.T) {
	const calls = 40
	step := modeltest.Say("Look.")
	for n := range calls {
		step = step.Then(modeltest.Call("weather", fmt.Sprintf(`{"city":"%d"}`, n)))
	}
	s := serve(t, joker(t, step))
	_, body := s.text("POST", "/responses", `{"model":"joker","input":"Weather?","stream":true,"tools":[{"type":"function","name":"weather"}]}`)
	list := s.events(body) // whose numbers rise
	if got, want := len(list), 2+6+4*calls+1; got != want {
		t.Errorf("%d events, want %d", got, want)
	}
	id := regexp.MustCompile(`resp_[A-Za-z0-9_-]+`).FindString(body)
	for n, e := range list {
		_, rest := s.text("GET", fmt.Sprintf("/responses/%s?stream=true&starting_after=%d", id, e.Sequence), nil)
		if got := len(s.events(rest)); got != len(list)-n-1 {
			t.Errorf("%d events after %d, want %d", got, e.Sequence, len(list)-n-1)
		}
	}
}
