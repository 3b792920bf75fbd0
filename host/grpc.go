package host

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/codec"
)

const (
	// receiveBytes is the largest message of a client: SDKs of Python and JavaScript
	// never split the outcome of a turn.
	receiveBytes = 64 << 20
	// pingPause is the least time between pings of a client. Some ping whenever they
	// read.
	pingPause = time.Millisecond
	// moment is how long before their deadline waits end.
	moment = 50 * time.Millisecond
)

// errStopping is the cause with which calls end that would otherwise hold up a stop.
var errStopping = errors.New("the server is stopping")

// rpcServer serves gRPC.
type rpcServer struct {
	*grpc.Server
	logger *slog.Logger
	health *health.Server
	rules  map[string]rule
	check  func(token string) (*access.Grant, error) // nil = all may do everything
	// certificate is check for the names in the certificate of a caller without token.
	certificate func(names []string, hub string) (*access.Grant, error)
	worker      func(ctx context.Context, hub string) (gone func())
	isNode      func(*tls.ConnectionState) bool // the caller is another node of the hubs
	calls       *calls

	stopping chan struct{} // closed when drain begins
	once     sync.Once     // closes stopping
}

// service is what a gRPC server serves, such as wire.Service.
type service interface{ Register(grpc.ServiceRegistrar) }

// newRPCServer returns a server that lets in who shows a token that check knows.
func newRPCServer(logger *slog.Logger, check func(string) (*access.Grant, error), services ...service) *rpcServer {
	s := &rpcServer{logger: logger, health: health.NewServer(), rules: rules(), check: check, stopping: make(chan struct{}),
		worker: func(context.Context, string) func() { return func() {} }, isNode: func(*tls.ConnectionState) bool { return false }}
	s.calls = newCalls(s.rules, func(string) bool { return false })
	s.Server = grpc.NewServer(
		grpc.Creds(callerCredentials{}),
		grpc.MaxRecvMsgSize(receiveBytes),
		grpc.MaxHeaderListSize(headerBytes),
		grpc.MaxConcurrentStreams(streamsAtATime),
		// Windows of a fixed size: else each message is answered with a ping, to find out
		// how large they should be, and that with another one.
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connectionWindow),
		grpc.ConnectionTimeout(headerTime),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingPause, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTime}),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(s.unary),
		grpc.StreamInterceptor(s.stream),
	)
	s.serving(false)
	grpc_health_v1.RegisterHealthServer(s, s.health)
	for _, service := range services {
		service.Register(s)
	}
	return s
}

// serving says to those who ask whether calls are served.
func (s *rpcServer) serving(yes bool) {
	state := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if yes {
		state = grpc_health_v1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", state)
}

// unary stands around every call.
func (s *rpcServer) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	defer func() { s.calls.add(wire.HubName(ctx), info.FullMethod, err) }()
	defer s.recovered(info.FullMethod, &err)
	rule := s.ruleOf(info.FullMethod)
	ctx, grant, err := s.letIn(ctx, rule)
	if err != nil {
		return nil, err
	}
	if rule.atStop == finish {
		return handler(ctx, request)
	}
	ctx, cancel := early(ctx)
	defer cancel()
	ctx, done := s.until(ctx, grant)
	defer done()
	if response, err = handler(ctx, request); err != nil {
		err = ended(ctx, rule, err)
	}
	return response, err
}

// early returns a context that ends a moment before the call's deadline, if it has
// one. At the deadline itself grpc-go resets the call, and a client which reads that
// before its own timer has fired takes it for CANCELLED: its user would not learn
// that the time is over, as DEADLINE_EXCEEDED says.
func early(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(moment, time.Until(deadline)/10)))
}

