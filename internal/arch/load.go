package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A pkg is one folder with Go files.
type pkg struct {
	dir   string // slash-separated from the module's root; "." is the root
	name  string // without _test; "" if only test files of an external package exist
	files []*file
}

// A file is one parsed Go file.
type file struct {
	path      string
	lines     int
	test      bool // name ends in _test.go
	generated bool
	fset      *token.FileSet
	syntax    *ast.File
}

// line returns the line of pos in f.
func (f *file) line(pos token.Pos) int { return f.fset.Position(pos).Line }

// violation returns a violation at pos, named after the whole file.
func (f *file) violation(rule Rule, pos token.Pos, format string, args ...any) Violation {
	return Violation{Rule: rule, File: f.path, Line: f.line(pos), Name: f.path, Text: fmt.Sprintf(format, args...)}
}

// violationIn is like violation, named after the declaration in f.
func (f *file) violationIn(declaration string, rule Rule, pos token.Pos, format string, args ...any) Violation {
	v := f.violation(rule, pos, format, args...)
	v.Name = f.path + ":" + declaration
	return v
}

// load parses every Go file below fsys, except those marked //go:build ignore,
// and groups them by folder. Files that do not parse come back as violations.
func load(fsys fs.FS) ([]*pkg, []Violation, error) {
	var (
		packages []*pkg
		broken   []Violation
	)
	byDir := make(map[string]*pkg)
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipDir(fsys, name)
		}
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(entry.Name(), "_") {
			return nil
		}
		source, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		f, err := parse(name, source)
		if err != nil {
			broken = append(broken, Violation{Rule: RuleParse, File: name, Name: name, Text: err.Error()})
			return nil
		}
		if ignored(f.syntax) {
			return nil
		}
		dir := path.Dir(name)
		p := byDir[dir]
		if p == nil {
			p = &pkg{dir: dir}
			byDir[dir] = p
			packages = append(packages, p)
		}
		p.add(f)
		return nil
	})
	return packages, broken, err
}

// skipDir returns fs.SkipDir for folders that hold no packages of this module.
func skipDir(fsys fs.FS, name string) error {
	if name == "." {
		return nil
	}
	base := path.Base(name)
	if base == "testdata" || base == "node_modules" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return fs.SkipDir
	}
	if _, err := fs.Stat(fsys, path.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parse(name string, source []byte) (*file, error) {
	fset := token.NewFileSet()
	syntax, err := parser.ParseFile(fset, name, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &file{
		path:      name,
		lines:     bytes.Count(source, []byte("\n")),
		test:      strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(syntax),
		fset:      fset,
		syntax:    syntax,
	}, nil
}

// ignored reports whether the file is never built: //go:build ignore.
func ignored(syntax *ast.File) bool {
	for _, group := range syntax.Comments {
		if group.Pos() > syntax.Package {
			return false
		}
		for _, comment := range group.List {
			expr, err := constraint.Parse(comment.Text)
			if err != nil {
				continue
			}
			if tag, ok := expr.(*constraint.TagExpr); ok && tag.Tag == "ignore" {
				return true
			}
		}
	}
	return false
}

func (p *pkg) add(f *file) {
	p.files = append(p.files, f)
	if !f.test || p.name == "" {
		p.name = strings.TrimSuffix(f.syntax.Name.Name, "_test")
	}
}

// product returns the files that are linked into programs: neither test files
// nor generated ones.
func (p *pkg) product() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), func(f *file) bool { return f.test || f.generated })
}
