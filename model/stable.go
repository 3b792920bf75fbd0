package model

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// StableJSON writes v as JSON in the one form that it keeps when it is stored and
// read again: without white space, and with characters themselves in place of
// the escapes that encoding/json makes for HTML, for JavaScript and for invalid
// UTF-8. Adapters write the bodies of requests with it, so that a prompt has the
// same bytes before and after its messages went through storage, and the
// provider's cache knows it.
func StableJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return unescape(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// unescape replaces the escapes that depend on who has written the JSON. It works
// in place: what it writes is shorter.
func unescape(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			i++
			continue
		}
		if r := escaped(b[i:]); r != 0 {
			out = utf8.AppendRune(out, r)
			i += len(`\u0000`)
			continue
		}
		out = append(out, b[i], b[i+1]) // another escape, as a whole
		i += 2
	}
	return out
}

// escaped returns the character that an escape of encoding/json stands for, 0 if
// s begins with none or with one that JSON demands.
func escaped(s []byte) rune {
	switch {
	case bytes.HasPrefix(s, []byte(`\u003c`)):
		return '<'
	case bytes.HasPrefix(s, []byte(`\u003e`)):
		return '>'
	case bytes.HasPrefix(s, []byte(`\u0026`)):
		return '&'
	case bytes.HasPrefix(s, []byte(`\u2028`)):
		return '\u2028'
	case bytes.HasPrefix(s, []byte(`\u2029`)):
		return '\u2029'
	case bytes.HasPrefix(s, []byte(`\ufffd`)):
		return utf8.RuneError
	}
	return 0
}

// ForModel returns what a model reads as the result of a tool: the error if there
// is one, a string without its quotes, any other value as [StableJSON].
func (r *FunctionResult) ForModel() string {
	if r.Error != "" {
		return r.Error
	}
	if strings.HasPrefix(string(r.Result), `"`) {
		var s string
		if err := json.Unmarshal(r.Result, &s); err == nil {
			return s
		}
	}
	if len(r.Result) == 0 {
		return ""
	}
	b, err := StableJSON(r.Result)
	if err != nil {
		return string(r.Result)
	}
	return string(b)
}
