package dafx

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/perdure/perdure/model"
)

// The values of "$type" of contents.
const (
	kindText         = "text"
	kindReasoning    = "reasoning"
	kindData         = "data"
	kindURI          = "uri"
	kindError        = "error"
	kindCall         = "functionCall"
	kindResult       = "functionResult"
	kindFile         = "hostedFile"
	kindVectorStore  = "hostedVectorStore"
	kindUsage        = "usage"
	kindUnknown      = "unknown"
	typeMember       = "$type"
	oldTypeMember    = "json_type"    // of early documents of Python
	rawArguments     = "rawArguments" // beside arguments that are no object
	informationOnly  = "informationalOnly"
	annotationMember = "annotations"
)

// WriteContent returns content in the "$type" form. What has no such form goes
// whole into an "unknown".
func WriteContent(c model.Content) json.RawMessage {
	var m Members
	switch c := c.(type) {
	case *model.Text:
		m = typed(kindText, c.Annotations)
		m.text("text", c.Text)
	case *model.Reasoning:
		m = typed(kindReasoning, c.Annotations)
		m.text("text", c.Text)
		m.textIf("protectedData", c.ProtectedData)
	case *model.Data:
		m = typed(kindData, c.Annotations)
		m.text("uri", c.URI)
		m.textIf("mediaType", mediaOf(c.URI))
		m.textIf("name", c.Name)
	case *model.URI:
		m = typed(kindURI, c.Annotations)
		m.text("uri", c.URI)
		m.text("mediaType", c.MediaType)
	case *model.ErrorContent:
		m = typed(kindError, c.Annotations)
		m.text("message", c.Message)
		m.textIf("errorCode", c.ErrorCode)
		m.textIf("details", c.Details)
	case *model.FunctionCall:
		m = writeCall(c)
	case *model.FunctionResult:
		m = writeResult(c)
	case *model.HostedFile:
		m = typed(kindFile, c.Annotations)
		m.text("fileId", c.FileID)
		m.textIf("name", c.Name)
		m.textIf("mediaType", c.MediaType)
	case *model.HostedVectorStore:
		m = typed(kindVectorStore, c.Annotations)
		m.text("vectorStoreId", c.VectorStoreID)
	case *model.UsageContent:
		m = typed(kindUsage, c.Annotations)
		m.add("usage", writeStateUsage(c.Details))
	default:
		m = typed(kindUnknown, nil)
		m.add("content", whole(c))
	}
	return m.raw()
}

// typed begins content. Its type comes first: readers of .NET demand it.
func typed(kind string, notes model.Annotations) Members {
	var m Members
	m.text(typeMember, kind)
	if len(notes) > 0 {
		m.rawIf(annotationMember, encoded(notes))
	}
	return m
}

// whole is content as package model writes it, null if that cannot be.
func whole(c model.Content) json.RawMessage {
	if raw, ok := c.(*model.Raw); ok && json.Valid(raw.JSON) {
		return bytes.Clone(raw.JSON)
	}
	text := encoded(model.Contents{c})
	if len(text) < 2 || text[0] != '[' {
		return json.RawMessage("null")
	}
	return text[1 : len(text)-1]
}

func writeCall(c *model.FunctionCall) Members {
	m := typed(kindCall, c.Annotations)
	m.text("callId", c.CallID)
	m.text("name", c.Name)
	if arguments := json.RawMessage(c.Arguments); bytes.HasPrefix(arguments, []byte("{")) && bytes.HasSuffix(arguments, []byte("}")) && json.Valid(arguments) {
		m.add("arguments", arguments)
	} else {
		m.add("arguments", json.RawMessage("{}"))
		m.text(rawArguments, c.Arguments)
	}
	m.truth(informationOnly, c.InformationalOnly)
	m.textIf("error", c.Error)
	return m
}

// writeResult also gives a failure as the result, for readers that know no other
// place.
func writeResult(c *model.FunctionResult) Members {
	m := typed(kindResult, c.Annotations)
	m.text("callId", c.CallID)
	result := orNil(c.Result)
	if result != nil && !json.Valid(result) {
		result = quoted(string(result))
	}
	if result == nil && c.Error != "" {
		result = quoted(c.Error)
	}
	m.rawIf("result", result)
	m.textIf("error", c.Error)
	return m
}