// stream stands around every stream.
func (s *rpcServer) stream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() { s.calls.add(wire.HubName(stream.Context()), info.FullMethod, err) }()
	defer s.recovered(info.FullMethod, &err)
	rule := s.ruleOf(info.FullMethod)
	ctx, grant, err := s.letIn(stream.Context(), rule)
	if err != nil {
		return err
	}
	if rule.worker {
		defer s.worker(ctx, wire.HubName(ctx))()
	}
	if rule.atStop == finish {
		return handler(server, &withContext{stream, ctx})
	}
	ctx, done := s.until(ctx, grant)
	defer done()
	if err = handler(server, &withContext{stream, ctx}); err != nil {
		err = ended(ctx, rule, err)
	}
	return err
}

// letIn returns the context of a call by someone who may make it, and what they may
// do besides.
func (s *rpcServer) letIn(ctx context.Context, rule rule) (context.Context, *access.Grant, error) {
	if rule.inside {
		return ctx, nil, nil
	}
	grant, err := s.grant(ctx, wire.HubName(ctx))
	if err == nil {
		err = grant.Allow(wire.HubName(ctx), rule.need)
	}
	if err != nil {
		return ctx, nil, codec.EncodeError(err, wire.Own(ctx))
	}
	return access.With(ctx, grant), grant, nil
}

// admit lets scalers in, for wire.Config.Admit: whoever may see a hub or work for it,
// by a token in the request, in the header, or by a certificate.
func (s *rpcServer) admit(ctx context.Context, hub, token string) (ended <-chan struct{}, err error) {
	var grant *access.Grant
	if token != "" && s.check != nil {
		grant, err = s.check(token)
	} else {
		grant, err = s.grant(ctx, hub)
	}
	if err == nil {
		err = grant.Allow(hub, access.Read|access.Work)
	}
	if err != nil {
		return nil, err
	}
	return grant.Ended, nil
}

// grant returns what a caller may do in a hub; nil = nothing was shown.
func (s *rpcServer) grant(ctx context.Context, hub string) (*access.Grant, error) {
	switch {
	case s.isNode(sessionOf(ctx)):
		return access.OfNode(), nil
	case s.check == nil:
		return access.Everything(), nil
	}
	headers := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(headers) == 0 {
		if names := access.NamesOf(sessionOf(ctx)); len(names) > 0 {
			return s.certificate(names, hub)
		}
		return nil, nil
	}
	token, err := access.BearerOf(headers[0])
	if err != nil || token == "" {
		return nil, err
	}
	return s.check(token)
}

// withContext is a stream with another context.
type withContext struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *withContext) Context() context.Context { return s.ctx }

// errRevoked is the cause with which calls end whose token holds no more.
var errRevoked = errors.New("the token was revoked, or has expired")

// until returns a context that ends when the server stops or the grant does.
func (s *rpcServer) until(ctx context.Context, grant *access.Grant) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	var revoked <-chan struct{}
	if grant != nil {
		revoked = grant.Ended
	}
	go func() {
		defer close(done)
		select {
		case <-s.stopping:
			cancel(errStopping)
		case <-revoked:
			cancel(errRevoked)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-done }
}

// ended is the error of a call with a context of until: what ended the context is
// what matters.
func ended(ctx context.Context, rule rule, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errRevoked):
		return status.Error(codes.Unauthenticated, errRevoked.Error())
	case errors.Is(cause, errStopping) && rule.atStop == endOK:
		return nil // workers take it for what it is, and come again
	case errors.Is(cause, errStopping):
		return status.Error(codes.Unavailable, errStopping.Error())
	}
	return err
}

// recovered makes an error of a panic of the handler, which would end the process.
func (s *rpcServer) recovered(method string, err *error) {
	if v := recover(); v != nil {
		s.logger.Error("handler panicked", "method", method, "panic", v, "stack", string(debug.Stack()))
		*err = status.Error(codes.Internal, "internal error; the server's log has the details")
	}
}

// drain takes no more calls, ends what lasts, waits for the rest until ctx ends and
// then cuts it. It reports whether calls were cut.
func (s *rpcServer) drain(ctx context.Context) (cut bool) {
	s.once.Do(func() { close(s.stopping) })
	s.health.Shutdown()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.GracefulStop()
	}()
	select {
	case <-done:
		return false
	case <-ctx.Done():
	}
	s.Stop()
	<-done
	return true
}
