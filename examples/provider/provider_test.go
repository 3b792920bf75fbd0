package provider_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/provider"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// serve runs a provider that follows a script.
func serve(t *testing.T, steps ...modeltest.Step) (*modeltest.Server, provider.Endpoint) {
	t.Helper()
	handler := modeltest.NewServer(modeltest.Script(t, steps...))
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return handler, provider.Endpoint{URL: server.URL + "/v1", Model: "joke-1", Key: "secret"}
}

// outcomes returns how the requests to a provider ended.
func outcomes(s *modeltest.Server) []string {
	var list []string
	for _, e := range s.Ledger() {
		list = append(list, e.Outcome)
	}
	return list
}

func begin(t *testing.T, endpoints ...provider.Endpoint) *perduretest.Env {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := provider.Register(reg, endpoints...); err != nil {
		t.Fatal(err)
	}
	return perduretest.New(t, reg)
}

// TestRetries has the provider ask to come back in an hour, break off in the middle
// of an answer, and then tell the joke. The server crashes while it waits.
func TestRetries(t *testing.T) {
	s, endpoint := serve(t,
		modeltest.RateLimit(time.Hour),
		modeltest.Say("Why are").Then(modeltest.Cut()),
		modeltest.Say("Why are pirates called pirates? They arr."),
	)
	env := begin(t, endpoint)
	began := env.Now()
	env.After(30*time.Minute, env.Crash)
	r, err := env.Ask("Joker", "k1", "Tell me a joke about a pirate.")
	if err != nil || r.Text != "Why are pirates called pirates? They arr." {
		t.Errorf("Ask() = %+v, %v, want the whole joke", r, err)
	}
	if d := env.Now().Sub(began); d < time.Hour || d > time.Hour+time.Minute {
		t.Errorf("it took %v, want an hour and a little", d)
	}
	if diff := cmp.Diff([]string{modeltest.OutcomeFailed, modeltest.OutcomeCut, modeltest.OutcomeAnswered}, outcomes(s)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	for _, request := range s.Requests() {
		if got := request.Header.Get("Authorization"); got != "Bearer secret" {
			t.Errorf("Authorization = %q, want the key", got)
		}
	}
}

// TestFallback has the first provider fail for good.
func TestFallback(t *testing.T) {
	down := modeltest.ServerError()
	first, primary := serve(t, down, down, down, down)
	_, secondary := serve(t, modeltest.Say("Arr."))
	env := begin(t, primary, secondary)
	if r, err := env.Ask("Joker", "k1", "Tell me a joke about a pirate."); err != nil || r.Text != "Arr." {
		t.Errorf("Ask() = %+v, %v, want the answer of the second endpoint", r, err)
	}
	if n := len(first.Ledger()); n != 4 {
		t.Errorf("the first endpoint was asked %d times, want 4", n)
	}
}

func TestMistakes(t *testing.T) {
	for name, endpoints := range map[string][]provider.Endpoint{
		"none": nil, "no model": {{URL: "http://127.0.0.1:1/v1"}}, "no URL": {{URL: "somewhere", Model: "m"}},
	} {
		if err := provider.Register(perdure.NewRegistry(), endpoints...); err == nil {
			t.Errorf("%s: Register() = nil, want an error", name)
		}
	}
}
