package agent

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// The decoders are not exported, so these tests look from inside.

// damaged is a hub with one entity and one row, whatever is asked for.
type damaged struct {
	hub.Hub
	state string
	row   store.Row
}

func (h damaged) Entity(context.Context, string) (*hub.Entity, error) {
	return &hub.Entity{State: history.Some(h.state)}, nil
}

func (h damaged) ReadRows(context.Context, store.RowQuery) ([]store.Row, []byte, error) {
	return []store.Row{h.row}, nil, nil
}

// FuzzFrames reads rows of a stream; an error names the turn.
func FuzzFrames(f *testing.F) {
	to := int64(3)
	row, err := streamRow([]Frame{
		{Offset: 1, Type: FrameText, Step: 1, Delta: "a"},
		{Offset: 2, Type: FrameReset, Step: 1, Attempt: 2, ToOffset: &to},
		{Offset: 3, Type: FrameEnd, Status: statusFailed, Error: "e"},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(row.Value))
	f.Add([]byte(`[null]`))
	f.Add([]byte(`[]`))
	f.Add([]byte(`[{"offset":1e99}]`))
	f.Fuzz(func(t *testing.T, value []byte) {
		frames, err := readFrames(store.Row{Owner: "turn-1", Value: value})
		if err != nil {
			if !strings.Contains(err.Error(), "turn-1") {
				t.Errorf("readFrames(%q) = %v, want the turn in it", value, err)
			}
			return
		}
		again, err := streamRow(frames)
		if err != nil {
			t.Fatalf("streamRow(%+v) = %v", frames, err)
		}
		got, err := readFrames(store.Row{Value: again.Value})
		if diff := cmp.Diff(frames, got); err != nil || diff != "" {
			t.Errorf("readFrames(%q) changes when stored again: %v (-want +got):\n%s", value, err, diff)
		}
	})
}

// FuzzLogRow reads rows of a conversation, and shows them to a model.
func FuzzLogRow(f *testing.F) {
	row, err := logRow("log", 7, model.UserText("hello"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(row.Key), []byte(row.Value))
	f.Add(make([]byte, 8), []byte(`null`))
	f.Add(make([]byte, 8), []byte(`{"Role":"assistant","Contents":[null,{"$type":"functionCall","callId":"c","name":"n"}]}`))
	f.Add([]byte("k"), []byte(`{}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		log, err := readLog(t.Context(), damaged{row: store.Row{Owner: "turn-1", Key: key, Value: value}}, "log", 0, 1, 1)
		if err != nil {
			if !strings.Contains(err.Error(), "turn-1") {
				t.Errorf("readLog(%x, %q) = %v, want the turn in it", key, value, err)
			}
			return
		}
		if got := uint64(log[0].Position); len(log) != 1 || got != binary.BigEndian.Uint64(key) {
			t.Errorf("readLog(%x) = position %d of %d", key, got, len(log))
		}
		if got, calls := view(log), len(log[0].Message.Contents.Calls()); len(got) > 1+calls {
			t.Errorf("view(%q) = %d messages, want at most %d", value, len(got), 1+calls)
		}
	})
}

// FuzzSessionState reads states of sessions.
func FuzzSessionState(f *testing.F) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	text, err := json.Marshal(&sessionState{
		Agent: "Joker", Incarnation: "i", Head: 3, Turns: 1, Recent: []string{"ab"}, Created: at, Updated: at,
		Running: &admitted{Turn: "t1", CorrelationID: "c", Replies: []string{"r"}, At: at},
		Queue:   []*admitted{{Turn: "t2", CorrelationID: "d", Messages: []*model.Message{model.UserText("u")}, At: at}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add(`{"queue":[null]}`)
	f.Add(`{"queue":[{"messages":[null]}]}`)
	f.Add(`null`)
	id := SessionID{Agent: "joker", Key: "k"}
	f.Fuzz(func(t *testing.T, text string) {
		state, err := readSession(t.Context(), damaged{state: text}, id)
		if err != nil {
			return
		}
		s := &session{sessionState: state}
		if v := viewSession(id, state); len(v.Queue) != len(state.Queue) {
			t.Errorf("viewSession(%s) has %d in its queue, want %d", text, len(v.Queue), len(state.Queue))
		}
		if got := s.admitted("no such turn"); got != nil && got.Turn != "no such turn" {
			t.Errorf("admitted() of %s = %+v, want none", text, got)
		}
		once, err := json.Marshal(state)
		if err != nil {
			return // a time without a form in JSON
		}
		again, err := readSession(t.Context(), damaged{state: string(once)}, id)
		if err != nil {
			t.Fatalf("readSession(%s) = %v", once, err)
		}
		if twice, err := json.Marshal(again); err != nil || string(twice) != string(once) {
			t.Errorf("state %s = %s when stored again, %v, want %s", text, twice, err, once)
		}
	})
}

// FuzzRunRequest reads what callers send to a session: messages or a refusal,
// never messages that are none.
func FuzzRunRequest(f *testing.F) {
	f.Add(`{"correlationId":"c","message":"m","role":"User"}`)
	f.Add(`{"correlationId":"c","input":[{"Role":"user","Contents":[{"$type":"text","Text":"m"}]}]}`)
	f.Add(`{"correlationId":"c","input":[null]}`)
	f.Add(`{"correlationId":"c","message":" ","role":"boss"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var r runRequest
		if perdure.Decode(history.Some(text), &r) != nil {
			return
		}
		messages, err := r.messages()
		if err != nil {
			if perdure.CodeOf(err) != perdure.InvalidArgument {
				t.Errorf("messages() of %s = %v, want an invalid argument", text, err)
			}
			return
		}
		if len(messages) == 0 {
			t.Errorf("messages() of %s has none", text)
		}
		for i, m := range messages {
			if m == nil {
				t.Errorf("messages() of %s: %d is none", text, i)
			}
		}
	})
}

// FuzzTurnID reads ids of runs; those that Turn makes give their session back.
func FuzzTurnID(f *testing.F) {
	f.Add("Joker", "k~1", "c", "dafx-joker~k~0123")
	f.Add("a", "~", "", "dafx-~~")
	f.Fuzz(func(t *testing.T, name, key, correlation, other string) {
		if id, ok := sessionOfTurn(other); ok && id.Key == "" {
			t.Errorf("sessionOfTurn(%q) = %+v, want a key", other, id)
		}
		id, err := NewSessionID(name, key)
		if err != nil {
			return
		}
		turn := id.Turn(correlation)
		if got, ok := sessionOfTurn(turn); !ok || got != id {
			t.Errorf("sessionOfTurn(%q) = %+v, %v, want %+v", turn, got, ok, id)
		}
	})
}

// FuzzArguments reads the arguments that models make up for tools.
func FuzzArguments(f *testing.F) {
	type city struct {
		Name string   `json:"name"`
		Days int      `json:"days,omitempty"`
		Tags []string `json:"tags,omitempty"`
	}
	tools := []Tool{
		NewTool("object", "", func(_ context.Context, in city) (city, error) { return in, nil }),
		NewTool("number", "", func(_ context.Context, in int) (int, error) { return in, nil }),
	}
	var bound []*boundTool
	for _, tool := range tools {
		b, err := bind(tool)
		if err != nil {
			f.Fatal(err)
		}
		bound = append(bound, b)
	}
	f.Add(`{"name":"Rome","days":3,"tags":["a"]}`)
	f.Add(`{"Arg0":5}`)
	f.Add(` `)
	f.Add(`null`)
	f.Add(`{"name":1e400}`)
	f.Fuzz(func(t *testing.T, text string) {
		for i, b := range bound {
			arguments, err := b.validate(text)
			if err != nil {
				if !strings.Contains(err.Error(), b.offer.Name) {
					t.Errorf("validate(%q) = %v, want the tool in it", text, err)
				}
				continue
			}
			if _, err := tools[i].Call(t.Context(), arguments); err != nil && !strings.Contains(err.Error(), "arguments") {
				t.Errorf("Call(%q) = %v, want what is wrong named", arguments, err)
			}
		}
	})
}
