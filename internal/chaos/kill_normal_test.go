//go:build !faults

package chaos_test

func configureFaults(string) error { return nil }
