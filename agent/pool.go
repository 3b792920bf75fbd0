package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/perdure/perdure"
)

// Pool is a budget that the agents share which an orchestration runs under it. It
// belongs to the orchestration's code.
type Pool struct {
	ledger *ledger
	runs   int
	open   []*pooled // in the order in which they began
}

// pooled is a run under a pool whose spending is not booked yet.
type pooled struct {
	task  *perdure.Task[*Response]
	grant *granted
}

// NewPool returns a pool for an orchestration. When it is used up, those who run
// under it wait for a decision.
func NewPool(ctx *perdure.Context, b Budget) *Pool {
	l := newLedger(ctx, b)
	l.more = askPeople(ctx, l, &Decision{}, func(Frame) {})
	return &Pool{ledger: l}
}

// Spent returns what was spent so far, without what is reserved: by all runs that
// have ended.
func (p *Pool) Spent() Spending {
	p.book()
	return p.ledger.spent
}

// book books what the runs that have ended have spent.
func (p *Pool) book() {
	var still []*pooled
	for _, run := range p.open {
		if !run.task.Done() {
			still = append(still, run)
			continue
		}
		r, err := run.task.Await()
		if err != nil {
			r = nil
		}
		run.grant.settleRun(r)
	}
	p.open = still
}

// Under has an agent run under a pool, in a conversation of its own.
func Under(p *Pool) RunOption { return func(o *runOptions) { o.pool = p } }

// run starts a turn under the pool.
func (p *Pool) run(ctx *perdure.Context, in turnInput) *Task {
	p.runs++
	id := childID(ctx.InstanceID(), "pool", fmt.Sprint(p.runs), seedOf(ctx))
	given, g := purse{p.ledger}.grantTo(ctx, id)
	in.Grant = given
	task := perdure.CallOrchestrationNamed[*Response](ctx, turnPrefix+fold(in.Agent), in,
		perdure.WithID(id), perdure.WithTags(map[string]string{tagAgent: in.Agent}))
	g.serve()
	p.open = append(p.open, &pooled{task, g})
	ctx.Go(func(*perdure.Context) {
		_, _ = task.Await() // book reads it
		p.book()
	})
	return &Task{Task: task, turn: id}
}

// decisionName is the name of the activity that reads a decision.
const decisionName = "perdure.decision"

// decisionInput is its input.
type decisionInput struct {
	Run string `json:"run"`
	ID  string `json:"id"`
}

// decisionOutput is how a decision was answered.
type decisionOutput struct {
	State  string  `json:"state"`
	Answer string  `json:"answer,omitempty"`
	Raise  *Budget `json:"raise,omitempty"`
}

func decisionStep(ctx context.Context, in decisionInput) (*decisionOutput, error) {
	service, err := serviceOf(ctx)
	if err != nil {
		return nil, err
	}
	h, err := service.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	d, err := decisionOf(ctx, h, in.Run, in.ID)
	if err != nil || d == nil {
		return nil, err
	}
	return &decisionOutput{d.State, d.Answer, d.Raise}, nil
}

// askPeople returns a function that asks whether a budget is to be raised. The
// decisions are like the template, which says for whom is asked beside the run; show is given frames for the
// stream of the run.
func askPeople(ctx *perdure.Context, l *ledger, template *Decision, show func(Frame)) func(Spending, bool) (raise, error) {
	asked := 0
	return func(need Spending, late bool) (raise, error) {
		asked++
		d := &storedDecision{Decision: *template}
		if d.Run = ctx.InstanceID(); d.Agent != "" {
			d.Turn = d.Run
		}
		d.ID = askID(ctx, ctx.InstanceID(), DecisionBudget, asked)
		d.Kind, d.State, d.RequestedAt, d.Args = DecisionBudget, DecisionPending, ctx.Now(), json.RawMessage(`{}`)
		d.Budget = l.state(need, late)
		row, err := decisionRow(d)
		if err != nil { // numbers are always encodable
			panic(err)
		}
		perdure.RuntimeOf(ctx).Begin(&perdure.Step{Kind: perdure.StepRows, Rows: []perdure.Row{row}})
		show(Frame{Type: FrameDecision, Decision: d.ID, Kind: d.Kind})
		defer show(Frame{Type: FrameDecided, Decision: d.ID, Kind: d.Kind})
		for {
			event := perdure.NewEvent[json.RawMessage](decisionEvent(d.ID)).Wait(ctx)
			if _, err := event.Await(); err != nil {
				return raise{}, err
			}
			answer, err := perdure.CallNamed[*decisionOutput](ctx, decisionName, decisionInput{ctx.InstanceID(), d.ID},
				perdure.WithRetry(perdure.RetryPolicy{})).Await()
			switch {
			case err != nil:
				return raise{}, err
			case answer == nil || answer.State == DecisionPending: // who raised the event has decided nothing
				continue
			case answer.Answer != AnswerRaise || answer.Raise == nil:
				return raise{}, stoppedByBudget(ctx.InstanceID(), l.limit)
			}
			by := raise{Spending: Spending{answer.Raise.Tokens, answer.Raise.USD, answer.Raise.Calls}}
			if answer.Raise.Time > 0 {
				by.until = l.until
				if now := ctx.Now(); by.until.Before(now) {
					by.until = now
				}
				by.until = by.until.Add(answer.Raise.Time)
			}
			return by, nil
		}
	}
}