// ReadContent reads content in the "$type" form, whose members may have any case.
// Unknown kinds become *model.Raw; a known kind whose members do not fit is a
// *FormatError.
func ReadContent(raw json.RawMessage) (model.Content, error) {
	m := objectOf(raw)
	r := &reader{where: "content", m: m}
	kind := r.kind()
	var c model.Content
	switch kind {
	case kindText:
		c = &model.Text{Text: r.text("text"), Annotations: r.notes()}
	case kindReasoning:
		c = &model.Reasoning{Text: r.text("text"), ProtectedData: r.text("protectedData"), Annotations: r.notes()}
	case kindData:
		c = readData(r.text("uri"), r.text("mediaType"), r.text("name"), r.notes())
	case kindURI:
		c = &model.URI{URI: r.text("uri"), MediaType: r.text("mediaType"), Annotations: r.notes()}
	case kindError:
		c = &model.ErrorContent{Message: r.text("message"), ErrorCode: r.text("errorCode"), Details: r.text("details"), Annotations: r.notes()}
	case kindCall:
		c = r.call()
	case kindResult:
		c = r.result("error")
	case kindFile:
		c = &model.HostedFile{FileID: r.text("fileId"), Name: r.text("name"), MediaType: r.text("mediaType"), Annotations: r.notes()}
	case kindVectorStore:
		c = &model.HostedVectorStore{VectorStoreID: r.text("vectorStoreId"), Annotations: r.notes()}
	case kindUsage:
		c = &model.UsageContent{Details: readUsage(objectOf(m.find("usage"))), Annotations: r.notes()}
	case kindUnknown:
		if inner := m.find("content"); inner != nil {
			raw = inner
		}
		return readWhole(raw)
	default:
		if inner, _ := stringOf(m.Get(pythonType)); kind == "" && isPython(inner) {
			return ReadPythonContent(raw)
		}
		return readWhole(raw)
	}
	return c, r.err
}

// readWhole reads content as package model writes it; what is not of that kind is
// kept verbatim. What package model would not read again is an error: nothing
// that holds it could be read.
func readWhole(raw json.RawMessage) (model.Content, error) {
	if raw = bytes.TrimSpace(raw); orNil(raw) == nil {
		return nil, malformed("content", "it is null")
	}
	var inner model.Contents
	if err := json.Unmarshal(list([]json.RawMessage{raw}), &inner); err != nil {
		return nil, malformed("content", "%v", err)
	}
	if d, ok := inner[0].(*model.Data); ok {
		return readData(d.URI, "", d.Name, d.Annotations), nil
	}
	return inner[0], nil
}

// verbatim is content that has no kind, or does not fit the one that it has.
func verbatim(raw json.RawMessage) model.Content {
	if c, err := readWhole(raw); err == nil {
		if kept, ok := c.(*model.Raw); ok {
			return kept
		}
	}
	m := typed(kindUnknown, nil)
	m.add("content", raw)
	return &model.Raw{JSON: m.raw()}
}

// reader reads the members of an object; its first error sticks.
type reader struct {
	where string
	m     Members
	err   error
}

func (r *reader) kind() string {
	for _, name := range []string{typeMember, oldTypeMember} {
		if kind, ok := stringOf(r.m.find(name)); ok && kind != "" {
			return kind
		}
	}
	return ""
}

// text reads a string, "" if it is absent.
func (r *reader) text(name string) string {
	s, ok := stringOf(r.m.find(name))
	if !ok && r.err == nil {
		r.err = malformed(r.where, "%s is no string: %s", name, shown(r.m.find(name)))
	}
	return s
}

func (r *reader) notes() model.Annotations {
	raw := r.m.find(annotationMember)
	var notes model.Annotations
	if raw == nil || json.Unmarshal(raw, &notes) != nil || len(notes) == 0 {
		return nil
	}
	return notes
}

func (r *reader) call() *model.FunctionCall {
	c := &model.FunctionCall{CallID: r.text("callId"), Name: r.text("name"), Error: r.text("error"), Annotations: r.notes()}
	c.InformationalOnly, _ = truthOf(r.m.find(informationOnly))
	c.Arguments = argumentsOf(r.m.find("arguments"))
	if before := r.m.find(rawArguments); before != nil {
		c.Arguments = r.text(rawArguments)
	}
	return c
}

// argumentsOf returns arguments as a model writes them, given as an object or as
// its text.
func argumentsOf(raw json.RawMessage) string {
	if raw == nil {
		return "{}"
	}
	if s, ok := stringOf(raw); ok {
		return s
	}
	return strings.ToValidUTF8(string(raw), "\ufffd")
}

// result reads a tool's answer, whose failure has the given name.
func (r *reader) result(failure string) *model.FunctionResult {
	c := &model.FunctionResult{CallID: r.text("callId"), Error: r.text(failure), Annotations: r.notes()}
	c.Result = bytes.Clone(r.m.find("result"))
	if s, ok := stringOf(c.Result); ok && c.Error != "" && s == c.Error {
		c.Result = nil
	}
	return c
}

const dataScheme = "data:"

func isData(uri string) bool {
	return len(uri) >= len(dataScheme) && strings.EqualFold(uri[:len(dataScheme)], dataScheme)
}

// mediaOf returns the media type of a data URI.
func mediaOf(uri string) string {
	if !isData(uri) {
		return ""
	}
	head, _, _ := strings.Cut(uri[len(dataScheme):], ",")
	media, _, _ := strings.Cut(head, ";")
	return media
}

// readData returns content that may lie in the URI or elsewhere. A media type
// that the data URI lacks is put into it.
func readData(uri, media, name string, notes model.Annotations) model.Content {
	switch {
	case !isData(uri):
		return &model.URI{URI: uri, MediaType: media, Annotations: notes}
	case mediaOf(uri) == "" && media != "" && !strings.ContainsAny(media, ";,"):
		uri = dataScheme + media + uri[len(dataScheme):]
	}
	return &model.Data{URI: uri, Name: name, Annotations: notes}
}
