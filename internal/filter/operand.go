package filter

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operand reads a value of a field.
func (p *parser) operand(field Field, op Op, t token) (Operand, *Error) {
	fail := func(format string, args ...any) (Operand, *Error) {
		return Operand{}, &Error{From: t.from, To: t.to, Text: fmt.Sprintf(format, args...)}
	}
	if !field.Type.takes(op) || field.Name == "age" && op == Is {
		return fail("%s does not take %s", field.Name, op)
	}
	o := Operand{Text: t.text}
	var ok bool
	switch field.Type {
	case Text:
		if !t.quoted && op == Is {
			o.Text, o.Prefix = strings.CutSuffix(t.text, "*")
		}
		return o, nil
	case Choice:
		return choice(field, t)
	case Time:
		if o, ok = parseTime(t.text, p.now); !ok {
			_, err := fail("not a time; times are such as 2026-01-31, 2026-01-31T15:04:05Z, -24h, -7d, today, yesterday, now")
			err.Nearest = nearest(strings.ToLower(t.text), []string{"today", "yesterday", "now"})
			return Operand{}, err
		}
	case Duration:
		d, ok := parseDuration(t.text)
		if !ok {
			return fail("not a duration; durations are such as 500ms, 5m, 1h30m, 7d")
		}
		o = Operand{Text: formatDuration(d), Number: int64(d)}
	case Integer:
		n, err := strconv.ParseInt(t.text, 10, 64)
		if err != nil {
			return fail("not an integer")
		}
		o = Operand{Text: strconv.FormatInt(n, 10), Number: n}
	case Money:
		if o.Number, ok = parseMoney(t.text); !ok {
			return fail("not an amount in dollars, such as 0.05")
		}
		o.Text = formatMoney(o.Number)
	}
	return o, nil
}

func (t Type) takes(op Op) bool {
	switch op {
	case Is:
		return true
	case Contains:
		return t == Text
	}
	return t != Text && t != Choice
}

func choice(field Field, t token) (Operand, *Error) {
	o := Operand{Text: strings.ToLower(t.text)}
	fits := func(c string) bool { return c == o.Text }
	if !t.quoted && strings.HasSuffix(o.Text, "*") {
		o.Text, o.Prefix = strings.TrimSuffix(o.Text, "*"), true
		fits = func(c string) bool { return strings.HasPrefix(c, o.Text) }
	}
	if !slices.ContainsFunc(field.Choices, fits) {
		return o, &Error{From: t.from, To: t.to, Nearest: nearest(o.Text, field.Choices),
			Text: fmt.Sprintf("%s is one of %s", field.Name, strings.Join(field.Choices, " "))}
	}
	return o, nil
}

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// parseTime reads a point in time or a period, with its canonical text: a date
// in now's location for a day, else the instant in UTC.
func parseTime(s string, now time.Time) (Operand, bool) {
	year, month, date := now.Date()
	switch strings.ToLower(s) {
	case "now":
		return instant(now)
	case "today":
		return wholeDay(time.Date(year, month, date, 0, 0, 0, 0, now.Location()))
	case "yesterday":
		return wholeDay(time.Date(year, month, date-1, 0, 0, 0, 0, now.Location()))
	}
	if strings.HasPrefix(s, "-") || strings.HasPrefix(s, "+") {
		d, ok := parseDuration(s[1:])
		if !ok {
			return Operand{}, false
		}
		if s[0] == '-' {
			d = -d
		}
		return instant(now.Add(d))
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, now.Location()); err == nil {
		return wholeDay(t)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return instant(t)
		}
	}
	return Operand{}, false
}

// instant returns the operand of a point in time, whose period is a nanosecond.
func instant(t time.Time) (Operand, bool) {
	t = t.UTC().Round(0)
	if t.Year() < 1 || t.Year() > 9999 {
		return Operand{}, false
	}
	return Operand{Text: t.Format(time.RFC3339Nano), From: t, To: t.Add(1)}, true
}

func wholeDay(t time.Time) (Operand, bool) {
	if t.Year() < 1 || t.Year() > 9999 {
		return Operand{}, false
	}
	return Operand{Text: t.Format(time.DateOnly), From: t.UTC(), To: t.AddDate(0, 0, 1).UTC()}, true
}

// parseDuration reads a duration with the units of time.ParseDuration and d and
// w, which may stand before them: 1d12h. It is not negative.
func parseDuration(s string) (time.Duration, bool) {
	var total time.Duration
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"w", week}, {"d", day}} {
		count, rest, found := strings.Cut(s, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 32)
		if err != nil || n > uint64((math.MaxInt64-total)/unit.size) {
			return 0, false
		}
		total += time.Duration(n) * unit.size
		if s = rest; s == "" {
			return total, true
		}
	}
	if s == "" || s[0] == '-' || s[0] == '+' {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	if err != nil || d > math.MaxInt64-total {
		return 0, false
	}
	return total + d, true
}

// formatDuration writes a duration without the units that are zero at its end.
func formatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// ageToCreated turns a term about age into the one about created that means the
// same at now, so that the filter does not change while it is in use.
func (p *parser) ageToCreated(term *Term) {
	opposite := map[Op]Op{Less: Greater, LessEqual: GreaterEqual, Greater: Less, GreaterEqual: LessEqual}
	term.Field, term.Type, term.Op = "created", Time, opposite[term.Op]
	o, ok := instant(p.now.Add(-time.Duration(term.Values[0].Number)))
	if !ok {
		o, _ = instant(time.Time{})
	}
	term.Values[0] = o
}

// micros are the millionths of a dollar.
const micros = 1_000_000

// parseMoney reads dollars with at most six decimals.
func parseMoney(s string) (int64, bool) {
	whole, part, _ := strings.Cut(strings.TrimPrefix(s, "$"), ".")
	if len(part) > 6 || strings.ContainsAny(whole+part, "+-") {
		return 0, false
	}
	dollars, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || dollars > math.MaxInt64/micros-1 {
		return 0, false
	}
	rest, err := strconv.ParseInt("0"+part+strings.Repeat("0", 6-len(part)), 10, 64)
	return dollars*micros + rest, err == nil
}

func formatMoney(n int64) string {
	text := fmt.Sprintf("%d.%06d", n/micros, n%micros)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
