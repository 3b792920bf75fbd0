package nodes_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit in which the kernel tells times of processes; it is the
// same on all that we run on.
const ticksPerSecond = 100

// cpu is the processor time that the nodes and their database have used.
func (c *cluster) cpu() time.Duration {
	c.Helper()
	var ticks int64
	for _, n := range c.nodes {
		if n.cmd != nil {
			ticks += processTicks(n.cmd.Process.Pid)
		}
	}
	data := c.server.Exec("postgres", "SHOW data_directory")
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		c.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, err := strconv.Atoi(first)
	if err != nil {
		c.Fatal(err)
	}
	ticks += processTicks(postmaster)
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		c.Fatal(err)
	}
	for _, dir := range dirs {
		if pid, _ := strconv.Atoi(filepath.Base(dir)); statField(pid, 4) == int64(postmaster) {
			ticks += processTicks(pid)
		}
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond
}

// processTicks is the time of a process, with that of its children that have ended.
func processTicks(pid int) (ticks int64) {
	for field := 14; field <= 17; field++ {
		ticks += statField(pid, field)
	}
	return ticks
}

// statField is a field of /proc/PID/stat, counted from 1; 0 if there is no such process.
func statField(pid, field int) int64 {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") // a process may have ended
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) <= field-3 {
		return 0
	}
	n, _ := strconv.ParseInt(fields[field-3], 10, 64)
	return n
}
