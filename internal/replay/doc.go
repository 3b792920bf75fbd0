// Package replay runs the code of orchestrations, activities and entities.
//
// An orchestration's code runs as coroutines: its main function and each branch
// is one, and all of them run on the goroutine that calls Turn, one at a time.
// The events of a turn are applied one by one; after each all branches that it
// made ready run, in the order in which they became ready, until all wait. What
// the code asks for gets action ids in the order of asking. So the same events
// give the same actions with the same ids, which is all that replay rests on.
//
// While recorded events are applied, an action is not made but compared with the
// event that it left in the history, at the moment when the code asks for it:
// the first difference therefore shows the very line.
//
// Retries live here: a failed attempt becomes a timer and a new action.
package replay
