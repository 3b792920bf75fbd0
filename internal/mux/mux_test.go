package mux_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/perdure/perdure/internal/mux"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type tlsKey struct{}

// served is a server with both sides behind a Mux.
type served struct {
	addr string
	tls  *tls.Config // of clients; nil = plaintext
}

// serve serves HTTP, which answers with the version and how many bytes the body
// had, and gRPC's health service.
func serve(t *testing.T, cfg mux.Config) served {
	t.Helper()
	var s served
	if cfg.TLS != nil {
		cfg.TLS, s.tls = certificate(t)
	}
	if cfg.Inner != nil {
		cfg.Inner, s.tls = certificate(t)
	}
	m := mux.New(cfg)
	web := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Errorf("read the body: %v", err)
		}
		scheme := "http"
		if r.TLS != nil || r.Context().Value(tlsKey{}) != nil {
			scheme = "https"
		}
		w.Header().Set("Answer", strings.Join([]string{scheme, r.Proto}, " "))
		_, _ = w.Write(bytes.Repeat([]byte("x"), int(n)))
	})}
	web.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if state := mux.TLS(c); state != nil {
			return context.WithValue(ctx, tlsKey{}, state)
		}
		return ctx
	}
	web.Protocols.SetHTTP1(true)
	web.Protocols.SetUnencryptedHTTP2(true)
	rpc := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(rpc, health.NewServer())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	done := make(chan error, 3)
	go func() { done <- web.Serve(m.HTTP()) }()
	go func() { done <- rpc.Serve(m.GRPC()) }()
	go func() {
		if cfg.TLS != nil {
			done <- m.ServeTLS(l)
			return
		}
		done <- m.Serve(l)
	}()
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
		rpc.Stop()
		_ = web.Close()
		for range 3 {
			if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				t.Errorf("Serve() = %v, want nil", err)
			}
		}
	})
	return s
}

// get posts a body by the versions of HTTP that are allowed.
func (s served) post(t *testing.T, protocols func(*http.Protocols), body int) (answer string, length int) {
	t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols), TLSClientConfig: s.tls}
	defer transport.CloseIdleConnections()
	protocols(transport.Protocols)
	url := "http://" + s.addr
	if s.tls != nil {
		url = "https://" + s.addr
	}
	c := http.Client{Transport: transport}
	for range 3 { // on the same connection
		r, err := c.Post(url, "text/plain", bytes.NewReader(make([]byte, body)))
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		answer, length = r.Header.Get("Answer"), len(data)
	}
	return answer, length
}

// check calls gRPC's health service.
func (s served) check(t *testing.T) error {
	t.Helper()
	creds := insecure.NewCredentials()
	if s.tls != nil {
		creds = credentials.NewTLS(s.tls)
	}
	conn, err := grpc.NewClient(s.addr, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for range 3 {
		_, err = grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
	}
	return err
}

func TestSorts(t *testing.T) {
	for _, secure := range []string{"", "all", "inner"} {
		var cfg mux.Config
		scheme, second := "http", (*http.Protocols).SetUnencryptedHTTP2
		if secure != "" {
			scheme, second = "https", (*http.Protocols).SetHTTP2
		}
		switch secure {
		case "all":
			cfg.TLS = &tls.Config{}
		case "inner":
			cfg.Inner = &tls.Config{}
		}
		s := serve(t, cfg)
		for _, body := range []int{0, 1, 300_000} {
			if got, n := s.post(t, func(p *http.Protocols) { p.SetHTTP1(true) }, body); got != scheme+" HTTP/1.1" || n != body {
				t.Errorf("HTTP/1 over %s = %q with %d bytes, want %s HTTP/1.1 and %d", scheme, got, n, scheme, body)
			}
			if got, n := s.post(t, func(p *http.Protocols) { second(p, true) }, body); got != scheme+" HTTP/2.0" || n != body {
				t.Errorf("HTTP/2 over %s = %q with %d bytes, want %s HTTP/2.0 and %d", scheme, got, n, scheme, body)
			}
		}
		if err := s.check(t); err != nil {
			t.Errorf("gRPC over %s = %v, want OK", scheme, err)
		}
		if secure != "inner" {
			continue
		}
		s.tls = nil // others speak plaintext there as ever
		for _, p := range []func(*http.Protocols){func(p *http.Protocols) { p.SetHTTP1(true) }, func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }} {
			if got, n := s.post(t, p, 1); !strings.HasPrefix(got, "http ") || n != 1 {
				t.Errorf("plaintext beside TLS = %q with %d bytes, want http and 1", got, n)
			}
		}
		if err := s.check(t); err != nil {
			t.Errorf("gRPC in plaintext beside TLS = %v, want OK", err)
		}
	}
}

