package client_test

import (
	"testing"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
)

func TestFingerprint(t *testing.T) {
	of := func(kind, message string) string {
		return client.Fingerprint(&history.Failure{Type: kind, Message: message})
	}
	first := of("Timeout", `charge "order-17" failed after 30s: request 9f2c41 was lost`)
	if got := of("Timeout", `charge "order 9 of Mary" failed after 31s: request 11aa was lost`); got != first {
		t.Errorf("fingerprint of a failure that is alike = %s, want %s", got, first)
	}
	for _, other := range [][2]string{{"Error", `charge "order-17" failed after 30s: request 9f2c41 was lost`}, {"Timeout", "refund failed"}} {
		if got := of(other[0], other[1]); got == first {
			t.Errorf("Fingerprint(%q) = %s, want another one than that of %q", other, got, "charge failed")
		}
	}
	if got := client.Fingerprint(nil); got != "" {
		t.Errorf("Fingerprint(nil) = %q, want none", got)
	}
}
