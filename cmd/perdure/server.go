package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure/host"
)

// server is a running server that commands talk to.
type server struct {
	url   string
	label string // of it, for people
	http  *http.Client
	key   string // one idempotency key an invocation
	// patience is how long an answer may take; streams have all time.
	patience time.Duration
	silence  time.Duration // that a stream may keep
	number   int           // of the mutation within the invocation
	// header chooses the task hub and says who asks.
	header http.Header
	// away is told when a server whose stream was cut is away, and when it is back; nil =
	// nobody is.
	away func(away bool)
	// slow is told of a server that lets a request wait; nil = nobody is.
	slow func()
}

const (
	defaultPatience = time.Minute
	slowAfter       = 5 * time.Second // a request that waits is told of
)

// silent is the cause of a context that ended because the server said nothing.
type silent struct{ time.Duration }

// Error implements error.
func (s *silent) Error() string { return "it has said nothing for " + short(s.Duration) }

func addServerFlag(c *cobra.Command) {
	flags := c.PersistentFlags()
	flags.String("hub", "", "the server's URL, or the PostgreSQL database of its hubs (env PERDURE_HUB; default http://127.0.0.1:8080)")
	flags.String("task-hub", "", `the server's task hub (env PERDURE_TASK_HUB; default "default")`)
	flags.String("token-file", "", "a file with the token that the server demands (or the token in env PERDURE_TOKEN)")
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
	if host.IsDatabase(address) {
		return connectNode(c, t, address)
	}
	address, taskHub := endpointOf(address)
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		next := "start one with perdure server --data DIR, then give its URL with --hub"
		if name, port, err := net.SplitHostPort(address); err == nil && port != "" {
			next = "write --hub http://" + net.JoinHostPort(name, port)
		}
		return nil, fail(exitUsage, next, "%s is no URL of a server", address)
	}
	address = strings.TrimSuffix(address, "/")
	s, err := newClient(c, t, address, address, &http.Client{})
	if err == nil && taskHub != "" && s.header.Get("taskhub") == "" {
		s.header.Set("taskhub", taskHub)
	}
	return s, err
}

// endpointOf takes the address and the task hub out of the connection string of a
// Perdure server, as servers show it; any other text is the address.
func endpointOf(text string) (address, taskHub string) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		parts[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	if endpoint := parts["endpoint"]; endpoint != "" && strings.EqualFold(parts["authentication"], "none") {
		return endpoint, parts["taskhub"]
	}
	return text, ""
}

// newClient returns the server at a URL, which people know by a label.
func newClient(c *cobra.Command, t *terminal, url, label string, by *http.Client) (*server, error) {
	header, err := clientHeader(c, t)
	if err != nil {
		return nil, err
	}
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	return &server{url: url, label: label, http: by, key: hex.EncodeToString(key[:]), patience: defaultPatience, silence: defaultSilence, header: header}, nil
}

// clientHeader is the header of requests to the task hub, and with the token, that
// the flags or the environment name.
func clientHeader(c *cobra.Command, t *terminal) (http.Header, error) {
	header := make(http.Header)
	header.Set("User-Agent", userAgent())
	taskHub, err := c.Flags().GetString("task-hub")
	if err != nil {
		return nil, err
	}
	if taskHub == "" {
		taskHub = t.getenv("PERDURE_TASK_HUB")
	}
	if taskHub != "" {
		header.Set("taskhub", taskHub)
	}
	file, err := c.Flags().GetString("token-file")
	if err != nil {
		return nil, err
	}
	token := t.getenv("PERDURE_TOKEN")
	if file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fail(exitUsage, "", "the token cannot be read: %s", err)
		}
		token = string(data)
	}
	if token = strings.TrimSpace(token); token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	return header, nil
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
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience, &silent{s.patience})
	defer cancel()
	response, err := s.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return s.lost(ctx, method, err)
	}
	if response.StatusCode >= 400 {
		return refused(response.StatusCode, data)
	}
	if raw, ok := into.(*json.RawMessage); ok {
		*raw = bytes.TrimSpace(data)
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fail(exitError, "does --hub name a perdure server?", "the answer of %s is not understood: %v", s.label+path, err)
	}
	return nil
}

// send sends a request and returns its response, whatever the status.
func (s *server) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fail(exitUsage, "", "%s", err)
	}
	maps.Copy(r.Header, s.header)
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
		s.number++
		r.Header.Set("Idempotency-Key", s.key+"-"+strconv.Itoa(s.number))
	}
	response, err := s.roundTrip(r)
	if err != nil {
		return nil, s.lost(ctx, method, err)
	}
	return response, nil
}

// roundTrip sends a request, and tells of a server that lets it wait, unless the request
// asks for that.
func (s *server) roundTrip(r *http.Request) (*http.Response, error) {
	if s.slow == nil || s.patience > defaultPatience {
		return s.http.Do(r)
	}
	var response *http.Response
	var err error
	answered := make(chan struct{})
	go func() { // ends with the request, for which this function waits
		defer close(answered)
		response, err = s.http.Do(r)
	}()
	wait := time.NewTimer(slowAfter)
	defer wait.Stop()
	select {
	case <-answered:
	case <-wait.C:
		s.slow()
		<-answered
	}
	return response, err
}

// lost explains why there was no answer to a request. What it was to change may be
// changed, if the server had it already.
func (s *server) lost(ctx context.Context, method string, err error) error {
	failed := s.unreachable(ctx, err)
	var dialed *net.OpError
	if f := new(failure); method != http.MethodGet && isAway(failed) && errors.As(failed, &f) && !(errors.As(err, &dialed) && dialed.Op == "dial") {
		f.next = "look before you try again: it may have been done all the same"
	}
	return failed
}

// unreachable explains why there was no answer.
func (s *server) unreachable(ctx context.Context, err error) error {
	if interrupted(ctx) {
		return fail(exitInterrupted, "", "interrupted")
	}
	var mute *silent
	if errors.As(context.Cause(ctx), &mute) {
		return fail(exitUnreachable, "perdure doctor looks at it; its log may tell more", "no answer from %s: %v", s.label, mute)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fail(exitTimeout, "", "time ran out")
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		err = operation.Err
	}
	var request *url.Error
	if errors.As(err, &request) { // whose text repeats the address
		err = request.Err
	}
	return fail(exitUnreachable, "is it running? perdure dev starts one; --hub names another", "no answer from %s: %v", s.label, err)
}

// refused turns a problem document into a failure.
func refused(status int, data []byte) error {
	var p struct{ Code, Detail, Hint, ID string }
	if err := json.Unmarshal(data, &p); err != nil || p.Code == "" {
		if status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout {
			return fail(exitUnreachable, "it is not perdure that answers, but what stands before it", "the server answered %d %s", status, http.StatusText(status))
		}
		return fail(exitError, "does --hub name a perdure server?", "the server answered %d %s", status, http.StatusText(status))
	}
	f := &failure{cause: ownCause(p.Detail), next: ownNext(p.Hint, p.ID), problem: bytes.TrimSpace(data), code: exitError}
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
