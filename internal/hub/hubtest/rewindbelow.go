package hubtest

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store"
)

var rewindBelowCases = []testCase{
	{"Ended", belowEnded},
	{"Folded", belowFolded},
	{"Purged", belowPurged},
	{"Restarted", belowRestarted},
	{"Running", belowRunning},
	{"OtherInput", belowOtherInput},
	{"Terminated", belowTerminated},
	{"Detached", belowDetached},
}

// below registers a run of three generations and a run below it, each of which does
// something outside that effects notes: "top" begins "mid", which continues as new and
// then begins "leaf". Top fails until it is allowed to end.
type below struct {
	effects probe
	allowed atomic.Bool
	input   atomic.Value // that mid is begun with
	fold    bool
}

func (b *below) code(r *perdure.Registry) {
	perdure.AddActivityNamed(r, "act", func(ctx context.Context, in string) (string, error) {
		b.effects.note("%s %s", in, perdure.Activity(ctx).EffectID)
		return in, nil
	})
	act := func(ctx *perdure.Context, in string) error {
		_, err := perdure.CallNamed[string](ctx, "act", in).Await()
		return err
	}
	perdure.AddOrchestrationNamed(r, "leaf", func(ctx *perdure.Context, in string) (string, error) {
		return in, act(ctx, "leaf")
	})
	perdure.AddOrchestrationNamed(r, "mid", func(ctx *perdure.Context, in string) (string, error) {
		if err := act(ctx, in); err != nil {
			return "", err
		}
		if len(in) < 3 {
			return "", perdure.ContinueAsNew(ctx, in+"+")
		}
		return perdure.CallOrchestrationNamed[string](ctx, "leaf", in).Await()
	})
	perdure.AddOrchestrationNamed(r, "top", func(ctx *perdure.Context, _ string) (string, error) {
		if err := act(ctx, "top"); err != nil {
			return "", err
		}
		opts := []perdure.Option{perdure.WithID("mid")}
		if b.fold {
			opts = append(opts, perdure.WithFold(0))
		}
		out, err := perdure.CallOrchestrationNamed[string](ctx, "mid", b.input.Load(), opts...).Await()
		if err == nil && !b.allowed.Load() {
			err = context.DeadlineExceeded
		}
		return out, err
	})
}

func (b *below) open(t *testing.T, s suite) *env {
	b.input.Store("m")
	return s.open(t, b.code)
}

// beforeChild is the number of the event that has begun the run below.
func (e *env) beforeChild(id string) int {
	e.t.Helper()
	n := 1 + slices.IndexFunc(e.history(id), is[*history.SubOrchestrationInstanceCreated])
	if n == 0 {
		e.t.Fatalf("%s has begun no run", id)
	}
	return n
}

// again compares what was done outside after the rewind with what was before.
func (b *below) again(t *testing.T, before int) {
	t.Helper()
	first, then := b.effects.since(0)[:0], b.effects.since(before)
	for _, note := range b.effects.all()[:before] {
		if !strings.HasPrefix(note, "top ") { // it is not done again
			first = append(first, note)
		}
	}
	slices.Sort(first)
	if diff := cmp.Diff(first, then); diff != "" {
		t.Errorf("effects of the runs below (-before the rewind +after it):\n%s", diff)
	}
}

// all returns the notes so far.
func (p *probe) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.notes)
}

// belowEnded rewinds a run to before it has begun runs that have ended: what these do
// outside is known by the same effect ids, and what they have done before stays readable.
func belowEnded(t *testing.T, s suite) {
	b := &below{}
	e := b.open(t, s)
	e.start("top", "t", "")
	e.fails("t")
	mid := e.get("mid")
	before := b.effects.count()
	if before != 1+3+1 {
		t.Fatalf("%d effects before the rewind, want those of top, of three generations and of the run below", before)
	}
	b.allowed.Store(true)
	e.rewindTo("t", e.beforeChild("t"))
	e.completes("t", `"m++"`)
	b.again(t, before)
	now := e.get("mid")
	if now.Incarnation != mid.Incarnation || now.Execution == mid.Execution || now.Parent != "t" {
		t.Errorf("the run below is %x/%s of %q, want the incarnation %x, another execution than %s, of t",
			now.Incarnation, now.Execution, now.Parent, mid.Incarnation, mid.Execution)
	}
	if events, err := e.hub.History(e.ctx, "mid", mid.Execution); err != nil || len(events) == 0 {
		t.Errorf("History(before the rewind) = %d events, %v, want it kept", len(events), err)
	}
	before = b.effects.count()
	e.rewindTo("t", e.beforeChild("t")) // and once more
	e.completes("t", `"m++"`)
	if n := b.effects.count() - before; n != 4 {
		t.Errorf("the second rewind had %d effects below, want 4", n)
	}
}

// belowFolded rewinds a run above one that was folded.
func belowFolded(t *testing.T, s suite) {
	b := &below{fold: true}
	e := b.open(t, s)
	e.start("top", "t", "")
	e.fails("t")
	e.isFolded("mid", 0)
	before := b.effects.count()
	b.allowed.Store(true)
	e.rewindTo("t", e.beforeChild("t"))
	e.completes("t", `"m++"`)
	b.again(t, before)
}

// belowPurged rewinds a run above one that was purged: it begins anew, with the same
// effect ids.
func belowPurged(t *testing.T, s suite) {
	b := &below{}
	e := b.open(t, s)
	e.start("top", "t", "")
	e.fails("t")
	e.purge(&hub.Purge{IDs: []string{"mid"}}, 1)
	before := b.effects.count()
	b.allowed.Store(true)
	e.rewindTo("t", e.beforeChild("t"))
	e.completes("t", `"m++"`)
	b.again(t, before)
}

