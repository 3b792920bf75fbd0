package anthropic

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/perdure/perdure/model"
)

// The types below are the request as it goes over the wire. The order of their
// fields is the order of the bytes: what stays equal from call to call comes
// first.

type wireRequest struct {
	Model         string          `json:"model"`
	Tools         []wireTool      `json:"tools,omitempty"`
	ToolChoice    *wireToolChoice `json:"tool_choice,omitempty"`
	System        []wireBlock     `json:"system,omitempty"`
	Thinking      *wireThinking   `json:"thinking,omitempty"`
	OutputConfig  *wireOutput     `json:"output_config,omitempty"`
	Messages      []wireMessage   `json:"messages"`
	CacheControl  *wireCache      `json:"cache_control,omitempty"`
	MaxTokens     int             `json:"max_tokens"`
	Temperature   *float64        `json:"temperature,omitempty"`
	TopP          *float64        `json:"top_p,omitempty"`
	StopSequences []string        `json:"stop_sequences,omitempty"`
	Metadata      *wireMetadata   `json:"metadata,omitempty"`
	Stream        bool            `json:"stream"`
}

type wireTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	InputSchema json.RawMessage `json:"input_schema"`
}

type wireToolChoice struct {
	Type string `json:"type"`
	Name string `json:"name,omitempty"`
}

type wireThinking struct {
	Type         string `json:"type"`
	BudgetTokens int    `json:"budget_tokens,omitempty"`
}

type wireOutput struct {
	Format wireFormat `json:"format"`
}

type wireFormat struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

type wireCache struct {
	Type string `json:"type"`
}

type wireMetadata struct {
	UserID string `json:"user_id"`
}

// encode writes the body of the call.
func (cfg *Config) encode(req *model.Request) ([]byte, error) {
	w := wireRequest{
		Model:         cmp.Or(req.Model, cfg.Model),
		MaxTokens:     cfg.MaxOutputTokens,
		Temperature:   req.Temperature,
		TopP:          req.TopP,
		StopSequences: req.Stop,
		Stream:        true,
	}
	if req.MaxOutputTokens != nil {
		w.MaxTokens = *req.MaxOutputTokens
	}
	if !cfg.NoCache {
		w.CacheControl = &wireCache{Type: "ephemeral"}
	}
	if id := req.Metadata["user_id"]; id != "" {
		w.Metadata = &wireMetadata{UserID: id}
	}
	if err := w.addTools(req); err != nil {
		return nil, err
	}
	if err := w.addFormat(req.Format); err != nil {
		return nil, err
	}
	if err := w.addMessages(req); err != nil {
		return nil, err
	}
	cfg.addThinking(&w)
	return model.StableJSON(w)
}

func (w *wireRequest) addTools(req *model.Request) error {
	for _, t := range req.Tools {
		if t.Name == "" {
			return errors.New("tool without a name")
		}
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object"}`)
		}
		w.Tools = append(w.Tools, wireTool{Name: t.Name, Description: t.Description, InputSchema: schema})
	}
	if len(w.Tools) == 0 {
		return nil
	}
	switch {
	case req.ToolMode == model.ToolsNone:
		w.ToolChoice = &wireToolChoice{Type: "none"}
	case req.ToolMode == model.ToolsRequired && req.RequiredTool != "":
		w.ToolChoice = &wireToolChoice{Type: "tool", Name: req.RequiredTool}
	case req.ToolMode == model.ToolsRequired:
		w.ToolChoice = &wireToolChoice{Type: "any"}
	case req.ToolMode != model.ToolsAuto:
		return fmt.Errorf("tool mode %q is not known", req.ToolMode)
	}
	return nil
}

// addFormat asks for structured output. Without a schema the API has no form
// for it; the instructions then have to ask for JSON.
func (w *wireRequest) addFormat(f *model.Format) error {
	if f == nil || len(f.Schema) == 0 {
		return nil
	}
	if !json.Valid(f.Schema) {
		return errors.New("format: the schema is no valid JSON")
	}
	w.OutputConfig = &wireOutput{Format: wireFormat{Type: "json_schema", Schema: f.Schema}}
	return nil
}

// addThinking turns thinking on. The bound of the answer holds for the thinking
// too, and the API wants it above the budget: so the budget is what fits, and
// where not even the smallest does, there is no thinking. Nor is there any in the
// middle of a turn that another provider's model began.
func (cfg *Config) addThinking(w *wireRequest) {
	budget := min(cfg.ThinkingBudget, w.MaxTokens-1)
	switch {
	case cfg.ThinkingBudget == ThinkingAdaptive:
		w.Thinking = &wireThinking{Type: "adaptive"}
	case budget >= MinThinkingBudget && !w.openTurnWithoutThought():
		w.Thinking = &wireThinking{Type: "enabled", BudgetTokens: budget}
	default:
		return
	}
	w.Temperature, w.TopP = nil, nil
	if c := w.ToolChoice; c != nil && (c.Type == "any" || c.Type == "tool") {
		w.ToolChoice = nil
	}
}

// openTurnWithoutThought reports whether results of tools answer a message that
// does not begin with a thought of ours: with a budget the API refuses those.
func (w *wireRequest) openTurnWithoutThought() bool {
	n := len(w.Messages)
	if n < 2 || w.Messages[n-1].Content[0].Type != "tool_result" || w.Messages[n-2].Role != "assistant" {
		return false
	}
	first := w.Messages[n-2].Content[0].Type
	return first != "thinking" && first != "redacted_thinking"
}
