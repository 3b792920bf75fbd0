package model

import (
	"maps"
	"strings"
)

// Prices is a table of prices. A key is one of
//
//	provider/model   the model at that provider
//	model            the model at any provider
//	prefix*          every model whose "provider/model" begins with prefix, such as "ollama/*"
//
// where provider is as in [Info]. Names ignore case. A dated name, which ends in
// "-20251001", "-2025-08-07", "-0613", "@20251001" or "-latest", is found under
// the name without the date, unless the table has it as it is.
//
// A table is not changed any more once it is in use.
type Prices map[string]Price

// Find returns the price of a model. A key with the provider comes before one
// without, a whole name before one without its date, and all of them before
// prefixes, of which the longest decides. Without a match ok is false: nothing
// is known about what the model costs.
func (p Prices) Find(provider, name string) (price Price, ok bool) {
	lower := make(map[string]string, len(p)) // lower case -> key
	for key := range p {
		folded := strings.ToLower(key)
		// Of keys that differ in case only, the smallest is taken.
		if have, taken := lower[folded]; !taken || key < have {
			lower[folded] = key
		}
	}
	provider, name = strings.ToLower(provider), strings.ToLower(name)
	undated := withoutDate(name)
	for _, key := range []string{provider + "/" + name, provider + "/" + undated, name, undated} {
		if found, ok := lower[key]; ok && !strings.HasSuffix(key, "*") {
			return p[found], true
		}
	}
	longest := ""
	for folded := range lower {
		prefix, pattern := strings.CutSuffix(folded, "*")
		if pattern && strings.HasPrefix(provider+"/"+name, prefix) && len(folded) > len(longest) {
			longest = folded
		}
	}
	if longest == "" {
		return Price{}, false
	}
	return p[lower[longest]], true
}

// Cost returns what a call of the model costs. Without a price ok is false.
func (p Prices) Cost(provider, name string, u Usage) (cost NanoUSD, ok bool) {
	price, ok := p.Find(provider, name)
	return price.Cost(u), ok
}

// With returns a table with the entries of p and those of over, which win.
func (p Prices) With(over Prices) Prices {
	out := make(Prices, len(p)+len(over))
	maps.Copy(out, p)
	maps.Copy(out, over)
	return out
}

// withoutDate cuts the date off a name. A version number is no date: of
// "claude-opus-4-1" nothing is cut.
func withoutDate(name string) string {
	if rest, ok := strings.CutSuffix(name, "-latest"); ok {
		return rest
	}
	i := len(name)
	for i > 0 && (name[i-1] >= '0' && name[i-1] <= '9' || name[i-1] == '-') {
		i--
	}
	tail := name[i:]
	if i > 0 && name[i-1] == '@' && isDate(tail) {
		return name[:i-1]
	}
	for at := range len(tail) {
		if tail[at] == '-' && i+at > 0 && isDate(tail[at+1:]) {
			return name[:i+at]
		}
	}
	return name
}

// isDate recognises 20251001, 2025-08-07 and 0613.
func isDate(s string) bool {
	digits := strings.ReplaceAll(s, "-", "")
	switch {
	case len(s) == 10 && len(digits) == 8:
		return s[4] == '-' && s[7] == '-'
	case len(digits) != len(s):
		return false
	}
	return len(s) == 8 || len(s) == 4
}

// DefaultPrices returns the list prices of the main models of OpenAI and
// Anthropic, for calls of the standard tier without regional surcharges, and
// those of models on one's own machine, which are free. The table is the
// caller's.
//
// They were looked up on 27 November 2026 and change without notice; give
// [Prices.With] what differs for you. Cache writes are those that live for five
// minutes, which is what model/anthropic asks for.
func DefaultPrices() Prices {
	return openAIPrices().With(anthropicPrices()).With(Prices{
		"ollama/*": {}, "demo/*": {}, "script/*": {},
	})
}

