//go:build faults

package fault

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Declared returns, sorted, the names given to Sometimes in the Go source below
// a directory, tests left out. A name that is not a literal is an error, since
// nobody could tell whether it was exercised.
func Declared(source fs.FS) ([]string, error) {
	names := map[string]bool{}
	err := fs.WalkDir(source, ".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(source, file)
		if err != nil {
			return err
		}
		return declaredIn(names, file, text)
	})
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(names)), nil
}

func declaredIn(names map[string]bool, file string, text []byte) error {
	positions := token.NewFileSet()
	parsed, err := parser.ParseFile(positions, file, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	var bad error
	ast.Inspect(parsed, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isSometimes(call) {
			return true
		}
		literal, ok := call.Args[1].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			bad = fmt.Errorf("%v: name of Sometimes is not a literal", positions.Position(call.Pos()))
			return false
		}
		name, err := strconv.Unquote(literal.Value)
		if err != nil {
			bad = err
			return false
		}
		names[name] = true
		return true
	})
	return bad
}

func isSometimes(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Sometimes" || len(call.Args) != 2 {
		return false
	}
	pkg, ok := f.X.(*ast.Ident)
	return ok && pkg.Name == "fault"
}
