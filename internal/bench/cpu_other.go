//go:build !unix

package bench

import (
	"runtime/metrics"
	"time"
)

// cpuTime is the time that this process has used processors, as the Go runtime
// estimates it.
func cpuTime() time.Duration {
	samples := []metrics.Sample{{Name: "/cpu/classes/total:cpu-seconds"}, {Name: "/cpu/classes/idle:cpu-seconds"}}
	metrics.Read(samples)
	return time.Duration((samples[0].Value.Float64() - samples[1].Value.Float64()) * float64(time.Second))
}
