package perdure_test

import (
	"encoding/json"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// FuzzDecode reads values of any shape: what was read comes back when it is
// written, and an error shows the text and the type.
func FuzzDecode(f *testing.F) {
	f.Add(`{"a":[1,2.5e3,"x",null,true],"b":{"<&>":"\u2028"}}`)
	f.Add(`"a\u0041\ud800"`)
	f.Add(`1e999`)
	f.Add(`{"a":1}{}`)
	f.Add(" ")
	f.Fuzz(func(t *testing.T, text string) {
		var v any
		if err := perdure.Decode(history.Some(text), &v); err != nil {
			if json.Valid([]byte(text)) && json.Unmarshal([]byte(text), new(any)) == nil {
				t.Errorf("Decode(%q) = %v, want none", text, err)
			}
			return
		}
		once, err := perdure.Encode(v)
		if err != nil {
			t.Fatalf("Encode(%v) = %v", v, err)
		}
		var again any
		if err := perdure.Decode(once, &again); err != nil {
			t.Fatalf("Decode(%s) = %v", once.S, err)
		}
		if twice, err := perdure.Encode(again); err != nil || twice != once {
			t.Errorf("Encode(Decode(%s)) = %s, %v", once.S, twice.S, err)
		}
	})
}

// FuzzRequestEvent reads the data of events that ask, which any client may send.
func FuzzRequestEvent(f *testing.F) {
	kind := perdure.NewRequest[map[string]any, any]("ask")
	data, err := kind.Data("r1", map[string]any{"a": 1.5})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data.S)
	f.Add(`{"requestId":"r","input":null}`)
	f.Add(`{"requestId":5}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		take := func(text history.Text) (*perdure.Request[map[string]any, any], error) {
			rt := &scripted{}
			task := kind.Wait(perdure.NewContext(rt, perdure.NewRegistry()))
			rt.steps[0].Complete(text)
			return task.Await()
		}
		r, err := take(history.Some(text))
		if err != nil {
			return
		}
		data, err := kind.Data(r.ID(), r.Input)
		if err != nil {
			t.Fatalf("Data(%q, %v) = %v", r.ID(), r.Input, err)
		}
		again, err := take(data)
		if err != nil || again.ID() != r.ID() || len(again.Input) != len(r.Input) {
			t.Errorf("request %q = %+v when sent again, %v, want %+v", text, again, err, r)
		}
	})
}

func FuzzParseEntityID(f *testing.F) {
	f.Add("@Counter@K")
	f.Add("@x@y@z")
	f.Add("@\xff@\x00")
	f.Add("@@k")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := perdure.ParseEntityID(s)
		if err != nil {
			return
		}
		if again, err := perdure.ParseEntityID(id.String()); err != nil || again != id {
			t.Errorf("ParseEntityID(%q) = %+v, %v, want %+v", id.String(), again, err, id)
		}
	})
}
