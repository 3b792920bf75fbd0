package anthropic_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/anthropic"
)

// wire answers every request with the same stream.
type wire []byte

func (w wire) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: req, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: io.NopCloser(bytes.NewReader(w)),
	}, nil
}

// FuzzStream checks that whatever a server sends is an answer or an error of the
// contract's type, and that what was streamed can be stored.
func FuzzStream(f *testing.F) {
	f.Add([]byte("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"model\":\"c\",\"usage\":{\"input_tokens\":3}}}\n\n" +
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"a\",\"signature\":\"\"}}\n\n" +
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}}\n\n" +
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" +
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1}}}\n\n" +
		"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n" +
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":7}}\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
	f.Add([]byte("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n"))
	f.Add([]byte("event: error\ndata: busy\n\n"))
	f.Add([]byte("event: ping\ndata: {}\n\nevent: message_stop\ndata: null\n\nevent: x\ndata: {\"type\":\"content_block_stop\"}\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := anthropic.New(anthropic.Config{Model: "m", BaseURL: "http://fuzz.test/", HTTPClient: &http.Client{Transport: wire(body)}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := model.Collect(m.Generate(t.Context(), request("?")))
		var e *model.Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("Generate(%q) = %T %v, want a *model.Error", body, err, err)
		}
		if _, err := r.MarshalJSON(); err != nil {
			t.Errorf("MarshalJSON() of the answer to %q = %v", body, err)
		}
	})
}
