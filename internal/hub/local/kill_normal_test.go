//go:build !faults

package local_test

// configureFaults does nothing: this build has no mistakes to make.
func configureFaults(string) error { return nil }