// client is a client of HTTP/2 that sends frames as a test wants.
type client struct {
	*testing.T
	net.Conn
	*http2.Framer
}

func dial(t *testing.T, s served) client {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return client{t, conn, http2.NewFramer(conn, conn)}
}

// greet sends preface and settings.
func (c client) greet() {
	c.Helper()
	if _, err := io.WriteString(c.Conn, http2.ClientPreface); err != nil {
		c.Fatal(err)
	}
	if err := c.WriteSettings(); err != nil {
		c.Fatal(err)
	}
}

// headers returns the fragment of a request's headers.
func headers(fields ...string) []byte {
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return b.Bytes()
}

// healthRequest are the headers of a call of the health service.
func healthRequest() []byte {
	return headers(":method", "POST", ":scheme", "http", ":path", "/grpc.health.v1.Health/Check", ":authority", "x",
		"te", "trailers", "content-type", "application/grpc+proto")
}

// await reads until a frame fits; the client acknowledges nothing by itself.
func (c client) await(what string, fits func(http2.Frame) bool) http2.Frame {
	c.Helper()
	for {
		f, err := c.ReadFrame()
		if err != nil {
			c.Fatalf("waiting for %s: %v", what, err)
		}
		if g, ok := f.(*http2.GoAwayFrame); ok && what != "GOAWAY" {
			c.Fatalf("waiting for %s: %v %s", what, g.ErrCode, g.DebugData())
		}
		if fits(f) {
			return f
		}
	}
}

func settings(f http2.Frame) bool {
	s, ok := f.(*http2.SettingsFrame)
	return ok && !s.IsAck()
}

// TestAcknowledgements has clients acknowledge our settings at every place in the
// order of frames, and a header cut at every byte.
func TestAcknowledgements(t *testing.T) {
	s := serve(t, mux.Config{Streams: 256})
	for _, kind := range []string{"grpc", "http"} {
		for _, early := range []bool{true, false} {
			c := dial(t, s)
			c.greet()
			first := c.await("first settings", settings).(*http2.SettingsFrame)
			if n, ok := first.Value(http2.SettingMaxConcurrentStreams); !ok || n != 256 {
				t.Errorf("the first settings allow %d streams, want 256", n)
			}
			if early {
				_ = c.WriteSettingsAck()
			}
			fragment := healthRequest()
			if kind == "http" {
				fragment = headers(":method", "POST", ":scheme", "http", ":path", "/", ":authority", "x", "content-type", "text/plain")
			}
			_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: fragment[:7]})
			_ = c.WriteContinuation(1, true, fragment[7:])
			c.await("second settings", settings)
			if !early { // byte by byte, as a slow network would
				var b bytes.Buffer
				_ = http2.NewFramer(&b, nil).WriteSettingsAck()
				for _, one := range b.Bytes() {
					_, _ = c.Conn.Write([]byte{one})
				}
			}
			_ = c.WriteSettingsAck()
			_ = c.WriteData(1, true, make([]byte, 5))
			c.await("the answer's end", func(f http2.Frame) bool {
				return f.Header().StreamID == 1 && f.Header().Flags.Has(http2.FlagHeadersEndStream)
			})
			_ = c.Conn.Close()
		}
	}
}

