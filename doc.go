// Package perdure is what orchestrations, activities and entities are written
// with.
//
// An orchestration is an ordinary Go function that takes a *Context. It runs
// deterministically: whatever it learns from outside comes through the context
// (results of activities and children, events, timers, the time, ids, chance)
// and is recorded in the history of its instance. When the process dies, the
// function runs again over the recorded history and goes on where it was. So an
// orchestration must not read clocks, files, the network or global state, must
// not start goroutines or wait for channels or locks, and must not call
// [runtime.LockOSThread], which has no effect beyond the next wait; activities may do all that.
//
// An activity is a function of a context.Context that may do anything and runs
// at least once. An entity is named state with operations that run one at a
// time.
//
// Functions are made known by a [Registry]. The types Runtime, Step,
// EntityOperation and what belongs to them are the seam to the packages that
// run all this; users' code has no need for them.
package perdure
