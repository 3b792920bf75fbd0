package dafx

import (
	"encoding/json"
	"time"

	"github.com/perdure/perdure/model"
)

// Members of what a document tells of messages that it has dropped.
const (
	memberEvicted   = "evictedMessageCount"
	memberEvictedAt = "firstEvictedAt"
	memberEvictedTo = "lastEvictedAt"
)

// NewDocument returns a document without entries, in a version; "" = Version12.
func NewDocument(version string) *Document {
	if version == "" {
		version = Version12
	}
	return &Document{Version: version, data: Members{{memberHistory, json.RawMessage("[]")}}}
}

// Append adds a turn that has ended, as the version of the document has it, which
// must not be 2.0.0. Mark is kept with the response, in extension data of ours, for
// Entry.Mark; nil = nothing.
func (d *Document) Append(t *Turn, mark json.RawMessage) {
	p := Projection{Version: d.Version}
	for _, written := range p.entries(t) {
		d.Entries = append(d.Entries, Entry{objectOf(written)})
	}
	if orNil(mark) == nil {
		return
	}
	last := &d.Entries[len(d.Entries)-1]
	ours := last.ours()
	ours.Set(memberMark, mark)
	last.Set(memberExtension, extension(ours))
}

const memberMark = "mark"

// ours is the extension data that Perdure has given the entry.
func (e Entry) ours() Members { return objectOf(objectOf(e.Get(memberExtension)).Get("perdure")) }

// Mark returns what was given to Append with the entry, nil if nothing was.
func (e Entry) Mark() json.RawMessage { return e.ours().Get(memberMark) }

// Failed reports whether the entry is the end of a turn that could not answer.
func (e Entry) Failed() bool {
	outcome, _ := stringOf(e.ours().Get("outcome"))
	return outcome == "failed" || e.Kind() == EntryError
}

// Created returns when the entry was made, zero if that is not known.
func (e Entry) Created() time.Time {
	s, _ := stringOf(e.Get(memberCreated))
	t, _ := ParseTime(s)
	return t
}

// Response returns the entry that ended the turn of a message, and false if there is
// none.
func (d *Document) Response(correlationID string) (Entry, bool) {
	for i := len(d.Entries) - 1; i >= 0; i-- {
		e := d.Entries[i]
		if kind := e.Kind(); (kind == EntryResponse || kind == EntryError) && e.CorrelationID() == correlationID {
			return e, true
		}
	}
	return Entry{}, false
}

// Said returns the messages of the conversation that a model may be given, oldest
// first: not those of turns that have failed, one of which a provider may refuse again
// and again.
func (d *Document) Said() ([]*model.Message, error) {
	failed := map[string]bool{}
	for _, e := range d.Entries {
		if e.Failed() {
			failed[e.CorrelationID()] = true
		}
	}
	kept := &Document{Version: d.Version}
	for _, e := range d.Entries {
		if !failed[e.CorrelationID()] {
			kept.Entries = append(kept.Entries, e)
		}
	}
	messages, _, err := kept.Transcript()
	return messages, err
}

// Evicted returns how many messages the document has dropped, as far as it tells.
func (d *Document) Evicted() int64 {
	n, _ := countOf(objectOf(d.Data(memberTruncation)).Get(memberEvicted))
	return n
}

// Evict drops the oldest turns until the history has at most limit bytes, but never
// the newest turn. Version 1.1.0 does not tell how much was dropped.
func (d *Document) Evict(limit int) {
	size := 0
	for _, e := range d.Entries {
		size += len(e.raw()) + 1
	}
	n, messages := 0, int64(0)
	var first, last time.Time
	for n < len(d.Entries) && size > limit {
		end := n + 1 // after the turn
		for end < len(d.Entries) && d.Entries[end].CorrelationID() == d.Entries[n].CorrelationID() {
			end++
		}
		if end == len(d.Entries) {
			break
		}
		for _, e := range d.Entries[n:end] {
			size -= len(e.raw()) + 1
			var list []json.RawMessage
			_ = json.Unmarshal(e.Get(memberMessages), &list) // it was read before
			messages += int64(len(list))
			if last = e.Created(); first.IsZero() {
				first = last
			}
		}
		n = end
	}
	if n == 0 {
		return
	}
	d.Entries = append([]Entry{}, d.Entries[n:]...)
	if d.Version == Version11 {
		return
	}
	told := objectOf(d.Data(memberTruncation))
	var count Members
	count.count(memberEvicted, d.Evicted()+messages)
	told.Set(memberEvicted, count.Get(memberEvicted))
	if told.Get(memberEvictedAt) == nil && !first.IsZero() {
		told.Set(memberEvictedAt, quoted(FormatTime(first)))
	}
	if !last.IsZero() {
		told.Set(memberEvictedTo, quoted(FormatTime(last)))
	}
	d.SetData(memberTruncation, told.raw())
}

// SetExpires notes when the session expires; zero = never.
func (d *Document) SetExpires(t time.Time) {
	if t.IsZero() {
		d.SetData(memberExpiration, nil)
		return
	}
	d.SetData(memberExpiration, quoted(FormatTime(t)))
}
