//go:build faults && unix

package fault

import (
	"os"
	"syscall"
)

// stop stops the process with all its threads.
func stop() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
