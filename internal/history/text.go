package history

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Script returns the golden text of a history: the String of each event, one a
// line.
func Script(events []*Event) string {
	var s strings.Builder
	for _, e := range events {
		s.WriteString(e.String())
		s.WriteByte('\n')
	}
	return s.String()
}

// String returns the event on one line for golden texts and messages: id, kind
// and the fields that are set, such as
//
//	1 taskScheduled name=Hello input="x"
//
// Values that may be absent are quoted, others only if they need it, in back
// quotes if they hold double quotes. The
// event's own time is left out, as are our times and the worker.
func (e *Event) String() string {
	s := strconv.AppendInt(nil, int64(e.ID), 10)
	if e.Body == nil {
		s = append(s, " unknown"...)
	} else {
		s = append(s, ' ')
		s = append(s, e.Body.Kind().String()...)
		s = appendFields(s, reflect.ValueOf(e.Body).Elem(), " ")
	}
	if m := e.Meta; m != nil {
		shown := Meta{Attempt: m.Attempt, Effect: m.Effect, Usage: m.Usage, Options: m.Options, Payload: m.Payload}
		s = appendFields(s, reflect.ValueOf(shown), " ")
	}
	if len(e.Unknown) > 0 {
		s = fmt.Appendf(s, " unknown=%x", e.Unknown)
	}
	return string(s)
}

// String returns the name of the kind in the protocol's eventType.
func (k Kind) String() string {
	body, _ := newBody(k)
	if body == nil {
		return "kind" + strconv.Itoa(int(k))
	}
	return lowerFirst(reflect.TypeOf(body).Elem().Name())
}

// String returns the name of the status in lower case, as lists show it.
func (s Status) String() string {
	switch s {
	case StatusRunning:
		return "running"
	case StatusCompleted:
		return "completed"
	case StatusContinuedAsNew:
		return "continued"
	case StatusFailed:
		return "failed"
	case StatusCanceled:
		return "canceled"
	case StatusTerminated:
		return "terminated"
	case StatusPending:
		return "pending"
	case StatusSuspended:
		return "suspended"
	}
	return "status" + strconv.Itoa(int(s))
}

// appendFields appends name=value for each field of a struct that is not zero,
// each after sep or, from the second on, a blank.
func appendFields(s []byte, v reflect.Value, sep string) []byte {
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			continue
		}
		s = append(s, sep...)
		s = append(s, lowerFirst(v.Type().Field(i).Name)...)
		s = append(s, '=')
		s = appendValue(s, v.Field(i))
		sep = " "
	}
	return s
}

func appendValue(s []byte, v reflect.Value) []byte {
	switch x := v.Interface().(type) {
	case Text:
		return appendQuoted(s, x.S)
	case Status:
		return append(s, x.String()...)
	case time.Time:
		return x.UTC().AppendFormat(s, time.RFC3339Nano)
	case []byte:
		return fmt.Appendf(s, "%x", x)
	case map[string]string:
		s = append(s, '{')
		for i, k := range slices.Sorted(maps.Keys(x)) {
			if i > 0 {
				s = append(s, ' ')
			}
			s = appendBare(s, k)
			s = append(s, '=')
			s = appendBare(s, x[k])
		}
		return append(s, '}')
	}
	switch v.Kind() {
	case reflect.String:
		return appendBare(s, v.String())
	case reflect.Slice:
		s = append(s, '[')
		for i := range v.Len() {
			if i > 0 {
				s = append(s, ' ')
			}
			s = appendValue(s, v.Index(i))
		}
		return append(s, ']')
	case reflect.Pointer:
		s = append(s, '{')
		s = appendFields(s, v.Elem(), "")
		return append(s, '}')
	}
	return fmt.Append(s, v.Interface())
}

// appendBare appends a string, quoted if it is empty or holds anything but
// letters, digits and marks that cannot be mistaken.
func appendBare(s []byte, v string) []byte {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:@~/#", r)
	}
	if v == "" || !utf8.ValidString(v) || strings.ContainsFunc(v, special) {
		return appendQuoted(s, v)
	}
	return append(s, v...)
}

// appendQuoted quotes v, in back quotes if that saves it from escapes.
func appendQuoted(s []byte, v string) []byte {
	if strings.Contains(v, `"`) && strconv.CanBackquote(v) {
		s = append(s, '`')
		s = append(s, v...)
		return append(s, '`')
	}
	return strconv.AppendQuote(s, v)
}

// lowerFirst turns a Go name into the protocol's: TaskScheduledID becomes
// taskScheduledId.
func lowerFirst(name string) string {
	if before, found := strings.CutSuffix(name, "ID"); found {
		name = before + "Id"
	}
	r, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(r)) + name[n:]
}
