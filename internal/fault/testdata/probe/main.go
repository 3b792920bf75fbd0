// The probe calls all of package fault that the product may call.
package main

import (
	"os"

	"github.com/perdure/perdure/internal/fault"
)

func main() {
	if fault.Hit(fault.CommitBefore, os.Args[0]) != nil {
		os.Exit(1)
	}
	fault.Always(len(os.Args) > 0, "probe-always")
	fault.Sometimes(len(os.Args) > 1, "probe-sometimes")
	if len(os.Args) > 5 {
		fault.Unreachable("probe-unreachable")
	}
	if fault.Mutant(fault.AckBeforeSync) {
		os.Exit(2)
	}
}
