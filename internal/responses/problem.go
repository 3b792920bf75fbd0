package responses

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/perdure/perdure"
)

// Types of errors, as OpenAI names them.
const (
	typeInvalid = "invalid_request_error"
	typeLimit   = "rate_limit_error"
	typeServer  = "server_error"
)

// problem is an error in OpenAI's shape.
type problem struct {
	status  int
	Message string
	Type    string
	Param   string // "" = none
	Code    string // "" = none
}

// Error implements error.
func (p *problem) Error() string { return p.Message }

// MarshalJSON implements json.Marshaler: what is not there is null.
func (p *problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}{p.Message, p.Type, some(p.Param), some(p.Code)})
}

// locks is the problem, or, if it is a conflict, that the conversation is locked.
func (p *problem) locks() *problem {
	if p.status == http.StatusConflict {
		return locked()
	}
	return p
}

// some returns nil for "".
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// invalid is a problem with a parameter.
func invalid(param, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, Type: typeInvalid, Param: param, Code: "invalid_value", Message: fmt.Sprintf(format, args...)}
}

// problemOf turns any error into a problem. The text of an error that is not one
// of ours stays in the log.
func problemOf(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	var e *perdure.Error
	var step *perdure.StepError
	switch {
	case errors.As(err, &e):
	case errors.As(err, &step):
		e = &perdure.Error{Code: perdure.FailedPrecondition, Message: step.Message}
	default:
		return &problem{status: http.StatusInternalServerError, Type: typeServer, Message: "internal error; the server's log has the details"}
	}
	p = &problem{status: http.StatusInternalServerError, Type: typeServer, Code: e.Code.String(), Message: e.Error()}
	switch e.Code {
	case perdure.InvalidArgument:
		p.status, p.Type = http.StatusBadRequest, typeInvalid
	case perdure.NotFound:
		p.status, p.Type = http.StatusNotFound, typeInvalid
	case perdure.AlreadyExists, perdure.FailedPrecondition, perdure.Conflict:
		p.status, p.Type = http.StatusConflict, typeInvalid
	case perdure.ResourceExhausted:
		p.status, p.Type, p.Code = http.StatusTooManyRequests, typeLimit, "rate_limit_exceeded"
	case perdure.Unavailable:
		p.status = http.StatusServiceUnavailable
	case perdure.NoSpace:
		p.status = http.StatusInsufficientStorage
	case perdure.DeadlineExceeded:
		p.status = http.StatusGatewayTimeout
	}
	return p
}

// fail answers with an error.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status >= 500 && p.status != http.StatusServiceUnavailable {
		h.Logger.Error("request failed", "method", r.Method, "path", r.URL.EscapedPath(), "status", p.status, "err", err)
	}
	switch {
	case p.status == http.StatusServiceUnavailable || p.status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case p.status < 500:
		w.Header().Set("X-Should-Retry", "false") // the SDKs would repeat a conflict
	}
	writeJSON(w, p.status, struct {
		Error *problem `json:"error"`
	}{p})
}

// writeJSON answers with a JSON document. It writes nothing before it is whole.
func writeJSON(w http.ResponseWriter, status int, body any) {
	data := marshal(body)
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that is gone needs no answer
}

// marshal encodes what is always encodable, without escaping what only HTML
// needs escaped.
func marshal(v any) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// shown makes foreign text fit for a message: short, without control characters.
func shown(s string) string {
	if len(s) > 120 {
		s = strings.ToValidUTF8(s[:120], "") + "..."
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.ToValidUTF8(s, "") != s {
		return strconv.Quote(s)
	}
	return "'" + s + "'"
}
