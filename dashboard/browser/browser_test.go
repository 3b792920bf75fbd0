package browser_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// scripts is the folder of the scenarios.
const scripts = "../ui/test"

// binary builds the binary once and returns the path.
var binary = sync.OnceValues(func() (string, error) { return process.Build("cmd/perdure") })

// chromium returns the path of a browser, or skips the test by its name.
func chromium(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("the dashboard was not tested in a browser: there is no node")
	}
	if _, err := os.Stat(scripts + "/node_modules/playwright-core"); err != nil {
		t.Skip("the dashboard was not tested in a browser: playwright-core is not installed (.ci/install does it)")
	}
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("the dashboard was not tested in a browser: there is no Chromium (.ci/install does it)")
	return ""
}

// TestDashboard runs the scenarios of each file against a server of its own: those of
// walk.mjs, what somebody does who has just found Perdure, against `perdure dev`, the
// others against the program in server_test.go.
func TestDashboard(t *testing.T) {
	browser := chromium(t)
	if err := process.Note(scripts); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(scripts + "/scenarios/*.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".mjs")
		t.Run(name, func(t *testing.T) {
			if name == "walk" {
				s, mount := dev(t)
				run(t, browser, file, s, mount)
			} else {
				s, mount := scripted(t)
				run(t, browser, file, s, mount)
			}
		})
	}
}

// dev starts `perdure dev`.
func dev(t *testing.T) (s *process.Server, mount string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return process.Serve(t, func(addr, data string) *exec.Cmd {
		cmd := exec.Command(path, "dev", "--addr", addr, "--data", data)
		cmd.Env = []string{"HOME=" + t.TempDir(), "TMPDIR=" + os.TempDir()} // without keys of providers
		return cmd
	}), ""
}

// scripted starts a server whose models follow a script, which also serves below /x/y/ at
// the address mount.
func scripted(t *testing.T) (s *process.Server, mount string) {
	t.Helper()
	mount = process.FreeAddress(t)
	return process.Serve(t, func(addr, data string) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childData+"="+data, "PERDURE_BROWSER_ADDR="+addr, "PERDURE_BROWSER_MOUNT="+mount)
		return cmd
	}), mount
}

// run runs the scenarios of a file against a server.
func run(t *testing.T, browser, file string, s *process.Server, mount string) {
	t.Helper()
	artifacts := os.Getenv("PERDURE_ARTIFACTS")
	if artifacts == "" {
		artifacts = "artifacts" // in the folder of the scenarios
	}
	limit := 5 * time.Minute
	if os.Getenv("PERDURE_SOAK") != "" {
		limit = time.Hour
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "main.mjs", filepath.Base(file))
	cmd.Dir = scripts
	cmd.Env = append(os.Environ(), "PERDURE_URL=http://"+s.Addr+"/", "PERDURE_MOUNT=http://"+mount+"/x/y/",
		"PERDURE_CONTROL="+s.Control(t), "PERDURE_BROWSER="+browser, "PERDURE_DATA="+s.Data, "PERDURE_SCRATCH="+t.TempDir(), "PERDURE_ARTIFACTS="+artifacts)
	process.Scenarios(t, cmd)
}
