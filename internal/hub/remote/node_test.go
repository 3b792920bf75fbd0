package remote_test

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// echoNode answers arrivals with as many shards, and waits until the caller gives up.
type echoNode struct{}

func (echoNode) Answer(ctx context.Context, call *wirepb.NodeCall) *wirepb.NodeAnswer {
	if call.GetWaitStart() != nil {
		<-ctx.Done()
	}
	return &wirepb.NodeAnswer{What: &wirepb.NodeAnswer_Opened{Opened: &wirepb.NodeOpened{Number: uint64(len(call.GetArrived().GetTargets()))}}}
}

// serveNodes serves the node of the hub "default".
func serveNodes(t *testing.T, secret string) (addr string, stop func()) {
	t.Helper()
	server := grpc.NewServer()
	wire.NewNodes(wire.NodesConfig{Find: func(_ context.Context, name string) (wire.Node, []byte, error) {
		if name != "default" {
			return nil, nil, &perdure.Error{Code: perdure.NotFound, Message: "there is no hub " + name}
		}
		return echoNode{}, []byte(secret), nil
	}}).Register(server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return listener.Addr().String(), func() {
		server.Stop()
		<-done
	}
}

// TestNode calls a node with the secret, and without it: what is not a node of the
// hub learns nothing, not even whether there is such a hub.
func TestNode(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	addr, stop := serveNodes(t, "secret")
	defer stop()
	call := &wirepb.NodeCall{What: &wirepb.NodeCall_Arrived{Arrived: &wirepb.NodeArrived{Targets: []string{"a", "b"}}}}
	for _, c := range []struct {
		hub, secret string
		want        perdure.Code
	}{
		{"default", "secret", 0},
		{"", "secret", 0},
		{"default", "other", perdure.Unauthenticated},
		{"default", "", perdure.Unauthenticated},
		{"other", "secret", perdure.Unauthenticated},
	} {
		n, err := remote.DialNode(remote.NodeConfig{Address: "http://" + addr, TaskHub: c.hub, Secret: []byte(c.secret)})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Reach(ctx); err != nil {
			t.Errorf("Reach() = %v", err)
		}
		for _, long := range []bool{false, true} {
			answer, err := n.Call(ctx, call, long)
			if got := perdure.CodeOf(err); got != c.want {
				t.Errorf("Call of a node of %q with secret %q = %v (code %v), want code %v", c.hub, c.secret, err, got, c.want)
			}
			if c.want == 0 && answer.GetOpened().GetNumber() != 2 {
				t.Errorf("Call() = %v, want 2", answer)
			}
		}
		if err := n.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}
}

// TestNodeReach looks for a node that is not there, and again when it is.
func TestNodeReach(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	addr, stop := serveNodes(t, "secret")
	stop()
	n, err := remote.DialNode(remote.NodeConfig{Address: "http://" + addr, Secret: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	}()
	for range 2 {
		if got := perdure.CodeOf(n.Reach(ctx)); got != perdure.Unavailable {
			t.Errorf("Reach(nobody) = code %v, want %v", got, perdure.Unavailable)
		}
	}
	// One that takes connections and says nothing.
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Skip("the port was taken:", err)
	}
	defer func() { _ = listener.Close() }()
	short, end := context.WithTimeout(ctx, 300*time.Millisecond)
	defer end()
	if got := perdure.CodeOf(n.Reach(short)); got != perdure.Unavailable {
		t.Errorf("Reach(silent) = code %v, want %v", got, perdure.Unavailable)
	}
}

// TestNodeRefused tells a machine on which nothing listens from one that says nothing.
func TestNodeRefused(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want bool
		dial func(context.Context, string) (net.Conn, error)
	}{
		{"silent", false, func(ctx context.Context, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }},
		{"refused", true, nil},
	} {
		if c.want {
			if err := listener.Close(); err != nil {
				t.Fatal(err)
			}
		}
		n, err := remote.DialNode(remote.NodeConfig{Address: "http://" + listener.Addr().String(), Secret: []byte("secret"), Dialer: c.dial})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			err := n.Reach(ctx)
			cancel()
			if err == nil || errors.Is(err, syscall.ECONNREFUSED) != c.want {
				t.Errorf("%s: Reach() = %v, want an error that is ECONNREFUSED: %v", c.name, err, c.want)
			}
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
}
