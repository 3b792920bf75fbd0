package responses

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// object is a response.
type object struct {
	ID          string `json:"id"`
	Object      string `json:"object"` // response
	CreatedAt   int64  `json:"created_at"`
	CompletedAt *int64 `json:"completed_at"`
	Status      string `json:"status"`
	Background  bool   `json:"background"`

	Error             *failure    `json:"error"`
	IncompleteDetails *incomplete `json:"incomplete_details"`

	Model              string            `json:"model"`
	Instructions       *string           `json:"instructions"`
	Conversation       *reference        `json:"conversation"`
	PreviousResponseID *string           `json:"previous_response_id"`
	Metadata           map[string]string `json:"metadata"`
	Store              bool              `json:"store"`

	Output []*item `json:"output"`
	Usage  *usage  `json:"usage"`

	Tools             []tool          `json:"tools"`
	ToolChoice        json.RawMessage `json:"tool_choice"`
	ParallelToolCalls bool            `json:"parallel_tool_calls"`
	Text              textConfig      `json:"text"`
	Temperature       *float64        `json:"temperature"`
	TopP              *float64        `json:"top_p"`
	MaxOutputTokens   *int            `json:"max_output_tokens"`
	Truncation        string          `json:"truncation"` // disabled
}

// failure is why a response failed.
type failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// incomplete is why a response is incomplete.
type incomplete struct {
	Reason string `json:"reason"` // max_output_tokens or content_filter
}

// reference names an object.
type reference struct {
	ID string `json:"id"`
}

// usage counts the tokens of a turn.
type usage struct {
	InputTokens        int64 `json:"input_tokens"`
	InputTokensDetails struct {
		CachedTokens int64 `json:"cached_tokens"`
	} `json:"input_tokens_details"`
	OutputTokens        int64 `json:"output_tokens"`
	OutputTokensDetails struct {
		ReasoningTokens int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	TotalTokens int64 `json:"total_tokens"`
}

func viewUsage(u model.Usage) *usage {
	v := &usage{InputTokens: u.InputTokenCount, OutputTokens: u.OutputTokenCount, TotalTokens: u.TotalTokenCount}
	v.InputTokensDetails.CachedTokens = u.CachedInputTokenCount
	v.OutputTokensDetails.ReasoningTokens = u.ReasoningTokenCount
	return v
}

// view is the response with what is known of its turn. The output is that of the
// translator, as far as that has read.
func (s *segment) view(t *translator) *object {
	turn := s.turn
	o := &object{
		ID: s.id.String(), Object: "response", CreatedAt: turn.Created.Unix(), Status: statusInProgress,
		Model: s.agent.Name, Metadata: map[string]string{}, Store: true,
		Output: []*item{}, Tools: []tool{}, ToolChoice: json.RawMessage(`"auto"`), ParallelToolCalls: true,
		Text: textConfig{Format: &format{Type: formatText}}, Truncation: "disabled",
	}
	s.echo(o)
	for _, i := range t.output {
		now := *i
		o.Output = append(o.Output, &now)
	}
	switch t.ended {
	case "":
		if turn.Status == agent.TurnQueued {
			o.Status = statusQueued
		}
	case outcomePaused:
		o.Status = statusCompleted
	case outcomeFailed:
		o.Status, o.Error = statusFailed, failureOf(turn.Failure)
		o.CompletedAt = seconds(turn.Ended)
	case outcomeCanceled:
		o.Status = statusCancelled
		o.CompletedAt = seconds(turn.Ended)
	case outcomeCompleted:
		o.Status = statusCompleted
		o.CompletedAt = seconds(turn.Ended)
		if r := turn.Response; r != nil {
			o.Usage = viewUsage(r.Usage)
			switch r.FinishReason {
			case model.FinishLength:
				o.Status, o.IncompleteDetails = statusIncomplete, &incomplete{"max_output_tokens"}
			case model.FinishContentFilter:
				o.Status, o.IncompleteDetails = statusIncomplete, &incomplete{"content_filter"}
			}
		}
	}
	return o
}

// lastEvent is the event by which the stream of a response ends. There is none of
// its own for cancelled ones.
func lastEvent(status string) string {
	switch status {
	case statusFailed:
		return eventFailed
	case statusIncomplete, statusCancelled:
		return eventIncomplete
	}
	return eventCompleted
}

func seconds(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	n := at.Unix()
	return &n
}

// failureOf tells why a turn failed.
func failureOf(err error) *failure {
	if err == nil {
		return &failure{Code: typeServer, Message: "the turn failed"}
	}
	f := &failure{Code: typeServer, Message: err.Error()}
	var text = strings.ToLower(f.Message)
	if perdure.CodeOf(err) == perdure.ResourceExhausted || strings.Contains(text, "rate limit") {
		f.Code = "rate_limit_exceeded"
	}
	return f
}
