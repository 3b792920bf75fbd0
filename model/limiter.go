package model

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// CodeRateLimitWait is the code of the error of a call that was not sent because
// the provider's rate limit would have kept it waiting for too long.
const CodeRateLimitWait = "rate_limit_wait"

// DefaultMaxWait is the longest wait for a rate limit that is spent inside of a
// call.
const DefaultMaxWait = 30 * time.Second

// LimiterConfig configures a [Limiter]. The zero value is ready to use.
type LimiterConfig struct {
	// Provider is the provider name in errors.
	Provider string
	// MaxWait is the longest time that a call waits; 0 means DefaultMaxWait. A
	// call that would wait longer fails instead, with an [*Error] that asks for
	// that wait, so that whoever retries can wait durably.
	MaxWait time.Duration
}

// Limiter keeps the calls of one account at one provider within the rate limits
// that the provider's answers tell, for each model apart. Adapters that share a
// limiter share what they learn: after an answer that says how many requests and
// tokens are left, or a 429, other calls of the model wait in the order in which
// they came, in place of running into the limit one after the other.
//
// What is left refills as the answers say, evenly until the reset. Before the
// first answer eight calls go at a time, and after a 429 one; each answer then
// makes room for twice as many.
//
// A limiter lives in one process and is only as good as what it has been told:
// 429 still happens where other processes use the same account. It may be used
// concurrently. The methods of a nil Limiter do nothing.
type Limiter struct {
	cfg LimiterConfig

	mu     sync.Mutex // guards models and everything in them but their turns
	models map[string]*modelLimit
}

// NewLimiter returns a limiter that knows no limit yet.
func NewLimiter(cfg LimiterConfig) *Limiter {
	if cfg.MaxWait <= 0 {
		cfg.MaxWait = DefaultMaxWait
	}
	return &Limiter{cfg: cfg, models: map[string]*modelLimit{}}
}

// modelLimit is what is known about the limits of one model.
type modelLimit struct {
	// turn holds one element while a call is at the head of those that wait.
	turn chan struct{}
	// changed is closed when waiting may have become shorter, and replaced.
	changed chan struct{}

	allowances [allowanceKinds]allowance
	// until is the time before which the provider wants no call.
	until time.Time
	// slots bounds the calls without an answer; 0 = no bound.
	slots int
	// open are the calls without an answer, and their tokens.
	open       int
	openTokens int64
	// clock counts calls and answers, to tell which came first.
	clock int64
}

const (
	// coldSlots bounds the calls before the first answer.
	coldSlots = 8
	// maxSlots is where the bound on calls without an answer ends.
	maxSlots = 256
)

// Wait blocks until a call of the named model that has about so many tokens of
// input may be sent, and returns its [Permit], which the caller releases. It
// fails with the cause of ctx when that ends, and with an [*Error] when the wait
// would be longer than MaxWait.
func (l *Limiter) Wait(ctx context.Context, name string, tokens int64) (*Permit, error) {
	if l == nil {
		return nil, nil
	}
	m := l.model(name)
	deadline := time.Now().Add(l.cfg.MaxWait)
	limit := time.NewTimer(l.cfg.MaxWait)
	defer limit.Stop()
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-limit.C:
		return nil, l.tooLong(name, l.cfg.MaxWait)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	for ctx.Err() == nil {
		p, wait, changed := l.take(m, tokens)
		switch {
		case p != nil:
			return p, nil
		case wait > time.Until(deadline):
			return nil, l.tooLong(name, wait)
		}
		pause(ctx, wait, changed)
	}
	return nil, context.Cause(ctx)
}

func (l *Limiter) tooLong(name string, wait time.Duration) *Error {
	return &Error{Provider: l.cfg.Provider, Code: CodeRateLimitWait, Retryable: true, RetryAfter: wait,
		Message: fmt.Sprintf("the rate limit of %s lets no call through for another %v; none was sent", name, wait)}
}

// pause waits for changed, for the time to pass if it is not negative, or for
// the end of ctx.
func pause(ctx context.Context, wait time.Duration, changed <-chan struct{}) {
	var passed <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		passed = t.C
	}
	select {
	case <-changed:
	case <-passed:
	case <-ctx.Done():
	}
}

func (l *Limiter) model(name string) *modelLimit {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.models[name]
	if m == nil {
		m = &modelLimit{turn: make(chan struct{}, 1), changed: make(chan struct{}), slots: coldSlots}
		l.models[name] = m
	}
	return m
}

// take books a call, or returns the time to wait, negative if only an answer can
// tell, and what is closed when that changes.
func (l *Limiter) take(m *modelLimit, tokens int64) (*Permit, time.Duration, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	wait := m.until.Sub(now)
	for kind := range m.allowances {
		wait = max(wait, m.allowances[kind].wait(need(kind, tokens), now))
	}
	if wait > 0 {
		return nil, wait, m.changed
	}
	if m.slots > 0 && m.open >= m.slots {
		return nil, -1, m.changed
	}
	for kind := range m.allowances {
		m.allowances[kind].spend(need(kind, tokens), now)
	}
	m.open++
	m.openTokens += tokens
	m.clock++
	return &Permit{limiter: l, model: m, tokens: tokens, sent: m.clock}, 0, nil
}

// Permit is the leave to send one call. The methods of a nil Permit do nothing.
type Permit struct {
	limiter *Limiter
	model   *modelLimit
	tokens  int64
	sent    int64 // by the model's clock
	done    bool  // guarded by limiter.mu
}

// Answered notes the head of the provider's answer: its status and what header,
// the Get method of an http.Header, returns. now is the time of the answer.
func (p *Permit) Answered(status int, header func(string) string, now time.Time) {
	if p == nil {
		return
	}
	p.limiter.mu.Lock()
	defer p.limiter.mu.Unlock()
	m := p.model
	p.settle()
	m.clock++
	for kind := range m.allowances {
		told := m.allowances[kind].read(kind, header, now, openNeed(kind, m), p.sent, m.clock)
		if !told && status >= 400 {
			m.allowances[kind].spend(-need(kind, p.tokens), now) // refused calls take nothing
		}
	}
	switch e := NewHTTPError("", status, header, now); {
	case status < 400:
		if m.slots *= 2; m.slots > maxSlots {
			m.slots = 0
		}
	case status == 429, e.Retryable && e.RetryAfter > 0:
		m.slots = 1
		if until := now.Add(e.RetryAfter); until.After(m.until) {
			m.until = until
		}
	}
	m.wake()
}

// Release ends the permit, also when there was no answer. It may be called more
// than once.
func (p *Permit) Release() {
	if p == nil {
		return
	}
	p.limiter.mu.Lock()
	defer p.limiter.mu.Unlock()
	p.settle()
	p.model.wake()
}

// settle takes the call off those without an answer.
func (p *Permit) settle() {
	if p.done {
		return
	}
	p.done = true
	p.model.open--
	p.model.openTokens -= p.tokens
}

func (m *modelLimit) wake() {
	close(m.changed)
	m.changed = make(chan struct{})
}
