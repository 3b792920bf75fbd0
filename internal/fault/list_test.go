package fault_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/perdure/perdure/internal/fault"
)

// TestAllAreListed compares the lists with the constants in the source.
func TestAllAreListed(t *testing.T) {
	constants := constantsOf(t, "fault.go")
	var points, mutations []string
	for _, p := range fault.Points() {
		points = append(points, string(p))
	}
	for _, m := range fault.Mutations() {
		mutations = append(mutations, string(m))
	}
	if diff := cmp.Diff(constants["Point"], points); diff != "" {
		t.Errorf("Points() differs from the constants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(constants["Mutation"], mutations); diff != "" {
		t.Errorf("Mutations() differs from the constants (-want +got):\n%s", diff)
	}
	all := slices.Concat(points, mutations)
	slices.Sort(all)
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Errorf("%d of %d names are different, want all: %v", n, len(all), all)
	}
}

// constantsOf returns the values of the constants of a file by their type.
func constantsOf(t *testing.T, file string) map[string][]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		kind := spec.Type.(*ast.Ident).Name
		values[kind] = append(values[kind], text)
		return true
	})
	return values
}
