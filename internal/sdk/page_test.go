package sdk_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/perdure/perdure/internal/process"
)

// TestPage wants docs/durable-task.md to name for each call and each statement about the
// protocol tests and scenarios that exist.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/durable-task.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := matches(t, "../..", "_test.go", regexp.MustCompile(`(?m)^func (TestW\w+)\(`))
	scenarios := matches(t, "testdata/js/scenarios", ".mjs", regexp.MustCompile(`(?m)^  '(.+)': async`))
	row := regexp.MustCompile(`(?m)^\| W(\d+) \| .* \| (.*) \| (.*) \|$`)
	named := regexp.MustCompile("`(\\w+)`")
	seen := 0
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		if seen++; m[1] != fmt.Sprint(seen) {
			t.Fatalf("row %d is about W%s", seen, m[1])
		}
		list := named.FindAllStringSubmatch(m[2], -1)
		for _, name := range list {
			if !slices.Contains(tests, name[1]) {
				t.Errorf("W%s: there is no %s", m[1], name[1])
			}
		}
		if len(list) == 0 {
			t.Errorf("W%s has no test", m[1])
		}
		for name := range strings.SplitSeq(m[3], "; ") {
			if name != "" && !slices.Contains(scenarios, name) {
				t.Errorf("W%s: there is no scenario %q", m[1], name)
			}
		}
	}
	if seen != 60 {
		t.Errorf("the page has %d statements, want 60", seen)
	}
	calls := 0
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z][A-Za-z, ]+) \| .* \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		calls += strings.Count(m[1], ", ") + 1
		for name := range strings.SplitSeq(m[2], "; ") {
			if !slices.Contains(scenarios, name) && !slices.Contains(tests, strings.Trim(name, "`")) {
				t.Errorf("%s: there is no %q", m[1], name)
			}
		}
	}
	if calls != 29 {
		t.Errorf("the page has %d calls, want 29", calls)
	}
}

// matches returns what an expression finds in the files below a folder.
func matches(t *testing.T, dir, suffix string, expression *regexp.Regexp) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if err == nil && process.Installed(entry.Name()) {
				return filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(path, suffix) {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range expression.FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
