package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
)

// kind is the form of a JSON value.
type kind int

const (
	anything kind = iota
	text
	moment // a time, RFC 3339
	integer
	number
	boolean
	list   // of elem
	dict   // an object with any keys, values elem
	object // with fields, has a name
	union  // of the contents of messages
)

// schema is the form of a Go type in JSON.
type schema struct {
	kind    kind
	elem    *schema
	null    bool // or null
	named   *definition
	choices []string // of text; none = any
}

// definition is a struct type.
type definition struct {
	typ    reflect.Type
	name   string
	doc    string
	fields []field
}

type field struct {
	name, doc string
	optional  bool
	schema    *schema
	constant  string // the only value, of a discriminator
}

// schemas are the definitions of all types that an API uses.
type schemas struct {
	docs     comments
	all      map[reflect.Type]*definition
	contents []*definition // of messages: the union that is called Content
	// asking is set while types are taken in that are not answers: what requests lack
	// has its zero value.
	asking bool
}

func newSchemas(docs comments) *schemas {
	return &schemas{docs: docs, all: map[reflect.Type]*definition{}}
}

// add takes in the types of values; nil is none.
func (s *schemas) add(values ...any) {
	for _, v := range values {
		if v != nil {
			s.of(reflect.TypeOf(v))
		}
	}
}

var (
	rawType     = reflect.TypeFor[json.RawMessage]()
	timeType    = reflect.TypeFor[time.Time]()
	usdType     = reflect.TypeFor[model.NanoUSD]()
	contentType = reflect.TypeFor[model.Content]()
	marshaler   = reflect.TypeFor[json.Marshaler]()
	texter      = reflect.TypeFor[encoding.TextMarshaler]()
)

// contents are the types of contents of messages.
func contents() []model.Content {
	return []model.Content{&model.Text{}, &model.Reasoning{}, &model.Data{}, &model.URI{}, &model.ErrorContent{}, &model.FunctionCall{},
		&model.FunctionResult{}, &model.HostedFile{}, &model.HostedVectorStore{}, &model.UsageContent{}, &model.MCPToolCall{},
		&model.ApprovalRequest{}, &model.ApprovalResponse{}, &model.StandingApproval{}}
}

// of returns the schema of a type. Types that marshal themselves in an unknown way
// are anything.
func (s *schemas) of(t reflect.Type) *schema {
	switch t {
	case rawType:
		return &schema{kind: anything}
	case timeType:
		return &schema{kind: moment}
	case usdType:
		return &schema{kind: number}
	case contentType:
		if s.contents == nil {
			s.contents = make([]*definition, len(contents())) // before their fields, which may hold contents
			for i, c := range contents() {
				s.contents[i] = s.define(reflect.TypeOf(c).Elem(), c.Type())
			}
		}
		return &schema{kind: union}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.String:
		return &schema{kind: text}
	case reflect.Bool:
		return &schema{kind: boolean}
	case reflect.Float32, reflect.Float64:
		return &schema{kind: number}
	case reflect.Slice, reflect.Array:
		return &schema{kind: list, elem: s.of(t.Elem())}
	case reflect.Map:
		return &schema{kind: dict, elem: s.of(t.Elem())}
	case reflect.Struct:
		if d, known := s.all[t]; known || !t.Implements(marshaler) && !t.Implements(texter) {
			if !known {
				d = s.define(t, "")
			}
			return &schema{kind: object, named: d}
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &schema{kind: integer}
	}
	return &schema{kind: anything}
}

// define returns the definition of a struct; with a discriminator that is its first
// member.
func (s *schemas) define(t reflect.Type, discriminator string) *definition {
	if d, known := s.all[t]; known {
		return d
	}
	d := &definition{typ: t, doc: s.docs[typeName(t)]}
	s.all[t] = d // before its fields, which may hold it again
	if discriminator != "" {
		d.fields = append(d.fields, field{name: "Type", schema: &schema{kind: text}, constant: discriminator})
	}
	d.fields = append(d.fields, s.fields(t, false)...)
	return d
}

// fields returns the members of a struct, those of embedded ones in place.
func (s *schemas) fields(t reflect.Type, optional bool) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			embedded, maybe := f.Type, optional
			if embedded.Kind() == reflect.Pointer {
				embedded, maybe = embedded.Elem(), true
			}
			all = append(all, s.fields(embedded, maybe)...)
			continue
		}
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		v := *s.of(f.Type)
		omitted := strings.Contains(options, "omit")
		omitted = omitted || s.asking
		v.null = (f.Type.Kind() == reflect.Pointer || f.Type.Kind() == reflect.Map) && !omitted
		if choices := f.Tag.Get("choices"); choices != "" {
			v.choices = strings.Split(choices, " ")
		}
		all = append(all, field{name: name, doc: s.docs[typeName(t)+"."+f.Name], optional: optional || omitted, schema: &v})
	}
	return all
}

// name gives each definition a name of its own: that of its type, after that of its
// package if one of the API has it already.
func (s *schemas) name() {
	taken := map[string]bool{}
	for _, own := range []bool{true, false} {
		for _, d := range s.sorted() {
			pkg := d.typ.PkgPath()[strings.LastIndexByte(d.typ.PkgPath(), '/')+1:]
			if (pkg == "httpapi") != own {
				continue
			}
			d.name = title(d.typ.Name())
			if base, of, generic := strings.Cut(d.typ.Name(), "["); generic {
				of = strings.Trim(of[strings.LastIndexAny(of, "./*")+1:], "]")
				d.name = strings.TrimSuffix(title(of), "View") + title(base)
			} else {
				d.name = strings.TrimSuffix(d.name, "View")
			}
			if taken[d.name] {
				d.name = title(pkg) + d.name
			}
			if taken[d.name] {
				panic(fmt.Sprintf("two types are called %s; rename one", d.name))
			}
			taken[d.name] = true
		}
	}
}

// sorted returns all definitions in a stable order.
func (s *schemas) sorted() []*definition {
	var all []*definition
	for _, d := range s.all {
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *definition) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		return strings.Compare(a.typ.String(), b.typ.String())
	})
	return all
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
