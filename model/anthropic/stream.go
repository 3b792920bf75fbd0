package anthropic

import (
	"encoding/json"
	"strings"

	sdk "github.com/anthropics/anthropic-sdk-go"

	"github.com/perdure/perdure/model"
)

// reader turns the events of one answer into updates. Tool calls arrive in
// fragments and leave whole, when their block ends.
type reader struct {
	id, model string
	input     int64
	cacheRead int64
	cacheNew  int64
	output    int64
	thinking  int64
	stop      string
	done      bool

	// call and arguments are the tool call whose block is open.
	call      *model.FunctionCall
	arguments strings.Builder
	// signature is that of the thinking block that is open.
	inThinking bool
	signature  string
}

// update returns what the event adds, nil if there is nothing to show.
func (r *reader) update(event sdk.MessageStreamEventUnion) *model.Update {
	var contents model.Contents
	switch event.Type {
	case "message_start":
		r.id, r.model = event.Message.ID, event.Message.Model
		u := event.Message.Usage
		r.input, r.cacheRead, r.cacheNew = u.InputTokens, u.CacheReadInputTokens, u.CacheCreationInputTokens
		r.output = u.OutputTokens
	case "content_block_start":
		contents = r.start(event.ContentBlock)
	case "content_block_delta":
		contents = r.delta(event.Delta)
	case "content_block_stop":
		contents = r.endBlock()
	case "message_delta":
		r.total(event)
	case "message_stop":
		r.done = true
	}
	if len(contents) == 0 {
		return nil
	}
	return r.wrap(contents)
}

func (r *reader) start(b sdk.ContentBlockStartEventContentBlockUnion) model.Contents {
	switch b.Type {
	case "text":
		if b.Text != "" {
			return model.Contents{&model.Text{Text: b.Text}}
		}
	case "thinking":
		r.inThinking, r.signature = true, b.Signature
		if b.Thinking != "" {
			return model.Contents{&model.Reasoning{Text: b.Thinking}}
		}
	case "redacted_thinking":
		return model.Contents{&model.Reasoning{ProtectedData: markRedacted + b.Data}}
	case "tool_use":
		r.call = &model.FunctionCall{CallID: b.ID, Name: b.Name}
		r.arguments.Reset()
		// Without deltas the whole input stands here.
		if raw := b.JSON.Input.Raw(); raw != "" && raw != "{}" && raw != "null" {
			r.arguments.WriteString(raw)
		}
	}
	return nil
}

func (r *reader) delta(d sdk.MessageStreamEventUnionDelta) model.Contents {
	switch d.Type {
	case "text_delta":
		return model.Contents{&model.Text{Text: d.Text}}
	case "thinking_delta":
		return model.Contents{&model.Reasoning{Text: d.Thinking}}
	case "signature_delta":
		r.signature += d.Signature
	case "input_json_delta":
		r.arguments.WriteString(d.PartialJSON)
	}
	return nil
}

// endBlock closes the open block: a signature covers the thought before it.
func (r *reader) endBlock() model.Contents {
	switch {
	case r.call != nil:
		call := r.call
		r.call = nil
		call.Arguments = r.arguments.String()
		if call.Arguments == "" {
			call.Arguments = "{}"
		}
		if !json.Valid([]byte(call.Arguments)) {
			call.Error = "the arguments are no valid JSON"
		}
		return model.Contents{call}
	case r.inThinking:
		signature := r.signature
		r.inThinking, r.signature = false, ""
		if signature != "" {
			return model.Contents{&model.Reasoning{ProtectedData: markSignature + signature}}
		}
	}
	return nil
}

// total takes the counts of the whole message; those that are absent keep the
// value that the start of the message gave.
func (r *reader) total(event sdk.MessageStreamEventUnion) {
	if event.Delta.StopReason != "" {
		r.stop = string(event.Delta.StopReason)
	}
	u := event.Usage
	r.output = max(r.output, u.OutputTokens)
	r.input = max(r.input, u.InputTokens)
	r.cacheRead = max(r.cacheRead, u.CacheReadInputTokens)
	r.cacheNew = max(r.cacheNew, u.CacheCreationInputTokens)
	r.thinking = max(r.thinking, u.OutputTokensDetails.ThinkingTokens)
}

// end returns the last update: usage, finish reason, model. A stream that ended
// before its last event was cut.
func (r *reader) end() (*model.Update, error) {
	if !r.done {
		return nil, &model.Error{Provider: Provider, Code: model.CodeStreamCut, Retryable: true,
			Message: "the answer ended before its last event"}
	}
	u := r.wrap(model.Contents{&model.UsageContent{Details: r.usage()}})
	u.FinishReason = finishReason(r.stop)
	if name, err := json.Marshal(r.model); err == nil && r.model != "" {
		u.AdditionalProperties = model.Properties{model.PropertyModel: name}
	}
	return u, nil
}

// usage adds the cache to the input: the API counts it apart.
func (r *reader) usage() model.Usage {
	in := r.input + r.cacheRead + r.cacheNew
	u := model.Usage{
		InputTokenCount: in, OutputTokenCount: r.output, TotalTokenCount: in + r.output,
		CachedInputTokenCount: r.cacheRead, ReasoningTokenCount: r.thinking,
	}
	if r.cacheNew > 0 {
		u.AdditionalCounts = map[string]int64{model.CountCacheWrite: r.cacheNew}
	}
	return u
}

func finishReason(stop string) string {
	switch stop {
	case "end_turn", "stop_sequence":
		return model.FinishStop
	case "max_tokens", "model_context_window_exceeded":
		return model.FinishLength
	case "tool_use":
		return model.FinishToolCalls
	case "refusal":
		return model.FinishContentFilter
	}
	return stop
}

func (r *reader) wrap(contents model.Contents) *model.Update {
	return &model.Update{ResponseID: r.id, MessageID: r.id, Role: model.RoleAssistant, Contents: contents}
}
