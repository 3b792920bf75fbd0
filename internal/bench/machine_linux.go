package bench

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// syncData syncs a file's data, and its size, but not its times.
func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }

// residentBytes is the memory of this process that is in RAM; 0 = unknown.
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
