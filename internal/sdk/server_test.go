package sdk_test

import (
	"os/exec"
	"slices"
	"sync"
	"testing"

	_ "github.com/perdure/perdure/host" // a change of what the binary is made of makes go test forget its results
	"github.com/perdure/perdure/internal/process"
)

// binary builds perdure once and returns the path.
var binary = sync.OnceValues(func() (string, error) { return process.Build("cmd/perdure") })

// startServer starts `perdure server`.
func startServer(t *testing.T, args ...string) *process.Server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, path, []string{"server"}, args)
}

// startProgram starts any program that serves the API and takes --addr and --data between
// the arguments before and after.
func startProgram(t *testing.T, path string, before, after []string) *process.Server {
	t.Helper()
	return process.Serve(t, func(addr, data string) *exec.Cmd {
		return exec.Command(path, slices.Concat(before, []string{"--addr", addr, "--data", data}, after)...)
	})
}
