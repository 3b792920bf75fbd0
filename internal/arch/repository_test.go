package arch_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perdure/perdure/internal/arch"
)

// TestRepository applies the rules to the module that this file belongs to.
func TestRepository(t *testing.T) {
	found, err := arch.Check(os.DirFS(moduleRoot(t)), arch.Perdure())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// moduleRoot returns the nearest folder upwards that holds a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}

// TestGoLine keeps go.mod at the oldest Go that the documentation names:
// adding a module that demands a newer one raises the line unasked.
func TestGoLine(t *testing.T) {
	const want = "go 1.25.0"
	mod, err := os.ReadFile(filepath.Join(moduleRoot(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		if got := strings.TrimSpace(line); strings.HasPrefix(got, "go ") && got != want {
			t.Errorf("go.mod says %q, want %q: hold back the module that demands it", got, want)
		}
	}
}
