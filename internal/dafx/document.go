package dafx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
)

// The versions of the state document that can be written anew.
const (
	Version11 = "1.1.0"
	Version12 = "1.2.0"
	version20 = "2.0.0"
)

// Members of the state document.
const (
	memberVersion     = "schemaVersion"
	memberData        = "data"
	memberHistory     = "conversationHistory"
	memberCorrelation = "correlationId"
	memberCreated     = "createdAt"
	memberExpiration  = "expirationTimeUtc"
	memberExtension   = "extensionData"
	memberMessages    = "messages"
	memberTruncation  = "truncation"
)

// Kinds of entries.
const (
	EntryRequest    = "request"
	EntryResponse   = "response"
	EntryError      = "errorResponse" // in 2.0 only
	EntryCompaction = "compaction"    // in 2.0 only
)

// VersionError says that a state document has a version that is not understood.
// The document must be left as it is.
type VersionError struct{ Version string }

// Error implements error.
func (e *VersionError) Error() string {
	if e.Version == "" {
		return "state document: the schema version is missing; the document is left as it is"
	}
	return fmt.Sprintf("state document: schema version %q is not understood, only 1.x.x and 2.0.0 are; the document is left as it is", e.Version)
}

// Document is the state document of a session. It keeps all members that it does
// not know, on every level, where they stand.
type Document struct {
	Version string
	Entries []Entry
	root    Members
	data    Members
}

// Entry is an entry of the conversation's history.
type Entry struct{ Members }

var strictVersion = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$`)

// ParseDocument reads a state document of version 1.x.x or 2.0.0. The errors are
// *VersionError and *FormatError.
func ParseDocument(text []byte) (*Document, error) {
	if !json.Valid(text) {
		return nil, malformed("state document", "%s is no JSON", shown(text))
	}
	d := &Document{root: objectOf(text)}
	if d.root == nil {
		return nil, malformed("state document", "%s is no object", shown(text))
	}
	version, ok := stringOf(d.root.Get(memberVersion))
	if !ok {
		version = string(d.root.Get(memberVersion))
	}
	if !strictVersion.MatchString(version) || !strings.HasPrefix(version, "1.") && version != version20 {
		return nil, &VersionError{version}
	}
	d.Version = version
	raw := d.root.Get(memberData)
	if d.data = objectOf(raw); d.data == nil && raw != nil {
		return nil, malformed("state document", "data is no object: %s", shown(raw))
	}
	if err := d.readHistory(); err != nil {
		return nil, err
	}
	if version == version20 {
		return d, d.checkStrict()
	}
	return d, nil
}

func (d *Document) readHistory() error {
	raw := d.data.Get(memberHistory)
	var entries []json.RawMessage
	if raw != nil && json.Unmarshal(raw, &entries) != nil {
		return malformed("state document", "%s is no array: %s", memberHistory, shown(raw))
	}
	for i, e := range entries {
		m := objectOf(e)
		if m == nil {
			return malformed("state document", "entry %d is no object: %s", i, shown(e))
		}
		entry := Entry{typeFirst(m)}
		if err := entry.tidy(); err != nil {
			return malformed("state document", "entry %d: %v", i, err)
		}
		d.Entries = append(d.Entries, entry)
	}
	return nil
}

// typeFirst moves the type to the front, where readers of .NET demand it.
func typeFirst(m Members) Members {
	for i, member := range m {
		if member.Name != typeMember && member.Name != oldTypeMember {
			continue
		}
		if member.Name == oldTypeMember && m.Get(typeMember) != nil {
			continue
		}
		out := Members{{typeMember, member.Value}}
		out = append(out, m[:i]...)
		return append(out, m[i+1:]...)
	}
	return m
}

// tidy puts the type of all contents first.
func (e *Entry) tidy() error {
	raw := e.Get(memberMessages)
	var messages []json.RawMessage
	if raw != nil && json.Unmarshal(raw, &messages) != nil {
		return malformed("entry", "messages are no array: %s", shown(raw))
	}
	for i, message := range messages {
		m := objectOf(message)
		if m == nil {
			return malformed("entry", "message %d is no object: %s", i, shown(message))
		}
		var contents []json.RawMessage
		raw := m.Get("contents")
		if raw == nil {
			continue
		}
		if json.Unmarshal(raw, &contents) != nil {
			return malformed("entry", "contents of message %d are no array: %s", i, shown(raw))
		}
		for j, c := range contents {
			if content := objectOf(c); content != nil {
				contents[j] = typeFirst(content).raw()
			}
		}
		m.Set("contents", list(contents))
		messages[i] = m.raw()
	}
	if raw != nil {
		e.Set(memberMessages, list(messages))
	}
	return nil
}

// Kind returns the kind of the entry.
func (e Entry) Kind() string {
	kind, _ := stringOf(e.Get(typeMember))
	return kind
}

// CorrelationID returns the correlation id, "" if there is none.
func (e Entry) CorrelationID() string {
	id, _ := stringOf(e.Get(memberCorrelation))
	return id
}

// Messages returns the messages. Contents that do not fit their kind are kept
// verbatim.
func (e Entry) Messages() ([]*model.Message, error) {
	return stateForm.readMessages(e.Get(memberMessages), false)
}

// Usage returns the tokens used, nil if that is not known.
func (e Entry) Usage() *model.Usage {
	raw := e.Get("usage")
	if raw == nil {
		return nil
	}
	u := readUsage(objectOf(raw))
	return &u
}

// Data returns a member of the document's data, nil if it is absent.
func (d *Document) Data(name string) json.RawMessage { return d.data.Get(name) }

// SetData replaces a member of the document's data; nil removes it.
func (d *Document) SetData(name string, value json.RawMessage) { d.data.Set(name, value) }

// Expires returns when the session expires, zero if that is not known.
func (d *Document) Expires() time.Time {
	s, _ := stringOf(d.Data(memberExpiration))
	t, _ := ParseTime(s)
	return t
}

// Marshal returns the document, in the version that it has.
func (d *Document) Marshal() []byte {
	entries := make([]json.RawMessage, len(d.Entries))
	for i, e := range d.Entries {
		entries[i] = e.raw()
	}
	root, data := d.root, d.data
	if len(entries) > 0 || data.Get(memberHistory) != nil {
		data.Set(memberHistory, list(entries))
	}
	root.Set(memberVersion, quoted(d.Version))
	if data != nil {
		root.Set(memberData, data.raw())
	}
	return bytes.Clone(root.raw())
}

// Transcript returns the messages of the whole conversation, as package model has
// them, and the correlation ids that were answered, oldest first.
func (d *Document) Transcript() (messages []*model.Message, answered []string, err error) {
	for i, e := range d.Entries {
		list, err := e.Messages()
		if err != nil {
			return nil, nil, malformed("state document", "entry %d: %v", i, err)
		}
		for _, m := range list {
			if len(m.Contents) == 0 {
				continue // says nothing
			}
			if m.CreatedAt.IsZero() {
				s, _ := stringOf(e.Get(memberCreated))
				m.CreatedAt, _ = ParseTime(s)
			}
			if m.Role == "developer" {
				m.Role = model.RoleSystem
			}
			messages = append(messages, m)
		}
		if kind := e.Kind(); (kind == EntryResponse || kind == EntryError) && e.CorrelationID() != "" {
			answered = append(answered, e.CorrelationID())
		}
	}
	for _, receipt := range objectOf(d.Data(memberReceipts)) {
		answered = append(answered, receipt.Name)
	}
	return messages, answered, nil
}
