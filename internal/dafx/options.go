package dafx

import (
	"encoding/json"

	"github.com/perdure/perdure/model"
)

// Options are the further options of a run in the dialect of Python. Those of
// which nothing is known are in Further.
type Options struct {
	Instructions      string
	Temperature, TopP *float64
	MaxOutputTokens   *int
	ToolMode          model.ToolMode
	RequiredTool      string
	Metadata          map[string]string
	Further           Members
}

// readOptions reads options; those that make no sense are as if unknown.
func readOptions(raw json.RawMessage) Options {
	m := objectOf(raw)
	var o Options
	for _, member := range m {
		if orNil(member.Value) != nil && !o.read(folded(member.Name), member.Value) {
			o.Further = append(o.Further, member)
		}
	}
	return o
}

func (o *Options) read(name string, raw json.RawMessage) bool {
	switch name {
	case "instructions":
		s, ok := stringOf(raw)
		o.Instructions = s
		return ok
	case "temperature":
		return readFloat(raw, &o.Temperature)
	case "topp":
		return readFloat(raw, &o.TopP)
	case "maxtokens", "maxoutputtokens":
		n, ok := countOf(raw)
		if !ok || n < 1 || n > 1<<31-1 {
			return false
		}
		most := int(n)
		o.MaxOutputTokens = &most
		return true
	case "toolchoice", "toolmode":
		return o.readToolMode(raw)
	case "metadata":
		return o.readMetadata(objectOf(raw))
	}
	return false
}

func readFloat(raw json.RawMessage, to **float64) bool {
	f, ok := numberOf(raw)
	if ok {
		*to = &f
	}
	return ok
}

// readToolMode reads "auto", "none" and "required", or an object with such a mode
// and the name of a function.
func (o *Options) readToolMode(raw json.RawMessage) bool {
	mode, ok := stringOf(raw)
	tool := ""
	if m := objectOf(raw); m != nil {
		mode, ok = stringOf(m.find("mode"))
		tool, _ = stringOf(m.find("requiredFunctionName"))
	}
	if !ok {
		return false
	}
	switch mode {
	case "auto":
		o.ToolMode = model.ToolsAuto
	case "none":
		o.ToolMode = model.ToolsNone
	case "required":
		o.ToolMode, o.RequiredTool = model.ToolsRequired, tool
	default:
		return false
	}
	return true
}

func (o *Options) readMetadata(m Members) bool {
	if m == nil {
		return false
	}
	o.Metadata = map[string]string{}
	for _, member := range m {
		s, ok := stringOf(member.Value)
		if !ok {
			s = string(member.Value)
		}
		o.Metadata[member.Name] = s
	}
	return true
}
