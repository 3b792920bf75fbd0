package dafx_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/model"
)

func grow(d *dafx.Document, id string, failure *dafx.Failure, mark string) {
	d.Append(&dafx.Turn{
		CorrelationID: id, Started: at("2026-11-02T09:00:00Z"), Ended: at("2026-11-02T09:00:01Z"), Failure: failure,
		Request:  []*model.Message{model.UserText("q-" + id)},
		Response: []*model.Message{{Role: model.RoleAssistant, Contents: model.Contents{&model.Text{Text: "a-" + id}}}},
	}, json.RawMessage(mark))
}

// TestAppend: a document grows by turns and is read as it was written; what it had of
// others stays.
func TestAppend(t *testing.T) {
	for _, version := range []string{dafx.Version11, dafx.Version12} {
		d, err := dafx.ParseDocument([]byte(`{"theirs":1,"schemaVersion":"` + version + `","data":{"more":{"x":2},"conversationHistory":[]}}`))
		if err != nil {
			t.Fatal(err)
		}
		grow(d, "c1", nil, `{"steps":3}`)
		grow(d, "c2", &dafx.Failure{Code: "timeout", Message: "too slow"}, "")
		grow(d, "c3", nil, "")
		d.SetExpires(at("2026-11-16T09:00:00Z"))
		if d, err = dafx.ParseDocument(d.Marshal()); err != nil {
			t.Fatal(err)
		}
		text := string(d.Marshal())
		if d.Version != version || !strings.HasPrefix(text, `{"theirs":1,`) || !strings.Contains(text, `"more":{"x":2}`) || !d.Expires().Equal(at("2026-11-16T09:00:00Z")) {
			t.Errorf("document %s of version %s = %s", d.Version, version, text)
		}
		e, ok := d.Response("c1")
		if !ok || string(e.Mark()) != `{"steps":3}` || e.Failed() || !e.Created().Equal(at("2026-11-02T09:00:01Z")) {
			t.Errorf("Response(c1) = %v, %v, want one with its mark", e, ok)
		}
		if e, ok = d.Response("c2"); !ok || !e.Failed() {
			t.Errorf("Response(c2) = %v, %v, want a failed one", e, ok)
		}
		if _, ok = d.Response("c4"); ok {
			t.Error("Response(c4) is there, want none")
		}
		messages, err := d.Said()
		var said []string
		for _, m := range messages {
			said = append(said, m.Text())
		}
		if diff := cmp.Diff([]string{"q-c1", "a-c1", "q-c3", "a-c3"}, said); err != nil || diff != "" {
			t.Errorf("Said() = %v (-want +got):\n%s", err, diff)
		}
	}
}

// TestEvict: the oldest turns go, whole, and version 1.2 counts them.
func TestEvict(t *testing.T) {
	for version, want := range map[string]int64{dafx.Version11: 0, dafx.Version12: 4} {
		d := dafx.NewDocument(version)
		for _, id := range []string{"c1", "c2", "c3", "c4"} {
			grow(d, id, nil, "")
		}
		d.Evict(1 << 20)
		if len(d.Entries) != 8 {
			t.Errorf("Evict() within the limit left %d entries, want 8", len(d.Entries))
		}
		two := 0
		for _, e := range d.Entries[4:] {
			text, err := json.Marshal(e.Members)
			if err != nil {
				t.Fatal(err)
			}
			two += len(text) + 1
		}
		d.Evict(two)
		if len(d.Entries) != 4 || d.Entries[0].CorrelationID() != "c3" || d.Evicted() != want {
			t.Errorf("Evict(%d) of version %s left %s, evicted %d, want c3 and c4, evicted %d", two, version, d.Marshal(), d.Evicted(), want)
		}
		d.Evict(1)
		if len(d.Entries) != 2 || d.Entries[0].CorrelationID() != "c4" || d.Evicted() != want+want/2 {
			t.Errorf("Evict(1) left %s, evicted %d, want the newest turn", d.Marshal(), d.Evicted())
		}
		if _, err := dafx.ParseDocument(d.Marshal()); err != nil {
			t.Error(err)
		}
	}
}
