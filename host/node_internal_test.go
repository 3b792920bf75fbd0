package host

import (
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure/internal/access"
)

// serveNode serves a probe at an app of a database, in plaintext or with TLS, and
// returns it with its address.
func serveNode(t *testing.T, cfg Config) (*front, string) {
	t.Helper()
	cfg.Hub, cfg.Addr, cfg.Logger = t.TempDir(), "127.0.0.1:0", slog.New(slog.DiscardHandler)
	app, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	app.cfg.Hub = "postgres://db/perdure" // it is not opened here
	f, err := app.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := newProbe()
	close(p.release)
	f.rpc.Stop()
	rpc := newRPCServer(app.cfg.Logger, f.rpc.check, p)
	rpc.isNode, f.rpc = f.rpc.isNode, rpc
	rpc.rules["/probe/Finish"] = rpc.ruleOf("/perdure.node.v1.Node/Any")
	done := make(chan error, 1)
	go func() { done <- f.serve() }()
	t.Cleanup(func() {
		if err := errors.Join(f.close(), <-done); err != nil {
			t.Errorf("serve() = %v, want nil", err)
		}
	})
	return f, f.listeners[0].Addr().String()
}

// ask calls the probe as who shows these credentials.
func ask(t *testing.T, addr string, creds credentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return call(t.Context(), conn, "/probe/Finish")
}

func TestDoor(t *testing.T) {
	dir := t.TempDir()
	files := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	cert, key := selfSigned(t, "server")
	tokens := filepath.Join(dir, "tokens")
	if err := errors.Join(os.WriteFile(files.Cert, cert, 0o600), os.WriteFile(files.Key, key, 0o600), os.WriteFile(tokens, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	cluster := func(secret string) *access.Cluster {
		c, err := access.NewCluster(bytes.Repeat([]byte(secret), 32))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, cfg := range map[string]Config{
		"plain": {}, "tokens": {Tokens: tokens}, "TLS": {TLS: files}, "TLS and tokens": {TLS: files, Tokens: tokens},
	} {
		t.Run(name, func(t *testing.T) {
			f, addr := serveNode(t, cfg)
			dial := func(node, secret string) credentials.TransportCredentials {
				return credentials.NewTLS(cluster(secret).Dial(node))
			}
			anyone := insecure.NewCredentials()
			if f.secure {
				anyone = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})
			}
			if err := ask(t, addr, dial("n1", "a")); status.Code(err) != codes.Unavailable {
				t.Errorf("a node's call before there is a door = %v, want Unavailable", err)
			}
			f.door.open("n1", cluster("a"))
			if err := ask(t, addr, dial("n1", "a")); err != nil {
				t.Errorf("a node's call = %v, want nil", err)
			}
			if err := ask(t, addr, dial("n2", "a")); status.Code(err) != codes.Unavailable {
				t.Errorf("a call for another node = %v, want Unavailable", err)
			}
			if err := ask(t, addr, dial("n1", "b")); status.Code(err) != codes.Unavailable {
				t.Errorf("a stranger's call = %v, want Unavailable", err)
			}
			if err := ask(t, addr, anyone); status.Code(err) != codes.PermissionDenied {
				t.Errorf("anybody's call = %v, want PermissionDenied", err)
			}
		})
	}
}

func TestAdvertised(t *testing.T) {
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 81} }
	for _, c := range []struct {
		cfg  Config
		at   net.Addr
		want string
	}{
		{Config{Addr: "127.0.0.1:0"}, at("127.0.0.1"), "https://127.0.0.1:81"},
		{Config{Addr: "a.example.com:0"}, at("192.0.2.7"), "https://a.example.com:81"},
		{Config{Addr: "[2001:db8::1]:0"}, at("2001:db8::1"), "https://[2001:db8::1]:81"},
		{Config{Addr: "0.0.0.0:0", Advertise: "b.example.com:443"}, at("0.0.0.0"), "https://b.example.com:443"},
		{Config{Addr: "0.0.0.0:0", Advertise: "https://b.example.com:443"}, at("0.0.0.0"), "https://b.example.com:443"},
		{Config{Addr: "0.0.0.0:0", Advertise: AdvertiseNone}, at("0.0.0.0"), ""},
		{Config{Addr: "0.0.0.0:0"}, at("0.0.0.0"), "https://" + net.JoinHostPort(ownAddress(), "81")},
	} {
		if got := c.cfg.advertised(c.at); got != c.want {
			t.Errorf("advertised(%q, %q, %v) = %q, want %q", c.cfg.Addr, c.cfg.Advertise, c.at, got, c.want)
		}
	}
	for address, ok := range map[string]bool{"": true, "none": true, "a:1": true, "https://a:1": true,
		"a": false, "a:0": false, ":80": false, "0.0.0.0:80": false, "http://a:1": false, "a:70000": false} {
		if err := checkAdvertise(address); (err == nil) != ok {
			t.Errorf("checkAdvertise(%q) = %v, want ok = %t", address, err, ok)
		}
	}
	if ip := net.ParseIP(ownAddress()); ip != nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		t.Errorf("ownAddress() = %v, want one that others reach", ip)
	}
}

func TestNodeNames(t *testing.T) {
	first, second := newNode(), newNode()
	if first == second {
		t.Errorf("newNode() twice = %q, want two names", first)
	}
	if !regexp.MustCompile(`^[a-z0-9-]{1,63}$`).MatchString(first) || strings.HasPrefix(first, "-") {
		t.Errorf("newNode() = %q, want a label of a server's name", first)
	}
}
