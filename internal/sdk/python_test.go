package sdk_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// python returns the interpreter in which .ci/install has put Microsoft's SDKs for
// Python. Where it is missing the test is skipped, by its name.
func python(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("testdata/python/.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("testdata/python/.venv/.installed"); err != nil {
		t.Skip("Microsoft's SDKs for Python were not run: they are not installed (.ci/install puts them into internal/sdk/testdata/python/.venv)")
	}
	return path
}

// TestPython runs the scenarios in testdata/python, written for durabletask and
// durabletask.azuremanaged. Those that kill their server start one of their own.
func TestPython(t *testing.T) {
	interpreter := python(t)
	if err := process.Note("testdata/python"); err != nil {
		t.Fatal(err)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, "suite.py", path, s.Addr)
	cmd.Dir = "testdata/python"
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	runSuite(t, cmd, 60)
}
