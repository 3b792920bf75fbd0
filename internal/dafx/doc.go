// Package dafx reads and writes the documents of Microsoft's durable agents: the
// requests and results of a turn, in the dialects of Python and of .NET, and the
// state document of a session. It knows nothing of how a turn is run: its
// functions are pure, and what they return shares no memory with their input
// unless they say so.
//
// Contents exist in three forms: package model's, the "$type" form of .NET, which
// is also that of the state document, and the "type" form of Python. Kinds that a
// form lacks are kept verbatim, as *model.Raw here and in "unknown" there.
package dafx

import "fmt"

// Dialect is a way in which requests and results are written.
type Dialect string

// The dialects. Their values are stored.
const (
	Python Dialect = "python"
	DotNet Dialect = "dotnet"
)

// FormatError says what is wrong with a document.
type FormatError struct {
	Where string // "run request"
	Why   string
}

// Error implements error.
func (e *FormatError) Error() string { return e.Where + ": " + e.Why }

func malformed(where, why string, args ...any) error {
	return &FormatError{Where: where, Why: fmt.Sprintf(why, args...)}
}
