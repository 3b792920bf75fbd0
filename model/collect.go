package model

import (
	"cmp"
	"iter"
	"maps"
	"time"
)

// Collect joins a stream into a response: adjacent texts become one, reasoning
// keeps its order and its protected data, usage is added up and stands at the
// end of the last message. When the stream fails, the response holds what came
// before the error and is returned beside it; it is never nil.
func Collect(seq iter.Seq2[*Update, error]) (*Response, error) {
	var c Collector
	for u, err := range seq {
		if err != nil {
			return c.Response(), err
		}
		c.Add(u)
	}
	return c.Response(), nil
}

// Collector joins updates one by one, for callers that also pass them on. The
// zero value is ready to use. It may not be used concurrently.
type Collector struct {
	response Response
	// open is the message that the next update continues; its contents are
	// owned by the collector until closed.
	open *openMessage
	used bool
	sum  Usage
}

// Add appends u. It keeps no reference to u or to the parts that it joins.
func (c *Collector) Add(u *Update) {
	if u == nil {
		return
	}
	r := &c.response
	r.AgentID = cmp.Or(u.AgentID, r.AgentID)
	r.ID = cmp.Or(u.ResponseID, r.ID)
	r.FinishReason = cmp.Or(u.FinishReason, r.FinishReason)
	r.ContinuationToken = u.ContinuationToken
	r.CreatedAt = later(r.CreatedAt, u.CreatedAt)
	if len(u.AdditionalProperties) > 0 {
		if r.AdditionalProperties == nil {
			r.AdditionalProperties = Properties{}
		}
		maps.Copy(r.AdditionalProperties, u.AdditionalProperties)
	}
	c.addContents(u)
}

// addContents appends the contents of u to the message that it belongs to.
func (c *Collector) addContents(u *Update) {
	if c.open != nil && c.open.differs(u) {
		c.close()
	}
	if c.open == nil {
		c.open = &openMessage{role: RoleAssistant}
	}
	if len(u.Contents) > 0 || u.MessageID != "" || u.Role != "" || u.AuthorName != "" {
		c.open.describe(u)
	}
	for _, content := range u.Contents {
		if usage, ok := content.(*UsageContent); ok {
			c.used = true
			c.sum.Add(usage.Details)
			continue
		}
		c.open.add(content)
	}
}

// close ends the open message. One without content is dropped.
func (c *Collector) close() {
	if c.open == nil {
		return
	}
	if m := c.open.message(); len(m.Contents) > 0 {
		c.response.Messages = append(c.response.Messages, m)
	}
	c.open = nil
}

// Response returns what has been collected. The collector must not be used
// afterwards.
func (c *Collector) Response() *Response {
	c.close()
	r := &c.response
	if c.used {
		if len(r.Messages) == 0 {
			r.Messages = []*Message{{Role: RoleAssistant}}
		}
		last := r.Messages[len(r.Messages)-1]
		last.Contents = append(last.Contents, &UsageContent{Details: c.sum})
	}
	return r
}

// openMessage is a message that still grows. text and thought hold the run of
// adjacent pieces that is being joined.
type openMessage struct {
	id, author string
	role       Role
	roleKnown  bool
	createdAt  time.Time
	contents   Contents
	text       []byte
	inText     bool
	thought    []byte
	inThought  bool
}

// differs reports whether u belongs to another message.
func (m *openMessage) differs(u *Update) bool {
	other := func(a, b string) bool { return a != "" && b != "" && a != b }
	return other(u.MessageID, m.id) || other(u.AuthorName, m.author) ||
		(m.roleKnown && other(string(u.Role), string(m.role)))
}

func (m *openMessage) describe(u *Update) {
	m.id = cmp.Or(m.id, u.MessageID)
	m.author = cmp.Or(m.author, u.AuthorName)
	if u.Role != "" {
		m.role, m.roleKnown = u.Role, true
	}
	m.createdAt = later(m.createdAt, u.CreatedAt)
}

// add appends content; plain texts and thoughts join the run before them. A
// thought with protected data ends its run: the data covers what precedes it.
func (m *openMessage) add(content Content) {
	switch c := content.(type) {
	case *Text:
		if len(c.Annotations) == 0 {
			m.endThought("")
			m.text, m.inText = append(m.text, c.Text...), true
			return
		}
	case *Reasoning:
		if len(c.Annotations) == 0 {
			m.endText()
			m.thought, m.inThought = append(m.thought, c.Text...), true
			if c.ProtectedData != "" {
				m.endThought(c.ProtectedData)
			}
			return
		}
	}
	m.endText()
	m.endThought("")
	m.contents = append(m.contents, content)
}

// endText closes a run of texts. Runs without a character are dropped.
func (m *openMessage) endText() {
	if m.inText && len(m.text) > 0 {
		m.contents = append(m.contents, &Text{Text: string(m.text)})
	}
	m.text, m.inText = nil, false
}

func (m *openMessage) endThought(protected string) {
	if m.inThought && (len(m.thought) > 0 || protected != "") {
		m.contents = append(m.contents, &Reasoning{Text: string(m.thought), ProtectedData: protected})
	}
	m.thought, m.inThought = nil, false
}

func (m *openMessage) message() *Message {
	m.endText()
	m.endThought("")
	return &Message{
		Contents: m.contents, Role: m.role, ID: m.id, AuthorName: m.author, CreatedAt: m.createdAt,
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
