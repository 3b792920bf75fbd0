package main

import (
	"fmt"
	"strings"
)

// display is a block of lines at the end of a terminal's output that is drawn over
// itself.
type display struct {
	*output
	drawn int // lines
}

// draw shows the lines in place of those drawn before. Lines are cut to the width of
// the terminal, and their number to its height, as what has scrolled away cannot be
// drawn over.
func (d *display) draw(lines []string) {
	var b strings.Builder
	if d.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r\x1b[J", d.drawn)
	}
	if most := max(d.height-2, 3); d.height > 0 && len(lines) > most {
		lines = append(lines[:most-1:most-1], fmt.Sprintf("  … %d more", len(lines)-most+1))
	}
	for _, line := range lines {
		b.WriteString(cutPainted(line, d.width) + "\n")
	}
	d.drawn = len(lines)
	fmt.Fprint(d.out, b.String())
}

// cutPainted is cut for text with the escape sequences of paint; 0 = no limit.
func cutPainted(s string, width int) string {
	if width <= 0 || columns(unpainted(s)) <= width {
		return s
	}
	var b strings.Builder
	used := 1 // for the ellipsis
	painted, escape := false, false
	for _, r := range s {
		switch {
		case escape:
			escape = r != 'm'
		case r == '\x1b': // of paint, so they come in pairs
			escape, painted = true, !painted
		default:
			used += columnsOf(r)
		}
		if used > width {
			break
		}
		b.WriteRune(r)
	}
	b.WriteRune('…')
	if painted {
		b.WriteString(reset)
	}
	return b.String()
}

// unpainted is the text without the escape sequences of paint.
func unpainted(s string) string {
	var b strings.Builder
	escape := false
	for _, r := range s {
		switch {
		case escape:
			escape = r != 'm'
		case r == '\x1b':
			escape = true
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
