package model_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/perdure/perdure/model"
)

func TestHTTPErrorRetry(t *testing.T) {
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name   string
		status int
		header http.Header
		after  time.Duration
		ok     bool
	}{
		{"bad request", 400, nil, 0, false},
		{"unauthorized", 401, http.Header{"Retry-After": {"5"}}, 0, false},
		{"timeout", 408, nil, 0, true},
		{"conflict", 409, nil, 0, true},
		{"limit", 429, nil, 0, true},
		{"limit seconds", 429, http.Header{"Retry-After": {"7"}}, 7 * time.Second, true},
		{"fraction", 429, http.Header{"Retry-After": {" 0.5 "}}, 500 * time.Millisecond, true},
		{"milliseconds first", 429, http.Header{"Retry-After": {"7"}, "Retry-After-Ms": {"250"}}, 250 * time.Millisecond, true},
		{"date", 503, http.Header{"Retry-After": {"Mon, 02 Nov 2026 09:00:30 GMT"}}, 30 * time.Second, true},
		{"date of the server", 503, http.Header{"Retry-After": {"Mon, 02 Nov 2026 09:00:30 GMT"},
			"Date": {"Mon, 02 Nov 2026 09:00:20 GMT"}}, 10 * time.Second, true},
		{"past date", 503, http.Header{"Retry-After": {"Mon, 02 Nov 2020 09:00:30 GMT"}}, 0, true},
		{"negative", 503, http.Header{"Retry-After": {"-4"}}, 0, true},
		{"nonsense", 503, http.Header{"Retry-After": {"soon"}}, 0, true},
		{"not a number", 503, http.Header{"Retry-After": {"NaN"}}, 0, true},
		{"huge", 503, http.Header{"Retry-After": {"1e300"}}, 24 * time.Hour, true},
		{"huge date", 503, http.Header{"Retry-After": {"Mon, 02 Nov 2099 09:00:30 GMT"}}, 24 * time.Hour, true},
		{"server says no", 503, http.Header{"X-Should-Retry": {"false"}, "Retry-After": {"1"}}, 0, false},
		{"server says yes", 400, http.Header{"X-Should-Retry": {"true"}, "Retry-After": {"1"}}, time.Second, true},
	}
	for _, tt := range tests {
		e := model.NewHTTPError("openai", tt.status, tt.header.Get, now)
		after, ok := model.Retry(fmt.Errorf("step 4: %w", e))
		if after != tt.after || ok != tt.ok {
			t.Errorf("%s: Retry() = %v, %v, want %v, %v", tt.name, after, ok, tt.after, tt.ok)
		}
	}
	if _, ok := model.Retry(errors.New("other")); ok {
		t.Error("Retry(other error) = true, want false")
	}
}

func TestUnavailable(t *testing.T) {
	status := func(status int, header http.Header) error {
		return model.NewHTTPError("openai", status, header.Get, time.Time{})
	}
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"bad request", status(400, nil), false},
		{"bad request that the server would take again", status(400, http.Header{"X-Should-Retry": {"true"}}), true},
		{"wrong key", status(401, nil), true},
		{"no credit", status(402, nil), true},
		{"not allowed", status(403, nil), true},
		{"unknown model", status(404, nil), true},
		{"timeout", status(408, nil), true},
		{"conflict", status(409, nil), true},
		{"too long", status(413, nil), false},
		{"unprocessable", status(422, nil), false},
		{"rate limit", status(429, nil), true},
		{"quota used up", &model.Error{Status: 429, Code: "insufficient_quota"}, true},
		{"server error", status(500, nil), true},
		{"server error that must not be repeated", status(503, http.Header{"X-Should-Retry": {"false"}}), true},
		{"overloaded", status(529, nil), true},
		{"connection", &model.Error{Code: model.CodeConnection, Retryable: true}, true},
		{"certificate", &model.Error{Code: model.CodeConnection}, true},
		{"cut", &model.Error{Code: model.CodeStreamCut, Retryable: true}, true},
		{"bad answer", &model.Error{Code: model.CodeBadAnswer, Retryable: true}, true},
		{"overloaded in the middle", &model.Error{Code: "overloaded_error", Retryable: true}, true},
		{"wrong key in the middle", &model.Error{Code: "authentication_error"}, true},
		{"bad request in the middle", &model.Error{Code: "invalid_request_error"}, false},
		{"not sent", &model.Error{Code: model.CodeBadRequest}, false},
		{"canceled", context.Canceled, false},
		{"deadline", context.DeadlineExceeded, false},
		{"other", errors.New("other"), false},
		{"none", nil, false},
	}
	for _, tt := range tests {
		err := tt.err
		if err != nil {
			err = fmt.Errorf("step 4: %w", err)
		}
		if got := model.Unavailable(err); got != tt.want {
			t.Errorf("%s: Unavailable(%v) = %v, want %v", tt.name, err, got, tt.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("reset by peer")
	tests := []struct {
		err  *model.Error
		want string
	}{
		{&model.Error{Provider: "openai", Status: 429, Code: "rate_limit", Message: "slow down"}, "openai 429 rate_limit: slow down"},
		{&model.Error{Provider: "openai", Code: model.CodeConnection, Err: cause}, "openai connection: reset by peer"},
		{&model.Error{Provider: "openai", Status: 500}, "openai 500"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("Error() = %q, want %q", got, tt.want)
		}
	}
	if !errors.Is(tests[1].err, cause) {
		t.Errorf("errors.Is(%v, cause) = false, want true", tests[1].err)
	}
}
