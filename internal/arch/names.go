package arch

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"unicode"
)

// names checks the package's name and comment, the comments of its exported
// names, and that it has neither init functions nor variables that start empty.
func (l Layout) names(p *pkg) []Violation {
	found := l.packageClause(p)
	public := p.name != "main" && !fitsAny(l.Internal, p.dir)
	for _, f := range p.files {
		if f.generated {
			continue
		}
		for _, decl := range f.syntax.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					found = append(found, f.violationIn("init", RuleInit, d.Pos(), "init function: wire it in main"))
				}
				if public && !f.test && d.Name.IsExported() && exportedReceiver(d) && d.Doc.Text() == "" {
					found = append(found, undocumented(f, d.Pos(), funcName(d)))
				}
			case *ast.GenDecl:
				if f.test {
					continue
				}
				found = append(found, variables(f, d)...)
				if public {
					found = append(found, documentation(f, d)...)
				}
			}
		}
	}
	return found
}

// packageClause checks the name, the folder and the comment of p.
func (l Layout) packageClause(p *pkg) []Violation {
	whole := Violation{Rule: RulePackage, File: p.dir, Name: p.dir}
	var found []Violation
	if slices.Contains(l.BannedNames, p.name) || slices.ContainsFunc(strings.Split(p.dir, "/"), func(element string) bool {
		return slices.Contains(l.BannedNames, element)
	}) {
		whole.Text = "the name says nothing: name the package after the question that it answers"
		found = append(found, whole)
	}
	if base := path.Base(p.dir); p.name != "main" && p.dir != "." && p.name != base {
		whole.Text = "package " + p.name + " lies in a folder of another name"
		found = append(found, whole)
	}
	prefix := "Package " + p.name + " "
	if p.name == "main" {
		prefix = ""
	}
	if !slices.ContainsFunc(p.files, func(f *file) bool {
		doc := f.syntax.Doc.Text()
		return doc != "" && strings.HasPrefix(doc, prefix)
	}) {
		whole.Text = "no package comment that begins with \"" + prefix + "...\""
		found = append(found, whole)
	}
	return found
}

// exportedReceiver reports whether d is a function or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	return d.Recv == nil || ast.IsExported(receiverName(d))
}

// variables reports package variables without a value: they are of use only
// if something assigns them later.
func variables(f *file, decl *ast.GenDecl) []Violation {
	if decl.Tok != token.VAR {
		return nil
	}
	var found []Violation
	for _, spec := range decl.Specs {
		v := spec.(*ast.ValueSpec)
		if len(v.Values) > 0 || embeds(decl.Doc) || embeds(v.Doc) {
			continue
		}
		for _, name := range v.Names {
			found = append(found, f.violationIn(name.Name, RuleVariable, name.Pos(),
				"package variable %s starts empty, so it is mutable state: pass it as an argument", name.Name))
		}
	}
	return found
}

// embeds reports whether the comment holds a go:embed directive.
func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// documentation reports the exported names of decl without a comment. The
// comment of a group of constants or variables covers its members; types have
// one each, as have the methods of an interface and the fields of a struct
// named ...Config or ...Options.
func documentation(f *file, decl *ast.GenDecl) []Violation {
	var found []Violation
	for _, spec := range decl.Specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			if commented(decl.Doc, s.Doc, s.Comment) {
				continue
			}
			for _, name := range s.Names {
				if name.IsExported() {
					found = append(found, undocumented(f, name.Pos(), name.Name))
				}
			}
		case *ast.TypeSpec:
			if !s.Name.IsExported() {
				continue
			}
			if !commented(s.Doc, s.Comment) && (decl.Lparen.IsValid() || !commented(decl.Doc)) {
				found = append(found, undocumented(f, s.Pos(), s.Name.Name))
			}
			found = append(found, members(f, s, decl.Doc)...)
		}
	}
	return found
}

// members reports undocumented methods of interfaces and fields of settings. A
// comment of the type or of another member covers those that it names, and the
// comment of the type covers an only method.
func members(f *file, s *ast.TypeSpec, doc *ast.CommentGroup) []Violation {
	var fields *ast.FieldList
	switch t := s.Type.(type) {
	case *ast.InterfaceType:
		if fields = t.Methods; len(fields.List) == 1 {
			return nil
		}
	case *ast.StructType:
		if strings.HasSuffix(s.Name.Name, "Config") || strings.HasSuffix(s.Name.Name, "Options") {
			fields = t.Fields
		}
	}
	if fields == nil {
		return nil
	}
	named := make(map[string]bool)
	for _, word := range words(doc.Text() + s.Doc.Text()) {
		named[word] = true
	}
	for _, field := range fields.List {
		for _, word := range words(field.Doc.Text() + field.Comment.Text()) {
			named[word] = true
		}
	}
	var found []Violation
	for _, field := range fields.List {
		for _, name := range field.Names {
			if name.IsExported() && !named[name.Name] && !commented(field.Doc, field.Comment) {
				found = append(found, undocumented(f, name.Pos(), s.Name.Name+"."+name.Name))
			}
		}
	}
	return found
}

// words splits text where Go's identifiers end.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

func undocumented(f *file, pos token.Pos, name string) Violation {
	return f.violationIn(name, RuleDocumented, pos, "exported %s has no comment", name)
}

// commented reports whether one of the comments has text.
func commented(docs ...*ast.CommentGroup) bool {
	return slices.ContainsFunc(docs, func(doc *ast.CommentGroup) bool { return doc.Text() != "" })
}
