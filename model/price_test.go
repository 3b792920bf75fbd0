package model_test

import (
	"encoding/json"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/perdure/perdure/model"
)

// banded is a price with every rate, and others above 1000 tokens of input.
func banded() model.Price {
	return model.Price{
		Rates:    model.Rates{Input: 4, CachedInput: 0.2, CacheWrite: 5, Output: 20},
		LongFrom: 1000,
		Long:     model.Rates{Input: 8, CachedInput: 0.4, CacheWrite: 10, Output: 30},
	}
}

func usage(in, cached, written, out int64) model.Usage {
	u := model.Usage{InputTokenCount: in, CachedInputTokenCount: cached, OutputTokenCount: out, TotalTokenCount: in + out}
	if written != 0 {
		u.AdditionalCounts = map[string]int64{model.CountCacheWrite: written}
	}
	return u
}

func TestCost(t *testing.T) {
	tests := []struct {
		name  string
		price model.Price
		usage model.Usage
		want  model.NanoUSD
	}{
		{"nothing", banded(), model.Usage{}, 0},
		{"free", model.Price{}, usage(1000, 10, 10, 1000), 0},
		{"each rate", banded(), usage(1000, 600, 100, 10), 300*4000 + 600*200 + 100*5000 + 10*20000},
		{"long", banded(), usage(1001, 600, 100, 10), 301*8000 + 600*400 + 100*10000 + 10*30000},
		{"no rates for the cache", model.Price{Rates: model.Rates{Input: 1, Output: 2}}, usage(10, 4, 4, 1), 12_000},
		{"rounded up", model.Price{Rates: model.Rates{Input: 0.0001}}, usage(1, 0, 0, 0), 1},
		{"rounded once", model.Price{Rates: model.Rates{Input: 0.0001}}, usage(10, 0, 0, 0), 1},
		{"exact", model.Price{Rates: model.Rates{Input: 0.1}}, usage(3, 0, 0, 0), 300},
		{"a dollar", model.Price{Rates: model.Rates{Input: 1}}, usage(1_000_000, 0, 0, 0), 1_000_000_000},
		{"reasoning outside of the output", banded(), model.Usage{InputTokenCount: 5, OutputTokenCount: 3, TotalTokenCount: 18},
			5*4000 + 13*20000},
		{"cache apart from the input", banded(), usage(10, 600, 100, 0), 600*200 + 100*5000},
		{"negative counts", banded(), usage(-5, -1, -1, -1), 0},
		{"endless", banded(), usage(math.MaxInt64, 0, 0, math.MaxInt64), math.MaxInt64},
		{"absurd rate", model.Price{Rates: model.Rates{Input: math.Inf(1), Output: math.NaN()}}, usage(9, 0, 0, 9), math.MaxInt64},
	}
	for _, tt := range tests {
		if got := tt.price.Cost(tt.usage); got != tt.want {
			t.Errorf("%s: Cost(%+v) = %d, want %d", tt.name, tt.usage, got, tt.want)
		}
	}
}

// TestCostIsExact compares with arithmetic on fractions, and holds that no cost
// is above what AtMost reserves for the same tokens.
func TestCostIsExact(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for range 2000 {
		rate := func() float64 { return float64(r.IntN(100_000_000)) / 1e6 }
		p := model.Price{Rates: model.Rates{Input: rate(), CachedInput: rate(), CacheWrite: rate(), Output: rate()}}
		if r.IntN(2) == 0 {
			p.LongFrom, p.Long = r.Int64N(1_000_000), model.Rates{Input: rate(), Output: rate()}
		}
		in, out := r.Int64N(2_000_000), r.Int64N(200_000)
		cached := r.Int64N(in + 1)
		u := usage(in, cached, r.Int64N(in-cached+1), out)
		if got, want := p.Cost(u), exact(p, u); got != want {
			t.Errorf("seed %d: %+v.Cost(%+v) = %d, want %d", seed, p, u, got, want)
		}
		bound := usage(in+r.Int64N(1000), 0, 0, out+r.Int64N(1000))
		if got, most := p.Cost(u), p.AtMost(bound); got > most {
			t.Errorf("seed %d: %+v.Cost(%+v) = %d, above AtMost(%+v) = %d", seed, p, u, got, bound, most)
		}
	}
}

// exact is the cost by fractions.
func exact(p model.Price, u model.Usage) model.NanoUSD {
	rates := p.Rates
	if p.LongFrom > 0 && u.InputTokenCount > p.LongFrom {
		rates = p.Long
	}
	rat := func(rate, fallback float64) *big.Rat {
		if rate == 0 {
			rate = fallback
		}
		return big.NewRat(int64(math.Round(rate*1e6)), 1000)
	}
	written := u.AdditionalCounts[model.CountCacheWrite]
	sum := new(big.Rat)
	for _, part := range []struct {
		n    int64
		rate *big.Rat
	}{
		{u.InputTokenCount - u.CachedInputTokenCount - written, rat(rates.Input, 0)},
		{u.CachedInputTokenCount, rat(rates.CachedInput, rates.Input)},
		{written, rat(rates.CacheWrite, rates.Input)},
		{u.OutputTokenCount, rat(rates.Output, 0)},
	} {
		sum.Add(sum, new(big.Rat).Mul(part.rate, new(big.Rat).SetInt64(part.n)))
	}
	up := new(big.Int).Add(sum.Num(), new(big.Int).Sub(sum.Denom(), big.NewInt(1)))
	return model.NanoUSD(up.Div(up, sum.Denom()).Int64())
}

