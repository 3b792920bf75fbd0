// Package wire serves a hub over gRPC as the Durable Task protocol wants it, so
// that the SDKs of other languages work with it unchanged.
//
// The service is registered by hand, under a name without a proto package, since
// SDKs call it by that. Package codec turns its messages into the hub's words; what
// stands here is what each call means.
package wire

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// ServiceName is the name that SDKs call the service by.
const ServiceName = "TaskHubSidecarService"

// Hubs finds the hubs of a server. Its methods may be called concurrently.
type Hubs interface {
	// Open returns a hub, which must not be closed. NotFound if there is none of this
	// name.
	Open(ctx context.Context, name string) (hub.Hub, error)
	// Create makes a hub. With recreate one that exists is emptied, else it is
	// AlreadyExists.
	Create(ctx context.Context, name string, recreate bool) error
	// Delete deletes a hub with all that it has.
	Delete(ctx context.Context, name string) error
}

// Config is what a Service is made of. Hubs is required.
type Config struct {
	Hubs Hubs
	// EntityDocument, if set, returns what is shown to clients as the state of an
	// entity in place of its own, and whether it is one of those for which something
	// else is shown.
	EntityDocument func(ctx context.Context, hub, id string) (json.RawMessage, bool, error)
	// Announce, if set, is told which agents a worker of ours serves when it connects;
	// what it returns is called when the worker is gone.
	Announce func(ctx context.Context, hub string, agents []*wirepb.AgentDescription) (gone func())
	// Admit, if set, says whether a scaler may measure a hub: one shows its token, if it
	// has any, in the request. ended is closed when that holds no more; nil = never.
	Admit func(ctx context.Context, hub, token string) (ended <-chan struct{}, err error)
	// Ping is the longest silence on a stream of work items; 0 = 20 s. Workers give
	// up after 120 s.
	Ping   time.Duration
	Clock  clock.Clock  // nil = the system's
	Logger *slog.Logger // nil = none
}

// Service implements the protocol. Its methods may be called concurrently.
type Service struct {
	cfg   Config
	turns turns
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if cfg.Hubs == nil {
		return nil, errConfig
	}
	if cfg.Ping == 0 {
		cfg.Ping = 20 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg, turns: turns{open: make(map[turnKey]*turn)}}, nil
}

// Register makes a gRPC server answer the protocol's calls, and those of our own
// clients and workers, and of scalers.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: ServiceName,
		HandlerType: (*any)(nil),
		Methods:     s.methods(),
		Streams: []grpc.StreamDesc{
			{StreamName: "GetWorkItems", Handler: serverStream(s, (*Service).getWorkItems), ServerStreams: true},
			{StreamName: "StreamInstanceHistory", Handler: serverStream(s, (*Service).streamHistory), ServerStreams: true},
		},
	}, s)
	r.RegisterService(s.ownDesc(), s)
	r.RegisterService(s.scalerDesc(), s)
}

// methods is the table of the unary calls.
func (s *Service) methods() []grpc.MethodDesc {
	return []grpc.MethodDesc{
		unary(s, "Hello", inHub((*Service).hello)),
		unary(s, "StartInstance", inHub((*Service).startInstance)),
		unary(s, "GetInstance", inHub((*Service).getInstance)),
		unary(s, "WaitForInstanceStart", inHub((*Service).waitStart)),
		unary(s, "WaitForInstanceCompletion", inHub((*Service).waitCompletion)),
		unary(s, "RaiseEvent", inHub((*Service).raiseEvent)),
		unary(s, "TerminateInstance", inHub((*Service).terminate)),
		unary(s, "SuspendInstance", inHub((*Service).suspend)),
		unary(s, "ResumeInstance", inHub((*Service).resume)),
		unary(s, "RewindInstance", inHub((*Service).rewind)),
		unary(s, "RestartInstance", inHub((*Service).restart)),
		unary(s, "QueryInstances", inHub((*Service).queryInstances)),
		unary(s, "ListInstanceIds", inHub((*Service).listInstanceIDs)),
		unary(s, "PurgeInstances", inHub((*Service).purge)),
		unary(s, "SignalEntity", inHub((*Service).signalEntity)),
		unary(s, "GetEntity", inHub((*Service).getEntity)),
		unary(s, "QueryEntities", inHub((*Service).queryEntities)),
		unary(s, "CleanEntityStorage", inHub((*Service).cleanEntities)),
		unary(s, "SkipGracefulOrchestrationTerminations", inHub((*Service).terminateNow)),
		unary(s, "CreateTaskHub", (*Service).createHub),
		unary(s, "DeleteTaskHub", (*Service).deleteHub),
		unary(s, "CompleteOrchestratorTask", inHub((*Service).completeTurn)),
		unary(s, "CompleteActivityTask", inHub((*Service).completeActivity)),
		unary(s, "CompleteEntityTask", inHub((*Service).completeEntity)),
		unary(s, "AbandonTaskOrchestratorWorkItem", inHub(abandoned[wirepb.AbandonOrchestrationTaskRequest, wirepb.AbandonOrchestrationTaskResponse])),
		unary(s, "AbandonTaskActivityWorkItem", inHub(abandoned[wirepb.AbandonActivityTaskRequest, wirepb.AbandonActivityTaskResponse])),
		unary(s, "AbandonTaskEntityWorkItem", inHub(abandoned[wirepb.AbandonEntityTaskRequest, wirepb.AbandonEntityTaskResponse])),
	}
}

// hello says that the hub is there.
func (s *Service) hello(*call, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
