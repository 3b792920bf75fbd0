//go:build !linux

package bench

import (
	"os"
	"runtime"
	"time"
)

// syncData syncs a file.
func syncData(f *os.File) error { return f.Sync() }

// residentBytes is the memory that the Go runtime has from the system, as the
// system's own figure is not at hand.
func residentBytes() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

// cpuTimeOf is the time that another process has used processors: not known here.
func cpuTimeOf(int) time.Duration { return 0 }
