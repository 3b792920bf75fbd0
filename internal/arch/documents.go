package arch

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Documents checks the Markdown files at the root of fsys and below docs:
// every block of Go must stand, but for indentation, in a Go file of the tree,
// and every relative link must lead to a file or folder. The error is that of
// reading fsys.
func Documents(fsys fs.FS) ([]Violation, error) {
	var code, pages []string
	texts := make(map[string]string)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipDir(fsys, name)
		case strings.HasSuffix(name, ".go"):
			source, err := fs.ReadFile(fsys, name)
			code = append(code, flat(string(source)))
			return err
		case strings.HasSuffix(name, ".md") && (path.Dir(name) == "." || strings.HasPrefix(name, "docs/")):
			source, err := fs.ReadFile(fsys, name)
			pages, texts[name] = append(pages, name), string(source)
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var found []Violation
	for _, name := range pages {
		found = append(found, quotes(name, texts[name], code)...)
		found = append(found, links(fsys, name, texts[name])...)
	}
	return found, nil
}

// flat removes the indentation of all lines and puts a line break before the
// first and after the last.
func flat(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return "\n" + strings.Join(lines, "\n") + "\n"
}

// quotes reports the blocks of Go in a page that stand in none of the sources.
func quotes(name, text string, code []string) []Violation {
	var (
		found []Violation
		block strings.Builder
		start int
	)
	for i, line := range strings.Split(text, "\n") {
		fence := strings.TrimSpace(line)
		switch {
		case start == 0 && fence == "```go":
			start = i + 1
			block.Reset()
		case start > 0 && fence == "```":
			quoted := flat(block.String())
			if !slices.ContainsFunc(code, func(source string) bool { return strings.Contains(source, quoted) }) {
				found = append(found, Violation{Rule: RuleQuote, File: name, Line: start, Name: name,
					Text: "this Go code stands in no Go file of the tree: cut it from tested code"})
			}
			start = 0
		case start > 0:
			block.WriteString(line + "\n")
		}
	}
	return found
}

// links reports the relative links of a page that lead nowhere.
func links(fsys fs.FS, name, text string) []Violation {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)\s]*)?\)`)
	var found []Violation
	code := false
	for i, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if code {
			continue // what looks like a link there is none
		}
		for _, match := range link.FindAllStringSubmatch(line, -1) {
			target := match[1]
			if strings.Contains(target, ":") {
				continue // another site
			}
			if _, err := fs.Stat(fsys, path.Join(path.Dir(name), target)); err != nil {
				found = append(found, Violation{Rule: RuleLink, File: name, Line: i + 1, Name: name,
					Text: "the link to " + target + " leads nowhere"})
			}
		}
	}
	return found
}
