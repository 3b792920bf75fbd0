package arch

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// imports checks what the files of p import.
func (l Layout) imports(p *pkg) []Violation {
	var found []Violation
	if at, _ := l.level(p.dir); at < 0 {
		found = append(found, Violation{Rule: RuleUnknown, File: p.dir, Name: p.dir,
			Text: "package without a level: add it to Levels in internal/arch/layout.go"})
	}
	for _, f := range p.files {
		for _, spec := range f.syntax.Imports {
			target, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser accepts valid literals only
			}
			if rule, text := l.imported(p, f, target); text != "" {
				found = append(found, f.violation(rule, spec.Pos(), "%s", text))
			}
		}
	}
	return found
}

// imported returns the rule that the import of target breaks and why, or an
// empty text.
func (l Layout) imported(p *pkg, f *file, target string) (Rule, string) {
	if reason, ok := l.Forbidden[target]; ok && !f.generated && !(target == "unsafe" && onlyMeasures(f)) {
		return RuleForbidden, fmt.Sprintf("imports %s: %s", target, reason)
	}
	if dir, ok := l.own(target); ok {
		return l.direction(p, f, dir)
	}
	suite := slices.Contains(l.Suites, p.dir)
	if (target == "testing" || strings.HasPrefix(target, "testing/")) && !f.test && !suite {
		return RuleSuite, fmt.Sprintf("product code imports %s: move it to a test file or to a suite", target)
	}
	if first, _, _ := strings.Cut(target, "/"); !strings.Contains(first, ".") {
		return "", "" // standard library
	}
	return l.dependency(p.dir, target, f.test || suite)
}

// onlyMeasures reports whether f uses package unsafe for the size of types and
// for nothing else: Sizeof, Alignof and Offsetof are constants and touch no
// memory.
func onlyMeasures(f *file) bool {
	measures, others := 0, 0
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); !ok || x.Name != "unsafe" {
			return true
		}
		switch s.Sel.Name {
		case "Sizeof", "Alignof", "Offsetof":
			measures++
		default:
			others++
		}
		return true
	})
	return measures > 0 && others == 0
}

// own returns the folder of an import path of this module.
func (l Layout) own(target string) (dir string, ok bool) {
	if target == l.Module {
		return ".", true
	}
	return strings.CutPrefix(target, l.Module+"/")
}

// direction checks an import of the module's own package in dir.
func (l Layout) direction(p *pkg, f *file, dir string) (Rule, string) {
	from, fromEntry := l.level(p.dir)
	to, toEntry := l.level(dir)
	switch {
	case dir == p.dir && f.test: // the external test of a package
		return "", ""
	case from < 0 || to < 0: // reported once for the package itself
		return "", ""
	case slices.Contains(l.Suites, dir):
		if !f.test && !slices.Contains(l.Suites, p.dir) {
			return RuleSuite, fmt.Sprintf("product code imports the test suite %s", dir)
		}
		if f.test {
			return "", ""
		}
	}
	switch {
	case to > from:
		return RuleDirection, fmt.Sprintf("%s imports %s, which stands higher", p.dir, dir)
	case to == from && !f.test && !(fromEntry == toEntry && ownSubpackage(fromEntry, p.dir, dir)):
		return RuleDirection, fmt.Sprintf("%s imports %s, which stands on the same level", p.dir, dir)
	}
	return "", ""
}

// ownSubpackage reports whether dir lies below from and both are meant by one
// entry that ends in /...
func ownSubpackage(entry, from, dir string) bool {
	return strings.HasSuffix(entry, "/...") && strings.HasPrefix(dir, from+"/")
}

// dependency checks an import of another module's package.
func (l Layout) dependency(from, target string, testing bool) (Rule, string) {
	for _, d := range l.Dependencies {
		if target != d.Module && !strings.HasPrefix(target, d.Module+"/") {
			continue
		}
		switch {
		case d.Tests && testing, len(d.Owners) == 0 && !d.Tests, fitsAny(d.Owners, from):
			return "", ""
		case len(d.Owners) == 0:
			return RuleDependency, fmt.Sprintf("imports %s, which is for tests", target)
		}
		return RuleDependency, fmt.Sprintf("imports %s, which only %s may", target, strings.Join(d.Owners, ", "))
	}
	return RuleDependency, fmt.Sprintf("imports %s: a new module needs a page in docs/decisions and a line in Dependencies in internal/arch/layout.go", target)
}

// purity checks that a pure package neither imports nor starts what would make
// its results depend on more than its arguments.
func (l Layout) purity(p *pkg) []Violation {
	if !slices.Contains(l.Pure, p.dir) {
		return nil
	}
	var found []Violation
	for _, f := range p.product() {
		for _, spec := range f.syntax.Imports {
			if impure(spec.Path.Value) {
				found = append(found, f.violation(RulePure, spec.Pos(), "pure package imports %s", spec.Path.Value))
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				found = append(found, f.violation(RulePure, n.Pos(), "pure package starts a goroutine"))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && readsClock(n.Sel.Name) {
					found = append(found, f.violation(RulePure, n.Pos(), "pure package uses time.%s: take the time as an argument", n.Sel.Name))
				}
			}
			return true
		})
	}
	return found
}

// impure reports whether the quoted import path reaches outside the program
// or draws randomness.
func impure(quoted string) bool {
	switch strings.Trim(quoted, `"`) {
	case "os", "io/fs", "net", "net/http", "syscall", "crypto/rand", "math/rand", "math/rand/v2", "log", "log/slog":
		return true
	}
	return strings.HasPrefix(quoted, `"os/`)
}

// readsClock reports whether the function of package time depends on the clock.
func readsClock(name string) bool {
	switch name {
	case "Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick":
		return true
	}
	return false
}
