package arch_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/arch"
)

func TestDocuments(t *testing.T) {
	const source = "package x\n\nfunc f() {\n\tif true {\n\t\tg()\n\t}\n}\n"
	for _, c := range []struct {
		name, page string
		want       []string
	}{
		{"quoted", "# X\n\n```go\nif true {\n\tg()\n}\n```\n", nil},
		{"altered", "# X\n\n```go\nif true {\n\th()\n}\n```\n",
			[]string{"docs/x.md:3: this Go code stands in no Go file of the tree: cut it from tested code (quote)"}},
		{"part of a line", "```go\nif tru\n```\n",
			[]string{"docs/x.md:1: this Go code stands in no Go file of the tree: cut it from tested code (quote)"}},
		{"other languages", "```sh\nnothing here\n```\n", nil},
		{"links", "[a](../x/x.go) [b](y.md#part) [c](https://example.com) [d](#here)\n\n[e](../docs)", nil},
		{"broken links", "[a](x/x.go)\n\n[b](../y.md#part)\n", []string{
			"docs/x.md:1: the link to x/x.go leads nowhere (link)",
			"docs/x.md:3: the link to ../y.md leads nowhere (link)",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := arch.Documents(fstest.MapFS{
				"x/x.go":    {Data: []byte(source)},
				"docs/y.md": {Data: []byte("# Y\n")},
				"docs/x.md": {Data: []byte(c.page)},
			})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range found {
				got = append(got, v.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Documents: (-want +got)\n%s", diff)
			}
		})
	}
}

// TestRepositoryDocuments applies the rules to this module's own pages. The
// pages quote the examples, so there is nothing to compare without them.
func TestRepositoryDocuments(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	if _, err := fs.Stat(root, "examples"); err != nil {
		t.Skip("the tree has no examples")
	}
	found, err := arch.Documents(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

// TestLayoutPage compares the list of levels in docs/layout.md with the table
// that counts.
func TestLayoutPage(t *testing.T) {
	page, err := fs.ReadFile(os.DirFS(moduleRoot(t)), "docs/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	numbered, quoted := regexp.MustCompile(`(?m)^\d+\. (.*)$`), regexp.MustCompile("`([^`]+)`")
	var got [][]string
	for _, line := range numbered.FindAllStringSubmatch(string(page), -1) {
		var names []string
		for _, name := range quoted.FindAllStringSubmatch(line[1], -1) {
			names = append(names, name[1])
		}
		got = append(got, names)
	}
	var want [][]string
	for _, level := range arch.Perdure().Levels {
		var names []string
		for _, entry := range level {
			if entry == "." {
				entry = "perdure"
			}
			names = append(names, strings.TrimSuffix(entry, "/..."))
		}
		want = append(want, names)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/layout.md differs from Perdure().Levels (-want +got)\n%s", diff)
	}
}
