package engine

import (
	"maps"
	"slices"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// A run that fails gives back the locks of its critical section. When it is
// rewound to inside of the section it needs them again before its code goes on,
// and before its open calls to the locked entities are made again.

// lockAgain asks for the locks of the sections that the history of a rewound run
// has as granted, and says so in the history.
func (o *Orchestration) lockAgain(fx *Effects, t *Turn) {
	asked := make(map[string]bool) // not granted yet: asked for again like other open tasks
	for _, task := range o.tasks {
		if task.Kind == LockTask {
			asked[task.Target] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(o.sections)) {
		if asked[id] {
			continue
		}
		o.add(fx, &history.Event{ID: -1, Time: t.Now, Body: &history.GenericEvent{Data: history.Some(RelockPrefix + id)}})
		s := o.sections[id]
		set := slices.DeleteFunc(slices.Clone(s.set), func(target string) bool { return !s.left[target] })
		o.sendEntity(fx, &history.EntityLockRequested{CriticalSectionID: id, LockSet: set}, t.Now)
	}
}

// waitsForLock reports whether a task is a call to an entity whose lock the run
// has asked for again.
func (o *Orchestration) waitsForLock(task *Task) bool {
	if task.Kind != EntityTask {
		return false
	}
	for _, s := range o.sections {
		if s.again && s.left[task.Target] {
			return true
		}
	}
	return false
}

// regains returns the section whose locks the event gives to a rewound run again,
// nil if it does not.
func (o *Orchestration) regains(e *history.Event) *section {
	b, ok := e.Body.(*history.EntityLockGranted)
	if !ok {
		return nil
	}
	if s := o.sections[b.CriticalSectionID]; s != nil && s.again {
		return s
	}
	return nil
}

// callAgain makes the open calls to the entities of a section again.
func (o *Orchestration) callAgain(fx *Effects, s *section, now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(o.tasks)) {
		if task := o.tasks[id]; task.Kind == EntityTask && s.left[task.Target] {
			o.sendEntity(fx, task.Event.Body, now)
		}
	}
}
