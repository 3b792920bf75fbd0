package modeltest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/perdure/perdure/model/modeltest"
)

// FuzzServer checks that no request breaks the server: it is answered with a
// success or with a refusal.
func FuzzServer(f *testing.F) {
	paths := []string{"/v1/chat/completions", "/v1/responses", "/v1/messages"}
	f.Add(0, `{"model":"m","stream":true,"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:,"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required","response_format":{"type":"json_object"}}`)
	f.Add(1, `{"model":"m","stream":true,"input":[{"role":"user","content":"u"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"r"}],"tool_choice":{"type":"function","name":"f"}}`)
	f.Add(1, `{"model":"m","background":true,"stream":true,"include":["reasoning.encrypted_content"],"input":[{"type":"reasoning","summary":[{"text":"t"}],"encrypted_content":"e"},{"type":"message","role":"user","content":[{"type":"input_image","image_url":"https://x"},{"type":"input_file","file_url":"https://x"},{"type":"input_audio","input_audio":{"data":"AA==","format":"wav"}}]}]}`)
	f.Add(2, `{"model":"m","stream":true,"max_tokens":1,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"text","text":"r"}]},{"type":"text","text":"u"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"c","name":"f","input":{}}]}]}`)
	f.Fuzz(func(t *testing.T, path int, body string) {
		server := modeltest.NewServer(modeltest.NewScript(modeltest.Say("a b").Then(modeltest.Call("f", nil))))
		defer server.Close() // ends what goes on in the background
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodPost, paths[uint(path)%3], strings.NewReader(body)))
		if w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
			t.Errorf("POST %q = %d, want 200 or 400", body, w.Code)
		}
	})
}

// FuzzPlayer checks that no cassette breaks the player.
func FuzzPlayer(f *testing.F) {
	f.Add(`{"method":"POST","url":"http://x/","hash":"h","body":{},"status":200,"header":{"Content-Type":"a"},"answer":"b","cut":"unexpected EOF"}`)
	f.Add("\n{}\n")
	f.Fuzz(func(t *testing.T, tape string) {
		p, err := modeltest.NewPlayer(strings.NewReader(tape))
		if err != nil {
			return
		}
		if n := p.Unused(); n > strings.Count(tape, "\n")+1 {
			t.Errorf("Unused() = %d of %d lines", n, strings.Count(tape, "\n")+1)
		}
	})
}
