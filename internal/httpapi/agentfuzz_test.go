package httpapi_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model/modeltest"
)

// FuzzAgentRequest sends any request to the routes of an agent, whose hub is not
// there: what is understood is unavailable, everything else the caller's fault.
func FuzzAgentRequest(f *testing.F) {
	const run, session = "/api/agents/joker/run", "/api/v1/agents/joker/sessions"
	for _, s := range []struct{ method, path, media, body string }{
		{"POST", run, "application/json", `{"message":"Joke.","thread_id":"k1","role":"user","wait_for_response":"yes"}`},
		{"POST", run + "?sessionId=a&waitForResponse=0", "application/json", `{"message":5,"session_id":"b","enable_tool_calls":false}`},
		{"POST", run + "?thread_id=@dafx-joker@k", "text/plain", "Joke."},
		{"POST", run, "application/json", `{"message":"m","response_format":{"type":"json"},"waitForResponse":[1]}`},
		{"POST", run, "application/json", `{"message":"m","response_format":{"$type":"json","schema":{}},"enable_tool_calls":"no","role":"system"}`},
		{"POST", run, "application/json", `{"message":"m","responseFormat":{"__response_schema_type__":"pydantic_model","module":"a","qualname":7}}`},
		{"POST", run, "application/problem+json", "null"},
		{"POST", run, "text/plain", "\xff"},
		{"POST", session + "/k/messages", "application/json", `{"message":"m","idempotency_key":"a","idempotencyKey":"b"}`},
		{"GET", session + "?cursor=AAAA&limit=5", "", ""},
		{"GET", session + "/k/messages?from=-1&limit=x", "", ""},
		{"GET", session + "/k/turns/0123456789abcdef/stream?from=1e9", "", ""},
		{"DELETE", session + "/%40", "", ""},
	} {
		f.Add(s.method, s.path, s.media, s.body)
	}
	reg := perdure.NewRegistry()
	if err := agent.Register(reg, &agent.Agent{Name: "Joker", Model: modeltest.NewScript()}); err != nil {
		f.Fatal(err)
	}
	list, err := agent.List(reg)
	if err != nil {
		f.Fatal(err)
	}
	gone := func(context.Context) (hub.Hub, error) { return nil, &perdure.Error{Code: perdure.Unavailable} }
	api := httpapi.New(httpapi.Config{
		Hub: fixture(), MaxWait: time.Nanosecond, MaxBody: 1 << 16,
		Agents: &httpapi.Agents{Service: agent.NewService(client.Later(gone)), List: list},
	})
	api.Stop() // so that streams end at once
	f.Fuzz(func(t *testing.T, method, path, media, body string) {
		r := httptest.NewRequest("GET", "http://localhost/", strings.NewReader(body))
		u, err := r.URL.Parse(path)
		if err != nil {
			return
		}
		r.Method, r.URL, r.Host = method, u, "localhost"
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 503 {
			t.Errorf("%s %q %q %q = %d %s", method, path, media, body, w.Code, w.Body)
		}
	})
}
