package dafx

import (
	"bytes"
	"encoding/json"

	"github.com/perdure/perdure/model"
)

// The values of "type" of Python's contents that are not those of .NET.
const (
	pythonType        = "type"
	pythonReasoning   = "text_reasoning"
	pythonCall        = "function_call"
	pythonResult      = "function_result"
	pythonFile        = "hosted_file"
	pythonVectorStore = "hosted_vector_store"
	pythonAsk         = "function_approval_request"
	pythonAnswer      = "function_approval_response"
)

// WritePythonContent returns content in the "type" form of Python.
func WritePythonContent(c model.Content) json.RawMessage {
	var m Members
	switch c := c.(type) {
	case *model.Text:
		m = pythonTyped(kindText, c.Annotations)
		m.text("text", c.Text)
	case *model.Reasoning:
		m = pythonTyped(pythonReasoning, c.Annotations)
		m.text("text", c.Text)
		m.textIf("protected_data", c.ProtectedData)
	case *model.Data:
		m = pythonTyped(kindData, c.Annotations)
		m.text("uri", c.URI)
		m.textIf("media_type", mediaOf(c.URI))
		m.textIf("name", c.Name)
	case *model.URI:
		m = pythonTyped(kindURI, c.Annotations)
		m.text("uri", c.URI)
		m.textIf("media_type", c.MediaType)
	case *model.ErrorContent:
		m = pythonTyped(kindError, c.Annotations)
		m.text("message", c.Message)
		m.textIf("error_code", c.ErrorCode)
		m.textIf("error_details", c.Details)
	case *model.FunctionCall:
		m = pythonTyped(pythonCall, c.Annotations)
		m.text("call_id", c.CallID)
		m.text("name", c.Name)
		m.text("arguments", c.Arguments)
		m.truth("informational_only", c.InformationalOnly)
		m.textIf("exception", c.Error)
	case *model.FunctionResult:
		m = pythonTyped(pythonResult, c.Annotations)
		m.text("call_id", c.CallID)
		m.rawIf("result", writeResult(c).Get("result"))
		m.textIf("exception", c.Error)
	case *model.HostedFile:
		m = pythonTyped(pythonFile, c.Annotations)
		m.text("file_id", c.FileID)
		m.textIf("name", c.Name)
		m.textIf("media_type", c.MediaType)
	case *model.HostedVectorStore:
		m = pythonTyped(pythonVectorStore, c.Annotations)
		m.text("vector_store_id", c.VectorStoreID)
	case *model.UsageContent:
		m = pythonTyped(kindUsage, c.Annotations)
		m.add("usage_details", writePythonUsage(c.Details))
	case *model.ApprovalRequest:
		m = writePythonApproval(pythonAsk, c.RequestID, c.ToolCall, c.Annotations)
	case *model.ApprovalResponse:
		m = writePythonApproval(pythonAnswer, c.RequestID, c.ToolCall, c.Annotations)
		m.add("approved", encoded(c.Approved))
		m.textIf("reason", c.Reason)
	default:
		return pythonUnknown(c)
	}
	return m.raw()
}

func pythonTyped(kind string, notes model.Annotations) Members {
	var m Members
	m.text(pythonType, kind)
	if len(notes) > 0 {
		m.rawIf(annotationMember, encoded(notes))
	}
	return m
}

func writePythonApproval(kind, id string, call model.Content, notes model.Annotations) Members {
	m := pythonTyped(kind, notes)
	m.text("id", id)
	if call != nil {
		m.add("function_call", WritePythonContent(call))
	}
	return m
}

// pythonUnknown returns content that Python has no kind for: verbatim if it has a
// type of its own.
func pythonUnknown(c model.Content) json.RawMessage {
	if raw, ok := c.(*model.Raw); ok {
		if kind, ok := stringOf(objectOf(raw.JSON).Get(pythonType)); ok && kind != "" && kind != kindUnknown {
			return bytes.Clone(raw.JSON)
		}
	}
	m := pythonTyped(kindUnknown, nil)
	m.add("content", whole(c))
	return m.raw()
}

// ReadPythonContent reads content in the "type" form of Python, as ReadContent
// does.
func ReadPythonContent(raw json.RawMessage) (model.Content, error) {
	m := objectOf(raw)
	r := &reader{where: "content", m: m}
	kind, _ := stringOf(m.Get(pythonType))
	var c model.Content
	switch kind {
	case kindText:
		c = &model.Text{Text: r.text("text"), Annotations: r.notes()}
	case pythonReasoning:
		c = &model.Reasoning{Text: r.text("text"), ProtectedData: r.text("protected_data"), Annotations: r.notes()}
	case kindData:
		c = readData(r.text("uri"), r.text("media_type"), r.text("name"), r.notes())
	case kindURI:
		c = &model.URI{URI: r.text("uri"), MediaType: r.text("media_type"), Annotations: r.notes()}
	case kindError:
		c = &model.ErrorContent{Message: r.text("message"), ErrorCode: r.text("error_code"), Details: r.text("error_details"), Annotations: r.notes()}
	case pythonCall:
		call := r.call()
		call.Error = r.text("exception")
		c = call
	case pythonResult:
		c = r.result("exception")
	case pythonFile:
		c = &model.HostedFile{FileID: r.text("file_id"), Name: r.text("name"), MediaType: r.text("media_type"), Annotations: r.notes()}
	case pythonVectorStore:
		c = &model.HostedVectorStore{VectorStoreID: r.text("vector_store_id"), Annotations: r.notes()}
	case kindUsage:
		c = &model.UsageContent{Details: readUsage(objectOf(m.find("usage_details"))), Annotations: r.notes()}
	case pythonAsk, pythonAnswer:
		return r.approval(kind)
	case kindUnknown:
		if inner := m.find("content"); inner != nil {
			raw = inner
		}
		return readWhole(raw)
	default:
		return readWhole(raw)
	}
	return c, r.err
}

// isPython reports whether content of this type has another form in Python than in
// package model.
func isPython(kind string) bool {
	switch kind {
	case kindText, pythonReasoning, kindData, kindURI, kindError, pythonCall, pythonResult, pythonFile, pythonVectorStore,
		kindUsage, pythonAsk, pythonAnswer:
		return true
	}
	return false
}

func (r *reader) approval(kind string) (model.Content, error) {
	var call model.Content
	if raw := r.m.find("function_call"); raw != nil {
		var err error
		if call, err = readCalled(raw); err != nil {
			return nil, err
		}
	}
	if kind == pythonAsk {
		return &model.ApprovalRequest{RequestID: r.text("id"), ToolCall: call, Annotations: r.notes()}, r.err
	}
	approved, _ := truthOf(r.m.find("approved"))
	return &model.ApprovalResponse{RequestID: r.text("id"), ToolCall: call, Approved: approved, Reason: r.text("reason"), Annotations: r.notes()}, r.err
}

// readCalled reads the call that an approval is about. Nothing else nests.
func readCalled(raw json.RawMessage) (c model.Content, err error) {
	switch kind, _ := stringOf(objectOf(raw).Get(pythonType)); kind {
	case pythonCall, kindUnknown:
		c, err = ReadPythonContent(raw)
	default:
		c, err = readWhole(raw)
	}
	switch c.(type) {
	case *model.FunctionCall, *model.MCPToolCall, *model.Raw:
		return c, err
	}
	if err == nil {
		c = &model.Raw{JSON: bytes.TrimSpace(raw)}
	}
	return c, err
}
