package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// output writes data in the format that was asked for.
type output struct {
	*terminal
	format string // table, json or jsonl
	time   string // relative, local or utc
	quiet  bool
	colour bool
}

func newOutput(c *cobra.Command, t *terminal) (*output, error) {
	if _, ok := t.out.(*written); !ok {
		t.out = &written{Writer: t.out}
	}
	o := &output{terminal: t}
	var err error
	if o.format, err = c.Flags().GetString("output"); err != nil {
		return nil, err
	}
	if o.time, err = c.Flags().GetString("time"); err != nil {
		return nil, err
	}
	if o.quiet, err = c.Flags().GetBool("quiet"); err != nil {
		return nil, err
	}
	switch o.format {
	case "table", "json", "jsonl":
	case "":
		o.format = "jsonl"
		if t.outTTY {
			o.format = "table"
		}
	default:
		return nil, fail(exitUsage, "known are table, json, jsonl", "no output format %s", o.format)
	}
	if o.colour, err = t.coloured(c); err != nil {
		return nil, err
	}
	switch o.time {
	case "relative", "local", "utc":
	default:
		return nil, fail(exitUsage, "known are relative, local, utc", "no way to show times called %s", o.time)
	}
	return o, nil
}

// document writes one value as JSON, indented under -o json.
func (o *output) document(v any) error {
	data, ok := v.(json.RawMessage)
	if !ok {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return fail(exitError, "", "%s", err)
		}
		data = bytes.TrimSpace(b.Bytes())
	}
	var b bytes.Buffer
	shape := json.Compact
	if o.format == "json" {
		shape = func(to *bytes.Buffer, from []byte) error { return json.Indent(to, from, "", "  ") }
	}
	if err := shape(&b, data); err != nil {
		return fail(exitError, "", "the server's answer is no JSON: %v", err)
	}
	_, err := fmt.Fprintf(o.out, "%s\n", safeJSON(b.Bytes()))
	return err
}

// say tells the person what happened; it is no data.
func (o *output) say(format string, args ...any) {
	if !o.quiet {
		fmt.Fprintf(o.err, format+"\n", args...)
	}
}

// table writes rows under a head, as wide as the terminal: the widest columns
// give way.
func (o *output) table(head []string, rows [][]string) {
	widths := make([]int, len(head))
	all := append([][]string{head}, rows...)
	for _, row := range all {
		for i := range row {
			row[i] = safe(row[i])
			widths[i] = max(widths[i], columns(row[i]))
		}
	}
	shown := fit(widths, o.width)
	for n, row := range all {
		last := min(len(row), shown) - 1
		for last > 0 && row[last] == "" {
			last--
		}
		var line strings.Builder
		for i, cell := range row[:last+1] {
			state := cell
			cell = cut(cell, widths[i])
			gap := strings.Repeat(" ", widths[i]-columns(cell)+2)
			switch {
			case n == 0:
				cell = o.paint(dim, cell)
			case head[i] == "STATE":
				cell = o.paint(styleOf(state), cell)
			}
			line.WriteString(cell)
			if i < last {
				line.WriteString(gap)
			}
		}
		fmt.Fprintln(o.out, line.String())
	}
}

// fields writes names with values, without those that are empty.
func fields(w io.Writer, list [][2]string) {
	for _, f := range list {
		if f[1] != "" {
			fmt.Fprintf(w, "%-9s %s\n", f[0], safe(f[1]))
		}
	}
}

// fit narrows columns until a table of them fits: the last one first, then the
// widest. 0 = no limit. It returns how many columns there is room for.
func fit(widths []int, limit int) (shown int) {
	const gap, least = 2, 10 // room for "terminated"
	last := len(widths) - 1
	for limit > 0 {
		total, widest := -gap, 0
		for i, w := range widths {
			total += w + gap
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[last] > 2*least {
			widest = last
		}
		if total <= limit {
			break
		}
		if widths[widest] <= least {
			if len(widths) == 1 {
				break
			}
			return fit(widths[:last], limit)
		}
		widths[widest]--
	}
	return len(widths)
}

// cut shortens a text to a number of columns.
func cut(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	used := 1 // for the ellipsis
	for i, r := range s {
		if used += columnsOf(r); used > width {
			return s[:i] + "…"
		}
	}
	return s
}

// clip shortens a text to the width of the terminal.
func (o *output) clip(s string) string {
	if o.width > 0 {
		return cut(s, o.width)
	}
	return s
}

// when shows a time as --time asks.
func (o *output) when(t *time.Time) string {
	switch {
	case t == nil:
		return ""
	case o.time == "utc":
		return t.UTC().Format("2006-01-02 15:04:05Z")
	case o.time == "local":
		return t.Local().Format("2006-01-02 15:04:05")
	}
	d := o.now().Sub(*t)
	if d >= 0 && d < time.Second {
		return "now"
	}
	if d < 0 {
		return "in " + short((-d).Truncate(time.Second))
	}
	return short(d.Truncate(time.Second)) + " ago"
}

// age is how long ago a time is, or the time, as --time asks.
func (o *output) age(t *time.Time) string {
	if t == nil || o.time != "relative" {
		return o.when(t)
	}
	d := max(o.now().Sub(*t), 0)
	if d > time.Second {
		d = d.Truncate(time.Second)
	}
	return short(d)
}

// short shows a duration with one or two units.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%gs", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Hour:
		return units(d, time.Minute, "m", time.Second, "s")
	case d < 48*time.Hour:
		return units(d, time.Hour, "h", time.Minute, "m")
	}
	return units(d, 24*time.Hour, "d", time.Hour, "h")
}

func units(d, large time.Duration, largeName string, small time.Duration, smallName string) string {
	text := fmt.Sprintf("%d%s", d/large, largeName)
	if rest := d % large / small; rest > 0 {
		text += fmt.Sprintf("%d%s", rest, smallName)
	}
	return text
}

// quoted is a text as a shell takes it for one word.
func quoted(s string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@%+=:,./-_", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) && r != '~' }) && s[0] != '~' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// safe shows characters that steer terminals or reorder text as escapes.
func safe(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, `\u{%x}`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// safeText is safe for text that has lines.
func safeText(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		parts := strings.Split(line, "\t")
		for n := range parts {
			parts[n] = safe(parts[n])
		}
		lines[i] = strings.Join(parts, "\t")
	}
	return strings.Join(lines, "\n")
}

// safeJSON escapes the same characters within JSON, where they can only stand
// in strings.
func safeJSON(data []byte) []byte {
	if bytes.IndexFunc(data, func(r rune) bool { return r != '\n' && hidden(r) }) < 0 {
		return data
	}
	var b bytes.Buffer
	for _, r := range string(data) {
		switch {
		case r == '\n' || !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// hidden reports whether a character cannot be seen: controls, and the format
// characters that change how others are shown.
func hidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }
