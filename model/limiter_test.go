package model_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/perdure/perdure/model"
)

// headers returns a header's Get over name, value pairs.
func headers(pairs ...string) func(string) string {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h.Get
}

// send waits for a permit and has the call answered at once.
func send(t *testing.T, l *model.Limiter, tokens int64, status int, header func(string) string) {
	t.Helper()
	p, err := l.Wait(t.Context(), "m", tokens)
	if err != nil {
		t.Fatalf("Wait() = %v", err)
	}
	p.Answered(status, header, time.Now())
	p.Release()
}

// TestLimiterWaits has one answer tell about the limits, and measures how long
// the next call waits.
func TestLimiterWaits(t *testing.T) {
	tests := []struct {
		name   string
		status int
		header func(string) string
		tokens int64
		want   time.Duration
	}{
		{"nothing told", 200, headers(), 1e9, 0},
		{"enough", 200, headers("x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "59", "x-ratelimit-reset-requests", "1s"), 1, 0},
		{"no request left", 200, headers("x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "1m0s"), 1, time.Second},
		{"tokens", 200, headers("x-ratelimit-limit-tokens", "6000", "x-ratelimit-remaining-tokens", "1000", "x-ratelimit-reset-tokens", "50s"), 1500, 5 * time.Second},
		{"more tokens than ever", 200, headers("x-ratelimit-limit-tokens", "6000", "x-ratelimit-remaining-tokens", "5000", "x-ratelimit-reset-tokens", "10s"), 1e6, 10 * time.Second},
		{"milliseconds", 200, headers("x-ratelimit-limit-requests", "2", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "40ms"), 1, 20 * time.Millisecond},
		{"seconds", 200, headers("x-ratelimit-limit-requests", "2", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "0.5"), 1, 250 * time.Millisecond},
		{"no reset", 200, headers("x-ratelimit-limit-requests", "2", "x-ratelimit-remaining-requests", "0"), 1, 0},
		{"no limit", 200, headers("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "4s"), 1, 4 * time.Second},
		{"Anthropic requests", 200, headers("anthropic-ratelimit-requests-limit", "50", "anthropic-ratelimit-requests-remaining", "0",
			"anthropic-ratelimit-requests-reset", "2000-01-01T00:00:20Z"), 1, 400 * time.Millisecond},
		{"Anthropic input", 200, headers("anthropic-ratelimit-input-tokens-limit", "1000", "anthropic-ratelimit-input-tokens-remaining", "500",
			"anthropic-ratelimit-input-tokens-reset", "2000-01-01T00:00:10Z"), 600, 2 * time.Second},
		{"Anthropic output", 200, headers("anthropic-ratelimit-output-tokens-limit", "1000", "anthropic-ratelimit-output-tokens-remaining", "0",
			"anthropic-ratelimit-output-tokens-reset", "2000-01-01T00:00:10Z"), 600, 10 * time.Millisecond},
		{"429", 429, headers("Retry-After", "7"), 1, 7 * time.Second},
		{"429 in milliseconds", 429, headers("Retry-After-Ms", "70"), 1, 70 * time.Millisecond},
		{"429 without advice", 429, headers(), 1, 0},
		{"overloaded", 529, headers("Retry-After", "3"), 1, 3 * time.Second},
		{"server error", 500, headers(), 1, 0},
		{"bad request", 400, headers("Retry-After", "3"), 1, 0},
		{"nonsense", 200, headers("x-ratelimit-limit-requests", "-1", "x-ratelimit-remaining-requests", "NaN", "x-ratelimit-reset-requests", "soon"), 1, 0},
		{"the longest", 429, headers("Retry-After", "7", "x-ratelimit-limit-requests", "60", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "20m"), 1, 20 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := model.NewLimiter(model.LimiterConfig{Provider: "openai"})
				send(t, l, 1, tt.status, tt.header)
				start := time.Now() // 2000-01-01T00:00:00Z
				send(t, l, tt.tokens, 200, headers())
				if got := time.Since(start).Round(time.Millisecond); got != tt.want {
					t.Errorf("the next call waited %v, want %v", got, tt.want)
				}
				other := time.Now()
				p, err := l.Wait(t.Context(), "other", 1e9)
				if err != nil || time.Since(other) != 0 {
					t.Errorf("a call of another model waited %v, %v, want 0", time.Since(other), err)
				}
				p.Release()
			})
		})
	}
}

func TestLimiterWaitsNotTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := model.NewLimiter(model.LimiterConfig{Provider: "openai", MaxWait: 5 * time.Second})
		send(t, l, 1, 429, headers("Retry-After", "60"))
		start := time.Now()
		_, err := l.Wait(t.Context(), "m", 1)
		after, retry := model.Retry(err)
		var e *model.Error
		if !retry || after != time.Minute || !errors.As(err, &e) || e.Code != model.CodeRateLimitWait || e.Provider != "openai" {
			t.Errorf("Wait() = %v, retry %v after %v, want one after a minute", err, retry, after)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("Wait() took %v, want 0: the end of the wait was known", got)
		}
	})
}

