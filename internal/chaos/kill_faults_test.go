//go:build faults

package chaos_test

import (
	"testing"
	"time"

	"github.com/perdure/perdure/internal/fault"
)

func configureFaults(text string) error {
	if text == "" {
		return nil
	}
	return fault.Configure(text)
}

// TestW60_ControlAckBeforeSync is the failing control of TestW60_ServerKilled: a hub
// that acknowledges before its commits are durable forgets what it has acknowledged. A
// kill loses only what the system has not been given yet, so it takes some.
func TestW60_ControlAckBeforeSync(t *testing.T) {
	t.Setenv(serverFaults, string(fault.AckBeforeSync))
	l := startLoad(t)
	for end := time.Now().Add(2 * time.Minute); !l.wrong() && time.Now().Before(end); {
		l.round()
	}
	if !l.wrong() {
		t.Errorf("acknowledging before the sync lost nothing in %d kills: the test would not notice it", l.kills)
	}
	l.abandon()
}

// wrong reports whether something was seen that must not be.
func (l *load) wrong() bool {
	l.seen.mu.Lock()
	defer l.seen.mu.Unlock()
	return len(l.seen.mistakes) > 0
}

// abandon ends the load, whatever is left undone.
func (l *load) abandon() {
	l.seen.mu.Lock()
	defer l.seen.mu.Unlock()
	for _, m := range l.seen.mistakes {
		l.t.Log(m)
	}
}
