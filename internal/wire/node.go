package wire

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// NodeService is the name of the service by which the nodes of a hub call each
// other: see node.proto.
const NodeService = "perdure.node.v1.Node"

// NodeKey is the key of the metadata by which a node proves that it has the secret
// of the hub's store.
const NodeKey = "perdure-node"

// NodeProof is what a node shows in a call to another one of the same hub. It tells
// nothing of the secret, and holds for this hub only.
func NodeProof(secret []byte, hub string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("node of " + hub))
	return hex.EncodeToString(mac.Sum(nil))
}

// Node answers the calls of the other nodes of its hub. Answer may be called
// concurrently.
type Node interface {
	Answer(ctx context.Context, call *wirepb.NodeCall) *wirepb.NodeAnswer
}

// NodesConfig is what a Nodes is made of. Find is required.
type NodesConfig struct {
	// Find returns the node of a hub in this process, and the secret that the hub's
	// store keeps; NotFound if there is none.
	Find   func(ctx context.Context, hub string) (Node, []byte, error)
	Logger *slog.Logger // nil = none
}

// Nodes serves the nodes of this process to those of others. Who calls shows
// NodeProof; other rights count for nothing here.
type Nodes struct {
	cfg    NodesConfig
	status *Service // for its errors
}

// NewNodes returns a Nodes.
func NewNodes(cfg NodesConfig) *Nodes {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Nodes{cfg: cfg, status: &Service{cfg: Config{Logger: cfg.Logger}}}
}

// Register makes a gRPC server answer the calls of nodes.
func (n *Nodes) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: NodeService,
		HandlerType: (*any)(nil),
		Metadata:    "perdure/node.proto",
		Methods: []grpc.MethodDesc{
			unaryOf(n.status, NodeService, "Call", func(_ *Service, ctx context.Context, in *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
				return n.call(ctx, in)
			}),
		},
	}, n)
}

func (n *Nodes) call(ctx context.Context, in *wirepb.NodeCall) (*wirepb.NodeAnswer, error) {
	name := HubName(ctx)
	node, secret, err := n.cfg.Find(ctx, name)
	if err != nil && perdure.CodeOf(err) != perdure.NotFound {
		return nil, err
	}
	// One that is not there is refused as one whose secret is not known.
	if err != nil || len(secret) == 0 || !hmac.Equal([]byte(header(ctx, NodeKey)), []byte(NodeProof(secret, name))) {
		return nil, &perdure.Error{Code: perdure.Unauthenticated, Op: "call a node", Message: "the caller has not shown that it is a node of this hub: " +
			"nodes must use the same database, and the address at which they are reached must be theirs"}
	}
	answer := node.Answer(ctx, in)
	if ctx.Err() != nil {
		return nil, codec.EncodeError(ctx.Err(), true)
	}
	return answer, nil
}
