package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
)

// Compaction keeps what the model is given short in long conversations. It
// changes the view of the model only: the conversation stays as it is, to be read
// and exported. Calls of tools are never parted from their results. What the view
// is, is journaled with each call of the model.
type Compaction struct {
	// MaxTokens and MaxMessages are how much the model may be given before the
	// view is made shorter: tokens of input as the provider counts them, and
	// messages. 0 = any. One of them must be set.
	MaxTokens   int64
	MaxMessages int
	// Keep is how many of the newest messages are left alone. 0 = 10.
	Keep int
	// TrimResults cuts the results of tools that are older than Keep to so many
	// bytes, before anything is left out. 0 = they stay whole.
	TrimResults int
	// Summarize has a model tell what is left out; else, and if that fails for good,
	// the model is told only that something was. Summarizer is the model; nil = that
	// of the agent.
	Summarize  bool
	Summarizer model.Model
	// Instructions say how to summarise. "" = briefly, with all facts and open
	// tasks.
	Instructions string
}

const (
	defaultKeep = 10
	// sourceSummary is the Source.Type of messages that stand for what the model
	// is no longer given.
	sourceSummary = "perdure.summary"

	defaultSummary = "Summarise the conversation so far for the assistant that is to go on with it. Be brief, but keep all facts, decisions, names, numbers and open tasks. Answer with the summary alone."
	leftOut        = "Earlier messages of this conversation were left out."
)

func (c *Compaction) check() error {
	switch {
	case c == nil:
		return nil
	case c.MaxTokens < 0 || c.MaxMessages < 0 || c.Keep < 0 || c.TrimResults < 0:
		return errors.New("a bound of the Compaction is negative")
	case c.MaxTokens == 0 && c.MaxMessages == 0:
		return errors.New("the Compaction has neither MaxTokens nor MaxMessages")
	case c.MaxMessages > 0 && int64(c.MaxMessages) <= c.keep():
		return fmt.Errorf("the Compaction keeps %d messages, and has to begin at %d", c.keep(), c.MaxMessages)
	}
	return nil
}

func (c *Compaction) keep() int64 {
	if c.Keep == 0 {
		return defaultKeep
	}
	return int64(c.Keep)
}

// viewOf is what of a conversation a model is given.
type viewOf struct {
	From    int64 `json:"from,omitempty"`    // first position
	Summary int64 `json:"summary,omitempty"` // position of the message that stands for those before it, plus one; 0 = none
	Trim    int64 `json:"trim,omitempty"`    // results of tools before this position are cut
	TrimTo  int   `json:"trimTo,omitempty"`  // to so many bytes
	Tokens  int64 `json:"tokens,omitempty"`  // of the view when it was used last
}

// compact makes the view of the model shorter, if it has become too long.
func (t *turn) compact() error {
	c := t.policy
	if c.MaxTokens == 0 && c.MaxMessages == 0 || t.external {
		return nil
	}
	long := c.MaxMessages > 0 && t.position-t.view.From > int64(c.MaxMessages)
	cut := t.position - c.Keep
	if !long && (c.MaxTokens == 0 || t.view.Tokens <= c.MaxTokens) || cut <= t.view.From {
		return nil
	}
	if c.TrimResults > 0 && !long && t.view.Trim < cut {
		t.view.Trim, t.view.TrimTo, t.view.Tokens = cut, c.TrimResults, 0 // seen after the next step
		return nil
	}
	t.cut = cut
	out, err := t.askModels()
	var failed *perdure.StepError
	if errors.As(err, &failed) { // a conversation goes on without a summary rather than not at all
		t.plain = true
		out, err = t.askModel(0)
	}
	t.cut, t.plain = 0, false
	if err != nil {
		return err
	}
	if len(out.Messages) == 0 { // nowhere to cut without parting a call from its result
		t.view.Tokens = 0
		return nil
	}
	t.view.From, t.view.Summary, t.view.Tokens = out.From, t.position+1, 0
	t.usage.Add(out.Usage)
	return t.append(out.Messages...)
}

