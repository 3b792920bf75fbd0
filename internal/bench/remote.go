package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/wire"
)

// How the hub is reached that is measured.
const (
	InProcess = ""         // the code runs where the hub does
	Own       = "own"      // over our own service
	Protocol  = "protocol" // over the calls of the Durable Task protocol
)

// maxMessage is the largest message that the measured server takes.
const maxMessage = 64 << 20

// withServer serves a hub without code, has a worker run the code of the workloads over
// the wire, and work on the hub as a client of it.
func (b *bench) withServer(ctx context.Context, now clock.Clock, work func(context.Context) error) (err error) {
	h, err := local.New(local.Config{Store: b.store, Registry: perdure.NewRegistry(), Clock: now, Logger: b.cfg.Logger})
	if err != nil {
		return err
	}
	hubCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	var hubErr, serveErr error
	running.Go(func() { hubErr = h.Run(hubCtx) })
	served := &waited{Hub: h, worker: make(chan struct{})}
	server, listener, err := b.serve(ctx, served)
	if err != nil {
		stop()
		running.Wait()
		return errors.Join(err, hubErr)
	}
	running.Go(func() { serveErr = server.Serve(listener) })
	defer func() {
		server.Stop()
		stop()
		running.Wait()
		err = errors.Join(err, hubErr, serveErr)
	}()
	address := "http://" + listener.Addr().String()
	endWorker, err := b.startWorker(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, endWorker()) }()
	select {
	case <-served.worker:
	case <-time.After(20 * time.Second):
		return errors.New("the worker does not connect")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	target, err := remote.Parse(address)
	if err != nil {
		return err
	}
	far, err := remote.Dial(remote.Config{Target: target})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, far.Close()) }()
	b.idle, b.client = h.Idle, client.New(far)
	b.agents = agent.NewService(b.client)
	return work(ctx)
}

// waited is a hub that tells when a worker has connected.
type waited struct {
	*local.Hub
	once   sync.Once
	worker chan struct{}
}

// Connect implements hub.Workers.
func (w *waited) Connect(ctx context.Context, worker *hub.Worker) (hub.Stream, error) {
	s, err := w.Hub.Connect(ctx, worker)
	if err == nil {
		w.once.Do(func() { close(w.worker) })
	}
	return s, err
}

// only is the only hub of a server.
type only struct{ hub hub.Hub }

func (o only) Open(context.Context, string) (hub.Hub, error) { return o.hub, nil }

func (only) Create(context.Context, string, bool) error { return errors.ErrUnsupported }

func (only) Delete(context.Context, string) error { return errors.ErrUnsupported }

// protocolOnly registers the services of others than our own clients.
type protocolOnly struct{ grpc.ServiceRegistrar }

func (p protocolOnly) RegisterService(d *grpc.ServiceDesc, impl any) {
	if d.ServiceName != wire.OwnService {
		p.ServiceRegistrar.RegisterService(d, impl)
	}
}

// serve makes a server of the hub, which listens on this machine only.
func (b *bench) serve(ctx context.Context, h hub.Hub) (*grpc.Server, net.Listener, error) {
	service, err := wire.New(wire.Config{Hubs: only{h}, Logger: b.cfg.Logger})
	if err != nil {
		return nil, nil, err
	}
	server := grpc.NewServer( // flow control as in package host
		grpc.MaxRecvMsgSize(maxMessage), grpc.InitialWindowSize(1<<20), grpc.InitialConnWindowSize(4<<20),
	)
	if b.cfg.Remote == Protocol {
		service.Register(protocolOnly{server})
	} else {
		service.Register(server)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	return server, listener, nil
}

// startWorker starts the worker, in a process of its own if the configuration says how.
// The function returned ends it.
func (b *bench) startWorker(ctx context.Context, address string) (end func() error, err error) {
	if len(b.cfg.WorkerCommand) == 0 {
		reader, writer := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- Work(ctx, address, b.cfg.Payload, "", reader) }()
		return func() error { return errors.Join(writer.Close(), <-ended) }, nil
	}
	args := append(b.cfg.WorkerCommand[1:len(b.cfg.WorkerCommand):len(b.cfg.WorkerCommand)], address, fmt.Sprint(b.cfg.Payload))
	if b.cfg.CPUProfile != "" {
		args = append(args, b.cfg.CPUProfile+".worker")
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), b.cfg.WorkerCommand[0], args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the worker: %w", err)
	}
	b.meter.worker = cmd.Process.Pid
	return func() error { return errors.Join(stdin.Close(), cmd.Wait()) }, nil
}

// Work runs the code of the workloads for the hub at an address, until input ends, and
// writes a profile of the processor to a file ("" = none). It is what WorkerCommand runs.
func Work(ctx context.Context, address string, payload int, profile string, input io.Reader) (err error) {
	target, err := remote.Parse(address)
	if err != nil {
		return err
	}
	b := &bench{cfg: Config{Payload: payload}}
	registry, err := b.registry()
	if err != nil {
		return err
	}
	h, err := remote.Dial(remote.Config{Target: target})
	if err != nil {
		return err
	}
	worker, err := remote.NewWorker(remote.WorkerConfig{Hub: h, Registry: registry, Orchestrations: 1000, Activities: 1000})
	if err != nil {
		return errors.Join(err, h.Close())
	}
	endProfile, err := startProfile(profile)
	if err != nil {
		return errors.Join(err, h.Close())
	}
	defer func() { err = errors.Join(err, endProfile()) }()
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer cancel()
		_, _ = bufio.NewReader(input).WriteTo(io.Discard) // how it ends does not matter
	}()
	return errors.Join(worker.Run(ctx), h.Close())
}
