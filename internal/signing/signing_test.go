package signing_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/signing"
)

// The example of the specification's own library.
const (
	secret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	id      = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	payload = `{"test": 2432232314}`
	want    = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

var at = time.Unix(1614265330, 0)

func key(t *testing.T, secret string) signing.Key {
	t.Helper()
	k, err := signing.ParseKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSign(t *testing.T) {
	h := http.Header{}
	key(t, secret).Sign(h, id, at, []byte(payload))
	if got := h.Get("webhook-signature"); got != want || h.Get("webhook-id") != id || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("Sign() = %v, want the signature %s", h, want)
	}
}

func TestCheck(t *testing.T) {
	k := key(t, secret)
	other := key(t, signing.NewSecret())
	for name, c := range map[string]struct {
		change func(http.Header)
		body   string
		keys   []signing.Key
		after  time.Duration
		ok     bool
	}{
		"as it was sent":  {ok: true},
		"4 min later":     {after: 4 * time.Minute, ok: true},
		"4 min earlier":   {after: -4 * time.Minute, ok: true},
		"6 min later":     {after: 6 * time.Minute},
		"6 min earlier":   {after: -6 * time.Minute},
		"another body":    {body: "{}"},
		"another id":      {change: func(h http.Header) { h.Set("webhook-id", "x") }},
		"another time":    {change: func(h http.Header) { h.Set("webhook-timestamp", "1614265331") }},
		"no time":         {change: func(h http.Header) { h.Set("webhook-timestamp", "now") }},
		"no signature":    {change: func(h http.Header) { h.Del("webhook-signature") }},
		"empty signature": {change: func(h http.Header) { h.Set("webhook-signature", "v1,") }},
		"no id":           {change: func(h http.Header) { h.Del("webhook-id") }},
		"another key":     {keys: []signing.Key{other}},
		"an old key too":  {keys: []signing.Key{other, k}, ok: true},
		"no key":          {keys: []signing.Key{}},
		"a second signature": {change: func(h http.Header) {
			h.Set("webhook-signature", "v1,bad "+h.Get("webhook-signature"))
		}, ok: true},
	} {
		h := http.Header{}
		k.Sign(h, id, at, []byte(payload))
		if c.change != nil {
			c.change(h)
		}
		body, keys := payload, []signing.Key{k}
		if c.body != "" {
			body = c.body
		}
		if c.keys != nil {
			keys = c.keys
		}
		if err := signing.Check(keys, h, at.Add(c.after), []byte(body)); (err == nil) != c.ok {
			t.Errorf("Check(%s) = %v, want ok: %v", name, err, c.ok)
		}
	}
}

func TestKeysAreHidden(t *testing.T) {
	for _, bad := range []string{"", "short", "whsec_***", "whsec_c2hvcnQ="} {
		if _, err := signing.ParseKey(bad); err == nil {
			t.Errorf("ParseKey(%q) = nil, want an error", bad)
		}
	}
	k := key(t, "0123456789abcdef")
	if text := fmt.Sprintf("%v %#v %s", k, k, k); strings.Contains(text, "0123") || strings.Contains(text, "0x30") {
		t.Errorf("a key is shown as %s", text)
	}
	if a, b := signing.NewSecret(), signing.NewSecret(); a == b || len(a) < 40 {
		t.Errorf("NewSecret() = %s, then %s, want two long ones", a, b)
	}
}
