// Package filtertest has the examples of filters that everybody who takes one must
// understand alike: the parser, the Go client, the API and the command line.
package filtertest

import (
	_ "embed"
	"strings"
	"time"
)

// golden has an example after the other, see Parse.
//
//go:embed golden.txt
var golden string

// Case is a filter with what it means.
type Case struct {
	Filter string
	// Canonical is the filter as it was understood; "" may be that of one that matches
	// everything.
	Canonical string
	// Mistake is what is wrong with it, "" = nothing.
	Mistake string
}

// Now is the time to which times in the examples are relative.
func Now() time.Time { return time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC) }

// Cases returns the examples.
func Cases() []Case { return parse(golden) }

// parse reads examples: a line with the filter, and one that begins with two blanks and
// = or ! with its canonical text or its mistake. Lines that begin with # are comments.
func parse(text string) (list []Case) {
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "  = "):
			list[len(list)-1].Canonical = line[4:]
		case strings.HasPrefix(line, "  ! "):
			list[len(list)-1].Mistake = line[4:]
		case line != "" && line[0] != '#':
			list = append(list, Case{Filter: line})
		}
	}
	return list
}

// Format writes examples as Cases reads them, under the comments that stand before.
func Format(list []Case) string {
	var b strings.Builder
	for line := range strings.SplitSeq(golden, "\n") {
		if !strings.HasPrefix(line, "#") {
			break
		}
		b.WriteString(line + "\n")
	}
	for _, c := range list {
		mark, text := "=", c.Canonical
		if c.Mistake != "" {
			mark, text = "!", c.Mistake
		}
		b.WriteString(c.Filter + "\n  " + mark + " " + text + "\n")
	}
	return b.String()
}
