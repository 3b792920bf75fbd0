package perdure_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
)

// recorded returns the error that a caller sees of a step that failed with err.
func recorded(err error) error {
	rt := &scripted{}
	task := perdure.CallNamed[int](perdure.NewContext(rt, perdure.NewRegistry()), "step", nil)
	rt.steps[0].Attempt = 2
	rt.steps[0].Fail(perdure.FailureOf(err))
	_, got := task.Await()
	return got
}

func TestFailureOf(t *testing.T) {
	path := &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist}
	inner := &history.Failure{Type: "errors.errorString", Message: "file does not exist"}
	for name, c := range map[string]struct {
		err  error
		want *history.Failure
	}{
		"nil":       {nil, nil},
		"type":      {path, &history.Failure{Type: "fs.PathError", Message: "open x: file does not exist", Inner: inner}},
		"code":      {&perdure.Error{Code: perdure.Conflict, Message: "m"}, &history.Failure{Type: "conflict", Message: "m"}},
		"joined":    {errors.Join(fs.ErrNotExist, path), &history.Failure{Type: "errors.joinError", Message: "file does not exist\nopen x: file does not exist", Inner: inner}},
		"final":     {perdure.NonRetryable(fs.ErrNotExist), &history.Failure{Type: "errors.errorString", Message: "file does not exist", NonRetriable: true}},
		"no error":  {perdure.NonRetryable(nil), nil},
		"wrapped":   {fmt.Errorf("w: %w", perdure.NonRetryable(fs.ErrNotExist)), &history.Failure{Type: "fmt.wrapError", Message: "w: file does not exist", NonRetriable: true, Inner: &history.Failure{Type: "errors.errorString", Message: "file does not exist", NonRetriable: true}}},
		"of a step": {recorded(path), &history.Failure{Type: "StepError", Message: "step: open x: file does not exist", Inner: &history.Failure{Type: "fs.PathError", Message: "open x: file does not exist", Inner: inner}}},
	} {
		if diff := cmp.Diff(c.want, perdure.FailureOf(c.err)); diff != "" {
			t.Errorf("%s: FailureOf(%v) (-want +got):\n%s", name, c.err, diff)
		}
	}
}

func TestFailureChainsAreBounded(t *testing.T) {
	err := errors.New("x")
	for range 100 {
		err = fmt.Errorf("%w", err)
	}
	n := 0
	for f := perdure.FailureOf(err); f != nil; f = f.Inner {
		n++
	}
	if n != 16 {
		t.Errorf("a chain of 101 errors is recorded with %d, want 16", n)
	}
}

func TestStepError(t *testing.T) {
	err := recorded(fmt.Errorf("charge: %w", perdure.NonRetryable(&perdure.Error{Code: perdure.NotFound, Message: "no card"})))
	var step *perdure.StepError
	if !errors.As(err, &step) {
		t.Fatalf("the error is %T, want a StepError", err)
	}
	want := &perdure.StepError{
		Step: "step", Attempt: 2, Type: "fmt.wrapError", Message: "charge: no card", NonRetryable: true,
		Cause: &perdure.StepError{Type: "not_found", Message: "no card", NonRetryable: true},
	}
	if diff := cmp.Diff(want, step); diff != "" {
		t.Errorf("StepError (-want +got):\n%s", diff)
	}
	if got := perdure.CodeOf(err); got != perdure.NotFound {
		t.Errorf("CodeOf(%v) = %v, want not_found", err, got)
	}
	if got := perdure.CodeOf(recorded(errors.New("x"))); got != 0 {
		t.Errorf("CodeOf(an error without code) = %v, want 0", got)
	}
}

func TestRetryAfter(t *testing.T) {
	err := fmt.Errorf("w: %w", perdure.RetryAfter(errors.New("busy"), 1500*time.Millisecond))
	if got := perdure.RetryDelay(perdure.FailureOf(err)); got != 1500*time.Millisecond {
		t.Errorf("RetryDelay() = %v, want 1.5s", got)
	}
	if perdure.RetryAfter(nil, time.Second) != nil {
		t.Error("RetryAfter(nil) is not nil")
	}
	if got := perdure.RetryDelay(perdure.FailureOf(errors.New("x"))); got != 0 {
		t.Errorf("RetryDelay() of a plain error = %v, want 0", got)
	}
}

// FuzzRetryDelay reads properties that other SDKs may send.
func FuzzRetryDelay(f *testing.F) {
	f.Add(perdure.FailureOf(perdure.RetryAfter(errors.New("x"), time.Second)).Properties[0])
	f.Add([]byte("\x0a\x03key\x12\x02\x08\x00"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if d := perdure.RetryDelay(&history.Failure{Properties: [][]byte{b}}); d < 0 {
			t.Errorf("RetryDelay(%x) = %v, want no negative time", b, d)
		}
	})
}

func TestRetryPolicyPause(t *testing.T) {
	plain := perdure.RetryPolicy{}
	fast := perdure.RetryPolicy{FirstInterval: 10 * time.Millisecond, Backoff: 10, MaxInterval: time.Second, Jitter: 0.5}
	for _, c := range []struct {
		policy  perdure.RetryPolicy
		attempt int
		chance  float64
		want    time.Duration
	}{
		{plain, 1, 0, time.Second},
		{plain, 3, 0.9, 4 * time.Second},
		{plain, 1000, 0, 100 * time.Second},
		{fast, 1, 0, 10 * time.Millisecond},
		{fast, 1, 0.5, 7500 * time.Microsecond},
		{fast, 2, 0, 100 * time.Millisecond},
		{fast, 100000, 0.5, 750 * time.Millisecond},
	} {
		if got := c.policy.Pause(c.attempt, c.chance); got != c.want {
			t.Errorf("%+v.Pause(%d, %v) = %v, want %v", c.policy, c.attempt, c.chance, got, c.want)
		}
	}
	if (&perdure.RetryPolicy{MaxAttempts: 2}).Repeats(2, "e") || !(&perdure.RetryPolicy{MaxAttempts: 2}).Repeats(1, "e") {
		t.Error("MaxAttempts 2 does not allow two attempts")
	}
}

func TestEntityIDs(t *testing.T) {
	for s, want := range map[string]perdure.EntityID{
		"@counter@a":  {Name: "counter", Key: "a"},
		"@Counter@A@": {Name: "counter", Key: "A@"},
		"@x@":         {Name: "x"},
	} {
		got, err := perdure.ParseEntityID(s)
		if err != nil || got != want {
			t.Errorf("ParseEntityID(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "@", "@x", "x@y", "@@k", "x@y@z"} {
		if got, err := perdure.ParseEntityID(s); err == nil {
			t.Errorf("ParseEntityID(%q) = %v, want an error", s, got)
		}
	}
	if got := (perdure.EntityID{Name: "Counter", Key: "K"}).String(); got != "@counter@K" {
		t.Errorf("String() = %s, want @counter@K", got)
	}
}
