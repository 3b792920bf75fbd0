package replay

import (
	"log/slog"

	"github.com/perdure/perdure"
)

// Options configure a Runner. The zero value works.
type Options struct {
	// Logger is what Context.Logger of orchestrations writes to. Nil = nowhere.
	Logger *slog.Logger
	// Value finds what the worker was run with, see perdure.Info. Nil = nothing.
	Value func(key any) any
	// MaxActions bounds the actions of one turn; an orchestration that exceeds
	// it fails. 0 = 100,000.
	MaxActions int
	// MaxBranches bounds the branches of one orchestration that live at a time;
	// one that exceeds it fails. 0 = 10,000.
	MaxBranches int
}

// Runner runs what a registry knows. It is safe for concurrent use.
type Runner struct {
	reg  *perdure.Registry
	opts Options
}

// NewRunner returns a Runner for reg, to which nothing may be added any more.
func NewRunner(reg *perdure.Registry, opts Options) *Runner {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.MaxActions <= 0 {
		opts.MaxActions = 100_000
	}
	if opts.MaxBranches <= 0 {
		opts.MaxBranches = 10_000
	}
	if opts.Value == nil {
		opts.Value = func(any) any { return nil }
	}
	return &Runner{reg: reg, opts: opts}
}

// With returns a Runner whose orchestrations find what a worker was run with.
func (r *Runner) With(value func(key any) any) *Runner {
	opts := r.opts
	opts.Value = value
	return &Runner{reg: r.reg, opts: opts}
}

// Knows reports whether an orchestration is registered under the name, for any
// version.
func (r *Runner) Knows(name string) bool { return r.reg.HasOrchestration(name) }

// KnowsActivity reports whether an activity is registered under the name.
func (r *Runner) KnowsActivity(name string) bool {
	_, ok := r.reg.Activity(name)
	return ok
}

// KnowsEntity reports whether an entity is registered under the name, whatever
// its case.
func (r *Runner) KnowsEntity(name string) bool {
	_, ok := r.reg.Entity(name)
	return ok
}

// Open returns an execution of which nothing has run yet.
func (r *Runner) Open(instanceID, executionID string) *Execution {
	e := &Execution{}
	e.m = machine{
		runner:  r,
		lineage: lineage{id: instanceID, seed: executionID},
		open:    make(map[int32]entry),
		info: perdure.Info{
			InstanceID:  instanceID,
			ExecutionID: executionID,
			Seed:        executionID,
			Logger:      r.opts.Logger,
			Value:       r.opts.Value,
		},
	}
	return e
}
