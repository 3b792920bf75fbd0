package arch_test

import (
	"os"
	"path/filepath"
	"regexp"
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

// rowKind is the declaration of a kind of rows.
var rowKind = regexp.MustCompile(`(?m)^\s*(?:const )?([rR]ow[A-Z]\w*)(?:\s+store\.RowKind)?\s*=\s*(\d+)\b`)

// TestRowKinds keeps the numbers of kinds of rows apart: packages share a store, and
// declare the kinds of theirs by themselves.
func TestRowKinds(t *testing.T) {
	root := moduleRoot(t)
	declared := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "node_modules" || path == filepath.Join(root, "store")):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range rowKind.FindAllStringSubmatch(string(text), -1) {
			name := filepath.Base(filepath.Dir(path)) + "." + m[1]
			if other, taken := declared[m[2]]; taken {
				t.Errorf("%s and %s are both rows of the kind %s", other, name, m[2])
			}
			declared[m[2]] = name
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(declared) < 15 {
		t.Errorf("%d kinds of rows are declared, want all: does the pattern still match?", len(declared))
	}
}
