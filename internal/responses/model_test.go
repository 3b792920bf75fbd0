package responses_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"

	"github.com/perdure/perdure/model"
)

// halting says "There it is.", and waits in the middle until the gate is open.
type halting struct{ gate chan struct{} }

func (m *halting) Generate(ctx context.Context, _ *model.Request) iter.Seq2[*model.Update, error] {
	return func(yield func(*model.Update, error) bool) {
		say := func(text string) bool {
			return yield(&model.Update{MessageID: "m", Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: text}}}, nil)
		}
		if !say("There ") {
			return
		}
		select {
		case <-m.gate:
			say("it is.")
		case <-ctx.Done():
			yield(nil, context.Cause(ctx))
		}
	}
}

func decode(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
