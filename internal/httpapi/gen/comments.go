package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

const module = "github.com/perdure/perdure/"

// comments are the comments on types and their fields, by "import/path.Type" and
// "import/path.Type.Field".
type comments map[string]string

// readComments reads them from the sources of packages.
func readComments(root string, dirs ...string) (comments, error) {
	all := comments{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, dir, e.Name()), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			all.read(module+dir, file)
		}
	}
	return all, nil
}

func (c comments) read(pkg string, file *ast.File) {
	for _, d := range file.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range general.Specs {
			t, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			name := pkg + "." + t.Name.Name
			c[name] = words(general.Doc, t.Doc, t.Comment)
			if body, ok := t.Type.(*ast.StructType); ok {
				for _, f := range body.Fields.List {
					for _, n := range f.Names {
						c[name+"."+n.Name] = words(f.Doc, f.Comment)
					}
				}
			}
		}
	}
}

// words joins comments to one line.
func words(groups ...*ast.CommentGroup) string {
	var all []string
	for _, g := range groups {
		if text := strings.Join(strings.Fields(g.Text()), " "); text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, " ")
}

// typeName is the name of a type as comments has it.
func typeName(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return t.PkgPath() + "." + name
}
