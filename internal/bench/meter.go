package bench

import (
	"context"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/perdure/perdure/store"
)

// meter adds up what was used between its starts and stops.
type meter struct {
	store  store.Store // nil = what it does is not counted
	worker int         // process with the code; 0 = this one

	wall, cpu, workerCPU   time.Duration
	commits, syncs, groups int64

	began time.Time
	used  time.Duration
	work  time.Duration // used by the worker
	stats store.Stats
}

func (m *meter) start(ctx context.Context) (err error) {
	if m.stats, err = m.counts(ctx); err != nil {
		return err
	}
	m.used, m.work, m.began = cpuTime(), cpuTimeOf(m.worker), time.Now()
	return nil
}

// stop returns the time since start.
func (m *meter) stop(ctx context.Context) (time.Duration, error) {
	wall, cpu, work := time.Since(m.began), cpuTime()-m.used, cpuTimeOf(m.worker)-m.work
	now, err := m.counts(ctx)
	if err != nil {
		return 0, err
	}
	m.wall += wall
	m.cpu += cpu
	m.workerCPU += work
	m.commits += now.Commits - m.stats.Commits
	m.syncs += now.Syncs - m.stats.Syncs
	m.groups += now.Groups - m.stats.Groups
	return wall, nil
}

func (m *meter) counts(ctx context.Context) (store.Stats, error) {
	if m.store == nil {
		return store.Stats{}, nil
	}
	return m.store.Stats(context.WithoutCancel(ctx))
}

// startProfile writes a CPU profile to a file until the function returned is
// called; without a file name it does nothing.
func startProfile(name string) (end func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// writeHeapProfile writes what lives on the heap, unless the name is empty.
func writeHeapProfile(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	runtime.GC()
	if err := pprof.WriteHeapProfile(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
