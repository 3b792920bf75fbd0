// Package arch checks the structure of the repository: which package may
// import which, how long files and functions may be, what must be documented
// and which constructs are not used here. CONTRIBUTING.md and docs/layout.md
// explain the rules; [Perdure] returns them as one table.
//
// The checker parses the files itself and runs no command, so that the go
// tool sees every file it depends on and never serves a stale result from its
// test cache.
package arch

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
)

// Rule names one kind of violation. Exceptions refer to rules by name.
type Rule string

// The rules, in the order in which they are checked.
const (
	RuleParse      Rule = "parse"      // the file is Go
	RuleUnknown    Rule = "unknown"    // the package stands in the table of levels
	RuleDirection  Rule = "direction"  // imports point downwards
	RuleSuite      Rule = "suite"      // test suites are imported by tests only
	RuleDependency Rule = "dependency" // other modules stand in the table of dependencies
	RuleForbidden  Rule = "forbidden"  // imports that nobody may have
	RulePure       Rule = "pure"       // pure packages have no clock, chance, I/O, goroutines
	RuleFileSize   Rule = "file-size"  // length of a file
	RuleFuncSize   Rule = "func-size"  // length of a function
	RuleInterface  Rule = "interface"  // methods of an interface
	RulePackage    Rule = "package"    // name and comment of a package
	RuleDocumented Rule = "documented" // exported names have a comment
	RuleInit       Rule = "init"       // no init functions
	RuleVariable   Rule = "variable"   // no package variables that start empty
	RuleQuote      Rule = "quote"      // Go in the documentation is cut from code
	RuleLink       Rule = "link"       // links in the documentation lead somewhere
	RuleException  Rule = "exception"  // exceptions have a reason and are needed
)

// Violation is one place that breaks a rule.
type Violation struct {
	// Rule is the rule that is broken.
	Rule Rule
	// File is the slash-separated path from the module's root, of a file, or
	// of a folder if the whole package is meant.
	File string
	// Line is the line in File, or 0 if the whole file or package is meant.
	Line int
	// Name is what an exception calls the place: File, or File:Declaration.
	Name string
	// Text says what is wrong and what to do about it.
	Text string
}

// String returns the violation as file:line: text (rule).
func (v Violation) String() string {
	if v.Line == 0 {
		return fmt.Sprintf("%s: %s (%s)", v.File, v.Text, v.Rule)
	}
	return fmt.Sprintf("%s:%d: %s (%s)", v.File, v.Line, v.Text, v.Rule)
}

// Check parses all packages of the module whose root is fsys and returns what
// breaks the layout's rules, ordered by file and line, without what the
// layout excepts. Folders named testdata, folders whose name begins with '.'
// or '_', and nested modules are skipped. The error is that of reading fsys;
// a file that is no Go is a violation.
func Check(fsys fs.FS, layout Layout) ([]Violation, error) {
	packages, found, err := load(fsys)
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		found = append(found, layout.imports(p)...)
		found = append(found, layout.purity(p)...)
		found = append(found, layout.sizes(p)...)
		found = append(found, layout.names(p)...)
	}
	found = layout.except(found)
	slices.SortStableFunc(found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
	})
	return found, nil
}

// except removes the violations that the layout excepts and adds one for each
// exception that has no reason or excepts nothing.
func (l Layout) except(found []Violation) []Violation {
	used := make([]bool, len(l.Exceptions))
	kept := slices.DeleteFunc(found, func(v Violation) bool {
		for i, e := range l.Exceptions {
			if e.Rule == v.Rule && e.Name == v.Name {
				used[i] = true
				return true
			}
		}
		return false
	})
	for i, e := range l.Exceptions {
		switch {
		case e.Reason == "":
			kept = append(kept, Violation{Rule: RuleException, File: e.Name, Name: e.Name,
				Text: fmt.Sprintf("the exception from %q has no reason", e.Rule)})
		case !used[i]:
			kept = append(kept, Violation{Rule: RuleException, File: e.Name, Name: e.Name,
				Text: fmt.Sprintf("nothing needs the exception from %q any more: remove it", e.Rule)})
		}
	}
	return kept
}