// TestLimiterQueueIsBounded: also those that wait for others to go first give up.
func TestLimiterQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := model.NewLimiter(model.LimiterConfig{MaxWait: 5 * time.Second})
		send(t, l, 1, 200, headers("x-ratelimit-limit-requests", "10", "x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "20s"))
		var wg sync.WaitGroup
		var mu sync.Mutex
		sent, refused := 0, 0
		for range 10 {
			wg.Go(func() {
				p, err := l.Wait(t.Context(), "m", 1)
				mu.Lock()
				defer mu.Unlock()
				if after, retry := model.Retry(err); err != nil && (!retry || after <= 0) {
					t.Errorf("Wait() = %v, want an error to retry later", err)
				}
				if err != nil {
					refused++
					return
				}
				sent++
				p.Release()
			})
		}
		start := time.Now()
		wg.Wait()
		if sent != 2 || refused != 8 {
			t.Errorf("sent %d, refused %d, want 2 (one each 2 s) and 8", sent, refused)
		}
		if got := time.Since(start); got > 5*time.Second {
			t.Errorf("the last call waited %v, want at most 5s", got)
		}
	})
}

func TestLimiterWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopping := errors.New("stopping")
		l := model.NewLimiter(model.LimiterConfig{})
		send(t, l, 1, 429, headers("Retry-After", "20"))
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		for range 2 { // one waits for the limit, the other for the first
			wg.Go(func() {
				if _, err := l.Wait(ctx, "m", 1); !errors.Is(err, stopping) {
					t.Errorf("Wait() = %v, want %v", err, stopping)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		cancel(stopping)
		wg.Wait()
		if got := time.Since(start); got != 0 {
			t.Errorf("Wait() ended %v after its context", got)
		}
		if _, err := l.Wait(ctx, "m", 1); !errors.Is(err, stopping) {
			t.Errorf("Wait() with an ended context = %v, want %v", err, stopping)
		}
	})
}

// TestLimiterProbes: after a 429 one call goes first; each call that is answered
// makes room for one more.
func TestLimiterProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := model.NewLimiter(model.LimiterConfig{})
		send(t, l, 1, 429, headers("Retry-After", "1"))
		permits := make(chan *model.Permit, 10)
		var wg sync.WaitGroup
		defer wg.Wait()
		for range 10 {
			wg.Go(func() {
				p, err := l.Wait(t.Context(), "m", 1)
				if err != nil {
					t.Errorf("Wait() = %v", err)
				}
				permits <- p
			})
		}
		time.Sleep(2 * time.Second)
		for _, want := range []int{1, 2, 7} {
			synctest.Wait()
			if got := len(permits); got != want {
				t.Errorf("calls under way = %d, want %d", got, want)
			}
			for range len(permits) {
				(<-permits).Answered(200, headers(), time.Now())
			}
		}
	})
}

