package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/perdure/perdure/internal/history"
)

// Seed returns the seed of ids and chance in the execution, by which all that it does
// outside is known. A rewind keeps it.
func (o *Orchestration) Seed() string {
	seed := o.seed
	if seed == "" {
		seed = o.Execution
	}
	for _, salt := range o.salts {
		seed = ForkSeed(seed, salt)
	}
	return seed
}

// childSeed is the seed of a run that the step begins: the same when a rewind has the
// step made again, so that the run is known to be the same one; another one for all
// other steps, and after a restart.
func (o *Orchestration) childSeed(step int32, id string) string {
	return derive(o.Seed(), fmt.Sprint("child ", o.ID, " ", step, " ", id))
}

// seeded returns the start of an execution of the instance that this one begins, with the
// seed. Where it cannot have been begun before, the seed is its id as well; else that is
// the given one, "" = the instance chooses.
func (o *Orchestration) seeded(start *history.Event, id, seed, execution string) *history.Event {
	b := start.Body.(*history.ExecutionStarted)
	if o.Seed() == o.Execution {
		execution = seed
	} else {
		start = withSeed(start, seed)
	}
	if execution != "" {
		b.Instance = &history.Instance{InstanceID: id, ExecutionID: history.Some(execution)}
	}
	return start
}

// LineageOf returns the seed that a step has given to the run which it starts, "" if none.
func LineageOf(start *history.Event) string {
	b, ok := start.Body.(*history.ExecutionStarted)
	switch {
	case !ok:
		return ""
	case start.Meta != nil && start.Meta.Seed != "":
		return start.Meta.Seed
	case b.Instance != nil:
		return b.Instance.ExecutionID.S
	}
	return ""
}

func derive(seed, part string) string {
	sum := sha256.Sum256([]byte(seed + " " + part))
	return hex.EncodeToString(sum[:16])
}

// SeedOf returns the seed of ids and chance in an execution, or of a fork up to where it
// goes its own way.
func SeedOf(past []*history.Event, execution string) string {
	seed := execution
	for _, e := range past {
		if s := seedIn(e); s != "" {
			seed = s
		}
	}
	return seed
}

// SeedAt returns the seed of ids and chance after the events of an execution.
func SeedAt(past []*history.Event, execution string) string {
	seed := SeedOf(past, execution)
	for _, e := range past {
		if f, parts := ForkIn(e); parts {
			seed = ForkSeed(seed, f.Salt)
		}
	}
	return seed
}

// seedIn returns the seed that an event gives its execution, "" if none.
func seedIn(e *history.Event) string {
	if e.Meta != nil && e.Meta.Seed != "" {
		return e.Meta.Seed
	}
	if b, ok := e.Body.(*history.GenericEvent); ok {
		if seed, ok := strings.CutPrefix(b.Data.S, SeedPrefix); ok {
			return seed
		}
	}
	return ""
}

// withSeed returns the event with the seed of the execution that it begins; "" = that of
// its id.
func withSeed(e *history.Event, seed string) *history.Event {
	if seed == "" {
		return e
	}
	c, meta := *e, history.Meta{}
	if e.Meta != nil {
		meta = *e.Meta
	}
	meta.Seed = seed
	c.Meta = &meta
	return &c
}

// WithFork returns the event, noting of what its run is a copy; nil = of none.
func WithFork(e *history.Event, f *history.Fork) *history.Event {
	if f == nil {
		return e
	}
	c, meta := *e, history.Meta{}
	if e.Meta != nil {
		meta = *e.Meta
	}
	meta.Fork = f
	c.Meta = &meta
	return &c
}

// StartOf is the start of the run that a step begins which is made again, told as a
// rewind of that run.
func StartOf(r *history.Event) *history.Event {
	b := r.Body.(*history.ExecutionRewound)
	return &history.Event{ID: 0, Time: r.Time, Meta: r.Meta, Body: &history.ExecutionStarted{
		Name: b.Name.S, Version: b.Version, Input: b.Input, Parent: b.Parent, ParentTrace: b.ParentTrace, Tags: b.Tags,
	}}
}

// RewindOf tells the start of a run that exists, as the same step had begun it before, as
// a rewind of that run: to its beginning, or if it goes on as it is, to nowhere.
func RewindOf(start *history.Event, id string, goesOn bool) *history.Event {
	b := start.Body.(*history.ExecutionStarted)
	r := &history.ExecutionRewound{
		Reason: history.Some("its step is made again"), InstanceID: history.Some(id),
		Name: history.Some(b.Name), Version: b.Version, Input: b.Input, Tags: b.Tags, Parent: b.Parent, ParentTrace: b.ParentTrace,
	}
	if p := b.Parent; p != nil && p.Instance != nil {
		r.ParentExecutionID = p.Instance.ExecutionID
	}
	if !goesOn {
		r.To = 1
	}
	return &history.Event{ID: -1, Time: start.Time, Meta: start.Meta, Body: r}
}

// StartHash tells apart what a run of one name can be begun with.
func StartHash(b *history.ExecutionStarted) string {
	return derive(fmt.Sprintf("%q %q %v", b.Name, b.Version.S, b.Input.Set), b.Input.S)
}
