package auto

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/perdure/perdure/model"
)

// toolCall returns the call that the prompt asks for, nil if none: a tool whose
// name the prompt contains, or any tool when one is required. A tool is called
// once per prompt.
func (a *ask) toolCall() *model.FunctionCall {
	if a.req.ToolMode == model.ToolsNone {
		return nil
	}
	required := a.req.ToolMode == model.ToolsRequired
	for _, t := range a.req.Tools {
		if a.called[t.Name] || (required && a.req.RequiredTool != "" && a.req.RequiredTool != t.Name) {
			continue
		}
		if required && len(a.called) == 0 || mentions(a.prompt, t.Name) {
			return &model.FunctionCall{
				CallID:    fmt.Sprintf("call_%016x", a.seed),
				Name:      t.Name,
				Arguments: a.fill(t.Schema),
			}
		}
	}
	return nil
}

// mentions reports whether the prompt names the tool: "issue_refund" is also
// named by "issue refund" and "issueRefund".
func mentions(prompt, tool string) bool {
	squeeze := strings.NewReplacer("_", "", "-", "", " ", "")
	name := strings.ToLower(squeeze.Replace(tool))
	return name != "" && strings.Contains(strings.ToLower(squeeze.Replace(prompt)), name)
}

// schema is the part of JSON schema that the demo model understands.
type schema struct {
	Type       typeNames                  `json:"type"`
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
	Items      json.RawMessage            `json:"items"`
	Enum       []json.RawMessage          `json:"enum"`
	Const      json.RawMessage            `json:"const"`
	AnyOf      []json.RawMessage          `json:"anyOf"`
	OneOf      []json.RawMessage          `json:"oneOf"`
	Minimum    *float64                   `json:"minimum"`
	Maximum    *float64                   `json:"maximum"`
	Ref        string                     `json:"$ref"`
	Defs       map[string]json.RawMessage `json:"$defs"`
}

// typeNames reads "type": one name or a list of them.
type typeNames []string

func (t *typeNames) UnmarshalJSON(data []byte) error {
	if s, ok := stringOf(data); ok {
		*t = typeNames{s}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// first returns the first type that is not null: what may be left out, such as a
// list in Go, is filled in all the same.
func (t typeNames) first() string {
	if len(t) == 0 {
		return "object"
	}
	for _, name := range t {
		if name != "null" {
			return name
		}
	}
	return "null"
}

func stringOf(data []byte) (string, bool) {
	var s *string
	if err := json.Unmarshal(data, &s); err != nil || s == nil {
		return "", false
	}
	return *s, true
}

const (
	// maxDepth bounds the nesting of what is filled in: recursive schemas end there.
	maxDepth = 6
	// maxValues bounds how many values are filled in: wide recursive schemas end there.
	maxValues = 10_000
)

// fill returns a JSON value that follows the schema s. Numbers and quoted texts
// of the prompt are used up in their order; what is missing is made up.
func (a *ask) fill(s json.RawMessage) string {
	f := filler{
		random:  a.random(),
		left:    maxValues,
		numbers: regexp.MustCompile(`-?\d+(?:\.\d+)?`).FindAllString(a.prompt, -1),
		text:    DemoNote + a.text(),
		quoted:  regexp.MustCompile(`"([^"\n]+)"|'([^'\n]+)'`).FindAllStringSubmatch(a.prompt, -1),
	}
	var root schema
	if json.Unmarshal(s, &root) == nil {
		f.defs = root.Defs
	}
	b, err := json.Marshal(f.value(s, maxDepth))
	if err != nil {
		return "{}"
	}
	return string(b)
}

type filler struct {
	random  *rand.Rand
	left    int // values that may be filled in
	numbers []string
	quoted  [][]string
	text    string
	defs    map[string]json.RawMessage
}

func (f *filler) value(raw json.RawMessage, depth int) any {
	var s schema
	if f.left--; depth == 0 || f.left < 0 || len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return map[string]any{}
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		return f.value(f.defs[name], depth-1)
	}
	switch {
	case len(s.Const) > 0:
		return s.Const
	case len(s.Enum) > 0:
		return s.Enum[f.random.IntN(len(s.Enum))]
	case len(s.AnyOf) > 0:
		return f.value(s.AnyOf[0], depth-1)
	case len(s.OneOf) > 0:
		return f.value(s.OneOf[0], depth-1)
	}
	switch kind := s.Type.first(); kind {
	case "string":
		return f.string()
	case "integer", "number":
		return f.number(s, kind == "integer")
	case "boolean":
		return f.random.IntN(2) == 0
	case "null":
		return nil
	case "array":
		return []any{f.value(s.Items, depth-1)}
	}
	return f.object(s, depth)
}

// object fills in the required properties, or all if none is required.
func (f *filler) object(s schema, depth int) any {
	names := slices.Clone(s.Required)
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(s.Properties))
	}
	out := make(map[string]any, len(names))
	for _, name := range names {
		out[name] = f.value(s.Properties[name], depth-1)
	}
	return out
}

func (f *filler) string() string {
	if len(f.quoted) == 0 {
		return f.text
	}
	q := f.quoted[0]
	f.quoted = f.quoted[1:]
	return q[1] + q[2]
}

func (f *filler) number(s schema, whole bool) any {
	low, high := 1.0, 10.0
	if s.Minimum != nil {
		low, high = *s.Minimum, max(high, *s.Minimum)
	}
	if s.Maximum != nil {
		high = *s.Maximum
		low = min(low, high)
	}
	for i, n := range f.numbers {
		var v float64
		if json.Unmarshal([]byte(n), &v) == nil && v >= low && (s.Maximum == nil || v <= high) &&
			(!whole || v == float64(int64(v))) {
			f.numbers = slices.Delete(f.numbers, i, i+1)
			return json.Number(n)
		}
	}
	return float64(int64(low + f.random.Float64()*(high-low)))
}
