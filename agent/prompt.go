package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// prompt is what a model step reads before it calls the model.
type prompt struct {
	in      modelInput
	log     []LogMessage   // of the view
	summary *model.Message // that stands for what is before the view; nil = nothing
	options *TurnOptions   // nil = none
	context *turnContext   // nil = none
}

// readPrompt reads the messages, the options and the context of a model step.
func readPrompt(ctx context.Context, h hub.Rows, turn string, in modelInput) (*prompt, error) {
	p := &prompt{in: in}
	var err error
	if p.log, err = readLog(ctx, h, in.Log, in.View.From, in.To, math.MaxInt); err != nil {
		return nil, err
	}
	if err := p.whole(); err != nil {
		return nil, perdure.NonRetryable(err)
	}
	said := p.log[:0]
	for _, m := range p.log {
		// What a provider has refused is given once more to the turn itself, if that is rewound.
		if source := m.Message.Source.Type; source != sourceSummary && (source != sourceRefused || m.Position >= in.First) {
			said = append(said, m)
		}
	}
	p.log = said
	if p.summary, err = readSummary(ctx, h, in.Log, in.View); err != nil {
		return nil, err
	}
	if in.Options {
		p.options = &TurnOptions{}
		if err := readTurnRow(ctx, h, turn, keyOptions, p.options); err != nil {
			return nil, err
		}
	}
	if in.Context != "" {
		p.context = &turnContext{}
		if err := readTurnRow(ctx, h, in.Context, keyContext, p.context); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// whole reports messages of the turn itself that are missing.
func (p *prompt) whole() error {
	first, have := max(p.in.First, p.in.View.From), int64(0)
	for _, m := range p.log {
		if m.Position >= first {
			have++
		}
	}
	if want := p.in.To - first; have != want {
		return &perdure.Error{Code: perdure.Internal, Op: "read conversation",
			Message: fmt.Sprintf("the turn has %d messages, of which %d are there", want, have)}
	}
	return nil
}

// messages returns what the model is given.
func (p *prompt) messages() []*model.Message {
	log := trimmed(p.log, p.in.View)
	split := len(log)
	for i, m := range log {
		if m.Position >= p.in.First {
			split = i
			break
		}
	}
	before, turn := log[:split], log[split:]
	if p.in.View.From > 0 && p.summary == nil { // with a summary, the view was cut where it may begin
		if before = fromUser(before); len(before) == 0 && p.context == nil {
			turn = fromUser(turn)
		}
	}
	all := append([]LogMessage{}, before...)
	if p.context != nil {
		for _, m := range p.context.Messages {
			all = append(all, LogMessage{Message: m})
		}
	}
	return append(p.head(), view(append(all, turn...))...)
}

// rowTurn holds what all model steps of a turn share, and notes of calls that were
// made. The number is stored.
const rowTurn = 102

const (
	keyOptions = "options"
	keyContext = "context"
)

func turnRow(key string, v any) (perdure.Row, error) {
	text, err := json.Marshal(v)
	return perdure.Row{Kind: rowTurn, Key: []byte(key), Value: text}, err
}

// readTurnRow reads a row that a turn has.
func readTurnRow(ctx context.Context, h hub.Rows, turn, key string, v any) error {
	rows, _, err := h.ReadRows(ctx, store.RowQuery{Kind: rowTurn, Owner: turn, Prefix: []byte(key), Limit: 1})
	if err != nil {
		return err
	}
	damaged := &perdure.Error{Code: perdure.Internal, Op: "read " + key, Instance: turn, Message: "that of the turn is missing or damaged"}
	if len(rows) == 0 || string(rows[0].Key) != key {
		return perdure.NonRetryable(damaged)
	}
	if err := json.Unmarshal(rows[0].Value, v); err != nil {
		damaged.Cause = err
		return perdure.NonRetryable(damaged)
	}
	return nil
}
