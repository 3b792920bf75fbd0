package bench

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"time"
)

// probeDisk returns how many appends of 512 bytes to a file in dir, each
// synced, fit into a second.
func probeDisk(dir string, d time.Duration) (perSecond float64, err error) {
	f, err := os.CreateTemp(dir, "probe-")
	if err != nil {
		return 0, fmt.Errorf("disk probe: %w", err)
	}
	defer func() {
		if end := errors.Join(f.Close(), os.Remove(f.Name())); end != nil && err == nil {
			err = fmt.Errorf("disk probe: %w", end)
		}
	}()
	block := make([]byte, 512)
	n, began := 0, time.Now()
	for n == 0 || time.Since(began) < d {
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("disk probe: %w", err)
		}
		if err := syncData(f); err != nil {
			return 0, fmt.Errorf("disk probe: %w", err)
		}
		n++
	}
	return round(float64(n)/time.Since(began).Seconds(), 0), nil
}

// probeCPU returns how many milliseconds a fixed piece of work takes.
func probeCPU() float64 {
	const size, rounds = 1 << 20, 64
	block := make([]byte, size)
	began := time.Now()
	sum := sha256.New()
	for range rounds {
		sum.Write(block)
	}
	sum.Sum(nil)
	return round(milliseconds(time.Since(began)), 1)
}
