package agent

import (
	"fmt"
	"time"

	"github.com/perdure/perdure"
)

// ledger keeps a budget in the code of a run. All that happens to it follows from
// the run's history, so that it is the same after a crash: a reservation is in the
// commit that schedules the call for which it was made.
type ledger struct {
	ctx      *perdure.Context
	limit    Budget
	bounds   Budget    // which of the limits hold: those that are not zero
	until    time.Time // when calls may no longer begin; zero = always
	spent    Spending
	reserved Spending
	more     func(need Spending, late bool) (raise, error) // asks for a higher limit
	asking   bool                                          // for a higher limit
	refused  error                                         // the answer was no
	holders  int                                           // that hold a reservation and will give it back by themselves
	changed  *perdure.Promise                              // kept when any of this changes; nil = nobody waits
	stop     *perdure.Task[struct{}]                       // ends when nobody waits any more; nil = never
}

// raise is by how much limits are raised.
type raise struct {
	Spending
	until time.Time // zero = as before
}

// grant is the part of a budget that a run is started with.
type grant struct {
	Bounds Budget    `json:"bounds"` // which bounds there are: those that are not zero
	Limit  Spending  `json:"limit"`
	Until  time.Time `json:"until,omitzero"`
}

// newLedger returns the ledger of a budget that begins now.
func newLedger(ctx *perdure.Context, b Budget) *ledger {
	l := &ledger{ctx: ctx, limit: b, bounds: b}
	if b.Time > 0 {
		l.until = ctx.Now().Add(b.Time)
	}
	return l
}

// grantedLedger returns the ledger of a grant.
func grantedLedger(ctx *perdure.Context, g *grant) *ledger {
	return &ledger{
		ctx: ctx, bounds: g.Bounds, until: g.Until,
		limit: Budget{Tokens: g.Limit.Tokens, USD: g.Limit.USD, Calls: g.Limit.Calls},
	}
}

// fits reports whether an amount is free.
func (l *ledger) fits(need Spending) bool { return l.within(l.spent.plus(l.reserved).plus(need)) }

// within reports whether a total is within the limits.
func (l *ledger) within(total Spending) bool {
	return (l.bounds.Tokens == 0 || total.Tokens <= l.limit.Tokens) &&
		(l.bounds.USD == 0 || total.USD <= l.limit.USD) &&
		(l.bounds.Calls == 0 || total.Calls <= l.limit.Calls)
}

// late reports whether the time is over.
func (l *ledger) late() bool { return !l.until.IsZero() && !l.ctx.Now().Before(l.until) }

// reserve takes an amount out of what is free. If it is not free, reserve waits:
// for what others will give back, if that can help, else until the budget is
// raised; it fails if that is refused.
func (l *ledger) reserve(need Spending) error {
	for {
		late := l.late()
		switch {
		case l.refused != nil:
			return l.refused
		case l.fits(need) && !late:
			l.reserved = l.reserved.plus(need)
			return nil
		case !l.asking && (late || l.holders == 0 || !l.within(l.spent.plus(need))):
			l.asking = true
			l.ctx.Go(func(*perdure.Context) {
				by, err := l.more(need, late)
				l.refused, l.asking = err, false
				l.raise(by)
				l.change()
			})
		}
		if l.changed == nil {
			l.changed = perdure.NewPromise(l.ctx)
		}
		changed := l.changed
		if l.stop == nil {
			changed.Await()
		} else if perdure.Any(l.ctx, changed, l.stop) != perdure.Awaitable(changed) {
			return stopped(l.ctx.InstanceID())
		}
	}
}

// change wakes those who wait for a part of the budget.
func (l *ledger) change() {
	if l.changed != nil {
		l.changed.Keep()
		l.changed = nil
	}
}

// hold notes that what was reserved last will be given back by itself, unhold that
// it is given back, or waits itself.
func (l *ledger) hold() { l.holders++ }

func (l *ledger) unhold() {
	l.holders--
	l.change()
}

// raise adds to the limits.
func (l *ledger) raise(by raise) {
	l.limit.Tokens += by.Tokens
	l.limit.USD += by.USD
	l.limit.Calls += by.Calls
	if !by.until.IsZero() && !l.until.IsZero() {
		l.limit.Time += max(by.until.Sub(l.until), 0)
		l.until = by.until
	}
}

// release gives back what was reserved for a call that was not made.
func (l *ledger) release(reserved Spending) {
	l.reserved = l.reserved.minus(reserved)
	l.change()
}

// settle books what was spent of what was reserved.
func (l *ledger) settle(reserved, spent Spending) {
	l.reserved = l.reserved.minus(reserved)
	l.spent = l.spent.plus(spent)
	l.change()
}

// state is where the budget stands.
func (l *ledger) state(need Spending, late bool) *BudgetState {
	return &BudgetState{Limit: l.limit, Spent: l.spent, Reserved: l.reserved, Needed: need, Late: late}
}

// stoppedByBudget is the error of what was given up for lack of budget.
func stoppedByBudget(run string, b Budget) error {
	return &perdure.Error{Code: perdure.ResourceExhausted, Op: "run agent", Instance: run,
		Message: fmt.Sprintf("the budget of %s is used up, and it was decided to stop", b)}
}

// purse is the budgets that a call has to fit all: that of its agent, and those of
// who has called the agent.
type purse []*ledger

func (p purse) reserve(need Spending) error {
	for i, l := range p {
		if err := l.reserve(need); err != nil {
			p[:i].release(need)
			return err
		}
	}
	return nil
}

func (p purse) fits(need Spending) bool {
	for _, l := range p {
		if !l.fits(need) {
			return false
		}
	}
	return true
}

func (p purse) hold() {
	for _, l := range p {
		l.hold()
	}
}

func (p purse) unhold() {
	for _, l := range p {
		l.unhold()
	}
}

func (p purse) release(reserved Spending) {
	for _, l := range p {
		l.release(reserved)
	}
}

func (p purse) settle(reserved, spent Spending) {
	for _, l := range p {
		l.settle(reserved, spent)
	}
}

// bounds returns which bounds there are.
func (p purse) bounds() (b Budget) {
	for _, l := range p {
		b.Tokens, b.USD, b.Calls = max(b.Tokens, l.bounds.Tokens), max(b.USD, l.bounds.USD), max(b.Calls, l.bounds.Calls)
	}
	return b
}

// until returns when calls may no longer begin; zero = always.
func (p purse) until() (first time.Time) {
	for _, l := range p {
		if !l.until.IsZero() && (first.IsZero() || l.until.Before(first)) {
			first = l.until
		}
	}
	return first
}
