// Package series counts what a hub does, minute by minute: what begins and ends, how
// long it takes, and what models cost. Whoever carries a hub on counts what has become
// durable in a Bucket and writes it as a row (hub.RowSeries); Read puts together what
// all of them have written.
package series

import (
	"maps"
	"time"
)

// Bucket is what one process has counted in a minute, or the sum of several. The zero
// Bucket is empty.
type Bucket struct {
	Runs   map[RunKey]*Run
	Steps  map[string]*Step // activities, by name
	Models map[ModelKey]*Model
	// Store is from when commits were handed to the store until they were durable.
	Store Sketch
}

// RunKey names runs that are counted together.
type RunKey struct {
	Name  string
	Agent string // "" = they are no turns of an agent
}

// Run is what was counted of runs. One that is restarted or rewound counts again.
type Run struct {
	Started, Completed, Failed int64
	Stopped                    int64  // terminated or canceled
	Took                       Sketch // from the creation to the end, of those that ended
}

// Step is what was counted of attempts of an activity.
type Step struct {
	Completed, Failed int64
	Waited            Sketch // from the scheduling until a worker took it
	Took              Sketch // from then to the end
}

// ModelKey names calls of models that are counted together.
type ModelKey struct {
	Agent string // "" = of none
	Model string // "" = not known
}

// Model is what was counted of calls of a model.
type Model struct {
	Calls, Errors   int64 // those that have failed are in Errors alone
	In, Out, Cached int64 // tokens; Cached is a part of In
	Nano            int64 // cost in US dollars * 10^9 of the calls whose price is known
}

// most is how many names of a kind a bucket has. What is beyond is counted as Others.
const most = 300

// Others is the name of what has found no place of its own.
const Others = "(others)"

// Run returns what is counted of runs, to be changed.
func (b *Bucket) Run(k RunKey) *Run { return at(&b.Runs, k, RunKey{Name: Others}) }

// Step returns what is counted of an activity, to be changed.
func (b *Bucket) Step(name string) *Step { return at(&b.Steps, name, Others) }

// Model returns what is counted of a model, to be changed.
func (b *Bucket) Model(k ModelKey) *Model { return at(&b.Models, k, ModelKey{Model: Others}) }

func at[K comparable, V any](m *map[K]*V, k, others K) *V {
	v := (*m)[k]
	if v != nil {
		return v
	}
	if *m == nil {
		*m = make(map[K]*V)
	}
	if len(*m) >= most && k != others {
		return at(m, others, others)
	}
	v = new(V)
	(*m)[k] = v
	return v
}

// Merge adds what another bucket has counted.
func (b *Bucket) Merge(o *Bucket) {
	for k, r := range o.Runs {
		to := b.Run(k)
		to.Started += r.Started
		to.Completed += r.Completed
		to.Failed += r.Failed
		to.Stopped += r.Stopped
		to.Took.Merge(&r.Took)
	}
	for k, s := range o.Steps {
		to := b.Step(k)
		to.Completed += s.Completed
		to.Failed += s.Failed
		to.Waited.Merge(&s.Waited)
		to.Took.Merge(&s.Took)
	}
	for k, m := range o.Models {
		b.Model(k).add(m)
	}
	b.Store.Merge(&o.Store)
}

func (m *Model) add(o *Model) {
	m.Calls += o.Calls
	m.Errors += o.Errors
	m.In += o.In
	m.Out += o.Out
	m.Cached += o.Cached
	m.Nano += o.Nano
}

// Minute is the length of a bucket.
const Minute = time.Minute

// Kept is how long buckets are kept.
const Kept = 8 * 24 * time.Hour

// Keep forgets runs of other names and runs and models of other agents; "" = all stay.
func (b *Bucket) Keep(name, agent string) {
	maps.DeleteFunc(b.Runs, func(k RunKey, _ *Run) bool { return name != "" && k.Name != name || agent != "" && k.Agent != agent })
	maps.DeleteFunc(b.Models, func(k ModelKey, _ *Model) bool { return agent != "" && k.Agent != agent })
}
