package host

import (
	"context"
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
	"google.golang.org/grpc/status"
)

const (
	// receiveBytes is the largest message of a client: SDKs of Python and JavaScript
	// never split the outcome of a turn.
	receiveBytes = 64 << 20
	// pingPause is the least time between pings of a client. Some ping whenever they
	// read.
	pingPause = time.Millisecond
)

// errStopping is the cause with which calls end that would otherwise hold up a stop.
var errStopping = errors.New("the server is stopping")

// rpcServer serves gRPC.
type rpcServer struct {
	*grpc.Server
	logger *slog.Logger
	health *health.Server
	rules  map[string]rule

	stopping chan struct{} // closed when drain begins
	once     sync.Once     // closes stopping
}

// service is what a gRPC server serves, such as wire.Service.
type service interface{ Register(grpc.ServiceRegistrar) }

func newRPCServer(logger *slog.Logger, services ...service) *rpcServer {
	s := &rpcServer{logger: logger, health: health.NewServer(), rules: rules(), stopping: make(chan struct{})}
	s.Server = grpc.NewServer(
		grpc.MaxRecvMsgSize(receiveBytes),
		grpc.MaxHeaderListSize(headerBytes),
		grpc.MaxConcurrentStreams(streamsAtATime),
		grpc.ConnectionTimeout(headerTime),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingPause, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingAfter, Timeout: pingTime}),
		grpc.SharedWriteBuffer(true),
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
	defer s.recovered(info.FullMethod, &err)
	if s.ruleOf(info.FullMethod).atStop == finish {
		return handler(ctx, request)
	}
	ctx, done := s.untilStop(ctx)
	defer done()
	if response, err = handler(ctx, request); err != nil && s.stopped(ctx) {
		err = status.Error(codes.Unavailable, errStopping.Error())
	}
	return response, err
}

// stream stands around every stream.
func (s *rpcServer) stream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer s.recovered(info.FullMethod, &err)
	rule := s.ruleOf(info.FullMethod)
	if rule.atStop == finish {
		return handler(server, stream)
	}
	ctx, done := s.untilStop(stream.Context())
	defer done()
	if err = handler(server, &withContext{stream, ctx}); err != nil && s.stopped(ctx) {
		err = nil // workers take it for what it is, and come again
		if rule.atStop == giveUp {
			err = status.Error(codes.Unavailable, errStopping.Error())
		}
	}
	return err
}

// withContext is a stream with another context.
type withContext struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (s *withContext) Context() context.Context { return s.ctx }

// untilStop returns a context that ends with errStopping when the server stops.
func (s *rpcServer) untilStop(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-s.stopping:
			cancel(errStopping)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-ended }
}

// stopped reports whether a context of untilStop ended because the server stops.
func (s *rpcServer) stopped(ctx context.Context) bool {
	return errors.Is(context.Cause(ctx), errStopping)
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
