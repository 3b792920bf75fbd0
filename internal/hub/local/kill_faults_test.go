//go:build faults

package local_test

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

// TestT04_ControlAckBeforeSync is the failing control of TestT04_KillNine: a hub
// that acknowledges before its commits are durable loses acknowledged work.
func TestT04_ControlAckBeforeSync(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(killFaults, string(fault.AckBeforeSync))
	next := make(map[string]int)
	lost := 0
	for round, end := 0, time.Now().Add(30*time.Second); lost == 0 && time.Now().Before(end); round++ {
		addRuns(next, round)
		killRound(t, dir, next, time.Duration(round%10)*50*time.Microsecond) // at the first answers, before they are written
		lost += lostStarts(t, dir, next)
	}
	if lost == 0 {
		t.Error("acknowledging before the sync lost nothing: the test would not notice it")
	}
}

// lostStarts counts the acknowledged starts that the store does not have.
func lostStarts(t *testing.T, dir string, next map[string]int) (lost int) {
	t.Helper()
	db, _, s, err := openKilled(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for id, n := range next {
		if n < 0 {
			continue
		}
		if _, err := s.Instance(t.Context(), id); err != nil {
			lost++
		}
	}
	return lost
}