// belowRestarted restarts the run above: all that is done is new.
func belowRestarted(t *testing.T, s suite) {
	b := &below{}
	e := b.open(t, s)
	e.start("top", "t", "")
	e.fails("t")
	before := b.effects.all()
	b.allowed.Store(true)
	e.control(hub.Restart, "t")
	e.completes("t", `"m++"`)
	for _, note := range b.effects.all()[len(before):] {
		if slices.Contains(before, note) {
			t.Errorf("effect %s is that of before the restart, want another", note)
		}
	}
}

// aboveWaiting registers a run that begins one which waits for an event, with an input that
// may change, between two activities.
func aboveWaiting(runs *probe, input *atomic.Value) func(*perdure.Registry) {
	return func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "act", func(ctx context.Context, in string) (string, error) {
			runs.note("%s", in)
			return in, nil
		})
		perdure.AddOrchestrationNamed(r, "waits", func(ctx *perdure.Context, in string) (string, error) {
			if _, err := perdure.CallNamed[string](ctx, "act", in).Await(); err != nil {
				return "", err
			}
			timeout := ctx.Timer(time.Hour)
			v, err := perdure.NewEvent[string]("go").Wait(ctx).Await()
			timeout.Cancel()
			return in + v, err
		})
		perdure.AddOrchestrationNamed(r, "above", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallOrchestrationNamed[string](ctx, "waits", input.Load(), perdure.WithID("w")).Await()
		})
	}
}

// belowRunning rewinds a run to before it has begun one that still runs: that goes on.
func belowRunning(t *testing.T, s suite) {
	for _, restart := range []bool{false, true} {
		var runs probe
		var input atomic.Value
		input.Store("a")
		code := aboveWaiting(&runs, &input)
		e := s.open(t, code)
		e.start("above", "t", "")
		e.settle()
		execution := e.get("w").Execution
		e.control(hub.Terminate, "t")
		e.status("t", store.Terminated)
		e.rewindTo("t", 1)
		e.settle()
		if restart {
			e.restart(code)
		}
		e.raise("w", "go", `"!"`)
		e.completes("t", `"a!"`)
		if got := e.get("w").Execution; got != execution {
			t.Errorf("the run below is in execution %s, want still %s", got, execution)
		}
		runs.check(t, "activities", "a")
	}
}

// belowOtherInput does the same if the run is begun with something else now: it is
// rewound to its beginning.
func belowOtherInput(t *testing.T, s suite) {
	var runs probe
	var input atomic.Value
	input.Store("a")
	code := aboveWaiting(&runs, &input)
	e := s.open(t, code)
	e.start("above", "t", "")
	e.settle()
	execution := e.get("w").Execution
	e.control(hub.Terminate, "t")
	e.status("t", store.Terminated)
	input.Store("b")
	e.rewindTo("t", 1)
	e.settle()
	if got := e.get("w").Execution; got == execution {
		t.Errorf("the run below is still in execution %s, want another", got)
	}
	e.advance(2 * time.Hour) // the timer of before is gone
	e.raise("w", "go", `"!"`)
	e.completes("t", `"b!"`)
	runs.check(t, "activities", "a", "b")
}

// belowTerminated rewinds a run that was terminated with the one that it waits for: that
// goes on from where it was.
func belowTerminated(t *testing.T, s suite) {
	var runs probe
	var input atomic.Value
	input.Store("a")
	e := s.open(t, aboveWaiting(&runs, &input))
	e.start("above", "t", "")
	e.settle()
	_, err := e.hub.Control(e.ctx, &hub.Control{Kind: hub.Terminate, InstanceID: "t", Recursive: true})
	e.ok(err)
	e.status("t", store.Terminated)
	e.status("w", store.Terminated)
	e.rewindTo("t", len(e.history("t")))
	e.settle()
	e.status("w", store.Running)
	e.raise("w", "go", `"!"`)
	e.completes("t", `"a!"`)
	runs.check(t, "activities", "a")
}

// belowDetached rewinds a run to before it has started one that it does not wait for.
func belowDetached(t *testing.T, s suite) {
	var effects probe
	e := s.open(t, func(r *perdure.Registry) {
		perdure.AddActivityNamed(r, "act", func(ctx context.Context, in string) (string, error) {
			effects.note("%s", perdure.Activity(ctx).EffectID)
			return in, nil
		})
		perdure.AddOrchestrationNamed(r, "apart", func(ctx *perdure.Context, in string) (string, error) {
			return perdure.CallNamed[string](ctx, "act", in).Await()
		})
		perdure.AddOrchestrationNamed(r, "top", func(ctx *perdure.Context, in string) (string, error) {
			_, err := perdure.StartOrchestration(ctx, "apart", "x", perdure.WithID("d"))
			return in, err
		})
	})
	e.start("top", "t", `"x"`)
	e.completes("t", `"x"`)
	e.completes("d", `"x"`)
	execution := e.get("d").Execution
	e.rewindTo("t", 1)
	e.completes("t", `"x"`)
	e.until("it is begun again", func() bool { return e.get("d").Execution != execution })
	e.completes("d", `"x"`)
	if got := effects.all(); len(got) != 2 || got[0] != got[1] {
		t.Errorf("effects = %q, want the same one twice", got)
	}
}
