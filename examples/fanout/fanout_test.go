package fanout_test

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/examples/fanout"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/perduretest"
)

// crowd is a model that reads only when three sections are being read, and notes
// the most that were.
type crowd struct {
	three chan struct{} // closed when three are being read

	mu            sync.Mutex // guards the rest
	reading, most int
}

func (c *crowd) Generate(_ context.Context, req *model.Request) iter.Seq2[*model.Update, error] {
	text := req.Messages[len(req.Messages)-1].Text()
	answer := "read " + text
	if strings.HasPrefix(req.Instructions, "Join") {
		answer = "all of: " + strings.ReplaceAll(text, "\n", ", ")
	} else {
		c.begin()
		<-c.three
		c.end()
	}
	return (&model.Response{Messages: []*model.Message{model.AssistantText(answer)}}).Updates()
}

func (c *crowd) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading++
	if c.most = max(c.most, c.reading); c.reading == 3 && c.most == 3 {
		select {
		case <-c.three:
		default:
			close(c.three)
		}
	}
}

func (c *crowd) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading--
}

func TestDigest(t *testing.T) {
	m := &crowd{three: make(chan struct{})}
	reg := perdure.NewRegistry()
	if err := fanout.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	got, err := perduretest.Run(perduretest.New(t, reg), fanout.DigestDocument, "a\n\nb\n\n\nc\n\nd\n\ne\n")
	if err != nil {
		t.Fatal(err)
	}
	want := fanout.Digest{
		Sections: []string{"read a", "read b", "read c", "read d", "read e"},
		Summary:  "all of: read a, read b, read c, read d, read e",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("DigestDocument() (-want +got):\n%s", d)
	}
	if m.most != 3 {
		t.Errorf("%d sections were read at the same time, want 3", m.most)
	}
}

func TestEmpty(t *testing.T) {
	reg := perdure.NewRegistry()
	if err := fanout.Register(reg, &crowd{}); err != nil {
		t.Fatal(err)
	}
	_, err := perduretest.Run(perduretest.New(t, reg), fanout.DigestDocument, " \n\n ")
	if err == nil || !strings.Contains(err.Error(), "the document is empty") {
		t.Errorf("DigestDocument() of nothing = %v, want an error", err)
	}
}
