//go:build race

package sdk_test

// raced says that the tests run under the race detector, and so the server should.
const raced = true
