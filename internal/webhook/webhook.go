// Package webhook tells a URL of decisions when they open, with requests signed as
// package signing says: webhook-id is the id of the decision, webhook-timestamp the
// time of the attempt.
//
// Each open decision is told at least once, across crashes too: that it was told is
// noted with it. Nothing waits for a webhook.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/internal/signing"
)

// Config says whom to tell.
type Config struct {
	Service *agent.Service // required
	// URL gets a POST for each decision. A status of 200 to 299 takes it; redirects
	// are not followed.
	URL string
	// Secret signs the requests: of the form whsec_ and base64 its decoded bytes,
	// else its own.
	Secret string
	// Poll is how often it is looked for what nobody tells of: calls without an
	// outcome whose turns have ended. 0 = 15 s.
	Poll time.Duration
	// FirstPause and MaxPause bound the pause after a request that failed, which
	// doubles each time. 0 = 1 s and 5 min.
	FirstPause, MaxPause time.Duration
	// Timeout bounds a request. 0 = 10 s.
	Timeout time.Duration
	// Transport sends the requests. nil = http.DefaultTransport.
	Transport http.RoundTripper
	// Logger gets the first failure of each decision. nil = slog.Default().
	Logger *slog.Logger
}

// Check returns what is wrong with URL and secret.
func Check(address, secret string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("the URL is not one of http or https")
	}
	_, err = signing.ParseKey(secret)
	return err
}

// Payload is the body of a request.
type Payload struct {
	Type     string          `json:"type"` // decision.opened
	Decision *agent.Decision `json:"decision"`
}

// TypeOpened is the Type of a Payload.
const TypeOpened = "decision.opened"

// Run tells of decisions until ctx ends. It returns nil then, and an error if the
// configuration is not valid.
func Run(ctx context.Context, c Config) error {
	if err := Check(c.URL, c.Secret); err != nil {
		return err
	}
	c.fill()
	key, err := signing.ParseKey(c.Secret)
	if err != nil {
		return err
	}
	t := &teller{Config: c, key: key, failed: map[string]*failure{}, client: &http.Client{
		Transport: c.Transport, Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	var changed <-chan struct{} // nil = nobody tells of decisions
	for ctx.Err() == nil {
		if changed == nil {
			if changed, err = c.Service.WatchDecisions(ctx); err != nil && ctx.Err() == nil {
				c.Logger.Warn("webhook: decisions cannot be watched", "err", err)
			}
		}
		timer := time.NewTimer(t.round(ctx))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case _, open := <-changed:
			if !open { // the hub ends, most likely
				changed = nil
				pause(ctx, t.FirstPause)
			}
		}
		timer.Stop()
	}
	return nil
}

func (c *Config) fill() {
	if c.Poll <= 0 {
		c.Poll = 15 * time.Second
	}
	if c.FirstPause <= 0 {
		c.FirstPause = time.Second
	}
	if c.MaxPause <= 0 {
		c.MaxPause = 5 * time.Minute
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
}

// pause waits for a while, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// failure is what is remembered of a decision that could not be told.
type failure struct {
	times int
	next  time.Time
	seen  bool // in this round
}

type teller struct {
	Config
	key    signing.Key
	client *http.Client
	failed map[string]*failure
}

// round tells what is to be told now, and returns how long to wait for the next.
func (t *teller) round(ctx context.Context) time.Duration {
	for _, f := range t.failed {
		f.seen = false
	}
	var after []byte
	for {
		page, err := t.Service.Unannounced(ctx, after)
		if err != nil {
			if ctx.Err() == nil {
				t.Logger.Warn("webhook: the open decisions cannot be read", "err", err)
			}
			return t.Poll
		}
		for _, d := range page.Decisions {
			if ctx.Err() != nil {
				return 0
			}
			t.try(ctx, d)
		}
		if after = page.Next; after == nil {
			break
		}
	}
	wait := t.Poll
	for id, f := range t.failed {
		if !f.seen { // answered, or told
			delete(t.failed, id)
			continue
		}
		wait = min(wait, max(time.Until(f.next), time.Millisecond))
	}
	return wait
}

// try tells of a decision, unless its pause is not over.
func (t *teller) try(ctx context.Context, d *agent.Decision) {
	f := t.failed[d.ID]
	if f != nil {
		f.seen = true
		if time.Now().Before(f.next) {
			return
		}
	}
	err := t.post(ctx, d)
	if err == nil {
		err = t.Service.Announced(ctx, d.ID)
	}
	switch {
	case err == nil:
		delete(t.failed, d.ID)
		return
	case ctx.Err() != nil:
		return
	case f == nil:
		f = &failure{seen: true}
		t.failed[d.ID] = f
		t.Logger.Warn("webhook: a decision could not be told; it is tried again", "decision", d.ID, "err", err)
	}
	pause := t.MaxPause
	if f.times < 30 {
		pause = min(t.FirstPause<<f.times, t.MaxPause)
	}
	f.times++
	f.next = time.Now().Add(pause)
}

// post makes one attempt to tell of a decision.
func (t *teller) post(ctx context.Context, d *agent.Decision) error {
	body, err := json.Marshal(Payload{Type: TypeOpened, Decision: d})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	t.key.Sign(r.Header, d.ID, time.Now(), body)
	answer, err := t.client.Do(r)
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = failed.Err // without the URL, which may hold a secret
	}
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection is used again
	if err := answer.Body.Close(); err != nil {
		return err
	}
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the webhook answered %s", answer.Status)
	}
	return nil
}
