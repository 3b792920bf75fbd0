package host_test

import "runtime"

// inUse returns the bytes in use.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // pools keep what they have for one
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
