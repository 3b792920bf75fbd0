package perdure

import (
	"errors"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/history"
)

// Code says what kind of error an Error is. The list is closed and append-only:
// codes are stored and sent on the wire, and each maps to one gRPC and one HTTP
// status.
type Code uint8

// The codes of errors.
const (
	Internal           Code = 1  // a broken invariant or a damaged record
	InvalidArgument    Code = 2  // the request can never succeed as it is
	NotFound           Code = 3  // no such instance, agent, name or delivery
	AlreadyExists      Code = 4  // an instance with this id exists and may not be replaced
	FailedPrecondition Code = 5  // the instance's status does not allow it
	Conflict           Code = 6  // somebody else was first; the caller's view is stale
	ResourceExhausted  Code = 7  // a limit; nothing was accepted
	Unavailable        Code = 8  // not now; whether it happened may be unknown
	Unimplemented      Code = 9  // this hub cannot do that
	Unauthenticated    Code = 10 // who is asking is not known
	PermissionDenied   Code = 11 // who is asking may not
	DeadlineExceeded   Code = 12 // time ran out
	Canceled           Code = 13 // the caller gave up; an orchestration that returns it ends as canceled
	NoSpace            Code = 14 // the store's disk is full; accepted again once there is space
)

var codeNames = map[Code]string{
	Internal: "internal", InvalidArgument: "invalid_argument", NotFound: "not_found",
	AlreadyExists: "already_exists", FailedPrecondition: "failed_precondition",
	Conflict: "conflict", ResourceExhausted: "resource_exhausted", Unavailable: "unavailable",
	Unimplemented: "unimplemented", Unauthenticated: "unauthenticated",
	PermissionDenied: "permission_denied", DeadlineExceeded: "deadline_exceeded",
	Canceled: "canceled", NoSpace: "no_space",
}

// String returns the code's name as APIs show it.
func (c Code) String() string {
	if s, ok := codeNames[c]; ok {
		return s
	}
	return "unknown"
}

// Error is the error of every operation on a hub. Callers branch with CodeOf or
// errors.As, never on the text.
type Error struct {
	Code     Code
	Op       string // what was tried, such as "start" or "raise event"
	Instance string // the instance concerned, "" if none
	Message  string // what happened and what to do about it
	Cause    error  // may be nil
	// RetryAfter is when a request that was refused because there is too much to do
	// may be taken, from now; 0 = nothing is known of that.
	RetryAfter time.Duration
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		if e.Instance != "" {
			b.WriteString(" " + e.Instance)
		}
		b.WriteString(": ")
	}
	if e.Message != "" {
		b.WriteString(e.Message)
	} else {
		b.WriteString(e.Code.String())
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf returns the code of the first Error in err's chain, and 0 if there is
// none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// FailureError returns a recorded failure as an error, nil for nil. It is for
// the parts of Perdure that carry failures to clients.
func FailureError(f *history.Failure) error {
	if f == nil {
		return nil
	}
	return stepError("", 0, f)
}
