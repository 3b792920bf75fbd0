package fault_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// traces are the names that a program with faults contains.
var traces = []string{
	"commit.before", "ack-before-sync", "probe-always", "probe-sometimes", "probe-unreachable",
	"internal/fault.Hit", "internal/fault.Mutant",
}

// TestNormalBuildCarriesNothing builds a program that uses faults, with and
// without the tag, and looks for their names. The tagged build proves that the
// search finds what it looks for.
func TestNormalBuildCarriesNothing(t *testing.T) {
	for _, build := range []struct {
		tags string
		want bool
	}{{"", false}, {"faults", true}} {
		binary := buildProbe(t, build.tags)
		for _, name := range traces {
			if got := bytes.Contains(binary, []byte(name)); got != build.want {
				t.Errorf("program built with tags %q contains %q = %v, want %v", build.tags, name, got, build.want)
			}
		}
	}
}

func buildProbe(t *testing.T, tags string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "probe")
	build := exec.Command("go", "build", "-o", out, "-tags", tags, "./testdata/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	binary, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return binary
}
