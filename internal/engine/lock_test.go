package engine_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
)

// world is entities and orchestrations that send messages to each other. Messages
// between two of them keep their order, all else is chance.
type world struct {
	t        *rapid.T
	entities map[string]*engine.Entity
	queues   map[string][]*engine.Message // what entities have received
	links    map[string][]engine.Outgoing // what is on its way, by sender and target
	holders  map[string]*holder
	ran      int // operations
}

// holder is an orchestration with one critical section.
type holder struct {
	id      string
	section string
	set     []string
	granted bool
	ended   bool // it has sent its unlocks
}

// send puts messages on their way.
func (w *world) send(from string, out ...engine.Outgoing) {
	for _, o := range out {
		link := from + ">" + o.Target
		w.links[link] = append(w.links[link], o)
	}
}

func body(target string, b history.Body) engine.Outgoing {
	return engine.Outgoing{Target: target, Message: &engine.Message{Event: &history.Event{ID: -1, Time: epoch, Body: b}}}
}

// request has an orchestration ask for its locks.
func (w *world) request(h *holder) {
	w.send(h.id, body(h.set[0], &history.EntityLockRequested{
		CriticalSectionID: h.section, LockSet: h.set, ParentInstanceID: history.Some(h.id), ParentExecutionID: history.Some("x"),
	}))
}

// release has it unlock all, whether it has the locks yet or not.
func (w *world) release(h *holder) {
	h.ended = true
	for _, target := range h.set {
		w.send(h.id, body(target, &history.EntityUnlockSent{CriticalSectionID: h.section, LockSet: h.set}))
	}
}

// call has it call one of its entities.
func (w *world) call(h *holder, target string) {
	w.ran++
	w.send(h.id, body(target, &history.EntityOperationCalled{
		RequestID: fmt.Sprint("r", w.ran), Operation: "op", ParentInstanceID: history.Some(h.id), ParentExecutionID: history.Some("x"),
	}))
}

// deliver brings the first message of a link to its target.
func (w *world) deliver(link string) {
	o := w.links[link][0]
	if w.links[link] = w.links[link][1:]; len(w.links[link]) == 0 {
		delete(w.links, link)
	}
	if h := w.holders[o.Target]; h != nil {
		if _, ok := o.Message.Event.Body.(*history.EntityLockGranted); ok {
			if h.ended {
				w.send("hub", engine.Undeliverable(o.Message, epoch)...)
				return
			}
			h.granted = true
		}
		return
	}
	w.queues[o.Target] = append(w.queues[o.Target], o.Message)
	w.work(o.Target)
}

// work carries out what the entity can.
func (w *world) work(id string) {
	for ent := w.entities[id]; ; {
		before := ent.Lock
		p := ent.Plan(w.queues[id], false, epoch)
		if len(p.Consumed) == 0 {
			return
		}
		results := make([]engine.OperationResult, len(p.Operations))
		for _, m := range p.Operations {
			caller := m.Event.Body.(*history.EntityOperationCalled).ParentInstanceID.S
			if before != nil && before.Instance != caller {
				w.t.Fatalf("%s runs an operation of %s while %s holds it", id, caller, before.Instance)
			}
		}
		fx, done := ent.Apply(&engine.EntityStep{
			Now: epoch, Plan: p, Result: engine.EntityResult{Results: results}, NewID: func() string { return "id" },
		})
		w.queues[id] = slices.DeleteFunc(w.queues[id], func(m *engine.Message) bool { return slices.Contains(done, m) })
		w.send(id, fx.Send...)
		if reread, err := engine.DecodeEntity(id, ent.Encode()); err != nil {
			w.t.Fatal(err)
		} else {
			*ent = *reread
		}
	}
}

// check looks for two that hold the same entity.
func (w *world) check() {
	owner := map[string]string{}
	for _, h := range w.holders {
		if !h.granted || h.ended {
			continue
		}
		for _, id := range h.set {
			if other, taken := owner[id]; taken {
				w.t.Fatalf("%s is held by %s and %s", id, other, h.id)
			}
			owner[id] = h.id
			if l := w.entities[id].Lock; l == nil || l.Instance != h.id {
				w.t.Fatalf("%s was granted to %s, but its lock is %+v", id, h.id, l)
			}
		}
	}
}

func (w *world) linkNames() []string {
	var names []string
	for name := range w.links {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// drain delivers everything, in an order by chance.
func (w *world) drain() {
	for names := w.linkNames(); len(names) > 0; names = w.linkNames() {
		w.deliver(rapid.SampledFrom(names).Draw(w.t, "link"))
		w.check()
	}
}

// TestLocks checks that whatever the order of messages no two orchestrations hold
// an entity, that all get their locks once others release theirs, and that no lock
// stays behind, of those that ended while they were acquiring too.
func TestLocks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{
			t: t, entities: map[string]*engine.Entity{}, queues: map[string][]*engine.Message{},
			links: map[string][]engine.Outgoing{}, holders: map[string]*holder{},
		}
		all := []string{"@e@a", "@e@b", "@e@c", "@e@d"}
		for _, id := range all {
			w.entities[id] = &engine.Entity{ID: id}
		}
		var holders []*holder
		for i := range rapid.IntRange(1, 6).Draw(t, "holders") {
			set := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 1, len(all), rapid.ID[string]).Draw(t, "set")
			slices.Sort(set) // as the authoring package does
			h := &holder{id: fmt.Sprint("run", i), section: fmt.Sprint("s", i), set: set}
			w.holders[h.id] = h
			holders = append(holders, h)
			w.request(h)
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			h := rapid.SampledFrom(holders).Draw(t, "holder")
			switch names := w.linkNames(); {
			case rapid.IntRange(0, 9).Draw(t, "what") < 7 && len(names) > 0:
				w.deliver(rapid.SampledFrom(names).Draw(t, "link"))
			case !h.ended && rapid.Bool().Draw(t, "end"):
				w.release(h)
			case !h.ended:
				w.call(h, rapid.SampledFrom(h.set).Draw(t, "target"))
			}
			w.check()
		}
		for range holders { // each round somebody has all that it asked for
			w.drain()
			for _, h := range holders {
				if h.granted && !h.ended {
					w.release(h)
				}
			}
		}
		w.drain()
		for _, h := range holders {
			if !h.ended {
				t.Fatalf("%s waits for ever for %v", h.id, h.set)
			}
		}
		for id, ent := range w.entities {
			if ent.Lock != nil || len(w.queues[id]) > 0 {
				t.Fatalf("%s is left with lock %+v and %d messages", id, ent.Lock, len(w.queues[id]))
			}
		}
	})
}
