package egress_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent/egress"
)

func TestTransport(t *testing.T) {
	var got http.Header
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer server.Close()
	c := &http.Client{Transport: egress.Transport(nil)}
	inside := perdure.WithActivity(t.Context(), perdure.ActivityInfo{EffectID: "e1"})
	for _, x := range []struct {
		ctx          context.Context
		method, own  string
		want, reason string
	}{
		{inside, "POST", "", "e1", "a tool that changes something"},
		{inside, "DELETE", "", "e1", "a tool that changes something"},
		{inside, "GET", "", "", "a tool that reads"},
		{inside, "POST", "mine", "mine", "a tool with a key of its own"},
		{t.Context(), "POST", "", "", "no tool"},
	} {
		r, err := http.NewRequestWithContext(x.ctx, x.method, server.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if x.own != "" {
			r.Header.Set(egress.Header, x.own)
		}
		response, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got.Get("Idempotency-Key") != x.want || r.Header.Get(egress.Header) != x.own {
			t.Errorf("%s: Idempotency-Key = %q, want %q, and the request as it was", x.reason, got.Get("Idempotency-Key"), x.want)
		}
	}
}

func TestIsPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"93.184.216.34": true, "1.1.1.1": true, "2606:4700:4700::1111": true, "64:ff9b::101:101": true, "2002:101:101::": true,
		"127.0.0.1": false, "127.1.2.3": false, "0.0.0.0": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.100.100.200": false, "192.0.0.192": false, "198.18.0.1": false,
		"224.0.0.1": false, "255.255.255.255": false, "::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false,
		"::127.0.0.1": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "2002:7f00:1::": false, "2002:a9fe:a9fe::": false, "2001:0:1::": false,
		"64:ff9b:1::1": false, "fec0::1": false, "172.32.0.1": true, "100.128.0.1": true,
	} {
		if got := egress.IsPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("IsPublic(%s) = %v, want %v", text, got, want)
		}
	}
}

// TestS14_PublicOnly has tools ask for what only this machine may see, in the
// forms by which filters of URLs are passed; a plain transport gets there.
func TestS14_PublicOnly(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) }))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	transport := egress.PublicOnly()
	defer transport.CloseIdleConnections()
	t.Setenv("HTTP_PROXY", server.URL) // would be dialed in place of the address
	c := &http.Client{Transport: transport}
	for _, host := range []string{"127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+host+":"+port, nil)
		if err != nil {
			continue
		}
		response, err := c.Do(r)
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("GET %s = %s, want an error", host, response.Status)
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); ip != nil && perdure.CodeOf(err) != perdure.PermissionDenied {
			t.Errorf("GET %s = %v, want permission_denied", host, err)
		}
	}
	if n := connections.Load(); n != 0 {
		t.Errorf("%d connections, want none", n)
	}
	plain, err := http.Get(server.URL) //nolint:noctx // the control
	if err != nil {
		t.Fatal(err)
	}
	_ = plain.Body.Close()
	if connections.Load() != 1 {
		t.Error("a plain transport makes no connection: the test cannot fail")
	}
}
