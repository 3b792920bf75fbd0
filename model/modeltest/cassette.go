package modeltest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// A cassette holds HTTP exchanges as JSON lines, one for each call. What can hold
// a secret is left out: request headers altogether, of the answer's headers all
// but those that a client reads, the values of query parameters that carry keys,
// and wherever else they stand the values of the headers that authenticate.

// exchange is one line of a cassette. Bodies are text, or base64 if they are none.
type exchange struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Hash   string            `json:"hash"`
	Body   json.RawMessage   `json:"body,omitempty"`
	Status int               `json:"status"`
	Header map[string]string `json:"header,omitempty"`
	Answer string            `json:"answer,omitempty"`
	Binary []byte            `json:"binary,omitempty"`
	// Cut holds the error that ended the answer before its time.
	Cut string `json:"cut,omitempty"`
}

// keptHeaders are the headers of an answer that clients act on.
func keptHeaders() []string {
	return []string{"Content-Type", "Retry-After", "Retry-After-Ms", "X-Should-Retry", "X-Request-Id", "Request-Id"}
}

// Recorder is an http.RoundTripper that makes real calls and writes each to a
// cassette. It may be used concurrently.
type Recorder struct {
	next  http.RoundTripper
	scrub []Scrub

	mu  sync.Mutex // guards w and err
	w   io.Writer
	err error
}

// NewRecorder returns a recorder that calls next, nil meaning
// http.DefaultTransport, and writes lines to w. A line is written when the body
// of the answer has been read or closed.
func NewRecorder(w io.Writer, next http.RoundTripper, scrub ...Scrub) *Recorder {
	if next == nil {
		next = http.DefaultTransport
	}
	return &Recorder{next: next, scrub: scrub, w: w}
}

// Err returns the first error in writing the cassette.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// RoundTrip implements [http.RoundTripper].
func (r *Recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := takeBody(req)
	if err != nil {
		return nil, err
	}
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := r.next.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	scrub := newScrubber(req, r.scrub)
	e := describe(req, body, scrub)
	e.Status = answer.StatusCode
	e.Header = map[string]string{}
	for _, name := range keptHeaders() {
		if v := answer.Header.Get(name); v != "" {
			e.Header[name] = scrub.text(v)
		}
	}
	answer.Body = &recordedBody{body: answer.Body, recorder: r, scrub: scrub, exchange: e}
	return answer, nil
}

func (r *Recorder) write(e exchange) {
	line, err := json.Marshal(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		_, err = r.w.Write(append(line, '\n'))
	}
	if r.err == nil {
		r.err = err
	}
}

// takeBody reads the body of req, which may be nil.
func takeBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// describe returns the part of an exchange that the request determines, without
// its secrets. The hash identifies it: method, path, query and body, not the host.
func describe(req *http.Request, body []byte, scrub scrubber) exchange {
	u := *req.URL
	u.User = nil
	query := u.Query()
	for name := range query {
		if slices.Contains(secretParameters(), strings.ToLower(name)) {
			query.Set(name, scrubbed)
		}
	}
	u.RawQuery = query.Encode()
	body = scrub.body(body)
	e := exchange{Method: req.Method, URL: scrub.text(u.String())}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s?%s\n", req.Method, scrub.text(u.EscapedPath()), u.RawQuery)
	h.Write(body)
	e.Hash = hex.EncodeToString(h.Sum(nil)[:16])
	if json.Valid(body) {
		e.Body = body
	}
	return e
}

// recordedBody passes an answer on and keeps it. The exchange is written once.
type recordedBody struct {
	body     io.ReadCloser
	recorder *Recorder
	scrub    scrubber
	exchange exchange
	kept     bytes.Buffer
	done     bool
}

func (b *recordedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.kept.Write(p[:n])
	if err != nil {
		if err != io.EOF {
			b.exchange.Cut = b.scrub.text(err.Error())
		}
		b.finish()
	}
	return n, err
}

func (b *recordedBody) Close() error {
	b.finish()
	return b.body.Close()
}

func (b *recordedBody) finish() {
	if b.done {
		return
	}
	b.done = true
	kept := b.scrub.body(b.kept.Bytes())
	if utf8.Valid(kept) {
		b.exchange.Answer = string(kept)
	} else {
		b.exchange.Binary = kept
	}
	b.recorder.write(b.exchange)
}

// Player is an http.RoundTripper that answers from a cassette and makes no call.
// It is strict: a request that the cassette does not hold, or that was already
// answered as often as it was recorded, fails. Equal requests are answered in the
// order of their recording. It may be used concurrently.
type Player struct {
	scrub []Scrub

	mu        sync.Mutex // guards the fields below
	exchanges []exchange
	played    []bool
}

// Play returns a player for a test, which fails if the cassette can not be read
// and if exchanges are left at its end.
func Play(t T, cassette io.Reader, scrub ...Scrub) *Player {
	t.Helper()
	p, err := NewPlayer(cassette, scrub...)
	if err != nil {
		t.Errorf("%v", err)
		return &Player{scrub: scrub}
	}
	t.Cleanup(func() {
		if n := p.Unused(); n > 0 {
			t.Errorf("cassette: %d of %d exchanges unused", n, len(p.exchanges))
		}
	})
	return p
}

// NewPlayer reads a cassette, which was recorded with the same scrubs.
func NewPlayer(cassette io.Reader, scrub ...Scrub) (*Player, error) {
	p := &Player{scrub: scrub}
	lines := bufio.NewScanner(cassette)
	lines.Buffer(nil, maxBody)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var e exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("cassette line %d: %w", n, err)
		}
		p.exchanges = append(p.exchanges, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cassette: %w", err)
	}
	p.played = make([]bool, len(p.exchanges))
	return p, nil
}

// Unused returns the number of exchanges that no request has asked for.
func (p *Player) Unused() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, played := range p.played {
		if !played {
			n++
		}
	}
	return n
}

// RoundTrip implements [http.RoundTripper].
func (p *Player) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := takeBody(req)
	if err != nil {
		return nil, err
	}
	want := describe(req, body, newScrubber(req, p.scrub))
	e, ok := p.next(want.Hash)
	if !ok {
		return nil, fmt.Errorf("cassette: no exchange left for %s %s with the body %s", req.Method, want.URL, want.Body)
	}
	content := []byte(e.Answer)
	if e.Binary != nil {
		content = e.Binary
	}
	answer := &http.Response{
		Status: fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status)), StatusCode: e.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, ContentLength: -1, Request: req,
		Body: io.NopCloser(&playedBody{rest: content, cut: e.Cut}),
	}
	for name, value := range e.Header {
		answer.Header.Set(name, value)
	}
	return answer, nil
}

// next takes the first exchange with the hash that was not played.
func (p *Player) next(hash string) (exchange, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, e := range p.exchanges {
		if !p.played[i] && e.Hash == hash {
			p.played[i] = true
			return e, true
		}
	}
	return exchange{}, false
}

// playedBody ends as the recorded answer did.
type playedBody struct {
	rest []byte
	cut  string
}

func (b *playedBody) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		switch b.cut {
		case "":
			return 0, io.EOF
		case io.ErrUnexpectedEOF.Error():
			return 0, io.ErrUnexpectedEOF
		}
		return 0, errors.New(b.cut)
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}
