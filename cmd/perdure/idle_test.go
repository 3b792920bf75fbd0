package main

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	processes "github.com/perdure/perdure/internal/process"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// usage tells the processor time that a process has used and the bytes of memory that
// it has, as Linux does.
func usage(t *testing.T, pid int) (cpuTime time.Duration, resident int64) {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Skip("no /proc here")
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest) // from the third on, see proc(5)
	number := func(i int) int64 {
		n, err := strconv.ParseInt(fields[i-3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const ticks = 100 // a second
	return time.Duration(number(14)+number(15)) * time.Second / ticks, number(24) * int64(os.Getpagesize())
}

// TestIdleWorkers connects 500 workers that have nothing to do.
func TestIdleWorkers(t *testing.T) {
	if processes.Raced {
		t.Skip("it measures memory, of which the race detector takes many times as much")
	}
	window := 11 * time.Second // longer than that between pings
	if os.Getenv("PERDURE_SOAK") != "" {
		window = 2 * time.Minute
	}
	server, out, _ := process(t, "server", "--data", t.TempDir(), "--addr", "127.0.0.1:0", "--task-hub", "orders")
	addr := strings.TrimPrefix(address(t, out), "http://")
	const workers = 500
	_, before := usage(t, server.Process.Pid)
	streams := make([]grpc.ClientStream, workers)
	for i := range streams {
		streams[i] = connectRPC(t, addr, nil).workItems()
		if err := streams[i].RecvMsg(new(wirepb.WorkItem)); err != nil {
			t.Fatal(err)
		}
	}
	from, resident := usage(t, server.Process.Pid)
	began := time.Now()
	time.Sleep(window) // there is nothing to wait for
	until, _ := usage(t, server.Process.Pid)
	share := float64(until-from) / float64(time.Since(began))
	each := (resident - before) / workers
	t.Logf("%d idle workers take %.2f %% of a processor and %d KB each", workers, 100*share, each>>10)
	if share > 0.02 {
		t.Errorf("%d idle workers take %.1f %% of a processor, want at most 2 %%", workers, 100*share)
	}
	if each > 200<<10 {
		t.Errorf("an idle worker takes %d KB, want at most 200", each>>10)
	}
}
