package openai

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	sdk "github.com/openai/openai-go/v3"

	"github.com/perdure/perdure/model"
)

// The fields in which compatible servers show reasoning. Neither is part of
// OpenAI's API. Their names are stored in protected data.
const (
	fieldReasoning        = "reasoning"
	fieldReasoningContent = "reasoning_content"
)

// reader turns the chunks of one answer into updates. Tool calls arrive in
// fragments and leave whole, at the end.
type reader struct {
	provider string

	id, model string
	createdAt time.Time
	finish    string
	refusal   string
	calls     []*model.FunctionCall
	callIndex []int64
	// thinking is the field of an open run of reasoning, "" if none is open.
	thinking string
}

// update returns what the chunk adds, nil if there is nothing to show yet.
func (r *reader) update(chunk sdk.ChatCompletionChunk) *model.Update {
	if r.id == "" {
		r.id = chunk.ID
	}
	if r.model == "" {
		r.model = chunk.Model
	}
	if r.createdAt.IsZero() && chunk.Created > 0 {
		r.createdAt = time.Unix(chunk.Created, 0).UTC()
	}
	var contents model.Contents
	for _, choice := range chunk.Choices {
		if choice.Index == 0 {
			contents = append(contents, r.delta(choice)...)
		}
	}
	if chunk.JSON.Usage.Valid() {
		contents = append(contents, usage(chunk.Usage))
	}
	if len(contents) == 0 {
		return nil
	}
	return r.wrap(contents)
}

func (r *reader) delta(choice sdk.ChatCompletionChunkChoice) model.Contents {
	if choice.FinishReason != "" {
		r.finish = choice.FinishReason
	}
	d := choice.Delta
	r.refusal += d.Refusal
	for _, fragment := range d.ToolCalls {
		r.addCall(fragment)
	}
	var contents model.Contents
	for _, field := range []string{fieldReasoning, fieldReasoningContent} {
		var text string
		if extra, ok := d.JSON.ExtraFields[field]; ok && json.Unmarshal([]byte(extra.Raw()), &text) == nil && text != "" {
			r.thinking = field
			contents = append(contents, &model.Reasoning{Text: text})
			break
		}
	}
	if d.Content != "" {
		contents = append(append(contents, r.endThinking()...), &model.Text{Text: d.Content})
	}
	return contents
}

// endThinking marks the run of reasoning that is open as this provider's.
func (r *reader) endThinking() model.Contents {
	if r.thinking == "" {
		return nil
	}
	mark := &model.Reasoning{ProtectedData: r.provider + "/" + r.thinking}
	r.thinking = ""
	return model.Contents{mark}
}

func (r *reader) addCall(fragment sdk.ChatCompletionChunkChoiceDeltaToolCall) {
	i := slices.Index(r.callIndex, fragment.Index)
	if i >= 0 && fragment.ID != "" && r.calls[i].CallID != "" && fragment.ID != r.calls[i].CallID {
		i = -1 // some servers number every call 0
	}
	if i < 0 {
		i = len(r.calls)
		r.calls = append(r.calls, &model.FunctionCall{})
		// The newest call owns the number: later fragments belong to it.
		if old := slices.Index(r.callIndex, fragment.Index); old >= 0 {
			r.callIndex[old] = -1
		}
		r.callIndex = append(r.callIndex, fragment.Index)
	}
	call := r.calls[i]
	if call.CallID == "" {
		call.CallID = fragment.ID
	}
	if call.Name == "" {
		call.Name = fragment.Function.Name
	}
	call.Arguments += fragment.Function.Arguments
}

// end returns the last update: tool calls, finish reason, model. A stream that
// ended without a finish reason was cut.
func (r *reader) end() (*model.Update, error) {
	if r.finish == "" {
		return nil, &model.Error{Provider: r.provider, Code: model.CodeStreamCut, Retryable: true,
			Message: "the answer ended without a finish reason"}
	}
	contents := r.endThinking()
	for i, call := range r.calls {
		if call.CallID == "" {
			call.CallID = fmt.Sprintf("call_%s_%d", r.id, i)
		}
		if call.Arguments == "" {
			call.Arguments = "{}"
		}
		if !json.Valid([]byte(call.Arguments)) {
			call.Error = "the arguments are no valid JSON"
		}
		contents = append(contents, call)
	}
	if r.refusal != "" {
		contents = append(contents, &model.ErrorContent{Message: r.refusal, ErrorCode: "refusal"})
	}
	u := r.wrap(contents)
	u.FinishReason = r.finishReason()
	if name, err := json.Marshal(r.model); err == nil && r.model != "" {
		u.AdditionalProperties = model.Properties{model.PropertyModel: name}
	}
	return u, nil
}

// finishReason corrects servers that say "stop" although tools are to be called.
func (r *reader) finishReason() string {
	switch {
	case r.finish == "function_call", r.finish == model.FinishStop && len(r.calls) > 0:
		return model.FinishToolCalls
	}
	return r.finish
}

func (r *reader) wrap(contents model.Contents) *model.Update {
	return &model.Update{
		ResponseID: r.id, MessageID: r.id, Role: model.RoleAssistant, CreatedAt: r.createdAt, Contents: contents,
	}
}

func usage(u sdk.CompletionUsage) *model.UsageContent {
	total := u.TotalTokens
	if total == 0 {
		total = u.PromptTokens + u.CompletionTokens
	}
	details := model.Usage{
		InputTokenCount:       u.PromptTokens,
		OutputTokenCount:      u.CompletionTokens,
		TotalTokenCount:       total,
		CachedInputTokenCount: u.PromptTokensDetails.CachedTokens,
		ReasoningTokenCount:   u.CompletionTokensDetails.ReasoningTokens,
	}
	if n := u.PromptTokensDetails.CacheWriteTokens; n > 0 {
		details.AdditionalCounts = map[string]int64{model.CountCacheWrite: n}
	}
	return &model.UsageContent{Details: details}
}
