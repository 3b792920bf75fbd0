package client_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// answering is a hub that answers every question with the same text.
type answering struct {
	hub.Hub
	text history.Text
}

func (h answering) Ask(context.Context, *hub.Ask) (history.Text, error) { return h.text, nil }

// FuzzAnswer reads answers of any shape: what does not fit is an error that names
// the instance.
func FuzzAnswer(f *testing.F) {
	f.Add(`"7"`, true)
	f.Add(`{"a":[1,null]}`, true)
	f.Add(`"\ud800`, true)
	f.Add("", true)
	f.Add("x", false)
	f.Fuzz(func(t *testing.T, text string, set bool) {
		c := client.New(answering{text: history.Text{S: text, Set: set}})
		got, err := client.Ask(t.Context(), c, "order-1", price, 1)
		var want string
		wantErr := json.Unmarshal([]byte(text), &want)
		if !set || text == "" {
			want, wantErr = "", nil
		}
		if (err != nil) != (wantErr != nil) || err == nil && got != want {
			t.Errorf("Ask() of %q = %q, %v, want %q, %v", text, got, err, want, wantErr)
		}
		if err != nil && (perdure.CodeOf(err) != perdure.InvalidArgument || !strings.Contains(err.Error(), "order-1")) {
			t.Errorf("Ask() of %q = %v, want an invalid argument with the instance", text, err)
		}
	})
}
