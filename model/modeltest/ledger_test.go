package modeltest_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
)

// start serves a model over HTTP.
func start(t *testing.T, cfg modeltest.ServerConfig) (*modeltest.Server, string) {
	t.Helper()
	s, err := cfg.New()
	if err != nil {
		t.Fatalf("New() = %v", err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return s, server.URL
}

// do sends a request and returns the status and the body, as far as it came.
func do(t *testing.T, ctx context.Context, method, url, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	b, _ := io.ReadAll(answer.Body)
	http.DefaultClient.CloseIdleConnections()
	return answer.StatusCode, string(b)
}

// until polls for a condition.
func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

const streamed = `{"model":"m","stream":true,"messages":[{"role":"user","content":"What now?"}]}`

func TestLedger(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ledger")
	s, url := start(t, modeltest.ServerConfig{Ledger: file, Model: modeltest.Script(t,
		modeltest.Say("one two").Usage(model.Usage{InputTokenCount: 20, CachedInputTokenCount: 8, OutputTokenCount: 4}),
		modeltest.Say("one two three").Then(modeltest.Cut()),
		modeltest.RateLimit(time.Second),
		modeltest.Say("one").Then(modeltest.ServerError()),
		modeltest.Say("one ").Then(modeltest.Pause(time.Hour)),
		modeltest.Cut())})
	chat := url + "/v1/chat/completions"
	do(t, t.Context(), "POST", chat, streamed, "Idempotency-Key", "step-1")
	do(t, t.Context(), "POST", chat, streamed, "X-Client-Request-Id", "step-2")
	do(t, t.Context(), "POST", chat, streamed)
	do(t, t.Context(), "POST", chat, streamed)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "POST", chat, strings.NewReader(streamed))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(answer.Body, make([]byte, 1)); err != nil { // the answer has begun
		t.Fatal(err)
	}
	if got := s.Ledger()[4].Outcome; got != modeltest.OutcomeOpen {
		t.Errorf("outcome of a call under way = %q, want open", got)
	}
	if got := readFile(t, file); len(got) != 5 || got[4].Outcome != modeltest.OutcomeOpen {
		t.Errorf("file while a call is under way = %+v, want it in there", got)
	}
	cancel()
	answer.Body.Close()
	until(t, "the fifth call has ended", func() bool { return s.Ledger()[4].Outcome != modeltest.OutcomeOpen })
	do(t, t.Context(), "POST", url+"/v1/messages", `{"model":"c","max_tokens":5,"messages":[{"role":"user","content":"What now?"}]}`)
	do(t, t.Context(), "POST", chat, "{")
	do(t, t.Context(), "GET", url+"/v1/models", "")

	want := []modeltest.Entry{
		{Number: 1, Model: "m", RequestID: "step-1", Outcome: "answered", Status: 200, ResponseID: "script-1", InputTokens: 20, OutputTokens: 4, CachedTokens: 8},
		{Number: 2, Model: "m", RequestID: "step-2", Outcome: "cut", Status: 200, ResponseID: "script-2", InputTokens: 3, OutputTokens: 3},
		{Number: 3, Model: "m", Outcome: "failed", Status: 429},
		{Number: 4, Model: "m", Outcome: "failed", Status: 200, ResponseID: "script-4", InputTokens: 3, OutputTokens: 1},
		{Number: 5, Model: "m", Outcome: "left", Status: 200, ResponseID: "script-5", InputTokens: 3, OutputTokens: 1},
		{Number: 6, Model: "c", Path: "/v1/messages", Outcome: "cut", InputTokens: 3},
		{Number: 7, Outcome: "failed", Status: 400},
	}
	for i := range want {
		if want[i].Path == "" {
			want[i].Path = "/v1/chat/completions"
		}
	}
	got := s.Ledger()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(modeltest.Entry{}, "Hash")); diff != "" {
		t.Errorf("Ledger() mismatch (-want +got):\n%s", diff)
	}
	if got[0].Hash == "" || got[0].Hash != got[1].Hash || got[0].Hash == got[6].Hash {
		t.Errorf("hashes = %q, %q, %q, want one for each body", got[0].Hash, got[1].Hash, got[6].Hash)
	}
	_, served := do(t, t.Context(), "GET", url+"/__ledger", "")
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"route": served, "file": string(written), "file cut off": string(written) + `{"number":`} {
		read, err := modeltest.ReadLedger(strings.NewReader(text))
		if diff := cmp.Diff(got, read); diff != "" || err != nil {
			t.Errorf("%s: ReadLedger() = %v, mismatch (-want +got):\n%s", name, err, diff)
		}
	}
}

func readFile(t *testing.T, name string) []modeltest.Entry {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	entries, err := modeltest.ReadLedger(file)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestReadLedgerErrors(t *testing.T) {
	for text, want := range map[string]string{"{\n": "line 1", "{\"number\":1}\n{\"number\":3}\n": "request 3 after request 1", "{}\n": "request 0"} {
		if _, err := modeltest.ReadLedger(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadLedger(%q) = %v, want an error with %q", text, err, want)
		}
	}
}

func TestServerConfig(t *testing.T) {
	_, err := modeltest.ServerConfig{Requests: -1}.New()
	for _, want := range []string{"Model is nil", "negative"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New() = %v, want an error with %q", err, want)
		}
	}
	if _, err := (modeltest.ServerConfig{Model: modeltest.NewScript(), Ledger: t.TempDir()}).New(); err == nil {
		t.Error("New() with a folder as ledger = nil, want an error")
	}
}

func TestServerKeeps(t *testing.T) {
	s, err := modeltest.ServerConfig{Model: modeltest.Repeat(modeltest.Say("ok")), Keep: 2}.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/a/responses", "/b/responses", "/c/responses"} {
		s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", path, strings.NewReader(`{"input":"x"}`)))
	}
	if got := s.Requests(); len(got) != 2 || got[0].Path != "/b/responses" || got[1].Path != "/c/responses" || len(s.Ledger()) != 3 {
		t.Errorf("Requests() = %d, Ledger() = %d, want the newest 2 and all 3", len(got), len(s.Ledger()))
	}
}

func TestServerLimit(t *testing.T) {
	s, err := modeltest.ServerConfig{Model: modeltest.Repeat(modeltest.Say("ok")), Requests: 2, Per: time.Hour}.New()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{200, 200, 429} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("POST", "/v1/chat/completions", bytes.NewReader([]byte(streamed))))
		left := w.Header().Get("X-Ratelimit-Remaining-Requests")
		if w.Code != want || left != []string{"1", "0", "0"}[i] || (want == 429) != (w.Header().Get("Retry-After-Ms") != "" || w.Header().Get("Retry-After") != "") {
			t.Errorf("request %d = %d, %s left, headers %v, want %d", i, w.Code, left, w.Header(), want)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("POST", "/v1/messages", strings.NewReader(`{"max_tokens":1,"messages":[]}`)))
	if at, err := time.Parse(time.RFC3339, w.Header().Get("Anthropic-Ratelimit-Requests-Reset")); err != nil || time.Until(at) < 50*time.Minute {
		t.Errorf("Anthropic's reset = %v, %v, want about an hour from now", at, err)
	}
}
