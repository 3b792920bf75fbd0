package openai

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/perdure/perdure/model"
)

// convertError tells what went wrong. answer is the provider's response, nil if
// none arrived.
func convertError(ctx context.Context, provider string, answer *http.Response, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if answer != nil && answer.StatusCode >= http.StatusBadRequest {
		return statusError(provider, answer, err)
	}
	var failed *ssestream.StreamError
	if errors.As(err, &failed) {
		return streamError(provider, failed)
	}
	e := &model.Error{Provider: provider, Err: err}
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
func statusError(provider string, answer *http.Response, err error) *model.Error {
	e := model.NewHTTPError(provider, answer.StatusCode, answer.Header.Get, time.Now())
	e.Err = err
	var described *sdk.Error
	if errors.As(err, &described) {
		e.Message = described.Message
		e.Code = described.Code
		if e.Code == "" {
			e.Code = described.Type
		}
	}
	if e.Message == "" {
		e.Message = http.StatusText(answer.StatusCode)
	}
	if e.Code == "insufficient_quota" || e.Code == "billing_hard_limit_reached" {
		e.Retryable, e.RetryAfter = false, 0
	}
	return e
}

// streamError reads a failure that the provider reported in the middle of an
// answer: its own fault, unless it says that the request is to blame.
func streamError(provider string, failed *ssestream.StreamError) *model.Error {
	var body struct {
		Error struct {
			Message string `json:"message"`
			Type    string `json:"type"`
			Code    any    `json:"code"`
		} `json:"error"`
	}
	e := &model.Error{Provider: provider, Code: model.CodeStreamCut, Message: failed.Message, Retryable: true}
	if json.Unmarshal(failed.Event.Data, &body) != nil || body.Error.Message == "" {
		return e
	}
	e.Message = body.Error.Message
	if code, ok := body.Error.Code.(string); ok && code != "" {
		e.Code = code
	} else if body.Error.Type != "" {
		e.Code = body.Error.Type
	}
	e.Retryable = body.Error.Type != "invalid_request_error"
	return e
}
