// Package codec turns the messages of the wire into the hub's words and back:
// work items and their completions, actions, states, errors.
//
// Functions named Encode write a message, functions named Decode read one that
// came from outside: they check it, keep nothing of it that they do not
// understand, and return an InvalidArgument that names what is wrong. Where own
// is an argument, it says whether the peer is one of ours; if not, our own
// fields are neither written nor read.
//
// Texts keep the difference between null and "". Texts that are not UTF-8, which
// no peer would accept, are mended as package history mends those of events.
package codec
