package main

import (
	"strings"
	"unicode"

	"github.com/spf13/cobra"
)

// style is how a terminal shows a text: the parameters of an escape sequence.
type style string

const (
	plain  style = ""
	dim    style = "2"
	bold   style = "1"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	blue   style = "34"
)

// reset ends a style.
const reset = "\x1b[0m"

// coloured reports whether output is in colour: --color decides, then NO_COLOR, then
// whether somebody reads it on a terminal that knows colours.
func (t *terminal) coloured(c *cobra.Command) (bool, error) {
	wanted, err := c.Flags().GetString("color")
	if err != nil {
		return false, err
	}
	switch wanted {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "auto":
		return t.outTTY && t.getenv("NO_COLOR") == "" && t.getenv("TERM") != "dumb", nil
	}
	return false, fail(exitUsage, "known are auto, always, never", "no way to colour called %s", wanted)
}

// paint shows a text in a style, if output is in colour. Colour never tells anything
// that the words do not.
func (o *output) paint(s style, text string) string {
	if !o.colour || s == plain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + reset
}

// styleOf is the style of the state of a run, by its first word.
func styleOf(state string) style {
	word, _, _ := strings.Cut(state, " ")
	switch strings.TrimSuffix(word, ",") {
	case "completed", "idle", "ready", "ok":
		return green
	case "failed", "stuck", "fail":
		return red
	case "waiting", "retrying", "suspended", "warn":
		return yellow
	case "active", "running", "executing":
		return blue
	case "terminated", "canceled", "pending", "queued":
		return dim
	}
	return plain
}

// columns is how many columns of a terminal a text takes.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += columnsOf(r)
	}
	return n
}

// columnsOf is how many columns a character takes: none if it goes onto the one
// before, two if it is wide (East Asian scripts and pictures).
func columnsOf(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
