package access_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
)

func cluster(t *testing.T, secret string) *access.Cluster {
	t.Helper()
	c, err := access.NewCluster(bytes.Repeat([]byte(secret), 32))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// meet has one TLS client and one server shake hands, and returns what both say.
func meet(t *testing.T, client, server *tls.Config) (session tls.ConnectionState, asked, answered error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			done <- err
			return
		}
		defer func() { _ = conn.Close() }()
		s := tls.Server(conn, server)
		if err = s.Handshake(); err == nil {
			session = s.ConnectionState()
			_, err = s.Write([]byte("x"))
		}
		done <- err
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err == nil {
		_, err = conn.Read(make([]byte, 1)) // a refused certificate shows here
		_ = conn.Close()
	}
	answered = <-done
	return session, err, answered
}

func TestNodesKnowEachOther(t *testing.T) {
	a, b, stranger := cluster(t, "a"), cluster(t, "a"), cluster(t, "b")
	session, asked, answered := meet(t, a.Dial("node-1"), b.Serve())
	if asked != nil || answered != nil || !a.Is(&session) || stranger.Is(&session) {
		t.Errorf("two nodes meet: %v, %v, Is = %t, Is of strangers = %t, want nil, nil, true, false", asked, answered, a.Is(&session), stranger.Is(&session))
	}
	if name, ok := access.NodeOf(session.ServerName); !ok || name != "node-1" {
		t.Errorf("NodeOf(%q) = %q, %t, want node-1", session.ServerName, name, ok)
	}
	without := a.Dial("node-1")
	without.Certificates = nil
	for what, pair := range map[string][2]*tls.Config{
		"a stranger asks":        {stranger.Dial("node-1"), b.Serve()},
		"a stranger answers":     {a.Dial("node-1"), stranger.Serve()},
		"somebody asks":          {without, b.Serve()},
		"somebody with TLS asks": {{InsecureSkipVerify: true, ServerName: "node-1.node.perdure.invalid"}, b.Serve()},
	} {
		if _, asked, answered := meet(t, pair[0], pair[1]); asked == nil || answered == nil {
			t.Errorf("%s: %v, %v, want an error on both sides", what, asked, answered)
		}
	}
	if _, err := access.NewCluster(make([]byte, 15)); err == nil {
		t.Error("NewCluster(15 bytes) = nil, want an error")
	}
	if a.Is(nil) || a.Is(&tls.ConnectionState{}) {
		t.Error("Is(no session) = true, want false")
	}
}

func TestNodeRight(t *testing.T) {
	if err := access.OfNode().Allow("any", access.Node); err != nil {
		t.Errorf("Allow(node) of a node = %v, want nil", err)
	}
	if err := access.OfNode().Allow("any", access.Write); err != nil {
		t.Errorf("Allow(write) of a node = %v, want nil", err)
	}
	for name, g := range map[string]*access.Grant{"nobody": nil, "everything": access.Everything()} {
		err := g.Allow("any", access.Node)
		if perdure.CodeOf(err) != perdure.PermissionDenied || !strings.Contains(err.Error(), "nodes that share") {
			t.Errorf("Allow(node) of %s = %v, want permission_denied", name, err)
		}
	}
}
