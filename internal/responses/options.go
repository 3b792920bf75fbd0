package responses

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// options returns what the request changes about its turn, with what is kept of
// it.
func (r *request) options(info agent.Info, kept asked) (agent.TurnOptions, error) {
	o := agent.TurnOptions{Temperature: r.Temperature, TopP: r.TopP, MaxOutputTokens: r.MaxOutputTokens}
	if r.Instructions != nil {
		o.Instructions, kept.Instructions = *r.Instructions, r.Instructions
	}
	if err := r.addTools(&o, &kept, info); err != nil {
		return o, err
	}
	if err := r.choose(&o, &kept, info); err != nil {
		return o, err
	}
	var err error
	if o.Format, err = r.Text.format(); err != nil {
		return o, err
	}
	if _, taken := r.Metadata[askedKey]; taken {
		return o, invalid("metadata."+askedKey, "The key %s of metadata is taken.", askedKey)
	}
	o.Metadata = maps.Clone(r.Metadata)
	if o.Metadata == nil {
		o.Metadata = map[string]string{}
	}
	o.Metadata[askedKey] = string(marshal(kept))
	return o, nil
}

// addTools takes the caller's functions.
func (r *request) addTools(o *agent.TurnOptions, kept *asked, info agent.Info) error {
	own := map[string]bool{}
	for _, t := range info.Tools {
		own[t.Name] = true
	}
	for n, t := range r.Tools {
		at := fmt.Sprintf("tools[%d]", n)
		switch {
		case t.Type != "function":
			return invalid(at+".type", "Tools of type %s are not supported: the agent brings its own tools, requests may add functions.", shown(t.Type))
		case t.Name == "":
			return invalid(at+".name", "'%s.name' is missing.", at)
		case own[t.Name]:
			return invalid(at+".name", "The agent %s has a tool %s of its own: give the function another name.", info.Name, shown(t.Name))
		}
		f := model.Tool{Name: t.Name}
		if t.Description != nil {
			f.Description = *t.Description
		}
		if string(t.Parameters) != "null" {
			f.Schema = t.Parameters
		}
		if t.Strict != nil && *t.Strict {
			kept.Strict = append(kept.Strict, t.Name)
		}
		o.Tools = append(o.Tools, f)
	}
	return nil
}

// toolChoice is a choice of tools that is no word.
type toolChoice struct {
	Type  string `json:"type"` // function, mcp or allowed_tools
	Name  string `json:"name"`
	Mode  string `json:"mode"`
	Tools []struct {
		Name string `json:"name"`
	} `json:"tools"`
}

// choose takes the choice of tools.
func (r *request) choose(o *agent.TurnOptions, kept *asked, info agent.Info) error {
	if len(r.ToolChoice) == 0 || string(r.ToolChoice) == "null" {
		return nil
	}
	kept.ToolChoice = string(r.ToolChoice)
	var word string
	if json.Unmarshal(r.ToolChoice, &word) == nil {
		return chooseMode(o, word, "tool_choice")
	}
	var c toolChoice
	if err := decodeInto(r.ToolChoice, "tool_choice", &c); err != nil {
		return err
	}
	switch c.Type {
	case "function", "mcp":
		if err := r.hasTool(info, c.Name, "tool_choice.name"); err != nil {
			return err
		}
		o.ToolMode, o.RequiredTool = model.ToolsRequired, c.Name
		return nil
	case "allowed_tools":
		if err := chooseMode(o, c.Mode, "tool_choice.mode"); err != nil {
			return err
		}
		var callers []model.Tool
		for n, t := range c.Tools {
			if err := r.hasTool(info, t.Name, fmt.Sprintf("tool_choice.tools[%d].name", n)); err != nil {
				return err
			}
			if i := slices.IndexFunc(o.Tools, func(f model.Tool) bool { return f.Name == t.Name }); i >= 0 {
				callers = append(callers, o.Tools[i])
			} else {
				o.ToolNames = append(o.ToolNames, t.Name)
			}
		}
		o.Tools, o.NoTools = callers, len(o.ToolNames) == 0
		return nil
	}
	return invalid("tool_choice.type", "A tool_choice of type %s is not supported.", shown(c.Type))
}

func chooseMode(o *agent.TurnOptions, word, at string) error {
	switch word {
	case "auto":
	case "none":
		o.ToolMode = model.ToolsNone
	case "required":
		o.ToolMode = model.ToolsRequired
	default:
		return invalid(at, "'%s' is %s, must be auto, none or required.", at, shown(word))
	}
	return nil
}

// hasTool refuses a name that no tool of agent or caller has.
func (r *request) hasTool(info agent.Info, name, at string) error {
	for _, t := range info.Tools {
		if t.Name == name {
			return nil
		}
	}
	for _, t := range r.Tools {
		if t.Name == name {
			return nil
		}
	}
	return invalid(at, "Neither the agent nor the request has a tool %s.", shown(name))
}

// format returns the structured output that is asked for, nil = text.
func (c *textConfig) format() (*model.Format, error) {
	if c == nil || c.Format == nil {
		return nil, nil
	}
	f := c.Format
	switch f.Type {
	case formatText:
		return nil, nil
	case formatObject:
		return &model.Format{}, nil
	case formatSchema:
	default:
		return nil, invalid("text.format.type", "'text.format.type' is %s, must be text, json_schema or json_object.", shown(f.Type))
	}
	if len(f.Schema) == 0 || f.Schema[0] != '{' {
		return nil, invalid("text.format.schema", "'text.format.schema' must be a JSON schema.")
	}
	return &model.Format{Name: f.Name, Description: f.Description, Schema: f.Schema, Strict: f.Strict != nil && *f.Strict}, nil
}

// echo puts into a response what its request has said.
func (s *segment) echo(o *object) {
	options := &s.turn.Options
	o.Background, o.Store = s.asked.Background, !s.asked.Unstored
	o.Instructions, o.PreviousResponseID = s.asked.Instructions, some(s.asked.Previous)
	if s.asked.Conversation != "" {
		o.Conversation = &reference{s.asked.Conversation}
	}
	for name, value := range options.Metadata {
		if name != askedKey {
			o.Metadata[name] = value
		}
	}
	for _, t := range options.Tools {
		strict := slices.Contains(s.asked.Strict, t.Name)
		parameters := t.Schema
		if len(parameters) == 0 {
			parameters = json.RawMessage("null")
		}
		o.Tools = append(o.Tools, tool{Type: "function", Name: t.Name, Description: some(t.Description), Parameters: parameters, Strict: &strict})
	}
	if s.asked.ToolChoice != "" {
		o.ToolChoice = json.RawMessage(s.asked.ToolChoice)
	}
	if f := options.Format; f != nil {
		o.Text.Format = &format{Type: formatObject}
		if len(f.Schema) > 0 {
			o.Text.Format = &format{Type: formatSchema, Name: f.Name, Description: f.Description, Schema: f.Schema, Strict: &f.Strict}
		}
	}
	o.Temperature, o.TopP, o.MaxOutputTokens = options.Temperature, options.TopP, options.MaxOutputTokens
}
