//go:build race

package process

// Raced says that the tests run under the race detector, and with them the programs that
// Build makes. What is measured of time and memory means nothing then.
const Raced = true
