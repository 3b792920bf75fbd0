package dafx

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/perdure/perdure/model"
)

// DefaultLimit bounds the history of a state document, in bytes.
const DefaultLimit = 2 << 20

// Projection is a conversation of which a state document is to be written.
type Projection struct {
	Version string // Version11 or Version12; "" = Version12
	Limit   int    // bytes of history; 0 = DefaultLimit
	Turns   []Turn // oldest first
	// Polled are correlation ids that somebody waits for: their turns are shown
	// last, however old they are and however long.
	Polled  []string
	Expires time.Time // zero = never
	LogHead int64     // position of the next message of the log
	// Evicted are messages from before Turns that are left out already.
	Evicted Evicted
}

// Turn is a turn of a conversation.
type Turn struct {
	CorrelationID, OrchestrationID string
	Started                        time.Time
	Format                         Format
	Request                        []*model.Message
	Ended                          time.Time // zero = it goes on
	Response                       []*model.Message
	Usage                          *model.Usage
	Failure                        *Failure // nil = it has answered
}

// Failure says why a turn has no answer.
type Failure struct{ Code, Message string }

// Evicted are messages that a document leaves out.
type Evicted struct {
	Messages    int64
	First, Last time.Time
}

// Write returns the state document: the newest turns, as many as the limit allows.
func (p *Projection) Write() []byte {
	limit := p.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	var turns, last []Turn
	for _, t := range p.Turns {
		if slices.Contains(p.Polled, t.CorrelationID) {
			last = append(last, t)
		} else {
			turns = append(turns, t)
		}
	}
	turns = append(turns, last...)
	always := max(len(last), 1)
	var entries []json.RawMessage // newest first
	size, kept := 0, len(turns)
	for i := len(turns) - 1; i >= 0; i-- {
		written := p.entries(&turns[i])
		for _, e := range written {
			size += len(e) + 1
		}
		if size > limit && i < len(turns)-always {
			break
		}
		slices.Reverse(written)
		entries = append(entries, written...)
		kept = i
	}
	slices.Reverse(entries)
	return p.document(entries, p.evicted(turns[:kept])).raw()
}

// evicted counts the messages of turns that are left out.
func (p *Projection) evicted(turns []Turn) Evicted {
	e := p.Evicted
	for _, t := range turns {
		n := int64(len(t.Request) + len(t.Response))
		if n == 0 {
			continue
		}
		e.Messages += n
		if e.First.IsZero() {
			e.First = t.Started
		}
		e.Last = t.Started
		if !t.Ended.IsZero() {
			e.Last = t.Ended
		}
	}
	return e
}

func (p *Projection) document(entries []json.RawMessage, left Evicted) Members {
	version := p.Version
	if version == "" {
		version = Version12
	}
	var data Members
	data.add(memberHistory, list(entries))
	if !p.Expires.IsZero() {
		data.text(memberExpiration, FormatTime(p.Expires))
	}
	if left.Messages > 0 && version == Version12 {
		var m Members
		m.count("evictedMessageCount", left.Messages)
		if !left.First.IsZero() {
			m.text("firstEvictedAt", FormatTime(left.First))
			m.text("lastEvictedAt", FormatTime(left.Last))
		}
		data.add(memberTruncation, m.raw())
	}
	var mark Members
	mark.count("logHead", p.LogHead)
	data.add(memberExtension, extension(mark))
	var root Members
	root.text(memberVersion, version)
	root.add(memberData, data.raw())
	return root
}

// extension is extension data of ours.
func extension(m Members) json.RawMessage {
	var out Members
	out.add("perdure", m.raw())
	return out.raw()
}

// entries are the request and, if the turn has ended, the response.
func (p *Projection) entries(t *Turn) []json.RawMessage {
	e := entry(EntryRequest, t.CorrelationID, t.Started)
	e.textIf("orchestrationId", t.OrchestrationID)
	if t.Format.JSON {
		e.text("responseType", "json")
		e.rawIf("responseSchema", t.Format.Schema)
	}
	e.add(memberMessages, p.messages(t.Request))
	written := []json.RawMessage{e.raw()}
	if t.Ended.IsZero() {
		return written
	}
	e = entry(EntryResponse, t.CorrelationID, t.Ended)
	if t.Usage != nil {
		e.add("usage", writeStateUsage(*t.Usage))
	}
	messages := t.Response
	if t.Failure != nil { // in a response, so that those who poll for one see the end
		messages = append(slices.Clone(messages), Failed(t.Failure.Code, t.Failure.Message).Messages...)
	}
	e.add(memberMessages, p.messages(messages))
	if t.Failure != nil {
		var mark Members
		mark.text("outcome", "failed")
		mark.textIf("errorCode", t.Failure.Code)
		e.add(memberExtension, extension(mark))
	}
	return append(written, e.raw())
}

func entry(kind, correlation string, at time.Time) Members {
	var m Members
	m.text(typeMember, kind)
	m.text(memberCorrelation, correlation)
	m.text(memberCreated, FormatTime(at))
	return m
}

// messages leaves out what version 1.1 does not know.
func (p *Projection) messages(messages []*model.Message) json.RawMessage {
	form := stateForm
	if p.Version != Version11 {
		return form.writeMessages(messages)
	}
	plain := make([]*model.Message, len(messages))
	for i, m := range messages {
		c := *m
		c.ID, c.AdditionalProperties = "", nil
		plain[i] = &c
	}
	return form.writeMessages(plain)
}
