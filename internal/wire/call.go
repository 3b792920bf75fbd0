package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
)

var errConfig = errors.New("wire: Config needs Hubs")

// Keys of metadata.
const (
	keyHub    = "taskhub"
	keyAgent  = "x-user-agent" // name and version of the SDK, if it is of the package for Azure's scheduler
	keyClient = "user-agent"   // of gRPC's implementation, behind the name that an SDK may give
	keyWorker = "workerid"     // of a worker's process
	keyLevel  = "perdure-level"
	// keyPushback tells gRPC clients with a policy for retries when to come again (gRFC A6).
	keyPushback = "grpc-retry-pushback-ms"
)

// DefaultHub is the hub of calls that name none.
const DefaultHub = "default"

// Level is the level of our own additions to the protocol that this version has.
const Level = 1

// call is a call to a hub.
type call struct {
	ctx  context.Context
	name string // of the hub
	hub  hub.Hub
	own  bool // the caller is one of ours
}

// HubName returns the name of the hub that a call is for.
func HubName(ctx context.Context) string {
	if name := header(ctx, keyHub); name != "" {
		return name
	}
	return DefaultHub
}

// Own reports whether the caller is one of ours.
func Own(ctx context.Context) bool {
	level, err := strconv.Atoi(header(ctx, keyLevel))
	return err == nil && level > 0
}

// sdk returns what the caller's SDK says of itself.
func sdk(ctx context.Context) string {
	if name := header(ctx, keyAgent); name != "" {
		return name
	}
	return header(ctx, keyClient)
}

func header(ctx context.Context, key string) string {
	if values := metadata.ValueFromIncomingContext(ctx, key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// open finds the hub of a call. Callers of ours are told that this hub is too.
func (s *Service) open(ctx context.Context) (*call, error) {
	c := &call{ctx: ctx, name: HubName(ctx), own: Own(ctx)}
	h, err := s.cfg.Hubs.Open(ctx, c.name)
	if err != nil {
		return nil, err
	}
	c.hub = h
	if c.own {
		// It fails only if headers were sent, which nobody has done yet.
		_ = grpc.SetHeader(ctx, metadata.Pairs(keyLevel, strconv.Itoa(Level)))
	}
	return c, nil
}

// message is a pointer to a generated message M.
type message[M any] interface {
	*M
	proto.Message
}

// inHub makes a call to a hub a call to the server.
func inHub[In, Out any](do func(*Service, *call, *In) (*Out, error)) func(*Service, context.Context, *In) (*Out, error) {
	return func(s *Service, ctx context.Context, in *In) (*Out, error) {
		c, err := s.open(acting(ctx))
		if err != nil {
			return nil, err
		}
		return do(s, c, in)
	}
}

// unary describes a call of the protocol.
func unary[In, Out any, I message[In], O message[Out]](s *Service, name string, do func(*Service, context.Context, *In) (*Out, error)) grpc.MethodDesc {
	return unaryOf[In, Out, I, O](s, ServiceName, name, do)
}

// unaryOf describes a call of a service. Interceptors see it as if it had been
// generated, and see the status that its caller gets.
func unaryOf[In, Out any, I message[In], O message[Out]](s *Service, service, name string, do func(*Service, context.Context, *In) (*Out, error)) grpc.MethodDesc {
	full := "/" + service + "/" + name
	handle := func(ctx context.Context, in any) (any, error) {
		out, err := do(s, ctx, in.(*In))
		if err != nil {
			return nil, s.status(ctx, full, err)
		}
		return O(out), nil
	}
	return grpc.MethodDesc{
		MethodName: name,
		Handler: func(_ any, ctx context.Context, decode func(any) error, intercept grpc.UnaryServerInterceptor) (any, error) {
			in := new(In)
			if err := decode(I(in)); err != nil {
				return nil, malformed(err)
			}
			if intercept == nil {
				return handle(ctx, in)
			}
			return intercept(ctx, in, &grpc.UnaryServerInfo{Server: s, FullMethod: full}, handle)
		},
	}
}

// serverStream describes a call that is answered by a stream.
func serverStream[In any, I message[In]](s *Service, do func(*Service, *call, *In, grpc.ServerStream) error) grpc.StreamHandler {
	return func(_ any, stream grpc.ServerStream) error {
		in, b := new(In), unread{}
		if err := stream.RecvMsg(&b); err != nil {
			return err
		}
		if err := proto.Unmarshal(b, I(in)); err != nil {
			return malformed(err)
		}
		c, err := s.open(stream.Context())
		if err == nil {
			err = do(s, c, in, stream)
		}
		method, _ := grpc.MethodFromServerStream(stream)
		return s.status(stream.Context(), method, err)
	}
}

// unread is a message that is read later: grpc-go answers one that it cannot read
// by itself, as a defect of the server.
type unread []byte

// Unmarshal makes grpc-go leave the message as it is.
func (u *unread) Unmarshal(b []byte) error {
	*u = bytes.Clone(b)
	return nil
}

// Reset, String and ProtoMessage make it a message.
func (u *unread) Reset()        { *u = nil }
func (u unread) String() string { return fmt.Sprintf("%d bytes", len(u)) }
func (unread) ProtoMessage()    {}

// malformed is the error of a request that cannot be read: it is the caller's
// fault, which grpc-go does not say.
func malformed(err error) error {
	if _, ok := status.FromError(err); !ok {
		return status.Error(codes.InvalidArgument, "the request is not one of this protocol: "+err.Error())
	}
	if status.Code(err) == codes.Internal || status.Code(err) == codes.Unknown {
		return status.Error(codes.InvalidArgument, "the request is not one of this protocol: "+status.Convert(err).Message())
	}
	return err
}

// status is the status that an error becomes. Defects are logged.
func (s *Service) status(ctx context.Context, method string, err error) error {
	if err == nil {
		return nil
	}
	st := codec.EncodeError(err, Own(ctx))
	var e *perdure.Error
	if errors.As(err, &e) && e.RetryAfter > 0 { // it fails where there is no call, as in tests
		_ = grpc.SetTrailer(ctx, metadata.Pairs(keyPushback, strconv.FormatInt(e.RetryAfter.Milliseconds(), 10)))
	}
	if status.Code(st) == codes.Internal {
		s.cfg.Logger.Error("call failed", "method", method, "hub", HubName(ctx), "err", err)
	}
	return st
}

// requestID is what the caller has given to make a repeat harmless. Others than
// ours do not know the field.
func (c *call) requestID(id string) string {
	if !c.own {
		return ""
	}
	return id
}

// maxID is the longest id of an instance, in characters.
const maxID = 100

// maxBatch is how many instances a request may name.
const maxBatch = 500

// checkID refuses ids that no instance can have.
func checkID(op, id string) error {
	if id == "" {
		return invalid(op, id, "the instance id is empty")
	}
	if n := utf8.RuneCountInString(id); n > maxID {
		return invalid(op, string([]rune(id)[:20])+"...", fmt.Sprintf("the length of the instance id is %d characters; at most %d are allowed", n, maxID))
	}
	return nil
}

func isEntity(id string) bool { return id != "" && id[0] == '@' }

func invalid(op, id, why string) error {
	return &perdure.Error{Code: perdure.InvalidArgument, Op: op, Instance: id, Message: why}
}

func unimplemented(what string) error {
	return &perdure.Error{Code: perdure.Unimplemented, Message: "this hub has no " + what}
}

func notFound(err error) bool { return perdure.CodeOf(err) == perdure.NotFound }
