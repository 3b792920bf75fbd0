package filter

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const maxErrors = 8

// Parse reads a filter. Times relative to now are resolved, days are those of
// now's location. The error, if any, is of type Errors.
func Parse(text string, now time.Time) (*Filter, error) {
	if len(text) > MaxLength {
		return nil, Errors{{From: MaxLength, To: len(text), Text: fmt.Sprintf("longer than %d bytes", MaxLength)}}
	}
	if !utf8.ValidString(text) {
		return nil, Errors{{To: len(text), Text: "not UTF-8"}}
	}
	p := parser{text: text, now: now, fields: Fields()}
	any := p.alternatives(0)
	if len(p.errors) > 0 {
		return nil, p.errors
	}
	return &Filter{Terms: grouped(false, any)}, nil
}

type parser struct {
	text   string
	pos    int
	now    time.Time
	fields []Field
	cost   int
	errors Errors
}

// token is a piece of the text: what it means and where it stands.
type token struct {
	text     string
	quoted   bool
	from, to int
}

// space skips white space.
func (p *parser) space() {
	rest := strings.TrimLeftFunc(p.text[p.pos:], unicode.IsSpace)
	p.pos = len(p.text) - len(rest)
}

// skipTerm goes on behind a mistake, at the next white space or closing parenthesis.
func (p *parser) skipTerm() {
	if n := strings.IndexFunc(p.text[p.pos:], func(r rune) bool { return unicode.IsSpace(r) || r == ')' }); n >= 0 {
		p.pos += n
		return
	}
	p.pos = len(p.text)
}

func (p *parser) term() (Term, *Error) {
	var term Term
	if p.text[p.pos] == '-' {
		term.Not = true
		p.pos++
	}
	name, op, ok := fieldAndOp(p.text[p.pos:])
	if !ok {
		return p.word(term)
	}
	at := token{text: name, from: p.pos, to: p.pos + len(name)}
	p.pos += len(name) + len(op)
	if op == "=" {
		op = Is
	}
	field, err := p.field(at)
	if err != nil {
		return term, err
	}
	term.Field, term.Type, term.Op = strings.ToLower(name), field.Type, op
	if field.Name == TagPrefix {
		term.Field = TagPrefix + name[len(TagPrefix):]
	}
	for {
		value, err := p.value()
		if err != nil {
			return term, err
		}
		operand, err := p.operand(field, op, value)
		if err != nil {
			return term, err
		}
		term.Values = append(term.Values, operand)
		if !strings.HasPrefix(p.text[p.pos:], ",") {
			break
		}
		p.pos++
	}
	if op != Is && op != Contains && len(term.Values) > 1 {
		return term, &Error{From: at.to, To: p.pos, Text: "a list needs : or ~"}
	}
	if field.Name == "age" {
		p.ageToCreated(&term)
	}
	return term, nil
}

// word reads a bare word, which is a prefix of id or name with or without "*".
func (p *parser) word(term Term) (Term, *Error) {
	value, err := p.value()
	if err != nil {
		return term, err
	}
	if strings.HasPrefix(p.text[p.pos:], ",") {
		return term, &Error{From: p.pos, To: p.pos + 1, Text: "a list needs a field"}
	}
	if !value.quoted {
		if value.text == "or" || value.text == "OR" { // negated: else it stands between alternatives
			return term, &Error{From: value.from, To: value.to, Text: `"or" stands between terms; quote it to search for the word`}
		}
		if strings.HasPrefix(value.text, "-") {
			return term, &Error{From: value.from, To: value.to, Text: "a word that begins with - needs quotes"}
		}
		value.text = strings.TrimSuffix(value.text, "*")
	}
	term.Field, term.Op = Word, Is
	term.Values = []Operand{{Text: value.text, Prefix: true}}
	return term, nil
}

// fieldAndOp splits a field and its operator off a term. What does not look
// like a field, such as an id with a dash, is a word.
func fieldAndOp(s string) (name string, op Op, ok bool) {
	end := strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`:=<>~,"()`, r)
	})
	if end <= 0 {
		return "", "", false
	}
	name, rest := s[:end], s[end:]
	if !strings.HasPrefix(strings.ToLower(name), TagPrefix) && strings.ContainsFunc(name, notInName) {
		return "", "", false
	}
	for _, op := range []Op{GreaterEqual, LessEqual, Greater, Less, Is, "=", Contains} {
		if strings.HasPrefix(rest, string(op)) {
			return name, op, true
		}
	}
	return "", "", false
}

func notInName(r rune) bool {
	return r != '_' && r != '.' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
}

func (p *parser) field(at token) (Field, *Error) {
	name := strings.ToLower(at.text)
	if strings.HasPrefix(name, TagPrefix) {
		if len(name) == len(TagPrefix) {
			return Field{}, &Error{From: at.from, To: at.to, Text: "a tag needs a key, as in tag.team:pay"}
		}
		name = TagPrefix
	}
	i := slices.IndexFunc(p.fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, &Error{From: at.from, To: at.to, Nearest: nearest(name, fieldNames(p.fields)),
			Text: fmt.Sprintf("no field %q; a word with an operator in it needs quotes", at.text)}
	}
	return p.fields[i], nil
}

func fieldNames(fields []Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}

// value reads a quoted or bare value.
func (p *parser) value() (token, *Error) {
	t := token{from: p.pos}
	if strings.HasPrefix(p.text[p.pos:], `"`) {
		return p.quoted()
	}
	n := strings.IndexFunc(p.text[p.pos:], func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ')' })
	if n < 0 {
		n = len(p.text) - p.pos
	}
	p.pos += n
	t.text, t.to = p.text[t.from:p.pos], p.pos
	switch {
	case n == 0:
		return t, &Error{From: t.from, To: t.to, Text: "a value is missing"}
	case strings.ContainsAny(t.text, `"(`):
		return t, &Error{From: t.from, To: t.to, Text: "quotes and parentheses are allowed within quotes only"}
	case strings.Contains(strings.TrimSuffix(t.text, "*"), "*"):
		return t, &Error{From: t.from, To: t.to, Text: "* may stand at the end only, or within quotes"}
	}
	return t, nil
}

// quoted reads a value in quotes, within which \ makes the next character
// literal.
func (p *parser) quoted() (token, *Error) {
	t := token{from: p.pos, quoted: true}
	var s strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\' && i+1 < len(p.text):
			i++
			s.WriteByte(p.text[i])
		case c != '"':
			s.WriteByte(c)
		default:
			p.pos = i + 1
			t.text, t.to = s.String(), p.pos
			return t, p.afterQuote()
		}
	}
	p.pos = len(p.text)
	return t, &Error{From: t.from, To: p.pos, Text: "the closing quote is missing"}
}

func (p *parser) afterQuote() *Error {
	r, n := utf8.DecodeRuneInString(p.text[p.pos:])
	if n == 0 || r == ',' || r == ')' || unicode.IsSpace(r) {
		return nil
	}
	return &Error{From: p.pos, To: p.pos + n, Text: "nothing may follow the closing quote"}
}
