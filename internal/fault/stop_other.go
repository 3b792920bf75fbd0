//go:build faults && !unix

package fault

// stop stops no process where there is no such signal.
func stop() { panic("fault: a process cannot be stopped here") }
