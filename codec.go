package perdure

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/perdure/perdure/internal/history"
)

// encode gives v as JSON. A nil interface, nil pointer or struct without fields
// is absent.
func encode[T any](v T) (history.Text, error) {
	if s, ok := any(&v).(*string); ok {
		if quoted, ok := quote(*s); ok {
			return history.Some(quoted), nil
		}
	}
	return encodeAny(v)
}

// Encode gives v as JSON in the way of this package. It is part of the seam to
// the runtime.
func Encode(v any) (history.Text, error) { return encodeAny(v) }

// Decode reads what Encode wrote into the value that v points to; absent text
// leaves it alone. It is part of the seam to the runtime.
func Decode(t history.Text, v any) error {
	if !t.Set || t.S == "" {
		return nil
	}
	return decodeAny(t.S, v)
}

func encodeAny(v any) (history.Text, error) {
	if v == nil {
		return history.Text{}, nil
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() ||
		rv.Kind() == reflect.Struct && rv.NumField() == 0 {
		return history.Text{}, nil
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return history.Text{}, fmt.Errorf("encode %T: %w", v, err)
	}
	return history.Some(strings.TrimSuffix(b.String(), "\n")), nil
}

// decode reads what encode wrote. Absent text leaves v alone.
func decode[T any](t history.Text, v *T) error {
	if !t.Set || t.S == "" {
		return nil
	}
	if p, ok := any(v).(*string); ok {
		if s, ok := unquote(t.S); ok {
			*p = s
			return nil
		}
	}
	return decodeAny(t.S, v)
}

func decodeAny(s string, v any) error {
	if err := json.Unmarshal([]byte(s), v); err != nil {
		return fmt.Errorf("decode %s into %s: %w", excerpt(s), strings.TrimPrefix(fmt.Sprintf("%T", v), "*"), err)
	}
	return nil
}

// quote gives the JSON of a string that needs no escapes.
func quote(s string) (string, bool) {
	if !plain(s) {
		return "", false
	}
	return `"` + s + `"`, true
}

// unquote is the reverse; the result shares the memory of s.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' || !plain(s[1:len(s)-1]) {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// plain reports whether s stands for itself inside a JSON string. It looks at
// eight bytes at a time.
func plain(s string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	var all uint64 // which top bits were set
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := s[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		quotes, slashes := x^('"'*ones), x^('\\'*ones)
		special := (x-0x20*ones)&^x | (quotes-ones)&^quotes | (slashes-ones)&^slashes
		if special&tops != 0 {
			return false
		}
		all |= x
	}
	for ; i < len(s); i++ {
		c := s[i]
		if c < 0x20 || c == '"' || c == '\\' {
			return false
		}
		all |= uint64(c)
	}
	return all&tops == 0 || utf8.ValidString(s)
}

func excerpt(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
