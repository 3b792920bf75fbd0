// Package engine is the state machine of orchestrations and entities: state and
// message in, state and effects out. It reads no clock, draws no randomness,
// starts no goroutine and touches no storage; the time and fresh ids are
// arguments.
package engine
