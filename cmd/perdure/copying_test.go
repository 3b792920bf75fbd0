package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestCopying tells of copies on a terminal, and nothing elsewhere.
func TestCopying(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := func(tty bool, size int64) string {
			var b strings.Builder
			c := (&output{terminal: &terminal{err: &b, errTTY: tty}}).copying("read", size)
			c.add(1_000_000) // at once: not told
			time.Sleep(time.Second)
			c.add(1_000_000)
			c.add(1)
			c.end()
			return b.String()
		}
		const clear = "\r\x1b[K"
		for _, c := range []struct {
			tty  bool
			size int64
			want string
		}{
			{true, 8_000_000, clear + "read 2.0 MB, 2.0 MB/s, 25 %, 3s left" + clear},
			{true, 0, clear + "read 2.0 MB, 2.0 MB/s" + clear},
			{false, 8_000_000, ""},
		} {
			if got := told(c.tty, c.size); got != c.want {
				t.Errorf("on a terminal %v, of %d bytes: %q, want %q", c.tty, c.size, got, c.want)
			}
		}
	})
}
