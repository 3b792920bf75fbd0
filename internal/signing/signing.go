// Package signing signs requests and checks their signatures as Standard Webhooks
// (standardwebhooks.com) says: webhook-id names the request, webhook-timestamp is its
// time in Unix seconds, and webhook-signature "v1," and the HMAC-SHA256, in base64, of
// id, timestamp and body with a dot between.
package signing

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of signed requests.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

const (
	// minSecret is the least length of a secret, in bytes, newSecret that of new ones.
	minSecret, newSecret = 16, 32
	// encodedPrefix begins secrets that are base64.
	encodedPrefix = "whsec_"
	// tolerance is how far the clocks of both sides may be apart, and how old a
	// request may be.
	tolerance = 5 * time.Minute
)

// Key is the bytes of a secret.
type Key []byte

// ParseKey returns the key of a secret: of the form whsec_ and base64 its decoded
// bytes, else its own.
func ParseKey(secret string) (Key, error) {
	b := []byte(secret)
	if text, ok := strings.CutPrefix(secret, encodedPrefix); ok {
		var err error
		if b, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errors.New("the secret after whsec_ is not base64")
		}
	}
	if len(b) < minSecret {
		return nil, fmt.Errorf("the secret has %d bytes; at least %d are needed", len(b), minSecret)
	}
	return b, nil
}

// NewSecret returns a random secret.
func NewSecret() string {
	var b [newSecret]byte
	_, _ = rand.Read(b[:]) // never fails
	return encodedPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// String hides the key.
func (Key) String() string { return "[secret]" }

// GoString hides the key.
func (Key) GoString() string { return "[secret]" }

// sign returns the signature of a request.
func (k Key) sign(id, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, k)
	fmt.Fprintf(h, "%s.%s.", id, timestamp)
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Sign sets the headers of a request with a body that is sent now.
func (k Key) Sign(h http.Header, id string, now time.Time, body []byte) {
	at := strconv.FormatInt(now.Unix(), 10)
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, at)
	h.Set(HeaderSignature, k.sign(id, at, body))
}

// Check returns why a request with a body was not signed just now with one of the keys.
// A request that was overheard can be sent again within the tolerance, under its id.
func Check(keys []Key, h http.Header, now time.Time, body []byte) error {
	id, at := h.Get(HeaderID), h.Get(HeaderTimestamp)
	if id == "" || at == "" || h.Get(HeaderSignature) == "" {
		return errors.New("the request is not signed")
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return errors.New("the time of the request is no number of seconds")
	}
	if d := now.Sub(time.Unix(seconds, 0)); d.Abs() > tolerance {
		return fmt.Errorf("the request is of another time than now, by %v: are both clocks right?", d.Round(time.Second))
	}
	for _, shown := range strings.Fields(h.Get(HeaderSignature)) {
		for _, k := range keys {
			if hmac.Equal([]byte(shown), []byte(k.sign(id, at, body))) {
				return nil
			}
		}
	}
	return errors.New("the signature is not one of this worker's secret")
}
