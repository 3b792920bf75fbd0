package mcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/perdure/perdure"
)

// link is one connection with a server.
type link struct {
	session *sdk.ClientSession
	meter   *meter
	process *process        // nil = a server at a URL
	http    *http.Transport // nil = a child process

	ended  chan struct{} // closed when the session has ended and the process is gone
	once   sync.Once
	uses   int          // guarded by Client.mu
	looked atomic.Int64 // when the tools were looked at last, in Unix nanoseconds
}

// connect starts or reaches the server and greets it.
func (s *Server) connect(ctx context.Context) (*link, error) {
	l := &link{meter: &meter{limit: s.maxMessage()}, ended: make(chan struct{})}
	var transport sdk.Transport
	if s.URL != "" {
		l.http = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute}
		transport = &sdk.StreamableClientTransport{
			Endpoint: s.URL, DisableStandaloneSSE: true, MaxRetries: -1, MaxEventSize: int(s.maxMessage()),
			HTTPClient: &http.Client{Transport: &sender{next: l.http, server: s}, CheckRedirect: noRedirect},
		}
	} else {
		var err error
		if l.process, err = startProcess(s, l.meter); err != nil {
			return nil, err
		}
		transport = l.process
	}
	client := sdk.NewClient(&sdk.Implementation{Name: "perdure", Version: "1"}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}})
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		if l.process != nil {
			l.process.end()
		} else {
			l.http.CloseIdleConnections()
		}
		return nil, err
	}
	l.session = session
	go l.watch()
	return l, nil
}

// watch waits for the end of the session; close waits for it.
func (l *link) watch() {
	defer close(l.ended)
	_ = l.session.Wait() // why it ended is what the calls fail with
	if l.process != nil {
		l.process.end()
	}
}

func (l *link) hasEnded() bool {
	select {
	case <-l.ended:
		return true
	default:
		return l.meter.over.Load()
	}
}

// close ends the session and its process and waits until they are gone.
func (l *link) close() {
	l.once.Do(func() {
		if l.process != nil {
			l.process.end() // with it the session ends
		}
		_ = l.session.Close() // a server that cannot be told forgets by itself
		<-l.ended
		if l.http != nil {
			l.http.CloseIdleConnections()
		}
	})
}

func (l *link) age() time.Duration { return time.Since(time.Unix(0, l.looked.Load())) }

// errTooLarge is why an answer is not read to its end.
var errTooLarge = errors.New("the answer is larger than is allowed")

// errMissing is why a call is made again: the server has no such session.
var errMissing = errors.New("there is no such session")

// meter notes what the SDK's errors do not tell: of a child process for all of a
// connection, of a server at a URL for one call.
type meter struct {
	limit   int64       // bytes of a message
	over    atomic.Bool // a message was longer
	missing atomic.Bool // the server does not know the session
}

// meterOf returns the meter of the call that ctx belongs to.
func meterOf(ctx context.Context) *meter {
	if m, ok := ctx.Value(meterKey{}).(*meter); ok {
		return m
	}
	return &meter{}
}

// lines is a stream of messages, one a line, each of limited length.
type lines struct {
	io.ReadCloser
	meter  *meter
	length int64 // of the line so far
}

// Read implements io.Reader.
func (r *lines) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	for rest, more := p[:n], true; more; {
		var part []byte
		part, rest, more = bytes.Cut(rest, []byte("\n"))
		if r.length += int64(len(part)); r.length > r.meter.limit {
			r.meter.over.Store(true)
			return 0, errTooLarge
		}
		if more {
			r.length = 0
		}
	}
	return n, err
}

// body is an HTTP answer of limited length.
type body struct {
	io.ReadCloser
	left  int64
	meter *meter
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.meter.over.Store(true)
		return 0, errTooLarge
	}
	return n, err
}

type (
	meterKey  struct{}
	effectKey struct{}
)

// sender sends the requests to a URL.
type sender struct {
	next   http.RoundTripper
	server *Server
}

// RoundTrip implements http.RoundTripper. The effect id of a tool call goes with
// it, so that the server can tell a repetition.
func (s *sender) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range s.server.Header {
		r.Header[name] = values
	}
	if id, ok := r.Context().Value(effectKey{}).(string); ok && id != "" {
		r.Header.Set("Idempotency-Key", id)
	}
	response, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	m := meterOf(r.Context())
	if response.StatusCode == http.StatusNotFound && r.Header.Get("Mcp-Session-Id") != "" {
		m.missing.Store(true)
	}
	response.Body = &body{ReadCloser: response.Body, left: s.server.maxMessage(), meter: m}
	return response, nil
}

func noRedirect(r *http.Request, _ []*http.Request) error {
	return &perdure.Error{Code: perdure.PermissionDenied, Op: "call MCP server", Message: "it redirects to " + r.URL.Host + "; redirects are not followed"}
}
