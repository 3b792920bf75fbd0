package responses

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"
)

// request is the body of POST /v1/responses. Members that are not here are
// ignored.
type request struct {
	Model              string            `json:"model"`
	Input              json.RawMessage   `json:"input"`
	Instructions       *string           `json:"instructions"`
	Stream             bool              `json:"stream"`
	Background         bool              `json:"background"`
	Store              *bool             `json:"store"`
	PreviousResponseID string            `json:"previous_response_id"`
	Conversation       json.RawMessage   `json:"conversation"` // an id, or an object with one
	Metadata           map[string]string `json:"metadata"`

	Tools           []tool          `json:"tools"`
	ToolChoice      json.RawMessage `json:"tool_choice"` // a word, or an object that names a tool
	Text            *textConfig     `json:"text"`
	MaxOutputTokens *int            `json:"max_output_tokens"`
	Temperature     *float64        `json:"temperature"`
	TopP            *float64        `json:"top_p"`
}

// tool is a function of the caller.
type tool struct {
	Type        string          `json:"type"` // function
	Name        string          `json:"name"`
	Description *string         `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      *bool           `json:"strict"`
}

// textConfig says what form the answer has.
type textConfig struct {
	Format *format `json:"format"`
}

// format is a form of answers.
type format struct {
	Type        string          `json:"type"`
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// Types of formats.
const (
	formatText   = "text"
	formatSchema = "json_schema"
	formatObject = "json_object"
)

// Bounds of metadata, which are OpenAI's.
const (
	maxMetadata      = 16
	maxMetadataKey   = 64
	maxMetadataValue = 512
)

// check refuses what no response can be made of.
func (r *request) check() error {
	switch {
	case r.Background && r.Store != nil && !*r.Store:
		return invalid("background", "A background response must be stored: leave out store, or set it to true.")
	case r.PreviousResponseID != "" && len(r.Conversation) > 0 && string(r.Conversation) != "null":
		return invalid("previous_response_id", "Give previous_response_id or conversation, not both.")
	case r.MaxOutputTokens != nil && *r.MaxOutputTokens < 1:
		return invalid("max_output_tokens", "max_output_tokens is %d, must be at least 1.", *r.MaxOutputTokens)
	case r.Temperature != nil && (*r.Temperature < 0 || *r.Temperature > 2):
		return invalid("temperature", "temperature is %v, must be from 0 to 2.", *r.Temperature)
	case r.TopP != nil && (*r.TopP < 0 || *r.TopP > 1):
		return invalid("top_p", "top_p is %v, must be from 0 to 1.", *r.TopP)
	}
	return checkMetadata(r.Metadata)
}

func checkMetadata(metadata map[string]string) error {
	if len(metadata) > maxMetadata {
		return invalid("metadata", "metadata has %d entries; at most %d are allowed.", len(metadata), maxMetadata)
	}
	for name, value := range metadata {
		if n := utf8.RuneCountInString(name); n == 0 || n > maxMetadataKey {
			return invalid("metadata", "The key %s of metadata must have 1 to %d characters.", shown(name), maxMetadataKey)
		}
		if utf8.RuneCountInString(value) > maxMetadataValue {
			return invalid("metadata."+name, "The value of %s in metadata is longer than %d characters.", shown(name), maxMetadataValue)
		}
	}
	return nil
}

// decode reads the JSON object of a request into v, a pointer to a struct. An
// empty body leaves v as it is.
func (h *Handler) decode(w http.ResponseWriter, r *http.Request, v any) error {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &problem{status: http.StatusRequestEntityTooLarge, Type: typeInvalid, Code: "request_too_large",
			Message: "The body is too large: send less, or raise the server's body limit."}
	case err != nil:
		return invalid("", "The body ended early.")
	case len(strings.TrimSpace(string(data))) == 0:
		return nil
	case !utf8.Valid(data):
		return invalid("", "The body is not UTF-8.")
	}
	return decodeInto(data, "", v)
}

// decodeInto decodes a JSON object that stands at a parameter, "" = the body.
func decodeInto(data []byte, at string, v any) error {
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		param := strings.Trim(at+"."+wrong.Field, ".")
		what := "The body"
		if param != "" {
			what = "'" + param + "'"
		}
		return &problem{status: http.StatusBadRequest, Type: typeInvalid, Param: param, Code: "invalid_type",
			Message: what + " must be " + jsonType(wrong.Type) + ", not " + article(wrong.Value) + "."}
	case err != nil:
		return &problem{status: http.StatusBadRequest, Type: typeInvalid, Param: at, Code: "invalid_json", Message: "The body is not valid JSON: " + err.Error() + "."}
	}
	return nil
}

// jsonType names a Go type as a writer of JSON would.
func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Int:
		return "an integer"
	}
	return "a number"
}

// article names a kind of JSON value.
func article(kind string) string {
	kind, _, _ = strings.Cut(kind, " ")
	switch kind {
	case "array", "object":
		return "an " + kind
	case "bool":
		return "a boolean"
	}
	return "a " + kind
}