func TestNanoUSD(t *testing.T) {
	for n, want := range map[model.NanoUSD]string{
		0: "$0.00", 1: "$0.000000001", 4_200_000: "$0.0042", 1_500_000_000: "$1.50", -2_000_000_000: "-$2.00",
		math.MaxInt64: "$9223372036.854775807", math.MinInt64: "-$9223372036.854775808",
	} {
		if got := n.String(); got != want {
			t.Errorf("NanoUSD(%d).String() = %q, want %q", int64(n), got, want)
		}
	}
	if got := model.NanoUSD(1_500_000_000).Dollars(); got != 1.5 {
		t.Errorf("Dollars() = %v, want 1.5", got)
	}
}

func TestPricesFind(t *testing.T) {
	at := func(rate float64) model.Price { return model.Price{Rates: model.Rates{Input: rate}} }
	table := model.Prices{
		"claude-opus-4": at(1), "claude-opus-4-5": at(2), "gpt-4o": at(3), "gpt-4o-2024-05-13": at(4),
		"azure.ai.openai/gpt-4o": at(5), "Azure.AI.OpenAI/prod": at(6), "ollama/*": at(7), "ollama/big*": at(8), "gpt-4": at(9),
		"ollama/big-one": at(10), "*": at(11), "o1": at(12),
	}
	tests := []struct {
		provider, name string
		want           float64
	}{
		{"openai", "gpt-4o", 3},
		{"openai", "GPT-4o", 3},
		{"openai", "gpt-4o-2024-08-06", 3},
		{"openai", "gpt-4o-2024-05-13", 4},
		{"openai", "gpt-4o-latest", 3},
		{"openai", "gpt-4-0613", 9},
		{"openai", "o1-2024-12-17", 12},
		{"azure.ai.openai", "gpt-4o", 5},
		{"azure.ai.openai", "gpt-4o-2024-05-13", 5}, // the provider comes before the date
		{"azure.ai.openai", "Prod", 6},
		{"anthropic", "claude-opus-4-5", 2},
		{"anthropic", "claude-opus-4-5-20251101", 2},
		{"vertex", "claude-opus-4-5@20251101", 2},
		{"anthropic", "claude-opus-4-20250514", 1},
		{"ollama", "phi", 7},
		{"ollama", "bigger", 8},
		{"ollama", "big-one", 10},
		// Not the models whose names these begin with:
		{"openai", "gpt-4o-mini", 11},
		{"openai", "gpt-4o-audio-preview-2024-10-01", 11},
		{"anthropic", "claude-opus-4-9", 11},
		{"openai", "ft:gpt-4o-2024-08-06:org", 11},
		{"openai", "", 11},
	}
	for _, tt := range tests {
		if got, ok := table.Find(tt.provider, tt.name); !ok || got.Input != tt.want {
			t.Errorf("Find(%q, %q) = %v, %v, want %v", tt.provider, tt.name, got.Input, ok, tt.want)
		}
	}
	delete(table, "*")
	if got, ok := table.Find("openai", "gpt-4o-mini"); ok {
		t.Errorf("Find() of an unknown model = %v, true, want false", got)
	}
	if got, ok := table.Cost("openai", "gpt-4o-mini", usage(9, 0, 0, 0)); ok || got != 0 {
		t.Errorf("Cost() of an unknown model = %v, %v, want 0, false", got, ok)
	}
}

func TestPricesWith(t *testing.T) {
	base := model.DefaultPrices()
	mine := base.With(model.Prices{"gpt-4o-mini": {Rates: model.Rates{Input: 9}}, "house": {}})
	if got, _ := mine.Find("openai", "gpt-4o-mini"); got.Input != 9 {
		t.Errorf("Find() of an overridden model = %v, want 9", got.Input)
	}
	if got, _ := base.Find("openai", "gpt-4o-mini"); got.Input != 0.15 {
		t.Errorf("With changed the table that it was called on: Input = %v, want 0.15", got.Input)
	}
	if got, ok := mine.Find("anthropic", "claude-haiku-4-5-20251001"); !ok || got.Output != 5 {
		t.Errorf("Find() of a model that was kept = %v, %v, want 5", got.Output, ok)
	}
}

// TestDefaultPricesAreWhole: no entry lacks a rate, and the dearer part of a
// price is not the cheaper one.
func TestDefaultPricesAreWhole(t *testing.T) {
	for key, p := range model.DefaultPrices() {
		free := p == model.Price{}
		if !free && (p.Input <= 0 || p.Output <= p.Input || p.CachedInput <= 0 || p.CachedInput >= p.Input) {
			t.Errorf("price of %s = %+v", key, p)
		}
		if p.LongFrom > 0 && (p.Long.Input <= p.Input || p.Long.Output <= p.Output || p.Long.CachedInput <= p.CachedInput) {
			t.Errorf("price of %s above %d = %+v, want more than %+v", key, p.LongFrom, p.Long, p.Rates)
		}
	}
}

func TestNanoUSDJSON(t *testing.T) {
	for n, want := range map[model.NanoUSD]string{
		0: "0", 1: "0.000000001", -1: "-0.000000001", 1_500_000_000: "1.5", 4_200_000: "0.0042", math.MaxInt64: "9223372036.854775807", 7e9: "7",
	} {
		b, err := json.Marshal(n)
		if err != nil || string(b) != want {
			t.Errorf("Marshal(%d) = %s, %v, want %s", int64(n), b, err, want)
		}
		var got model.NanoUSD
		if err := json.Unmarshal(b, &got); err != nil || got != n {
			t.Errorf("Unmarshal(%s) = %d, %v, want %d", b, int64(got), err, int64(n))
		}
	}
	for _, bad := range []string{`"1"x`, `"much"`, `0.0000000001`, `1e300`, `9999999999999`, `{}`, `"` + strings.Repeat("1", 100) + `"`} {
		var got model.NanoUSD
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("Unmarshal(%s) = %d, want an error", bad, int64(got))
		}
	}
}
