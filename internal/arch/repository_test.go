package arch_test

import (
	"os"
	"path/filepath"
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
