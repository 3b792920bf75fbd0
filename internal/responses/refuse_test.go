package responses_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/perdure/perdure/model/modeltest"
)

// TestRefuses sends what is not valid: each is refused, in OpenAI's shape, with
// the parameter that is wrong.
func TestRefuses(t *testing.T) {
	s := serve(t, joker(t))
	image := `{"model":"joker","input":[{"role":"user","content":[{"type":"input_image","image_url":%s}]}]}`
	for _, c := range []struct {
		body   string
		status int
		param  string // "" = null
		part   string
	}{
		{``, 400, "model", "'model' is missing"},
		{`{`, 400, "", "not valid JSON"},
		{`[]`, 400, "", "must be an object, not an array"},
		{`{"model":7,"input":"x"}`, 400, "model", "'model' must be a string, not a number"},
		{`{"model":"joker","input":"x","stream":"yes"}`, 400, "stream", "must be true or false, not a string"},
		{`{"model":"joker","input":"x","text":{"format":{"type":1}}}`, 400, "text.format.type", "must be a string"},
		{`{"model":"joker","input":"x","metadata":{"a":1}}`, 400, "metadata", "must be a string"},
		{`{"model":"joker","input":"x","max_output_tokens":1.5}`, 400, "max_output_tokens", "must be an integer"},
		{`{"model":"nobody","input":"x"}`, 404, "model", "There are Joker"},
		{`{"model":"joker"}`, 400, "input", "'input' is missing"},
		{`{"model":"joker","input":" "}`, 400, "input", "'input' is empty"},
		{`{"model":"joker","input":[]}`, 400, "input", "'input' is missing"},
		{`{"model":"joker","input":7}`, 400, "input", "a string or an array"},
		{`{"model":"joker","input":[7]}`, 400, "input[0]", "must be an object"},
		{`{"model":"joker","input":[{"role":"king","content":"x"}]}`, 400, "input[0].role", "must be user"},
		{`{"model":"joker","input":[{"role":"user","content":""}]}`, 400, "input[0].content", "is empty"},
		{`{"model":"joker","input":[{"role":"user","content":[{"type":"input_text"}]}]}`, 400, "input[0].content[0].text", "is missing"},
		{`{"model":"joker","input":[{"role":"user","content":[{"type":"input_audio"}]}]}`, 400, "input[0].content[0].type", "not supported"},
		{fmt.Sprintf(image, `"data:image/png;base64,%%%"`), 400, "input[0].content[0].image_url", "no data URI"},
		{fmt.Sprintf(image, `7`), 400, "input[0].content[0].image_url", "must be a string"},
		{fmt.Sprintf(image, `""`), 400, "input[0].content[0].image_url", "neither image_url nor file_id"},
		{`{"model":"joker","input":[{"type":"computer_call"}]}`, 400, "input[0].type", "not supported"},
		{`{"model":"joker","input":[{"type":"function_call_output","output":"x"}]}`, 400, "input[0].call_id", "is missing"},
		{`{"model":"joker","input":[{"type":"function_call_output","call_id":"c","output":"x"}]}`, 400, "input", "No tool call found"},
		{`{"model":"joker","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}`, 400, "input", "No tool output found"},
		{`{"model":"joker","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"role":"user","content":"x"}]}`, 400, "input", "No tool output found"},
		{`{"model":"joker","input":"x","previous_response_id":"resp_x"}`, 400, "previous_response_id", "not found"},
		{`{"model":"joker","input":"x","previous_response_id":"a","conversation":"b"}`, 400, "previous_response_id", "not both"},
		{`{"model":"joker","input":"x","background":true,"store":false}`, 400, "background", "must be stored"},
		{`{"model":"joker","input":"x","max_output_tokens":0}`, 400, "max_output_tokens", "at least 1"},
		{`{"model":"joker","input":"x","temperature":3}`, 400, "temperature", "from 0 to 2"},
		{`{"model":"joker","input":"x","top_p":-1}`, 400, "top_p", "from 0 to 1"},
		{`{"model":"joker","input":"x","metadata":{"perdure.responses":"x"}}`, 400, "metadata.perdure.responses", "is taken"},
		{`{"model":"joker","input":"x","metadata":{"a":"` + strings.Repeat("x", 513) + `"}}`, 400, "metadata.a", "longer than"},
		{`{"model":"joker","input":"x","tools":[{"type":"web_search"}]}`, 400, "tools[0].type", "not supported"},
		{`{"model":"joker","input":"x","tools":[{"type":"function"}]}`, 400, "tools[0].name", "is missing"},
		{`{"model":"joker","input":"x","tool_choice":"maybe"}`, 400, "tool_choice", "must be auto"},
		{`{"model":"joker","input":"x","tool_choice":{"type":"function","name":"f"}}`, 400, "tool_choice.name", "has a tool 'f'"},
		{`{"model":"joker","input":"x","text":{"format":{"type":"xml"}}}`, 400, "text.format.type", "must be text"},
		{`{"model":"joker","input":"x","text":{"format":{"type":"json_schema"}}}`, 400, "text.format.schema", "must be a JSON schema"},
		{`{"model":"joker","input":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "", "too large"},
	} {
		status, body := s.do("POST", "/responses", c.body)
		s.refused("POST "+short(c.body), status, body, c.status, c.param, c.part)
	}
	for _, c := range []struct {
		method, path string
		status       int
		part         string
	}{
		{"GET", "/responses/resp_none", 404, "not found"},
		{"GET", "/responses/none?stream=true", 404, "not found"},
		{"DELETE", "/responses/resp_none", 404, "not found"},
		{"POST", "/responses/resp_none/cancel", 404, "not found"},
		{"GET", "/responses/resp_none/input_items", 404, "not found"},
		{"GET", "/models/nobody", 404, "no agent has this name"},
		{"GET", "/nothing", 404, "there is no GET"},
		{"PUT", "/responses", 404, "there is no PUT"},
	} {
		status, body := s.do(c.method, c.path, nil)
		if e, _ := body["error"].(map[string]any); status != c.status || !strings.Contains(fmt.Sprint(e["message"]), c.part) || e["type"] != "invalid_request_error" {
			t.Errorf("%s %s = %d %v, want %d and %q", c.method, c.path, status, body, c.status, c.part)
		}
	}
}

func short(s string) string { return s[:min(len(s), 120)] }

// refused checks an error.
func (s *server) refused(what string, status int, body map[string]any, want int, param, part string) {
	s.t.Helper()
	e, _ := body["error"].(map[string]any)
	got, _ := e["param"].(string)
	if _, code := e["code"]; status != want || got != param || !code || !strings.Contains(fmt.Sprint(e["message"]), part) || e["type"] != "invalid_request_error" {
		s.t.Errorf("%s = %d %v, want %d about %q with %q", what, status, body, want, param, part)
	}
}

// TestRefusesQueries asks for a response that is there in ways that are not valid.
func TestRefusesQueries(t *testing.T) {
	s := serve(t, joker(t, modeltest.Say("Arr.")))
	r := s.ask(say("A joke."))
	for query, part := range map[string]string{
		"?stream=maybe":                  "must be true or false",
		"?starting_after=5":              "belongs to stream=true",
		"?stream=true&starting_after=x":  "must be the sequence_number",
		"?stream=true&starting_after=-4": "must be the sequence_number",
		"/input_items?limit=0":           "from 1 to 100",
		"/input_items?order=up":          "asc or desc",
		"/input_items?after=msg_none":    "no item",
	} {
		status, body := s.do("GET", "/responses/"+r.ID+query, nil)
		if e, _ := body["error"].(map[string]any); status != 400 || !strings.Contains(fmt.Sprint(e["message"]), part) {
			t.Errorf("GET %s = %d %v, want 400 with %q", query, status, body, part)
		}
	}
	if status, body := s.do("POST", "/responses", `{"model":"joker","input":"x"}`, "Idempotency-Key", "\t"); status != 400 {
		t.Errorf("POST with a bad key = %d %v, want 400", status, body)
	}
}

// TestModels lists the agents as models.
func TestModels(t *testing.T) {
	s := serve(t, joker(t))
	page, err := s.openai.Models.List(timely(t))
	if err != nil || len(page.Data) != 1 || page.Data[0].ID != "Joker" || page.Data[0].OwnedBy != "perdure" {
		t.Errorf("Models.List() = %v, %v, want Joker", page, err)
	}
	one, err := s.openai.Models.Get(timely(t), "joker")
	if err != nil || one.ID != "Joker" {
		t.Errorf("Models.Get() = %v, %v, want Joker", one, err)
	}
}

// TestDelete deletes a response: it is gone for all routes.
func TestDelete(t *testing.T) {
	s := serve(t, joker(t, modeltest.Say("Arr.")))
	r := s.ask(say("A joke."))
	if err := s.openai.Responses.Delete(timely(t), r.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, c := range []struct{ method, path string }{
			{"GET", ""}, {"GET", "?stream=true"}, {"DELETE", ""}, {"POST", "/cancel"}, {"GET", "/input_items"},
		} {
			if status, body := s.do(c.method, "/responses/"+r.ID+c.path, nil); status != 404 {
				t.Errorf("%s %s of a deleted response = %d %v, want 404", c.method, c.path, status, body)
			}
		}
		s.restart()
	}
	status, body := s.do("POST", "/responses", map[string]any{"model": "joker", "input": "x", "previous_response_id": r.ID})
	s.refused("after a deleted response", status, body, 400, "previous_response_id", "not found")
}