// TestLimiterProbeThatGetsNoAnswer does not keep the others waiting.
func TestLimiterProbeThatGetsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := model.NewLimiter(model.LimiterConfig{})
		send(t, l, 1, 429, headers())
		probe, err := l.Wait(t.Context(), "m", 1)
		if err != nil {
			t.Fatalf("Wait() = %v", err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { send(t, l, 1, 200, headers()) })
		synctest.Wait()
		start := time.Now()
		probe.Release()
		probe.Release()
		wg.Wait()
		if got := time.Since(start); got != 0 {
			t.Errorf("the call behind a failed probe waited %v", got)
		}
	})
}

// TestLimiterAnswersOutOfOrder: an answer that comes late does not give back what
// a later call has used up.
func TestLimiterAnswersOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := model.NewLimiter(model.LimiterConfig{})
		permit := func() *model.Permit {
			p, err := l.Wait(t.Context(), "m", 1)
			if err != nil {
				t.Fatalf("Wait() = %v", err)
			}
			return p
		}
		left := func(n int) func(string) string { // one more each second
			return headers("x-ratelimit-limit-requests", "10", "x-ratelimit-remaining-requests", fmt.Sprint(n),
				"x-ratelimit-reset-requests", fmt.Sprintf("%ds", 10-n))
		}
		first, second := permit(), permit()
		second.Answered(200, left(0), time.Now())
		first.Answered(200, left(1), time.Now())
		start := time.Now()
		third := permit()
		if got := time.Since(start).Round(time.Millisecond); got != 2*time.Second { // for itself, and for the one that was under way
			t.Errorf("the next call waited %v, want 2s", got)
		}
		third.Answered(200, left(5), time.Now()) // newer than all: it holds
		start = time.Now()
		permit()
		if got := time.Since(start); got != 0 {
			t.Errorf("a call with 5 left waited %v", got)
		}
	})
}

// TestLimiterKeepsTheLimit drives a simulated provider, which counts requests in
// a bucket, from many goroutines: with a limiter next to no call is refused.
func TestLimiterKeepsTheLimit(t *testing.T) {
	refused := func(t *testing.T, l *model.Limiter) (n int, took time.Duration) {
		const limit, perSecond = 20, 2.0
		var mu sync.Mutex
		level, at := float64(limit), time.Now()
		serve := func() (int, func(string) string) {
			mu.Lock()
			defer mu.Unlock()
			level = min(limit, level+time.Since(at).Seconds()*perSecond)
			at = time.Now()
			if level < 1 {
				n++
				return 429, headers("Retry-After-Ms", fmt.Sprint(int((1-level)/perSecond*1000)+1))
			}
			level--
			return 200, headers("x-ratelimit-limit-requests", fmt.Sprint(limit), "x-ratelimit-remaining-requests", fmt.Sprint(int(level)),
				"x-ratelimit-reset-requests", fmt.Sprintf("%.3fs", (limit-level)/perSecond))
		}
		start := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				for {
					p, err := l.Wait(t.Context(), "m", 1)
					if err != nil {
						t.Errorf("Wait() = %v", err)
						return
					}
					time.Sleep(50 * time.Millisecond) // on the way
					status, header := serve()
					p.Answered(status, header, time.Now())
					p.Release()
					if status == 200 {
						return
					}
					time.Sleep(500 * time.Millisecond) // what callers do without a limiter
				}
			})
		}
		wg.Wait()
		return n, time.Since(start)
	}
	synctest.Test(t, func(t *testing.T) {
		without, _ := refused(t, nil)
		with, took := refused(t, model.NewLimiter(model.LimiterConfig{MaxWait: time.Hour}))
		if with > 0 || without < 100 {
			t.Errorf("429s = %d with a limiter, %d without, want none and many", with, without)
		}
		if took > 60*time.Second {
			t.Errorf("100 calls took %v, want about the 40 s that the limit allows", took)
		}
	})
}

func TestNilLimiter(t *testing.T) {
	var l *model.Limiter
	p, err := l.Wait(t.Context(), "m", 1)
	if err != nil {
		t.Fatalf("Wait() = %v", err)
	}
	p.Answered(429, headers("Retry-After", "60"), time.Now())
	p.Release()
	if _, err := l.Wait(t.Context(), "m", 1); err != nil {
		t.Errorf("Wait() = %v, want none", err)
	}
}
