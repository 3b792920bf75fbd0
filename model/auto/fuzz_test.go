package auto_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/auto"
)

// wide is a schema of objects that have themselves as n properties.
func wide(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"p%d":{"$ref":"#/$defs/n"}`, i)
	}
	return `{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{` + b.String()[1:] + `}}}}`
}

// FuzzSchema has the demo model answer in the form of any schema: it is JSON,
// soon, whatever the schema says.
func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"type":"integer","minimum":3},"b":{"type":["string","null"]},"c":{"enum":[1,"x"]}}}`, `rate "it" 5`)
	f.Add(`{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"},"all":{"type":"array","items":{"$ref":"#/$defs/n"}}}}}}`, "")
	f.Add(`{"type":"number","minimum":1e308,"maximum":-1e308}`, "1e308")
	f.Add(`{"type":{"a":1},"required":["x"],"const":null,"anyOf":[]}`, "x")
	f.Add(wide(300), "x")
	demo := auto.NewDemo(auto.DemoConfig{Pace: -1})
	f.Fuzz(func(t *testing.T, schema, prompt string) {
		r, err := model.Collect(demo.Generate(t.Context(), &model.Request{
			Messages: []*model.Message{model.UserText(prompt)},
			Format:   &model.Format{Schema: json.RawMessage(schema)},
		}))
		if err != nil {
			t.Fatalf("Generate(%s) = %v", schema, err)
		}
		if text := r.Text(); !json.Valid([]byte(text)) {
			t.Errorf("Generate(%s) = %q, want JSON", schema, text)
		}
	})
}
