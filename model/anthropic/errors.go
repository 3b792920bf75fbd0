package anthropic

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/anthropics/anthropic-sdk-go"

	"github.com/perdure/perdure/model"
)

// convertError tells what went wrong. answer is the provider's response, nil if
// none arrived.
func convertError(ctx context.Context, answer *http.Response, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if answer != nil && answer.StatusCode >= http.StatusBadRequest {
		return statusError(answer, err)
	}
	var described *sdk.Error
	if errors.As(err, &described) {
		return streamError(described)
	}
	e := &model.Error{Provider: Provider, Err: err}
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	var transport *url.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &syntax), errors.As(err, &mismatch):
		e.Code, e.Retryable = model.CodeBadAnswer, true
	case answer != nil:
		e.Code, e.Retryable = model.CodeStreamCut, true
	case errors.As(err, &certificate):
		e.Code = model.CodeConnection
	case errors.As(err, &transport), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.Code, e.Retryable = model.CodeConnection, true
	default:
		e.Code = model.CodeBadRequest
	}
	return e
}

// statusError reads the failure that the provider described.
func statusError(answer *http.Response, err error) *model.Error {
	e := model.NewHTTPError(Provider, answer.StatusCode, answer.Header.Get, time.Now())
	e.Err = err
	var described *sdk.Error
	if errors.As(err, &described) {
		e.Code, e.Message = string(described.Type()), message(described)
	}
	if e.Message == "" {
		e.Message = http.StatusText(answer.StatusCode)
	}
	return e
}

// streamError reads a failure that the provider reported in the middle of an
// answer: its own fault, unless it says that the request is to blame.
func streamError(described *sdk.Error) *model.Error {
	e := &model.Error{Provider: Provider, Code: string(described.Type()), Message: message(described), Err: described,
		RequestID: described.RequestID}
	switch described.Type() {
	case sdk.ErrorTypeRateLimitError, sdk.ErrorTypeOverloadedError, sdk.ErrorTypeAPIError, sdk.ErrorTypeTimeoutError:
		e.Retryable = true
	case "":
		e.Code, e.Retryable = model.CodeStreamCut, true
	}
	return e
}

func message(described *sdk.Error) string {
	var body struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal([]byte(described.RawJSON()), &body); err != nil {
		return ""
	}
	return body.Error.Message
}
