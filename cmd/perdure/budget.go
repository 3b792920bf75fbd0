package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// budget is what commands read of a budget, and of what was spent of one.
type budget struct {
	Tokens int64         `json:"tokens"`
	USD    float64       `json:"usd"`
	Calls  int64         `json:"calls"`
	Time   time.Duration `json:"time"`
}

// String returns the bounds as people read them.
func (b budget) String() string {
	var parts []string
	if b.USD != 0 {
		parts = append(parts, money(b.USD))
	}
	if b.Tokens != 0 {
		parts = append(parts, count(b.Tokens)+" tokens")
	}
	if b.Calls != 0 {
		parts = append(parts, fmt.Sprintf("%d calls", b.Calls))
	}
	if b.Time != 0 {
		parts = append(parts, short(b.Time))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// parseAmount reads by how much a budget is raised: 5usd, 20000tokens, 10calls or 30m.
// A plain number is of the one bound that the budget has.
func parseAmount(text string, d *decision) (map[string]any, error) {
	if span, err := time.ParseDuration(text); err == nil && span > 0 {
		return map[string]any{"time": text}, nil
	}
	digits := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	number, err := strconv.ParseFloat(strings.TrimPrefix(digits, "$"), 64)
	unit := text[len(digits):]
	if strings.HasPrefix(digits, "$") && unit == "" {
		unit = "usd"
	}
	if err == nil && unit == "" {
		unit = onlyBound(d)
	}
	whole := number == float64(int64(number))
	switch {
	case err != nil || !(number > 0):
	case strings.EqualFold(unit, "usd"):
		return map[string]any{"usd": number}, nil
	case (unit == "tokens" || unit == "calls") && whole:
		return map[string]any{unit: int64(number)}, nil
	}
	return nil, fail(exitUsage, "write it like 5usd, 20000tokens, 10calls or 30m", "%s is no amount of a budget", text)
}

// onlyBound names the bound of a budget that has one, else "".
func onlyBound(d *decision) string {
	if d.Budget == nil {
		return ""
	}
	switch l := d.Budget.Limit; (budget{}) {
	case budget{USD: l.USD, Calls: l.Calls, Time: l.Time}:
		return "tokens"
	case budget{Tokens: l.Tokens, Calls: l.Calls, Time: l.Time}:
		return "usd"
	case budget{USD: l.USD, Tokens: l.Tokens, Time: l.Time}:
		return "calls"
	}
	return ""
}

// money shows an amount of US dollars.
func money(usd float64) string {
	if usd < 0.01 {
		return fmt.Sprintf("$%.4f", usd)
	}
	return fmt.Sprintf("$%.2f", usd)
}

// count shows a large number in thousands or millions.
func count(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10)
	case n < 1_000_000:
		return fmt.Sprintf("%.1fk", float64(n)/1000)
	}
	return fmt.Sprintf("%.1fM", float64(n)/1_000_000)
}

// number shows how many there are of something.
func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
