//go:build !faults

package nodes_test

func configureFaults(string) error { return nil }
