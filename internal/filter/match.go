package filter

import (
	"strings"
	"time"
)

// Row is what a filter is matched against.
type Row interface {
	// Field returns the values that the row has of a field, none if it has
	// none. The name is one of Fields or "tag." and a key, never "age". The
	// filter does not keep the slice.
	Field(name string) []Value
}

// Value is a value of a row; which of its fields counts is said by the Type of
// the filter's field.
type Value struct {
	Text   string    // of Text and Choice
	Number int64     // of Integer; nanoseconds of Duration; millionths of a dollar of Money
	Time   time.Time // of Time
}

// Match reports whether the row fulfils the filter.
func (f *Filter) Match(row Row) bool {
	for i := range f.Terms {
		if t := &f.Terms[i]; t.matches(row) == t.Not {
			return false
		}
	}
	return true
}

func (t *Term) matches(row Row) bool {
	for i := range t.Any {
		if t.Any[i].Match(row) {
			return true
		}
	}
	if t.Any != nil {
		return false
	}
	if t.Field == Word {
		return t.matchesField(row, "id") || t.matchesField(row, "name")
	}
	return t.matchesField(row, t.Field)
}

// matchesField takes a field that the row does not have for the empty text, so
// that parent:"" finds the runs without one.
func (t *Term) matchesField(row Row, name string) bool {
	values := row.Field(name)
	for i := range t.Values {
		o := &t.Values[i]
		if len(values) == 0 && t.Type == Text && t.Op == Is && o.Text == "" && !o.Prefix {
			return true
		}
		for j := range values {
			if t.holds(&values[j], o) {
				return true
			}
		}
	}
	return false
}

// holds reports whether a row's value stands in the term's relation to o.
func (t *Term) holds(v *Value, o *Operand) bool {
	switch {
	case t.Op == Contains:
		return strings.Contains(strings.ToLower(v.Text), strings.ToLower(o.Text))
	case t.Type == Text || t.Type == Choice:
		return v.Text == o.Text || o.Prefix && strings.HasPrefix(v.Text, o.Text)
	case t.Type == Time:
		return holdsTime(t.Op, v.Time, o)
	}
	return holdsNumber(t.Op, v.Number, o.Number)
}

// holdsTime compares with a period: what is in it is neither less nor greater.
func holdsTime(op Op, v time.Time, o *Operand) bool {
	switch op {
	case Less:
		return v.Before(o.From)
	case LessEqual:
		return v.Before(o.To)
	case Greater:
		return !v.Before(o.To)
	case GreaterEqual:
		return !v.Before(o.From)
	}
	return !v.Before(o.From) && v.Before(o.To)
}

func holdsNumber(op Op, v, o int64) bool {
	switch op {
	case Less:
		return v < o
	case LessEqual:
		return v <= o
	case Greater:
		return v > o
	case GreaterEqual:
		return v >= o
	}
	return v == o
}
