// Package filter is the filter language of lists, of the dashboard, the command
// line and the API alike: a filter such as
//
//	status:failed name:Order* phase:waiting_approval,stuck tag.team=pay created>-24h -agent:Writer error~"429"
//	(status:failed or phase:stuck,retrying) -(tag.team:test duration<1m)
//
// is parsed once, here; everybody else passes it on as text or as a Filter.
package filter

import "time"

// Limits of a filter's text.
const (
	MaxLength = 4096 // bytes
	MaxTerms  = 64   // each value of a list counts
	MaxDepth  = 16   // of parentheses
)

// Filter is a parsed filter. It matches what all of its terms match; the zero
// Filter matches everything. It is immutable.
type Filter struct {
	Terms []Term
}

// Term is one condition: the row's value of Field stands in the relation Op to
// one of Values. Field is Word for a bare word. A term about age is kept as one
// about created that means the same. A term in parentheses has only Not and Any: it is
// fulfilled by what one of these filters matches.
type Term struct {
	Not    bool
	Any    []Filter
	Field  string // as in Fields except age, or "tag." and a key
	Type   Type   // of the field
	Op     Op
	Values []Operand
}

// Word is the Field of a term that is a bare word: a prefix of id or name.
const Word = ""

// TagPrefix begins the Field of a term about a tag; its key follows.
const TagPrefix = "tag."

// Op is a relation between a row's value and the one given.
type Op string

// The relations. "=" is read as Is.
const (
	Is           Op = ":"
	Contains     Op = "~" // ignores case
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
)

// Operand is a value given in a filter. Text is its canonical text; the others
// are set according to the type of the field.
type Operand struct {
	Text   string
	Prefix bool      // with Is: the row's value begins with Text
	Number int64     // of an integer; nanoseconds of a duration; millionths of a dollar
	From   time.Time // beginning of the period that a time means,
	To     time.Time // and its end, which no longer belongs to it
}

// Type is what values of a field are.
type Type int

// The types of fields.
const (
	Text     Type = iota // Is, Contains
	Choice               // Is one of a few words
	Time                 // Is (within the period), Less, ...
	Duration             // Is, Less, ...
	Integer              // Is, Less, ...
	Money                // Is, Less, ...; in dollars
)

// Field describes a field.
type Field struct {
	Name    string // for tags "tag."
	Type    Type
	Choices []string // of type Choice
	Indexed bool     // a term about it can be answered from an index
}

// Fields returns all fields, in the order in which help shows them.
func Fields() []Field {
	statuses := []string{"pending", "running", "suspended", "completed", "failed", "terminated", "canceled"}
	phases := []string{"stuck", "waiting_approval", "retrying", "active", "waiting_event", "waiting_timer"}
	has := []string{"decision", "error", "child", "session"}
	return []Field{
		{Name: "id", Type: Text, Indexed: true},
		{Name: "name", Type: Text, Indexed: true},
		{Name: "version", Type: Text, Indexed: true},
		{Name: "status", Type: Choice, Choices: statuses, Indexed: true},
		{Name: "phase", Type: Choice, Choices: phases, Indexed: true},
		{Name: "created", Type: Time, Indexed: true},
		{Name: "updated", Type: Time},
		{Name: "completed", Type: Time, Indexed: true},
		{Name: "duration", Type: Duration, Indexed: true},
		{Name: "age", Type: Duration, Indexed: true},
		{Name: "attempt", Type: Integer},
		{Name: "error", Type: Text},
		{Name: "code", Type: Text},
		{Name: "agent", Type: Text, Indexed: true},
		{Name: "session", Type: Text, Indexed: true},
		{Name: "parent", Type: Text, Indexed: true},
		{Name: "root", Type: Text, Indexed: true},
		{Name: "forked_from", Type: Text},
		{Name: "worker", Type: Text},
		{Name: "model", Type: Text},
		{Name: "step", Type: Text},
		{Name: "tokens", Type: Integer},
		{Name: "cost", Type: Money},
		{Name: "fingerprint", Type: Text},
		{Name: TagPrefix, Type: Text, Indexed: true},
		{Name: "has", Type: Choice, Choices: has},
	}
}
