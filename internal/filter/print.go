package filter

import (
	"strings"
	"unicode"
)

// String returns the canonical text of the filter, which Parse turns into an
// equal filter if now has the same location. Times that were relative are
// absolute in it.
func (f *Filter) String() string {
	var b strings.Builder
	if len(f.Terms) == 1 && f.Terms[0].Any != nil && !f.Terms[0].Not {
		printAny(&b, f.Terms[0].Any)
	} else {
		f.print(&b)
	}
	return b.String()
}

func (f *Filter) print(b *strings.Builder) {
	for i := range f.Terms {
		if i > 0 {
			b.WriteByte(' ')
		}
		f.Terms[i].print(b)
	}
}

func printAny(b *strings.Builder, all []Filter) {
	for i := range all {
		if i > 0 {
			b.WriteString(" or ")
		}
		all[i].print(b)
	}
}

// String returns the term as text that Parse reads as the same term.
func (t *Term) String() string {
	var b strings.Builder
	t.print(&b)
	return b.String()
}

func (t *Term) print(b *strings.Builder) {
	if t.Not {
		b.WriteByte('-')
	}
	if t.Any != nil {
		b.WriteByte('(')
		printAny(b, t.Any)
		b.WriteByte(')')
		return
	}
	if t.Field == Word {
		word := t.Values[0].Text
		printText(b, word, isBare(word) && isBareWord(word))
		return
	}
	b.WriteString(t.Field)
	b.WriteString(string(t.Op))
	for i := range t.Values {
		if i > 0 {
			b.WriteByte(',')
		}
		o := &t.Values[i]
		printText(b, o.Text, o.Prefix || isBare(o.Text))
		if o.Prefix {
			b.WriteByte('*')
		}
	}
}

// isBare reports whether a value needs no quotes.
func isBare(s string) bool {
	special := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`,"()*`, r) }
	return s != "" && !strings.ContainsFunc(s, special)
}

// isBareWord reports whether a bare value is read as a word where a term is
// expected.
func isBareWord(s string) bool {
	_, _, isField := fieldAndOp(s)
	return !isField && s[0] != '-' && s != "or" && s != "OR"
}

func printText(b *strings.Builder, s string, bare bool) {
	if bare {
		b.WriteString(s)
		return
	}
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
}
