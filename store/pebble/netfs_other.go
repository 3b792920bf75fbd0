//go:build !linux

package pebble

// refuseNetworkFS cannot tell on this system.
func refuseNetworkFS(string) error { return nil }