// summary is the model step that makes a message which stands for the messages
// before in.Cut.
func (c *code) summary(ctx context.Context, p *prompt, call func(model.Model, *model.Request) (*model.Response, error)) (*modelOutput, error) {
	cut := p.boundary(p.in.Cut)
	if cut <= p.in.View.From {
		return &modelOutput{Hash: c.hash}, nil
	}
	out := &modelOutput{From: cut, Hash: c.hash, Messages: []*model.Message{
		{Role: model.RoleUser, Source: model.Source{Type: sourceSummary}, Contents: model.Contents{&model.Text{Text: leftOut}}},
	}}
	how := c.agent.Compaction
	if how == nil || !how.Summarize || p.in.Plain {
		return out, nil
	}
	m := how.Summarizer
	if m == nil {
		m = c.modelAt(p.in.Model)
	}
	instructions := how.Instructions
	if instructions == "" {
		instructions = defaultSummary
	}
	answer, err := call(m, &model.Request{
		Instructions: instructions, Messages: append(p.before(cut), model.UserText(instructions)),
	})
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(answer.Text())
	if text == "" {
		return nil, errors.New("the summary of the conversation is empty")
	}
	out.Messages[0].Contents = model.Contents{&model.Text{Text: "Summary of the conversation so far:\n" + text}}
	out.Usage = answer.Usage()
	return out, ctx.Err()
}

// boundary returns the last position up to at at which a view may begin: where no
// call is parted from its result. It is at most the view's begin if there is none.
func (p *prompt) boundary(at int64) int64 {
	last := p.in.View.From
	for _, m := range p.log {
		if m.Position > at {
			break
		}
		if m.Message.Role != model.RoleTool {
			last = m.Position
		}
	}
	return last
}

// before returns the messages of the view before a position.
func (p *prompt) before(position int64) []*model.Message {
	log := p.log
	for i, m := range log {
		if m.Position >= position {
			log = log[:i]
			break
		}
	}
	return append(p.head(), view(log)...)
}

// head returns the message that stands for those before the view, if there is one.
func (p *prompt) head() []*model.Message {
	if p.summary == nil {
		return nil
	}
	return []*model.Message{p.summary}
}

// readSummary reads the message that stands for those before the view.
func readSummary(ctx context.Context, h hub.Rows, log string, v viewOf) (*model.Message, error) {
	if v.Summary == 0 {
		return nil, nil
	}
	list, err := readLog(ctx, h, log, v.Summary-1, v.Summary, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, perdure.NonRetryable(&perdure.Error{Code: perdure.Internal, Op: "read conversation",
			Message: fmt.Sprintf("the summary at the position %d is not there", v.Summary-1)})
	}
	return list[0].Message, nil
}

// trimmed returns the log with results of tools cut as the view says.
func trimmed(log []LogMessage, v viewOf) []LogMessage {
	if v.Trim == 0 {
		return log
	}
	out := make([]LogMessage, len(log))
	copy(out, log)
	for i, m := range out {
		if m.Position >= v.Trim || m.Message.Role != model.RoleTool {
			continue
		}
		message := *m.Message
		message.Contents = append(model.Contents(nil), m.Message.Contents...)
		for j, c := range message.Contents {
			if r, ok := c.(*model.FunctionResult); ok && len(r.Result) > v.TrimTo {
				short := *r
				short.Result = cutResult(r.Result, v.TrimTo)
				message.Contents[j] = &short
			}
		}
		out[i].Message = &message
	}
	return out
}

// cutResult returns the beginning of a result as a JSON text.
func cutResult(result json.RawMessage, most int) json.RawMessage {
	text := string(result)
	var s string
	if json.Unmarshal(result, &s) == nil {
		text = s
	}
	if len(text) <= most {
		return result
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	cut, err := json.Marshal(fmt.Sprintf("%s … (%d bytes were left out)", text[:most], len(text)-most))
	if err != nil { // texts are always encodable
		panic(err)
	}
	return cut
}
