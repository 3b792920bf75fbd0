package agent

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/perdure/perdure/model"
)

// Budget bounds what models may cost. A zero field is no bound.
//
// The most that a call of a model can cost is reserved, durably, before the call
// is made, and settled when its usage is known; the tokens are estimated from
// above, see [model.WorstCase]. A call whose outcome was lost is booked at what
// was reserved for it. So what is spent and reserved together never exceeds the
// budget. When it would, the run waits, without holding a worker, for a decision
// of the kind budget: to raise the budget or to stop.
type Budget struct {
	Tokens int64         `json:"tokens,omitempty"` // of input and output
	USD    model.NanoUSD `json:"usd,omitempty"`    // billionths of a US dollar, by Agent.Prices; dollars in JSON
	Calls  int64         `json:"calls,omitempty"`  // of models
	Time   time.Duration `json:"time,omitempty"`   // ns from the beginning, in which calls may begin
}

// Dollars returns an amount of money for a Budget.
func Dollars(d float64) model.NanoUSD { return model.NanoUSD(d * 1e9) }

// budgetOutput bounds the answers of models in a budget whose bound is not known
// otherwise, in tokens.
const budgetOutput = 4096

func (b *Budget) check() error {
	if b.Tokens < 0 || b.USD < 0 || b.Calls < 0 || b.Time < 0 {
		return errors.New("a bound of the budget is negative")
	}
	return nil
}

func (b *Budget) isZero() bool { return *b == Budget{} }

// String returns the bounds as people read them.
func (b Budget) String() string {
	var parts []string
	if b.USD != 0 {
		parts = append(parts, b.USD.String())
	}
	if b.Tokens != 0 {
		parts = append(parts, fmt.Sprintf("%d tokens", b.Tokens))
	}
	if b.Calls != 0 {
		parts = append(parts, fmt.Sprintf("%d calls", b.Calls))
	}
	if b.Time != 0 {
		parts = append(parts, b.Time.String())
	}
	return strings.Join(parts, ", ")
}

// Spending is an amount that models cost.
type Spending struct {
	Tokens int64         `json:"tokens,omitempty"`
	USD    model.NanoUSD `json:"usd,omitempty"`
	Calls  int64         `json:"calls,omitempty"`
}

func (s Spending) plus(o Spending) Spending {
	return Spending{s.Tokens + o.Tokens, s.USD + o.USD, s.Calls + o.Calls}
}

func (s Spending) minus(o Spending) Spending {
	return Spending{s.Tokens - o.Tokens, s.USD - o.USD, s.Calls - o.Calls}
}

// covers reports whether o is within s.
func (s Spending) covers(o Spending) bool {
	return s.Tokens >= o.Tokens && s.USD >= o.USD && s.Calls >= o.Calls
}

// BudgetState is where a budget stands when a decision about it is asked for.
type BudgetState struct {
	Limit    Budget   `json:"limit"`
	Spent    Spending `json:"spent"`
	Reserved Spending `json:"reserved"` // by calls that run, and agents that were called
	Needed   Spending `json:"needed"`   // for what is to begin
	Late     bool     `json:"late,omitempty"`
}

// price returns what is known of the costs of a model of the agent.
func (c *code) price(m model.Model) (model.Price, bool) {
	about := model.Describe(m)
	return c.prices.Find(about.Provider, about.Model)
}

// checkPrices returns an error if the agent has a budget in money and a model
// without a price.
func (c *code) checkPrices() error {
	if c.agent.Budget.USD == 0 {
		return nil
	}
	models := c.models()
	if how := c.agent.Compaction; how != nil && how.Summarizer != nil {
		models = append(models, how.Summarizer)
	}
	for _, m := range models {
		if _, known := c.price(m); !known {
			about := model.Describe(m)
			return fmt.Errorf("the budget is in US dollars and the price of the model %q of %q is not known: set Agent.Prices", about.Model, about.Provider)
		}
	}
	return nil
}

// worst returns the most that a request can cost, and bounds its answer, if
// nothing else does.
func worst(req *model.Request, about model.Info, price model.Price) Spending {
	if req.MaxOutputTokens == nil && about.MaxOutputTokens == 0 {
		most := budgetOutput
		req.MaxOutputTokens = &most
	}
	u := model.WorstCase(req, about.MaxOutputTokens)
	return Spending{Tokens: u.TotalTokenCount, USD: price.AtMost(u), Calls: 1}
}

// spendingOf returns what a call with a usage has cost. A provider that reports
// no usage has used all that was reserved.
func spendingOf(u model.Usage, price model.Price, reserved Spending) Spending {
	tokens := max(u.TotalTokenCount, u.InputTokenCount+u.OutputTokenCount)
	if tokens == 0 {
		return reserved
	}
	return Spending{Tokens: tokens, USD: price.Cost(u), Calls: 1}
}