// TestPings has a client watch its connection before it has anything to ask.
func TestPings(t *testing.T) {
	s := serve(t, mux.Config{})
	c := dial(t, s)
	c.greet()
	for i := range byte(5) {
		data := [8]byte{i}
		_ = c.WritePing(false, data)
		c.await("pong", func(f http2.Frame) bool {
			p, ok := f.(*http2.PingFrame)
			return ok && p.IsAck() && p.Data == data
		})
	}
	_ = c.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: healthRequest(), EndHeaders: true})
	_ = c.WriteData(1, true, make([]byte, 5))
	c.await("the answer's end", func(f http2.Frame) bool {
		return f.Header().StreamID == 1 && f.Header().Flags.Has(http2.FlagHeadersEndStream)
	})
}

// TestSilence cuts clients that say nothing, or too little, and tells those of
// HTTP/2 that no request was taken.
func TestSilence(t *testing.T) {
	s := serve(t, mux.Config{Greeting: 50 * time.Millisecond, Idle: 100 * time.Millisecond})
	ended := func(c client) {
		t.Helper()
		if _, err := io.Copy(io.Discard, c.Conn); err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("the connection was not cut: %v", err)
		}
	}
	ended(dial(t, s))
	half := dial(t, s)
	_, _ = io.WriteString(half.Conn, http2.ClientPreface[:10])
	ended(half)
	quiet := dial(t, s)
	quiet.greet()
	bye := quiet.await("GOAWAY", func(f http2.Frame) bool { return f.Header().Type == http2.FrameGoAway }).(*http2.GoAwayFrame)
	if bye.LastStreamID != 0 || bye.ErrCode != http2.ErrCodeNo {
		t.Errorf("GOAWAY = %v after stream %d, want NO_ERROR after 0", bye.ErrCode, bye.LastStreamID)
	}
	ended(quiet)
	slow := dial(t, s)
	slow.greet()
	_, _ = slow.Conn.Write([]byte{0, 0, 10, 1, 4, 0, 0, 0, 1, 0x82})
	ended(slow)
}

// TestMany has more connections say nothing than are allowed; those that say what
// they are get through, and the oldest of the others are cut.
func TestMany(t *testing.T) {
	s := serve(t, mux.Config{Waiting: 10})
	first := dial(t, s)
	for range 50 {
		dial(t, s)
	}
	if err := s.check(t); err != nil {
		t.Errorf("gRPC beside silent connections = %v, want OK", err)
	}
	if n, err := first.Conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the oldest silent connection read %d, %v, want it to be cut", n, err)
	}
}

// FuzzGreeting sends anything; the server must neither panic nor hang.
func FuzzGreeting(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	var b bytes.Buffer
	b.WriteString(http2.ClientPreface)
	fr := http2.NewFramer(&b, nil)
	_ = fr.WriteSettings()
	_ = fr.WriteSettingsAck()
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: healthRequest(), EndHeaders: true, PadLength: 4,
		Priority: http2.PriorityParam{StreamDep: 3}})
	f.Add(b.Bytes())
	f.Add(binary.BigEndian.AppendUint64([]byte(http2.ClientPreface), 1<<63))
	f.Fuzz(func(t *testing.T, said []byte) {
		m := mux.New(mux.Config{Greeting: time.Second, Idle: time.Second})
		near, far := net.Pipe()
		defer func() { _ = near.Close() }()
		accepted := make(chan struct{})
		go func() {
			defer close(accepted)
			for _, l := range []net.Listener{m.HTTP(), m.GRPC()} {
				go func() {
					if c, err := l.Accept(); err == nil {
						_, _ = io.Copy(io.Discard, c)
						_ = c.Close()
					}
				}()
			}
		}()
		<-accepted
		go func() { _, _ = io.Copy(io.Discard, near) }()
		l := &one{conns: make(chan net.Conn, 1), ended: make(chan struct{})}
		l.conns <- far
		served := make(chan error, 1)
		go func() { served <- m.Serve(l) }()
		_, _ = near.Write(said)
		_ = near.Close()
		_ = m.Close()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
}

// one is a listener of the connections that a test puts in.
type one struct {
	conns chan net.Conn
	once  sync.Once
	ended chan struct{}
}

func (l *one) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}
func (l *one) Close() error   { l.once.Do(func() { close(l.ended) }); return nil }
func (l *one) Addr() net.Addr { return &net.TCPAddr{} }
