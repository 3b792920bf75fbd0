package responses

import (
	"encoding/json"
)

// Types of items.
const (
	itemMessage          = "message"
	itemReasoning        = "reasoning"
	itemFunctionCall     = "function_call"
	itemFunctionOutput   = "function_call_output"
	itemCall             = "mcp_call" // of a tool of the agent
	itemApprovalRequest  = "mcp_approval_request"
	itemApprovalResponse = "mcp_approval_response"
)

// Statuses of items, and of responses.
const (
	statusQueued     = "queued"
	statusInProgress = "in_progress"
	statusCompleted  = "completed"
	statusIncomplete = "incomplete"
	statusFailed     = "failed"
	statusCancelled  = "cancelled"
)

// item is an element of a response's output, or of what was given to it. Which
// fields count depends on its type.
type item struct {
	Type, ID, Status string

	Role    string // of a message
	Content []part // of a message or reasoning

	CallID      string // of calls and outputs; not shown of the agent's tools
	Name        string
	Arguments   string
	Output      json.RawMessage // of function_call_output: a string or parts; of mcp_call: the result
	Error       string          // of mcp_call
	ServerLabel string

	ApprovalRequestID string
	Approve           bool
	Reason            string
}

// part is a part of a message or of reasoning.
type part struct {
	Type        string            `json:"type"`
	Text        *string           `json:"text,omitempty"`
	Annotations []json.RawMessage `json:"annotations,omitempty"`
	Logprobs    []json.RawMessage `json:"logprobs,omitempty"`
	ImageURL    string            `json:"image_url,omitempty"`
	Detail      string            `json:"detail,omitempty"`
	FileURL     string            `json:"file_url,omitempty"`
	FileData    string            `json:"file_data,omitempty"`
	Filename    string            `json:"filename,omitempty"`
	FileID      string            `json:"file_id,omitempty"`
}

// MarshalJSON implements json.Marshaler: output text always has its lists.
func (p part) MarshalJSON() ([]byte, error) {
	type plain part
	if p.Type != partOutputText {
		return json.Marshal(plain(p))
	}
	return json.Marshal(struct {
		Type        string            `json:"type"`
		Text        *string           `json:"text"`
		Annotations []json.RawMessage `json:"annotations"`
		Logprobs    []json.RawMessage `json:"logprobs"`
	}{p.Type, p.Text, []json.RawMessage{}, []json.RawMessage{}})
}

// Types of parts.
const (
	partOutputText    = "output_text"
	partReasoningText = "reasoning_text"
	partInputText     = "input_text"
	partInputImage    = "input_image"
	partInputFile     = "input_file"
	partRefusal       = "refusal"
)

func textPart(typ, text string) part { return part{Type: typ, Text: &text} }

// MarshalJSON implements json.Marshaler with the members that the item's type has.
func (i item) MarshalJSON() ([]byte, error) {
	content := i.Content
	if content == nil {
		content = []part{}
	}
	switch i.Type {
	case itemMessage:
		return json.Marshal(struct {
			ID      string `json:"id"`
			Type    string `json:"type"`
			Status  string `json:"status"`
			Role    string `json:"role"`
			Content []part `json:"content"`
		}{i.ID, i.Type, i.Status, i.Role, content})
	case itemReasoning:
		return json.Marshal(struct {
			ID      string   `json:"id"`
			Type    string   `json:"type"`
			Status  string   `json:"status"`
			Summary []string `json:"summary"`
			Content []part   `json:"content"`
		}{i.ID, i.Type, i.Status, []string{}, content})
	case itemFunctionCall:
		return json.Marshal(struct {
			ID        string `json:"id"`
			Type      string `json:"type"`
			Status    string `json:"status"`
			CallID    string `json:"call_id"`
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		}{i.ID, i.Type, i.Status, i.CallID, i.Name, i.Arguments})
	case itemFunctionOutput:
		return json.Marshal(struct {
			ID     string          `json:"id"`
			Type   string          `json:"type"`
			Status string          `json:"status"`
			CallID string          `json:"call_id"`
			Output json.RawMessage `json:"output"`
		}{i.ID, i.Type, i.Status, i.CallID, i.Output})
	case itemApprovalRequest:
		return json.Marshal(struct {
			ID          string `json:"id"`
			Type        string `json:"type"`
			ServerLabel string `json:"server_label"`
			Name        string `json:"name"`
			Arguments   string `json:"arguments"`
		}{i.ID, i.Type, i.ServerLabel, i.Name, i.Arguments})
	case itemApprovalResponse:
		return json.Marshal(struct {
			ID                string  `json:"id"`
			Type              string  `json:"type"`
			ApprovalRequestID string  `json:"approval_request_id"`
			Approve           bool    `json:"approve"`
			Reason            *string `json:"reason"`
		}{i.ID, i.Type, i.ApprovalRequestID, i.Approve, some(i.Reason)})
	}
	return json.Marshal(struct { // mcp_call
		ID                string  `json:"id"`
		Type              string  `json:"type"`
		Status            string  `json:"status"`
		ServerLabel       string  `json:"server_label"`
		Name              string  `json:"name"`
		Arguments         string  `json:"arguments"`
		Output            *string `json:"output"`
		Error             *string `json:"error"`
		ApprovalRequestID *string `json:"approval_request_id"`
	}{i.ID, i.Type, i.Status, i.ServerLabel, i.Name, i.Arguments, some(resultText(i.Output)), some(i.Error), some(i.ApprovalRequestID)})
}

// resultText is the result of a tool as text: a string without its quotes, any
// other value as JSON.
func resultText(result json.RawMessage) string {
	var s string
	if len(result) == 0 || json.Unmarshal(result, &s) == nil {
		return s
	}
	return string(result)
}
