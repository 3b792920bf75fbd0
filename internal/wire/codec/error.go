package codec

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// statusOf maps each code to its status. It is the only such table. Codes without
// a status of their own travel in the details, for callers of ours. UNKNOWN is not
// in it: SDKs repeat what ends with it.
func statusOf(c perdure.Code) codes.Code {
	switch c {
	case perdure.InvalidArgument:
		return codes.InvalidArgument
	case perdure.NotFound:
		return codes.NotFound
	case perdure.AlreadyExists:
		return codes.AlreadyExists
	case perdure.FailedPrecondition, perdure.Conflict:
		return codes.FailedPrecondition
	case perdure.ResourceExhausted:
		return codes.ResourceExhausted
	case perdure.Unavailable, perdure.NoSpace:
		return codes.Unavailable
	case perdure.Unimplemented:
		return codes.Unimplemented
	case perdure.Unauthenticated:
		return codes.Unauthenticated
	case perdure.PermissionDenied:
		return codes.PermissionDenied
	case perdure.DeadlineExceeded:
		return codes.DeadlineExceeded
	case perdure.Canceled:
		return codes.Canceled
	}
	return codes.Internal
}

// EncodeError returns the status that an error becomes, nil for nil. What is no
// *perdure.Error stays here, but for the end of a context. A caller of ours gets
// the error itself in the details.
func EncodeError(err error, own bool) error {
	if err == nil {
		return nil
	}
	if s, ok := err.(interface{ GRPCStatus() *status.Status }); ok && s.GRPCStatus().Code() != codes.Unknown {
		return err
	}
	e := told(err)
	s := status.New(statusOf(e.Code), clip(valid(e.Error())))
	if own {
		if detailed, err := s.WithDetails(encodeError(e)); err == nil {
			s = detailed
		}
	}
	return s.Err()
}

// told is what callers are told of an error.
func told(err error) *perdure.Error {
	var e *perdure.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return &perdure.Error{Code: perdure.Canceled, Message: "the request was given up"}
	case errors.Is(err, context.DeadlineExceeded):
		return &perdure.Error{Code: perdure.DeadlineExceeded, Message: "time ran out"}
	}
	return &perdure.Error{Code: perdure.Internal, Message: "internal error"}
}

// EncodeOwnError gives an error to a peer of ours, beside a call's status.
func EncodeOwnError(err error) *wirepb.Error { return encodeError(told(err)) }

func encodeError(e *perdure.Error) *wirepb.Error {
	message := e.Message
	if e.Cause != nil {
		message = (&perdure.Error{Message: message, Cause: e.Cause}).Error()
	}
	return &wirepb.Error{Code: uint32(e.Code), Op: valid(e.Op), Instance: clip(valid(e.Instance)), Message: clip(valid(message)), RetryAfterMs: uint32(e.RetryAfter.Milliseconds())}
}

// DecodeOwnError is the reverse of EncodeOwnError. A code that this version does not
// know is Internal.
func DecodeOwnError(m *wirepb.Error) *perdure.Error {
	e := &perdure.Error{Code: perdure.Internal, Op: m.GetOp(), Instance: m.GetInstance(), Message: m.GetMessage(), RetryAfter: time.Duration(m.GetRetryAfterMs()) * time.Millisecond}
	if c := perdure.Code(m.GetCode()); m.GetCode() < 256 && c.String() != "unknown" {
		e.Code = c
	}
	return e
}

// clip bounds what travels in headers, of which there may be 8 KiB.
func clip(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return valid(s[:most]) + "..."
}

// DecodeError returns the *perdure.Error of a failed call, nil for nil. op and
// instance are used where the server does not tell them.
func DecodeError(err error, op, instance string) error {
	if err == nil {
		return nil
	}
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err)
	}
	for _, detail := range s.Details() {
		if d, ok := detail.(*wirepb.Error); ok && perdure.Code(d.Code).String() != "unknown" && d.Code < 256 {
			return DecodeOwnError(d)
		}
	}
	return &perdure.Error{Code: codeOf(s.Code()), Op: op, Instance: instance, Message: s.Message()}
}

// codeOf is statusOf backwards, for servers that are not ours too.
func codeOf(c codes.Code) perdure.Code {
	switch c {
	case codes.InvalidArgument, codes.OutOfRange:
		return perdure.InvalidArgument
	case codes.NotFound:
		return perdure.NotFound
	case codes.AlreadyExists:
		return perdure.AlreadyExists
	case codes.FailedPrecondition:
		return perdure.FailedPrecondition
	case codes.Aborted:
		return perdure.Conflict
	case codes.ResourceExhausted:
		return perdure.ResourceExhausted
	case codes.Unavailable, codes.Unknown: // whether it happened is not known
		return perdure.Unavailable
	case codes.Unimplemented:
		return perdure.Unimplemented
	case codes.Unauthenticated:
		return perdure.Unauthenticated
	case codes.PermissionDenied:
		return perdure.PermissionDenied
	case codes.DeadlineExceeded:
		return perdure.DeadlineExceeded
	case codes.Canceled:
		return perdure.Canceled
	}
	return perdure.Internal
}
