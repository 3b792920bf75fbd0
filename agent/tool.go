package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/perdure/perdure/model"
)

// Tool is something that a model may call. [NewTool] makes one of a function.
// Its methods may be called concurrently.
type Tool interface {
	// Name is 1 to 64 letters, digits, '_' and '-'.
	Name() string
	// Description tells the model when and how to use the tool.
	Description() string
	// Schema is a value whose JSON is the schema of the arguments, an object
	// schema; nil = no arguments.
	Schema() any
	// Call runs the tool on arguments, JSON that fits the schema, and returns a
	// value that becomes JSON. The text of an error is told to the model.
	Call(ctx context.Context, arguments string) (any, error)
}

// EffectTool is a Tool that knows the class of its effects. Those of other tools
// are Irreversible.
type EffectTool interface {
	Tool
	// Effect returns the class, always the same.
	Effect() Effect
}

// FuncTool is a Tool that calls a function.
type FuncTool struct {
	name, description string
	schema            *jsonschema.Schema
	call              func(ctx context.Context, arguments string) (any, error)
	options           toolOptions
	err               error
}

// argument is the name under which an input that is no object travels.
const argument = "Arg0"

// NewTool returns a tool that calls fn. The schema of the arguments is that of
// In, whose fields are described by json and jsonschema tags. An In that is no
// struct or map travels as the member Arg0. Without options its effects are
// Irreversible and need no approval. What is wrong with the tool is reported by
// [Register].
func NewTool[In, Out any](name, description string, fn func(ctx context.Context, in In) (Out, error), opts ...ToolOption) *FuncTool {
	t := &FuncTool{name: name, description: description}
	if fn == nil {
		t.err = errors.New("the function is nil")
		return t
	}
	for _, opt := range opts {
		opt(&t.options)
	}
	t.options.in = reflect.TypeFor[In]()
	if t.err = t.options.check(t.options.in); t.err != nil {
		return t
	}
	t.schema, t.err = jsonschema.For[In](nil)
	if t.err == nil && !isObject(reflect.TypeFor[In]()) {
		t.schema = &jsonschema.Schema{
			Type: "object", Properties: map[string]*jsonschema.Schema{argument: t.schema}, Required: []string{argument},
		}
	}
	t.call = func(ctx context.Context, arguments string) (any, error) {
		in, err := decodeArguments[In](arguments)
		if err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}
	return t
}

func isObject(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct || t.Kind() == reflect.Map
}

// Name returns the tool's name.
func (t *FuncTool) Name() string { return t.name }

// Description returns what the model is told about the tool.
func (t *FuncTool) Description() string { return t.description }

// Schema returns the schema of the arguments.
func (t *FuncTool) Schema() any { return t.schema }

// Effect returns the class of the tool's effects.
func (t *FuncTool) Effect() Effect { return t.options.effect }

// Call decodes the arguments and calls the function.
func (t *FuncTool) Call(ctx context.Context, arguments string) (any, error) {
	if t.err != nil {
		return nil, t.err
	}
	return t.call(ctx, arguments)
}

// With returns a tool that is t with other options, for tools that NewTool did not
// make, such as those of MCP servers. It keeps the class of t's effects unless an
// option declares another. Functions of options that look at the arguments take
// those of a tool that was not made by NewTool as map[string]any.
func With(t Tool, opts ...ToolOption) Tool { return &optionTool{t, opts} }

// optionTool is a Tool with options.
type optionTool struct {
	Tool
	opts []ToolOption
}

// apply adds the tool's options to those of the tool within.
func (t *optionTool) apply(o *toolOptions) error {
	in := o.in
	if in == nil {
		in = reflect.TypeFor[map[string]any]()
	}
	for _, opt := range t.opts {
		opt(o)
	}
	return o.check(in)
}

// boundTool is a tool as an agent uses it.
type boundTool struct {
	tool     Tool
	offer    model.Tool
	version  string                            // changes with the offer
	resolved *jsonschema.Resolved              // nil = any object
	wrap     func(ToolCall, ToolFunc) ToolFunc // puts the agent's middleware around a call; nil = none
	toolOptions
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// bind prepares a tool for use, or says what is wrong with it.
func bind(t Tool) (*boundTool, error) {
	if o, ok := t.(*optionTool); ok {
		b, err := bind(o.Tool)
		if err == nil {
			err = o.apply(&b.toolOptions)
		}
		if err != nil {
			return nil, fmt.Errorf("tool %q: %w", t.Name(), err)
		}
		return b, nil
	}
	b := &boundTool{tool: t, offer: model.Tool{Name: t.Name(), Description: t.Description()}}
	if f, ok := t.(*FuncTool); ok {
		if f.err != nil {
			return nil, fmt.Errorf("tool %q: %w", t.Name(), f.err)
		}
		b.toolOptions = f.options
	} else if e, ok := t.(EffectTool); ok {
		b.effect = e.Effect()
	}
	if !toolName.MatchString(t.Name()) {
		return nil, fmt.Errorf("tool %q: the name is not 1 to 64 letters, digits, _ and -", t.Name())
	}
	given := t.Schema()
	if given == nil {
		b.version = digest("tool", b.offer.Name, b.offer.Description)
		return b, nil
	}
	text, err := json.Marshal(given)
	if err != nil {
		return nil, fmt.Errorf("tool %q: schema: %w", t.Name(), err)
	}
	if b.resolved, err = resolveSchema(text); err != nil {
		return nil, fmt.Errorf("tool %q: %w", t.Name(), err)
	}
	b.offer.Schema = text
	b.version = digest("tool", b.offer.Name, b.offer.Description, string(text))
	return b, nil
}

// validate returns the arguments as the tool takes them, or why it does not.
func (b *boundTool) validate(arguments string) (string, error) {
	if len(bytes.TrimSpace([]byte(arguments))) == 0 {
		arguments = "{}"
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(arguments), &value); err != nil || value == nil {
		return "", fmt.Errorf("the arguments of %s are no JSON object", b.offer.Name)
	}
	if b.resolved == nil {
		return arguments, nil
	}
	if err := b.resolved.Validate(value); err != nil {
		return "", fmt.Errorf("the arguments of %s do not fit its schema: %w", b.offer.Name, err)
	}
	return arguments, nil
}
