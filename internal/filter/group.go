package filter

import (
	"fmt"
	"strings"
	"unicode"
)

// alternatives reads what is joined by "or", up to the end or, within parentheses, to the
// one that closes them. Mistakes are kept; depth is that of the parentheses.
func (p *parser) alternatives(depth int) []Filter {
	var all []Filter
	var terms []Term
	n, or := 0, false // terms of this alternative, wrong ones too; an "or" was read
	for p.space(); p.pos < len(p.text) && !p.full(); p.space() {
		from := p.pos
		if p.text[p.pos] == ')' {
			if depth > 0 {
				break
			}
			p.unbalanced(&Error{From: from, To: from + 1, Text: "no parenthesis was opened before this"})
			p.pos++
			continue
		}
		if p.isOr() {
			p.pos += len("or")
			if n == 0 {
				p.errors = append(p.errors, &Error{From: from, To: p.pos, Text: `a term is missing before "or"`})
			}
			all, terms, n, or = append(all, Filter{Terms: terms}), nil, 0, true
			continue
		}
		n++
		more, err := p.item(depth)
		terms = append(terms, more...)
		if err != nil {
			p.errors = append(p.errors, err)
			p.skipTerm()
		}
	}
	if n == 0 && or {
		p.unbalanced(&Error{From: p.pos, To: p.pos, Text: `a term is missing after "or"`})
	}
	if n == 0 {
		return all
	}
	return append(all, Filter{Terms: terms})
}

// full reports whether enough was read, or found wrong.
func (p *parser) full() bool { return p.cost > MaxTerms || len(p.errors) >= maxErrors }

// unbalanced keeps a mistake that may be the consequence of one before it, if there is none.
func (p *parser) unbalanced(err *Error) {
	if len(p.errors) == 0 {
		p.errors = append(p.errors, err)
	}
}

// isOr reports whether the word "or" comes next.
func (p *parser) isOr() bool {
	rest := p.text[p.pos:]
	if !strings.HasPrefix(rest, "or") && !strings.HasPrefix(rest, "OR") {
		return false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || r == '(' || r == ')' })
	return end == 2 || len(rest) == 2
}

// item reads a term, or terms in parentheses.
func (p *parser) item(depth int) ([]Term, *Error) {
	from := p.pos
	not := strings.HasPrefix(p.text[p.pos:], "-(")
	if !not && p.text[p.pos] != '(' {
		term, err := p.term()
		if err == nil {
			if p.cost += len(term.Values); p.cost > MaxTerms {
				err = &Error{From: from, To: len(p.text), Text: fmt.Sprintf("more than %d terms and values", MaxTerms)}
			}
		}
		if err != nil {
			return nil, err
		}
		return []Term{term}, nil
	}
	if not {
		p.pos++
	}
	open := p.pos
	p.pos++
	if depth == MaxDepth {
		return nil, &Error{From: open, To: p.pos, Text: fmt.Sprintf("more than %d parentheses within each other", MaxDepth)}
	}
	before := len(p.errors)
	any := p.alternatives(depth + 1)
	switch {
	case p.full() || len(p.errors) > before:
		p.pos = min(p.pos+1, len(p.text)) // behind the parenthesis, if it is there
		return nil, nil
	case p.pos == len(p.text):
		return nil, &Error{From: open, To: open + 1, Text: "the closing parenthesis is missing"}
	}
	p.pos++
	if len(any) == 0 {
		return nil, &Error{From: open, To: p.pos, Text: "a term is missing within the parentheses"}
	}
	return grouped(not, any), nil
}

// grouped returns the terms that mean the same as alternatives in parentheses, in the
// simplest way: what is said in two ways prints as one.
func grouped(not bool, any []Filter) []Term {
	var flat []Filter
	for _, f := range any {
		if len(f.Terms) == 1 && f.Terms[0].Any != nil && !f.Terms[0].Not {
			flat = append(flat, f.Terms[0].Any...)
		} else {
			flat = append(flat, f)
		}
	}
	switch {
	case len(flat) == 0:
		return nil
	case len(flat) == 1 && !not:
		return flat[0].Terms
	case len(flat) == 1 && len(flat[0].Terms) == 1:
		t := flat[0].Terms[0]
		if t.Not && len(t.Any) == 1 { // not not both
			return t.Any[0].Terms
		}
		t.Not = !t.Not
		return []Term{t}
	}
	return []Term{{Not: not, Any: flat}}
}
