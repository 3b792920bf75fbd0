// Package wirepb holds the generated messages of the Durable Task protocol and
// of our own services beside it.
//
// The schemas are ours, written after the protocol's description; what they
// declare as bytes where the protocol has a message is encoded by package
// history.
package wirepb

//go:generate go run ./gen
