package browser_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// TestUnits checks the types of the dashboard and runs the tests of its modules that need
// no browser.
func TestUnits(t *testing.T) {
	compiler := scripts + "/node_modules/.bin/tsc"
	if _, err := os.Stat(compiler); err != nil {
		t.Skip("the dashboard's modules were not tested: TypeScript is not installed (.ci/install does it)")
	}
	for _, folder := range []string{scripts, "../ui/src"} {
		if err := process.Note(folder); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, compiler, "-p", "../ui").CombinedOutput(); err != nil {
		t.Errorf("tsc -p dashboard/ui = %v:\n%s", err, out)
	}
	compiled := t.TempDir()
	if out, err := exec.CommandContext(ctx, compiler, "-p", scripts+"/unit", "--outDir", compiled).CombinedOutput(); err != nil {
		t.Fatalf("tsc -p dashboard/ui/test/unit = %v:\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, "node", "--import", "./unit/hooks.mjs", "--test", "--test-reporter=tap", filepath.Join(compiled, "test", "unit"))
	cmd.Dir = scripts
	out, err := cmd.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^# pass ([1-9]\d*)$`).FindSubmatch(out)
	if err != nil || passed == nil {
		t.Fatalf("node --test = %v:\n%s", err, out)
	}
	t.Logf("%s tests passed", passed[1])
}
