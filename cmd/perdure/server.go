package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// server is a running server that commands talk to.
type server struct {
	url  string
	http *http.Client
	key  string // one idempotency key an invocation
	// patience is how long an answer may take; streams have all time.
	patience time.Duration
	number   int // of the mutation within the invocation
}

func addServerFlag(c *cobra.Command) {
	c.PersistentFlags().String("hub", "", "the server's URL (env PERDURE_HUB; default http://127.0.0.1:8080)")
}

// connect returns the server that the flags or the environment name.
func connect(c *cobra.Command, t *terminal) (*server, error) {
	address, err := c.Flags().GetString("hub")
	if err != nil {
		return nil, err
	}
	if address == "" {
		address = t.getenv("PERDURE_HUB")
	}
	if address == "" {
		address = "http://127.0.0.1:8080"
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fail(exitUsage, "start one with perdure server --data DIR, then give its URL with --hub",
			"%s is no URL of a server", address)
	}
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	return &server{url: strings.TrimSuffix(address, "/"), http: &http.Client{}, key: hex.EncodeToString(key[:]), patience: time.Minute}, nil
}

// get reads a document.
func (s *server) get(ctx context.Context, path string, into any) error {
	return s.do(ctx, http.MethodGet, path, nil, into)
}

// post sends a command; body is JSON, nil = none.
func (s *server) post(ctx context.Context, path string, body []byte, into any) error {
	return s.do(ctx, http.MethodPost, path, body, into)
}

func (s *server) do(ctx context.Context, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	response, err := s.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return s.unreachable(ctx, err)
	}
	if response.StatusCode >= 400 {
		return refused(response.StatusCode, data)
	}
	if raw, ok := into.(*json.RawMessage); ok {
		*raw = bytes.TrimSpace(data)
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fail(exitError, "does --hub name a perdure server?", "the answer of %s is not understood: %v", s.url+path, err)
	}
	return nil
}

// send sends a request and returns its response, whatever the status.
func (s *server) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fail(exitUsage, "", "%s", err)
	}
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
		s.number++
		r.Header.Set("Idempotency-Key", s.key+"-"+strconv.Itoa(s.number))
	}
	response, err := s.http.Do(r)
	if err != nil {
		return nil, s.unreachable(ctx, err)
	}
	return response, nil
}

// unreachable explains why there was no answer.
func (s *server) unreachable(ctx context.Context, err error) error {
	if interrupted(ctx) {
		return fail(exitInterrupted, "", "interrupted")
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fail(exitTimeout, "", "time ran out")
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	return fail(exitUnreachable, "is it running? perdure dev starts one; --hub names another", "no answer from %s: %v", s.url, err)
}

// refused turns a problem document into a failure.
func refused(status int, data []byte) error {
	var p struct{ Code, Detail, Hint string }
	if err := json.Unmarshal(data, &p); err != nil || p.Code == "" {
		return fail(exitError, "does --hub name a perdure server?", "the server answered %d %s", status, http.StatusText(status))
	}
	f := &failure{cause: p.Detail, next: p.Hint, problem: bytes.TrimSpace(data), code: exitError}
	switch p.Code {
	case "not_found":
		f.code = exitNotFound
	case "already_exists", "failed_precondition", "conflict":
		f.code = exitConflict
	case "invalid_argument":
		f.code = exitUsage
	case "unauthenticated", "permission_denied":
		f.code = exitNotAllowed
	case "deadline_exceeded":
		f.code = exitTimeout
	case "unavailable":
		f.code = exitUnreachable
	}
	return f
}

// runPath is the path of a run, with what follows it.
func runPath(id string, rest ...string) string {
	path := "/api/v1/runs/" + segment(id)
	for _, r := range rest {
		path += "/" + segment(r)
	}
	return path
}

// segment escapes a text as one segment of a path.
func segment(s string) string {
	if s == "." || s == ".." {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}
