//go:build race

package process

// raced says that the tests run under the race detector, and so the programs should.
const raced = true
