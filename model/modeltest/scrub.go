package modeltest

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// secretParameters are query parameters that carry keys, in lower case.
func secretParameters() []string {
	return []string{"key", "api-key", "api_key", "apikey", "subscription-key", "code", "sig", "signature", "token",
		"access_token", "secret", "client_secret", "password"}
}

// secretHeaders are request headers that authenticate.
func secretHeaders() []string {
	return []string{"Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "Cookie"}
}

// scrubbed stands in the place of a secret.
const scrubbed = "scrubbed"

// minSecret is the length from which a header's value is looked for elsewhere;
// anything shorter stands there by chance.
const minSecret = 8

// A Scrub removes from a body what must not be recorded. It is given the bodies
// of requests, by the recorder and by the player, which find each other by what
// is left, and those of answers. It must not change its argument, may be called
// concurrently, and has to do the same each time.
type Scrub func(body []byte) []byte

// scrubber removes the secrets of one request.
type scrubber struct {
	secrets []string
	more    []Scrub
}

func newScrubber(req *http.Request, more []Scrub) scrubber {
	s := scrubber{more: more}
	add := func(secret string) {
		if len(secret) >= minSecret {
			s.secrets = append(s.secrets, secret)
		}
	}
	for _, name := range secretHeaders() {
		for _, value := range req.Header.Values(name) {
			add(value)
			if _, token, ok := strings.Cut(value, " "); ok {
				add(token)
			}
		}
	}
	for name, values := range req.URL.Query() {
		if slices.Contains(secretParameters(), strings.ToLower(name)) {
			for _, v := range values {
				add(v)
			}
		}
	}
	// The longest first: one secret may be the beginning of another.
	slices.SortFunc(s.secrets, func(a, b string) int { return len(b) - len(a) })
	return s
}

func (s scrubber) text(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, scrubbed)
	}
	return text
}

func (s scrubber) body(body []byte) []byte {
	for _, secret := range s.secrets {
		body = bytes.ReplaceAll(body, []byte(secret), []byte(scrubbed))
	}
	for _, scrub := range s.more {
		body = scrub(body)
	}
	return body
}
