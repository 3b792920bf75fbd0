package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/httpapi"
)

type doc = map[string]any

// openAPI returns the OpenAPI 3.1 document. Keys are in alphabetical order.
func openAPI(operations []httpapi.Operation, s *schemas) ([]byte, error) {
	components := doc{}
	for _, d := range s.sorted() {
		components[d.name] = d.openAPI()
	}
	var contents []doc
	for _, d := range s.contents {
		contents = append(contents, doc{"$ref": "#/components/schemas/" + d.name})
	}
	components["Content"] = doc{"anyOf": contents}
	paths := map[string]doc{}
	for _, o := range operations {
		method, path, _ := strings.Cut(o.Pattern, " ")
		if paths[path] == nil {
			paths[path] = doc{}
		}
		paths[path][strings.ToLower(method)] = s.operation(path, o)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	err := e.Encode(doc{
		"openapi":    "3.1.0",
		"info":       doc{"title": "Perdure", "version": "v1", "license": doc{"name": "Apache-2.0"}},
		"paths":      paths,
		"components": doc{"schemas": components, "securitySchemes": doc{"token": doc{"type": "http", "scheme": "bearer"}}},
	})
	return b.Bytes(), err
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// operation describes a route. Those that change something take a key that makes
// their repetition harmless.
func (s *schemas) operation(path string, o httpapi.Operation) doc {
	parameters := []doc{}
	for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
		parameters = append(parameters, doc{"name": m[1], "in": "path", "required": true, "schema": doc{"type": "string"}})
	}
	for _, p := range o.Query {
		schema := doc{"type": p.Type}
		if p.Many {
			schema = doc{"type": "array", "items": schema}
		}
		parameters = append(parameters, doc{"name": p.Name, "in": "query", "description": p.Does, "schema": schema})
	}
	content := doc{}
	if o.Reply != nil {
		schema := s.reply(o.Reply)
		if o.DryRun != nil {
			schema = doc{"oneOf": []doc{schema, s.reply(o.DryRun)}}
		}
		content["application/json"] = doc{"schema": schema}
	}
	if len(o.Events) > 0 {
		content["text/event-stream"] = doc{"schema": doc{"type": "string"}}
	}
	v := doc{"summary": o.Does, "parameters": parameters, "x-rights": o.Right.String(), "responses": doc{
		"2XX":     doc{"description": "done", "content": content},
		"default": doc{"description": "a problem", "content": doc{"application/problem+json": doc{"schema": doc{"$ref": "#/components/schemas/Problem"}}}},
	}}
	if o.Right != access.Anyone {
		v["security"] = []doc{{"token": []string{}}}
	}
	if o.Body != nil {
		v["requestBody"] = doc{"content": doc{"application/json": doc{"schema": s.reply(o.Body)}}}
	}
	return v
}

// reply returns the schema of a value's type.
func (s *schemas) reply(v any) doc { return s.of(typeOf(v)).openAPI() }

func (s *schema) openAPI() doc {
	v := doc{}
	switch s.kind {
	case text:
		v["type"] = "string"
		if len(s.choices) > 0 {
			v["enum"] = s.choices
		}
	case moment:
		v["type"], v["format"] = "string", "date-time"
	case integer:
		v["type"] = "integer"
	case number:
		v["type"] = "number"
	case boolean:
		v["type"] = "boolean"
	case list:
		v["type"], v["items"] = "array", s.elem.openAPI()
	case dict:
		v["type"], v["additionalProperties"] = "object", s.elem.openAPI()
	case object:
		v["$ref"] = "#/components/schemas/" + s.named.name
	case union:
		v["$ref"] = "#/components/schemas/Content"
	}
	if s.null && s.kind != anything {
		return doc{"anyOf": []doc{v, {"type": "null"}}}
	}
	return v
}

func (d *definition) openAPI() doc {
	properties, required := doc{}, []string{}
	for _, f := range d.fields {
		p := f.schema.openAPI()
		if f.constant != "" {
			p["const"] = f.constant
		}
		if f.doc != "" {
			p["description"] = f.doc
		}
		properties[f.name] = p
		if !f.optional {
			required = append(required, f.name)
		}
	}
	v := doc{"type": "object", "properties": properties, "additionalProperties": false}
	if d.doc != "" {
		v["description"] = d.doc
	}
	if len(required) > 0 {
		v["required"] = required
	}
	return v
}
