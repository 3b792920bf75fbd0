package store

// Finding is something about a store that operators should know.
type Finding struct {
	Subject  string // what was looked at, such as "fsync"
	Severity Severity
	Text     string // what was found, and what to do about it
}

// Severity says how bad a Finding is.
type Severity string

// The severities: all is well, should be looked at, will lose or stop work.
const (
	Fine    Severity = "ok"
	Warning Severity = "warning"
	Problem Severity = "problem"
)
