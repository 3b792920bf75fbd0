package openai_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/model/openai"
)

func TestAttachments(t *testing.T) {
	m, _, script := serve(t, modeltest.Say("ok"))
	if _, err := model.Collect(m.Generate(t.Context(), &model.Request{Messages: []*model.Message{
		{Role: model.RoleUser, Contents: model.Contents{
			&model.Data{URI: "data:image/svg+xml;charset=utf-8,%3Csvg%2F%3E"},
			model.NewData("text/csv", []byte("a,b")),
			model.NewData("audio/wav", []byte("wav")),
			&model.Data{URI: "data:audio/mpeg,%00"},
			&model.Data{URI: "data:application/pdf,%25PDF"},
			&model.URI{URI: "https://shop.test/", MediaType: "text/html"}}},
	}})); err != nil {
		t.Fatalf("Generate() = %v", err)
	}
	want := model.Contents{
		&model.Data{URI: "data:image/svg+xml;base64,PHN2Zy8+"}, &model.Text{Text: "a,b"},
		&model.Data{URI: "data:audio/wav;base64,d2F2"}, &model.Data{URI: "data:audio/mp3;base64,AA=="},
		&model.Data{URI: "data:application/pdf;base64,JVBERg==", Name: "file.pdf"}, &model.Text{Text: "https://shop.test/"}}
	if diff := cmp.Diff(want, script.Requests()[0].Messages[0].Contents); diff != "" {
		t.Errorf("contents mismatch (-want +got):\n%s", diff)
	}
}

// TestCancelClosesTheConnection: the provider learns at once that nobody waits,
// before its answer has begun and in the middle of it.
func TestCancelClosesTheConnection(t *testing.T) {
	stopping := errors.New("stopping")
	pause, half := modeltest.Pause(time.Hour), modeltest.Say("one ").Then(modeltest.Pause(time.Hour))
	for _, tt := range []struct {
		start func(*testing.T, ...modeltest.Step) (*openai.Model, *modeltest.Server, *modeltest.Scripted)
		step  modeltest.Step
	}{{serve, pause}, {serve, half}, {serveResponses, pause}, {serveResponses, half}} {
		m, server, _ := tt.start(t, tt.step)
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := model.Collect(m.Generate(ctx, request("?"))); !errors.Is(err, stopping) {
				t.Errorf("Generate() = %v, want %v", err, stopping)
			}
		})
		until(t, func() bool { return len(server.Ledger()) == 1 })
		start := time.Now()
		cancel(stopping)
		wg.Wait()
		until(t, func() bool { return server.Ledger()[0].Outcome == modeltest.OutcomeLeft })
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("the connection was closed %v after the cancel", took)
		}
	}
}

// until polls for a condition.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not within 10 s")
		}
	}
}

// TestLimiter has many calls at once stay within a server's limit.
func TestLimiter(t *testing.T) {
	const calls = 30
	handler, err := modeltest.ServerConfig{Model: modeltest.Repeat(modeltest.Say("ok")), Requests: 20, Per: 2 * time.Second}.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	m, err := openai.New(openai.Config{Model: "gpt-test", BaseURL: server.URL, HTTPClient: server.Client(),
		Limiter: model.NewLimiter(model.LimiterConfig{})})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			if _, err := model.Collect(m.Generate(t.Context(), request("?"))); err != nil {
				t.Errorf("Generate() = %v", err)
			}
		})
	}
	wg.Wait()
	if got := len(handler.Ledger()); got != calls {
		t.Errorf("requests = %d, want %d", got, calls)
	}
}