// openAIPrices is the part of [DefaultPrices] about OpenAI.
func openAIPrices() Prices {
	// flat is a price that does not depend on the length of the input.
	flat := func(input, cached, output float64) Price {
		return Price{Rates: Rates{Input: input, CachedInput: cached, Output: output}}
	}
	// long is a price that doubles for input, and rises by half for output,
	// above 272,000 tokens of input.
	long := func(input, cached, write, output float64) Price {
		return Price{
			Rates:    Rates{Input: input, CachedInput: cached, CacheWrite: write, Output: output},
			LongFrom: 272_000,
			Long:     Rates{Input: 2 * input, CachedInput: 2 * cached, CacheWrite: 2 * write, Output: 1.5 * output},
		}
	}
	return Prices{
		"gpt-6.2-astra": long(8, 0.40, 10, 40),
		"gpt-6.2-sol":   long(2, 0.10, 2.50, 10),
		"gpt-6.1-sol":   long(2, 0.10, 2.50, 10),
		"gpt-6-astra":   long(10, 1, 12.50, 50),
		"gpt-6-sol":     long(2, 0.20, 2.50, 10),
		"gpt-6-luna":    long(0.10, 0.01, 0.125, 0.50),
		"gpt-5.6-sol":   long(4, 0.40, 5, 20),
		"gpt-5.6-terra": long(2, 0.20, 2.50, 12),
		"gpt-5.6-luna":  long(0.20, 0.02, 0.25, 1.20),
		"gpt-5.5":       long(5, 0.50, 0, 30),
		"gpt-5.4":       long(2.50, 0.25, 0, 15),
		"gpt-5.4-mini":  flat(0.75, 0.075, 4.50),
		"gpt-5.4-nano":  flat(0.20, 0.02, 1.25),
		"gpt-5.2":       flat(1.75, 0.175, 14),
		"gpt-5.1":       flat(1.25, 0.125, 10),
		"gpt-5":         flat(1.25, 0.125, 10),
		"gpt-5-mini":    flat(0.25, 0.025, 2),
		"gpt-5-nano":    flat(0.05, 0.005, 0.40),
		"gpt-4.1":       flat(2, 0.50, 8),
		"gpt-4.1-mini":  flat(0.40, 0.10, 1.60),
		"gpt-4.1-nano":  flat(0.10, 0.025, 0.40),
		"gpt-4o":        flat(2.50, 1.25, 10),
		"gpt-4o-mini":   flat(0.15, 0.075, 0.60),
		"o4-mini":       flat(1.10, 0.275, 4.40),
		"o3":            flat(2, 0.50, 8),
		"o3-mini":       flat(1.10, 0.55, 4.40),
	}
}

// anthropicPrices is the part of [DefaultPrices] about Anthropic.
func anthropicPrices() Prices {
	// rates has cache writes at 1.25 times the input.
	rates := func(input, cached, output float64) Rates {
		return Rates{Input: input, CachedInput: cached, CacheWrite: 1.25 * input, Output: output}
	}
	flat := func(input, cached, output float64) Price { return Price{Rates: rates(input, cached, output)} }
	return Prices{
		"claude-fable-5-1":  flat(10, 0.25, 50),
		"claude-fable-5":    flat(10, 1, 50),
		"claude-opus-5-5":   flat(4, 0.20, 20),
		"claude-opus-5":     flat(5, 0.50, 25),
		"claude-opus-4-8":   flat(5, 0.50, 25),
		"claude-opus-4-7":   flat(5, 0.50, 25),
		"claude-opus-4-6":   flat(5, 0.50, 25),
		"claude-opus-4-5":   flat(5, 0.50, 25),
		"claude-opus-4-1":   flat(15, 1.50, 75),
		"claude-sonnet-5-5": flat(2, 0.10, 10),
		"claude-sonnet-5":   flat(2, 0.20, 10),
		"claude-sonnet-4-6": flat(3, 0.30, 15),
		"claude-sonnet-4-5": flat(3, 0.30, 15),
		"claude-haiku-5-5": {
			Rates: rates(0.10, 0.01, 0.50), LongFrom: 100_000, Long: rates(0.50, 0.05, 2.50)},
		"claude-haiku-4-5": flat(1, 0.10, 5),
	}
}
