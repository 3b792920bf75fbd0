package agent

import (
	"errors"
	"time"

	"github.com/perdure/perdure"
)

// A run that other runs are started by with a grant takes what the grant lacks
// out of its own ledger, or asks on. The events go between the two runs only:

// needName is the event by which a run asks the one that has started it for more,
// grantName the event that answers, spentName that by which a run that has failed
// tells what it has spent.
const (
	needName  = "perdure.agent.need:"
	grantName = "perdure.agent.grant"
	spentName = "perdure.agent.spent:"
)

// needEvent is what a run asks for.
type needEvent struct {
	Need Spending `json:"need"` // at least
	Want Spending `json:"want"` // rather
	Late bool     `json:"late,omitempty"`
}

// grantEvent is what it is given.
type grantEvent struct {
	Amount  Spending `json:"amount"`
	Until   int64    `json:"until,omitempty"` // unix milliseconds; 0 = always
	Refused string   `json:"refused,omitempty"`
}

// upstream asks the run that has started this one.
func upstream(ctx *perdure.Context) func(Spending, bool) (raise, error) {
	return func(need Spending, late bool) (raise, error) {
		parent := ctx.Parent()
		if parent == nil {
			return raise{}, &perdure.Error{Code: perdure.FailedPrecondition, Op: "run agent", Instance: ctx.InstanceID(),
				Message: "the run has a grant and nobody to ask for more"}
		}
		answer := perdure.NewEvent[grantEvent](grantName).Wait(ctx)
		want := need.plus(need)
		err := perdure.NewEvent[needEvent](needName+ctx.InstanceID()).Send(ctx, parent.InstanceID, needEvent{need, want, late})
		if err != nil {
			return raise{}, err
		}
		g, err := answer.Await()
		if err != nil {
			return raise{}, err
		}
		if g.Refused != "" {
			return raise{}, &perdure.Error{Code: perdure.ResourceExhausted, Op: "run agent", Instance: ctx.InstanceID(), Message: g.Refused}
		}
		by := raise{Spending: g.Amount}
		if g.Until != 0 {
			by.until = time.UnixMilli(g.Until).UTC()
		}
		return by, nil
	}
}

// granted is a run that was started with a grant, in the ledger of who did.
type granted struct {
	purse
	ctx     *perdure.Context
	run     string
	amount  Spending // that it was given
	asks    *perdure.Task[needEvent]
	spends  *perdure.Task[Spending]
	waiting bool // for an answer
	over    bool
}

// grantTo prepares a grant for a run that is about to be started. The run is
// given nothing at first, and asks for what it needs.
func (p purse) grantTo(ctx *perdure.Context, run string) (*grant, *granted) {
	g := &granted{purse: p, ctx: ctx, run: run, spends: perdure.NewEvent[Spending](spentName + run).Wait(ctx)}
	return &grant{Bounds: p.bounds(), Until: p.until()}, g
}

// serve answers what the run asks for until it has ended.
func (g *granted) serve() {
	g.hold()
	g.asks = perdure.NewEvent[needEvent](needName + g.run).Wait(g.ctx)
	g.ctx.Go(func(*perdure.Context) {
		for !g.over {
			need, err := g.asks.Await()
			if err != nil || g.over {
				return
			}
			g.asks = perdure.NewEvent[needEvent](needName + g.run).Wait(g.ctx)
			g.waiting = true // and gives nothing back meanwhile
			g.unhold()
			g.answer(need)
			if g.over {
				return
			}
			g.waiting = false
			g.hold()
		}
	})
}

func (g *granted) answer(need needEvent) {
	amount := need.Want
	if !g.fits(amount) {
		amount = need.Need
	}
	e := grantEvent{Amount: amount}
	if err := g.reserve(amount); err != nil {
		var refused *perdure.Error
		e = grantEvent{Refused: err.Error()}
		if errors.As(err, &refused) {
			e.Refused = refused.Message
		}
	} else if g.over { // it has ended while others were asked
		g.release(amount)
		return
	} else {
		g.amount = g.amount.plus(amount)
	}
	if until := g.until(); !until.IsZero() {
		e.Until = until.UnixMilli()
	}
	// An event to a run that has just ended is dropped; what it was given is
	// settled with the rest.
	if err := perdure.NewEvent[grantEvent](grantName).Send(g.ctx, g.run, e); err != nil {
		panic(err) // numbers and texts are always encodable
	}
}

// settleRun books, and returns, what the run has spent, which it has told as it ended. One that
// was ended from outside has not: it is booked with all that it was given.
func (g *granted) settleRun(r *Response) Spending {
	if !g.waiting {
		g.unhold()
	}
	g.over = true
	g.asks.Cancel()
	spent := g.amount
	if r != nil {
		spent = r.Spent
	} else if g.spends.Done() {
		if told, err := g.spends.Await(); err == nil {
			spent = told
		}
	}
	g.spends.Cancel()
	g.settle(g.amount, spent)
	return spent
}
