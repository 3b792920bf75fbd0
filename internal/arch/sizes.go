package arch

import (
	"fmt"
	"go/ast"
)

// sizes checks the length of files and functions and the width of interfaces
// in the product files of p.
func (l Layout) sizes(p *pkg) []Violation {
	var found []Violation
	for _, f := range p.product() {
		if f.lines > l.Limits.FileLines {
			found = append(found, Violation{Rule: RuleFileSize, File: f.path, Name: f.path,
				Text: fmt.Sprintf("%d lines, the limit is %d", f.lines, l.Limits.FileLines)})
		}
		for _, decl := range f.syntax.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if n := f.line(d.End()) - f.line(d.Pos()) + 1; n > l.Limits.FuncLines {
					found = append(found, f.violationIn(funcName(d), RuleFuncSize, d.Pos(),
						"%s has %d lines, the limit is %d", funcName(d), n, l.Limits.FuncLines))
				}
			case *ast.GenDecl:
				found = append(found, l.interfaces(f, d)...)
			}
		}
	}
	return found
}

// interfaces checks the interface types that decl declares.
func (l Layout) interfaces(f *file, decl *ast.GenDecl) []Violation {
	var found []Violation
	for _, spec := range decl.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		i, ok := t.Type.(*ast.InterfaceType)
		if !ok {
			continue
		}
		methods := 0
		for _, field := range i.Methods.List {
			methods += len(field.Names)
		}
		if methods > l.Limits.Methods {
			found = append(found, f.violationIn(t.Name.Name, RuleInterface, t.Pos(),
				"interface %s has %d methods, the limit is %d: compose it of roles", t.Name.Name, methods, l.Limits.Methods))
		}
	}
	return found
}

// funcName returns F for a function and T.F for a method.
func funcName(d *ast.FuncDecl) string {
	if receiver := receiverName(d); receiver != "" {
		return receiver + "." + d.Name.Name
	}
	return d.Name.Name
}

// receiverName returns the name of a method's receiver type, or "".
func receiverName(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}
