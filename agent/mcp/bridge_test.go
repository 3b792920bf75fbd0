package mcp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/mcp"
)

// bridged connects the SDK's client with a bridge in this process.
func bridged(t *testing.T, url string) *sdk.ClientSession {
	t.Helper()
	in, toIn := io.Pipe()
	fromOut, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- mcp.Bridge(context.Background(), in, out, mcp.Server{Name: "perdure", URL: url}) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("Bridge() = %v", err)
		}
	})
	return connect(t, &sdk.IOTransport{Reader: fromOut, Writer: toIn})
}

// A bridge outlives the server at its other end.
func TestBridgeServerGone(t *testing.T) {
	n := start(t, parrot("Parrot"))
	var down atomic.Bool
	h := handler(t, n.offer())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	s := bridged(t, server.URL)
	for i, c := range []struct {
		down  bool
		query string
		want  string
	}{
		{false, "a", "1 a"},
		{true, "b", "perdure"},
		{true, "c", "perdure"},
		{false, "d", "3 d"},
	} {
		down.Store(c.down)
		r := ask(t, s, "Parrot", map[string]any{"query": c.query, "sessionId": "k"})
		if r.IsError != c.down || !strings.Contains(said(r), c.want) {
			t.Errorf("%d: Parrot(%s) = %q, error %v, want %q", i, c.query, said(r), r.IsError, c.want)
		}
	}
}

// A tool that the server has no more is an error of its call.
func TestBridgeToolGone(t *testing.T) {
	n := start(t, parrot("Parrot"))
	var now atomic.Pointer[http.Handler]
	whole := handler(t, n.offer())
	now.Store(&whole)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*now.Load()).ServeHTTP(w, r) }))
	defer server.Close()
	s := bridged(t, server.URL)
	offer := n.offer()
	offer.Workflows = nil
	part := handler(t, offer)
	now.Store(&part)
	if r := ask(t, s, "Echo", map[string]any{"input": "x"}); !r.IsError || !strings.Contains(said(r), "Echo") {
		t.Errorf("Echo(x) = %q, error %v, want an error that names the tool", said(r), r.IsError)
	}
	if r := ask(t, s, "Parrot", map[string]any{"query": "x"}); r.IsError || said(r) != "1 x" {
		t.Errorf("Parrot(x) = %q, error %v, want 1 x", said(r), r.IsError)
	}
}

func TestBridgeUnreachable(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	in, _ := io.Pipe()
	_, out := io.Pipe()
	err := mcp.Bridge(t.Context(), in, out, mcp.Server{Name: "perdure", URL: server.URL})
	if perdure.CodeOf(err) != perdure.Unavailable || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("Bridge() = %v, want unavailable", err)
	}
	if _, err := out.Write([]byte("x")); err == nil {
		t.Error("Bridge() left its output open")
	}
}
