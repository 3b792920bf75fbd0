package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// NodeConfig says which node of one's own hub is called, and how.
type NodeConfig struct {
	Address string // URL (http or https) at which it says that it is reached
	TaskHub string // "" = "default"
	Secret  []byte // that the hub's store keeps
	// Dialer makes connections; nil = TCP.
	Dialer func(ctx context.Context, addr string) (net.Conn, error)
	// TLS is used with https; nil = the system's roots.
	TLS *tls.Config
}

// Node is a connection to another node of one's own hub. Its methods may be called
// concurrently.
type Node struct {
	hub, proof string
	conn       *grpc.ClientConn
	waits      lines
	refused    *atomic.Bool // the last connection was refused
}

// DialNode returns a connection to a node, which is made when it is used.
func DialNode(cfg NodeConfig) (*Node, error) {
	t, err := Parse(cfg.Address)
	if err != nil {
		return nil, err
	}
	if cfg.TaskHub == "" {
		cfg.TaskHub = defaultTaskHub
	}
	transport := &Config{Target: t, TLS: cfg.TLS}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport.transport()),
		grpc.WithUserAgent("perdure-node"),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 2 * time.Second,
		}),
		// A neighbour that says nothing is noticed by its lease before that.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithInitialWindowSize(1 << 20), grpc.WithInitialConnWindowSize(4 << 20),
		grpc.WithDisableServiceConfig(),
	}
	if cfg.Dialer == nil {
		cfg.Dialer = func(ctx context.Context, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
	}
	refused := new(atomic.Bool)
	options = append(options, grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := cfg.Dialer(ctx, addr)
		refused.Store(errors.Is(err, syscall.ECONNREFUSED))
		return c, err
	}))
	dial := func() (*grpc.ClientConn, error) { return grpc.NewClient("passthrough:///"+t.Addr, options...) }
	conn, err := dial()
	if err != nil {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "connect to node " + cfg.Address, Message: err.Error()}
	}
	return &Node{hub: cfg.TaskHub, proof: wire.NodeProof(cfg.Secret, cfg.TaskHub), conn: conn, waits: lines{dial: dial}, refused: refused}, nil
}

// Reach returns nil once there is a connection, and an error as soon as the first
// attempt to make one has failed, or a later one takes longer than a moment, or ctx
// ends.
func (n *Node) Reach(ctx context.Context) error {
	again := n.conn.GetState() == connectivity.TransientFailure
	if again { // which it stays while it tries again
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, moment)
		defer cancel()
		n.conn.ResetConnectBackoff()
	}
	for {
		n.conn.Connect()
		s := n.conn.GetState()
		switch {
		case s == connectivity.Ready:
			return nil
		case s == connectivity.TransientFailure && !again, s == connectivity.Shutdown:
			return n.unreached("it cannot be reached", nil)
		}
		if !n.conn.WaitForStateChange(ctx, s) {
			return n.unreached("it does not answer", context.Cause(ctx))
		}
	}
}

// unreached is why there is no connection: ECONNREFUSED if the last attempt has met that.
func (n *Node) unreached(message string, cause error) error {
	if n.refused.Load() {
		cause = syscall.ECONNREFUSED
	}
	return &perdure.Error{Code: perdure.Unavailable, Op: "connect to a node", Message: message, Cause: cause}
}

// moment is how long a connection may take that could not be made before.
const moment = time.Second

// Call has the node answer a call. long says that the answer may take a while: such
// calls do not stand in the way of others. An error says that no answer has come;
// Unavailable that it is not known what became of the call.
func (n *Node) Call(ctx context.Context, call *wirepb.NodeCall, long bool) (*wirepb.NodeAnswer, error) {
	conn, free := n.conn, func() {}
	if long {
		var err error
		if conn, free, err = n.waits.take(); err != nil {
			return nil, err
		}
	}
	defer free()
	answer := &wirepb.NodeAnswer{}
	sent := metadata.AppendToOutgoingContext(ctx, "taskhub", n.hub, wire.NodeKey, n.proof, "perdure-level", "1")
	err := conn.Invoke(sent, "/"+wire.NodeService+"/Call", call, answer)
	if err == nil {
		return answer, nil
	}
	if _, bad := proto.Marshal(call); bad != nil {
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "call a node", Message: "a text of the request is not UTF-8"}
	}
	return nil, codec.DecodeError(err, "call a node", "")
}

// Close ends the connections; calls that run fail. It is called once.
func (n *Node) Close() error {
	if err := errors.Join(n.conn.Close(), n.waits.close()); err != nil {
		return fmt.Errorf("close connection to node %s: %w", n.conn.Target(), err)
	}
	return nil
}
