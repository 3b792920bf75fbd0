package model

import (
	"bytes"
	"encoding/json"
)

// Annotations are the notes on a piece of content.
type Annotations []Annotation

// Annotation links content to its source: a citation.
type Annotation struct {
	// AnnotatedRegions are the spans of the content that the note is about;
	// none means all of it.
	AnnotatedRegions []Region `json:",omitempty"`
	FileID           string   `json:",omitempty"`
	Snippet          string   `json:",omitempty"`
	Title            string   `json:",omitempty"`
	ToolName         string   `json:",omitempty"`
	URL              string   `json:",omitempty"`

	// Raw is the JSON of an annotation that is no citation; the other fields
	// are then empty.
	Raw json.RawMessage `json:"-"`
}

// Region is a span of text: from the character Start up to, not including, End.
type Region struct {
	Start int
	End   int

	// Raw is the JSON of a region that is no text span.
	Raw json.RawMessage `json:"-"`
}

const (
	typeCitation = "citation"
	typeTextSpan = "text_span"
)

// MarshalJSON implements [json.Marshaler].
func (a Annotation) MarshalJSON() ([]byte, error) {
	if len(a.Raw) > 0 {
		return a.Raw, nil
	}
	type plain Annotation
	return marshalTyped(typeCitation, plain(a))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (a *Annotation) UnmarshalJSON(data []byte) error {
	if typeOf(data) != typeCitation {
		*a = Annotation{Raw: bytes.Clone(data)}
		return nil
	}
	type plain Annotation
	return json.Unmarshal(data, (*plain)(a))
}

// MarshalJSON implements [json.Marshaler].
func (r Region) MarshalJSON() ([]byte, error) {
	if len(r.Raw) > 0 {
		return r.Raw, nil
	}
	type plain Region
	return marshalTyped(typeTextSpan, plain(r))
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *Region) UnmarshalJSON(data []byte) error {
	if typeOf(data) != typeTextSpan {
		*r = Region{Raw: bytes.Clone(data)}
		return nil
	}
	type plain Region
	return json.Unmarshal(data, (*plain)(r))
}
