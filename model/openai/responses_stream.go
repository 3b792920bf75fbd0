package openai

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/openai/openai-go/v3/responses"

	"github.com/perdure/perdure/model"
)

// responsesReader turns the events of one answer of the Responses API into
// updates. Tool calls and the encrypted form of a thought arrive with the end of
// their item.
type responsesReader struct {
	provider string

	id, model string
	createdAt time.Time
	// last is the response as its last event tells it; nil until then.
	last    *responses.Response
	calls   int
	refusal string
	failed  error
}

// update returns what the event adds, nil if there is nothing to show.
func (r *responsesReader) update(ev responses.ResponseStreamEventUnion) *model.Update {
	var contents model.Contents
	switch ev.Type {
	case "response.created", "response.in_progress", "response.queued":
		r.head(ev.Response)
	case "response.output_text.delta":
		contents = model.Contents{&model.Text{Text: ev.Delta}}
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		contents = model.Contents{&model.Reasoning{Text: ev.Delta}}
	case "response.reasoning_summary_part.added":
		if ev.SummaryIndex > 0 {
			contents = model.Contents{&model.Reasoning{Text: "\n\n"}}
		}
	case "response.refusal.delta":
		r.refusal += ev.Delta
	case "response.output_item.done":
		contents = r.item(ev.Item)
	case "response.completed", "response.incomplete":
		r.head(ev.Response)
		r.last = &ev.Response
	case "response.failed":
		r.head(ev.Response)
		r.fail(string(ev.Response.Error.Code), ev.Response.Error.Message)
	case "error":
		r.fail(ev.Code, ev.Message)
	}
	if len(contents) == 0 {
		return nil
	}
	return r.wrap(contents)
}

func (r *responsesReader) head(resp responses.Response) {
	if resp.ID != "" {
		r.id = resp.ID
	}
	if resp.Model != "" {
		r.model = resp.Model
	}
	if r.createdAt.IsZero() && resp.CreatedAt >= 1 {
		r.createdAt = time.Unix(int64(resp.CreatedAt), 0).UTC()
	}
}

// item returns what only the end of an item tells.
func (r *responsesReader) item(item responses.ResponseOutputItemUnion) model.Contents {
	switch item.Type {
	case "reasoning":
		if item.EncryptedContent != "" {
			return model.Contents{&model.Reasoning{ProtectedData: r.provider + markEncrypted + item.ID + ":" + item.EncryptedContent}}
		}
	case "function_call":
		r.calls++
		call := &model.FunctionCall{CallID: item.CallID, Name: item.Name, Arguments: item.AsFunctionCall().Arguments}
		if call.CallID == "" {
			call.CallID = fmt.Sprintf("call_%s_%d", r.id, r.calls)
		}
		if call.Arguments == "" {
			call.Arguments = "{}"
		}
		if !json.Valid([]byte(call.Arguments)) {
			call.Error = "the arguments are no valid JSON"
		}
		return model.Contents{call}
	}
	return nil
}

// fail keeps the failure that the provider reported: its own fault, unless the
// code says that the request is to blame.
func (r *responsesReader) fail(code, message string) {
	e := &model.Error{Provider: r.provider, Code: cmp.Or(code, model.CodeStreamCut), Message: message, Retryable: true}
	for _, prefix := range []string{"invalid_", "image_", "unsupported_", "empty_", "failed_to_download_", "context_length_",
		"bio_policy", "cyber_policy", "content_policy", "data_residency_", "insufficient_quota"} {
		if strings.HasPrefix(code, prefix) {
			e.Retryable = false
		}
	}
	r.failed = e
}

// end returns the last update: usage, finish reason, model. A stream that ended
// before its last event was cut.
func (r *responsesReader) end() (*model.Update, error) {
	if r.failed != nil {
		return nil, r.failed
	}
	if r.last == nil {
		return nil, &model.Error{Provider: r.provider, Code: model.CodeStreamCut, Retryable: true,
			Message: "the answer ended before its last event"}
	}
	var contents model.Contents
	if r.refusal != "" {
		contents = append(contents, &model.ErrorContent{Message: r.refusal, ErrorCode: "refusal"})
	}
	if r.last.JSON.Usage.Valid() {
		contents = append(contents, responsesUsage(r.last.Usage))
	}
	u := r.wrap(contents)
	u.FinishReason = r.finishReason()
	if name, err := json.Marshal(r.model); err == nil && r.model != "" {
		u.AdditionalProperties = model.Properties{model.PropertyModel: name}
	}
	return u, nil
}

func (r *responsesReader) finishReason() string {
	switch {
	case r.last.Status == "incomplete" && r.last.IncompleteDetails.Reason == "content_filter":
		return model.FinishContentFilter
	case r.last.Status == "incomplete":
		return model.FinishLength
	case r.calls > 0:
		return model.FinishToolCalls
	}
	return model.FinishStop
}

func (r *responsesReader) wrap(contents model.Contents) *model.Update {
	return &model.Update{
		ResponseID: r.id, MessageID: r.id, Role: model.RoleAssistant, CreatedAt: r.createdAt, Contents: contents,
	}
}

func responsesUsage(u responses.ResponseUsage) *model.UsageContent {
	details := model.Usage{
		InputTokenCount:       u.InputTokens,
		OutputTokenCount:      u.OutputTokens,
		TotalTokenCount:       max(u.TotalTokens, u.InputTokens+u.OutputTokens),
		CachedInputTokenCount: u.InputTokensDetails.CachedTokens,
		ReasoningTokenCount:   u.OutputTokensDetails.ReasoningTokens,
	}
	if n := u.InputTokensDetails.CacheWriteTokens; n > 0 {
		details.AdditionalCounts = map[string]int64{model.CountCacheWrite: n}
	}
	return &model.UsageContent{Details: details}
}
