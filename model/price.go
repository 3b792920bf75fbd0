package model

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strings"
)

// NanoUSD is an amount of money: a billionth of a US dollar. Amounts are whole
// numbers, so that ledgers add up.
type NanoUSD int64

// Dollars returns the amount in US dollars, for people to read.
func (n NanoUSD) Dollars() float64 { return float64(n) / 1e9 }

// String returns the amount in US dollars: "$0.0042".
func (n NanoUSD) String() string {
	sign, abs := "", uint64(n)
	if n < 0 {
		sign, abs = "-", -abs
	}
	cents := strings.TrimRight(fmt.Sprintf("%09d", abs%1e9), "0")
	if len(cents) < 2 {
		cents = (cents + "00")[:2]
	}
	return fmt.Sprintf("%s$%d.%s", sign, abs/1e9, cents)
}

// MarshalJSON writes the amount as a number of US dollars, with all its digits.
func (n NanoUSD) MarshalJSON() ([]byte, error) {
	sign, abs := "", uint64(n)
	if n < 0 {
		sign, abs = "-", -abs
	}
	text := strings.TrimRight(fmt.Sprintf("%s%d.%09d", sign, abs/1e9, abs%1e9), "0")
	return []byte(strings.TrimSuffix(text, ".")), nil
}

// UnmarshalJSON reads a number of US dollars. Digits beyond the ninth after the
// point are an error.
func (n *NanoUSD) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var number json.Number
	if err := json.Unmarshal(data, &number); err != nil {
		return err
	}
	r, ok := new(big.Rat).SetString(number.String())
	if len(number) > 40 || !ok {
		return fmt.Errorf("%.50s is no amount of dollars", data)
	}
	r.Mul(r, big.NewRat(1e9, 1))
	if !r.IsInt() || !r.Num().IsInt64() {
		return fmt.Errorf("%s is no amount of dollars of at most nine digits after the point", number)
	}
	*n = NanoUSD(r.Num().Int64())
	return nil
}

// Rates are prices in US dollars for a million tokens, exact to the millionth of
// a dollar.
type Rates struct {
	// Input is the price of input that neither came from the provider's prompt
	// cache nor was written to it.
	Input float64
	// CachedInput is the price of input that the cache served; 0 means Input.
	CachedInput float64 `json:",omitzero"`
	// CacheWrite is the price of input that was written to the cache; 0 means
	// Input.
	CacheWrite float64 `json:",omitzero"`
	// Output is the price of output, reasoning included.
	Output float64
}

// Price is what a model costs. The zero Price is that of a free model.
type Price struct {
	Rates
	// LongFrom is the number of input tokens, cached ones included, above which
	// all tokens of the call cost Long; 0 means that no call is that long.
	LongFrom int64 `json:",omitzero"`
	Long     Rates `json:",omitzero"`
}

// Cost returns what a call with the usage u costs, rounded up. A usage that adds
// up several calls is priced as one. Tokens that only the total counts, as some
// servers do with reasoning, are priced as output.
func (p Price) Cost(u Usage) NanoUSD {
	cached := max(u.CachedInputTokenCount, 0)
	written := max(u.AdditionalCounts[CountCacheWrite], 0)
	plain := max(u.InputTokenCount-cached-written, 0)
	output := max(u.OutputTokenCount, u.TotalTokenCount-u.InputTokenCount, 0)
	r := p.Rates
	if p.LongFrom > 0 && max(u.InputTokenCount, cached+written) > p.LongFrom {
		r = p.Long
	}
	var sum account
	sum.add(plain, r.Input)
	sum.add(cached, or(r.CachedInput, r.Input))
	sum.add(written, or(r.CacheWrite, r.Input))
	sum.add(output, r.Output)
	return sum.total()
}

// AtMost returns the most that a call costs whose tokens are at most those of u,
// whatever part of them the prompt cache serves or stores. With a u of
// [WorstCase] no call of the request costs more.
func (p Price) AtMost(u Usage) NanoUSD {
	most := func(r Rates) NanoUSD {
		var sum account
		sum.add(u.InputTokenCount, max(r.Input, r.CachedInput, r.CacheWrite))
		sum.add(max(u.OutputTokenCount, u.TotalTokenCount-u.InputTokenCount), r.Output)
		return sum.total()
	}
	n := most(p.Rates)
	if p.LongFrom > 0 && u.InputTokenCount > p.LongFrom {
		n = max(n, most(p.Long))
	}
	return n
}

func or(a, b float64) float64 {
	if a != 0 {
		return a
	}
	return b
}

// account adds up trillionths of a dollar, in 128 bits: a rate of a millionth of
// a dollar for a million tokens is one of them for a token. It saturates.
type account struct{ hi, lo uint64 }

func (a *account) add(tokens int64, rate float64) {
	if tokens <= 0 || !(rate > 0) {
		return
	}
	unit := math.Round(rate * 1e6)
	if unit >= math.MaxUint64 {
		a.hi = math.MaxUint64
		return
	}
	hi, lo := bits.Mul64(uint64(tokens), uint64(unit))
	var carry uint64
	a.lo, carry = bits.Add64(a.lo, lo, 0)
	if a.hi, carry = bits.Add64(a.hi, hi, carry); carry != 0 {
		a.hi = math.MaxUint64
	}
}

// total is the sum, rounded up.
func (a *account) total() NanoUSD {
	const unit = 1000 // of them are a NanoUSD
	if a.hi >= unit {
		return math.MaxInt64
	}
	n, rest := bits.Div64(a.hi, a.lo, unit)
	if n >= math.MaxInt64 {
		return math.MaxInt64
	}
	if rest > 0 {
		n++
	}
	return NanoUSD(n)
}
