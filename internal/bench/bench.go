package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/store"
)

// bench is a workload on its way.
type bench struct {
	cfg      Config
	store    store.Store
	client   *client.Client
	agents   *agent.Service
	talk     agent.SessionID // of the workload session
	idle     func(context.Context) (time.Time, error)
	result   *Result
	latency  histogram
	meter    meter
	progress *progress
	steps    *stepTrack // nil = steps are not compared
}

// Run measures one workload. If ctx ends it stops early and returns what was
// measured so far, marked as interrupted. Concurrent runs disturb each other.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	b := &bench{cfg: cfg, result: &Result{
		Workload: cfg.Workload, Store: cfg.Store, InFlight: cfg.InFlight, Steps: cfg.Steps, Payload: cfg.Payload,
		Remote: cfg.Remote, Nodes: cfg.Nodes,
	}}
	dir, remove, err := cfg.folder()
	if err != nil {
		return nil, err
	}
	err = b.inFolder(ctx, dir)
	if err := errors.Join(err, remove()); err != nil {
		return nil, err
	}
	return b.result, nil
}

// inFolder probes the machine and runs the workload in a folder.
func (b *bench) inFolder(ctx context.Context, dir string) error {
	b.progress = newProgress(b.cfg.Progress)
	defer b.progress.end()
	b.progress.phase("probing disk and processor", nil)
	var err error
	if b.result.DiskSyncs, err = probeDisk(dir, b.cfg.ProbeTime); err != nil {
		return err
	}
	b.result.CPUProbe = probeCPU()
	if b.cfg.Workload == Chat {
		return b.chat(ctx, dir)
	}
	if b.cfg.Hub != "" {
		return b.withNodes(ctx, b.measure)
	}
	s, closeStore, err := b.cfg.openStore(dir)
	if err != nil {
		return err
	}
	b.store = s
	b.steps = newStepTrack(b.cfg)
	with := b.withHub
	if b.cfg.Remote != InProcess {
		with, b.steps = b.withServer, nil // the steps run elsewhere
	}
	err = errors.Join(with(ctx, clock.System(), b.measure), closeStore())
	if err == nil && b.cfg.Fold && ctx.Err() == nil {
		err = b.folded(ctx, dir)
	}
	return err
}

// withHub runs a hub, and work on it.
func (b *bench) withHub(ctx context.Context, now clock.Clock, work func(context.Context) error) error {
	registry, err := b.registry()
	if err != nil {
		return err
	}
	h, err := local.New(local.Config{Store: b.store, Registry: registry, Clock: now, Logger: b.cfg.Logger})
	if err != nil {
		return err
	}
	b.idle = h.Idle
	b.client = client.New(h)
	b.agents = agent.NewService(b.client)
	hubCtx, stop := context.WithCancel(b.agents.Context(context.WithoutCancel(ctx)))
	ended := make(chan struct{})
	var hubErr error
	go func() {
		defer close(ended)
		hubErr = h.Run(hubCtx)
	}()
	err = work(ctx)
	stop()
	<-ended
	return errors.Join(err, hubErr)
}

// measure runs the workload and fills the result.
func (b *bench) measure(ctx context.Context) error {
	b.meter.store = b.store
	b.progress.phase("waiting for the hub", nil)
	if _, err := b.idle(ctx); err != nil && ctx.Err() == nil { // what it writes at its begin is not the workload's
		return err
	}
	endProfile, err := startProfile(b.cfg.CPUProfile)
	if err != nil {
		return err
	}
	err = b.workload(ctx)
	err = errors.Join(err, endProfile())
	if err != nil {
		return err
	}
	b.result.Interrupted = ctx.Err() != nil
	b.result.RSS = megabytes(residentBytes())
	if err := writeHeapProfile(b.cfg.MemProfile); err != nil {
		return err
	}
	b.result.fill(&b.meter, &b.latency)
	if b.store == nil {
		return nil
	}
	stats, err := b.store.Stats(context.WithoutCancel(ctx))
	b.result.DiskBytes = stats.DiskBytes
	return err
}

func (b *bench) workload(ctx context.Context) error {
	switch b.cfg.Workload {
	case Sequence:
		return b.sequence(ctx)
	case Fanout:
		return b.fanout(ctx)
	case Event:
		return b.event(ctx)
	case Parked:
		return b.parked(ctx)
	case Session:
		return b.session(ctx)
	}
	return fmt.Errorf("no workload %q", b.cfg.Workload)
}

// folder returns the folder to work in, and what removes it if it is a
// temporary one.
func (c Config) folder() (dir string, remove func() error, err error) {
	if c.Dir == "" {
		dir, err = os.MkdirTemp("", "perdure-bench-")
		return dir, func() error { return os.RemoveAll(dir) }, err
	}
	return c.Dir, func() error { return nil }, os.MkdirAll(c.Dir, 0o755)
}

// milliseconds of a duration.
func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
