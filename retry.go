package perdure

import (
	"errors"
	"math"
	"slices"
	"time"
)

// RetryPolicy says how a step that fails is repeated. The zero value repeats
// without end: after 1 s, then twice as long each time up to 100 s. A repetition
// is a timer and a new attempt in the history.
type RetryPolicy struct {
	// MaxAttempts bounds the attempts, the first included. 0 = no bound.
	MaxAttempts int
	// FirstInterval is the pause after the first failure. 0 = 1 s.
	FirstInterval time.Duration
	// Backoff multiplies the pause after each further failure. 0 = 2.
	Backoff float64
	// MaxInterval bounds the pause. 0 = 100 times FirstInterval.
	MaxInterval time.Duration
	// Jitter is the part of a pause, from 0 to 1, by which it may be shorter.
	Jitter float64
	// Deadline bounds the whole step: no attempt begins later than this after
	// the first. 0 = no bound.
	Deadline time.Duration
	// NonRetryable lists types of errors (StepError.Type) that are not repeated.
	NonRetryable []string
}

// Validate returns all that is wrong with the policy, nil if nothing is.
func (p *RetryPolicy) Validate() error {
	var errs []error
	if p.MaxAttempts < 0 {
		errs = append(errs, errors.New("retry policy: MaxAttempts is negative"))
	}
	if p.FirstInterval < 0 || p.MaxInterval < 0 || p.Deadline < 0 {
		errs = append(errs, errors.New("retry policy: a duration is negative"))
	}
	if p.Backoff != 0 && p.Backoff < 1 {
		errs = append(errs, errors.New("retry policy: Backoff is less than 1"))
	}
	if p.Jitter < 0 || p.Jitter > 1 || math.IsNaN(p.Jitter) || math.IsNaN(p.Backoff) {
		errs = append(errs, errors.New("retry policy: Jitter is not within 0 and 1"))
	}
	return errors.Join(errs...)
}

// Pause returns how long to wait after the attempt with this number, from 1, has
// failed. Chance is a number from 0 up to 1 that the jitter takes.
func (p *RetryPolicy) Pause(attempt int, chance float64) time.Duration {
	first, backoff := p.FirstInterval, p.Backoff
	if first == 0 {
		first = time.Second
	}
	if backoff == 0 {
		backoff = 2
	}
	most := float64(p.MaxInterval)
	if most == 0 {
		most = 100 * float64(first)
	}
	pause := min(float64(first)*math.Pow(backoff, float64(attempt-1)), most, math.MaxInt64/2)
	return time.Duration(pause * (1 - p.Jitter*chance))
}

// Repeats reports whether the policy allows another attempt after one that
// failed with an error of this type.
func (p *RetryPolicy) Repeats(attempt int, errorType string) bool {
	return (p.MaxAttempts == 0 || attempt < p.MaxAttempts) && !slices.Contains(p.NonRetryable, errorType)
}
