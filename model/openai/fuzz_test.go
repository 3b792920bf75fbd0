package openai_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/openai"
)

// wire answers every request with the same stream.
type wire []byte

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: io.NopCloser(bytes.NewReader(w)),
	}, nil
}

// FuzzStream checks that whatever a server sends is an answer with a finish
// reason, whose calls can be answered, or an error of the contract's type.
func FuzzStream(f *testing.F) {
	f.Add([]byte("data: {\"id\":\"1\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"reasoning\":\"a\"}}]}\n\n" +
		"data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"refusal\":\"b\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}}]}\n\n" +
		"data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n" +
		"data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n"))
	f.Add([]byte("data: {\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":400}}\n\n"))
	f.Add([]byte("event: error\ndata: {\"error\":\"m\"}\n\n"))
	f.Add([]byte(": comment\n\ndata:\n\ndata: null\n\ndata: []\n\ndata: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{\"tool_calls\":[{\"index\":-1}]}}]}\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := openai.New(openai.Config{Model: "m", BaseURL: "http://fuzz.test/", HTTPClient: &http.Client{Transport: wire(body)}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := model.Collect(m.Generate(t.Context(), request("?")))
		var e *model.Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Errorf("Generate(%q) = %T %v, want a *model.Error", body, err, err)
		case err == nil && r.FinishReason == "":
			t.Errorf("Generate(%q) has no finish reason", body)
		}
		if err == nil {
			for _, call := range r.Calls() {
				if call.CallID == "" {
					t.Errorf("Generate(%q): call of %q without an id", body, call.Name)
				}
			}
		}
	})
}
