// Package approvals has people approve an expense: first the manager, then, at the
// same time, the budget office and the compliance office. While people think,
// nothing runs. Who is asked what is in the status of the run, in the form of
// Microsoft's workflows.
//
//	url=http://127.0.0.1:8080/api/workflow/ApproveExpense
//	curl --json '{"employee":"ada","what":"a loom","cents":120000}' "$url/run?runId=loom"
//	curl $url/status/loom
//	curl --json '{"approved":true,"by":"mary"}' $url/respond/loom/ManagerApproval
//	curl --json '{"approved":true,"by":"john"}' $url/respond/loom/BudgetApproval
//	curl --json '{"approved":false,"by":"jane","comment":"too dear"}' $url/respond/loom/ComplianceApproval
package approvals

import (
	"context"
	"fmt"

	"github.com/perdure/perdure"
)

type Expense struct {
	Employee string `json:"employee"`
	What     string `json:"what"`
	Cents    int    `json:"cents"`
}

// Verdict is what a person answers.
type Verdict struct {
	Approved bool   `json:"approved"`
	By       string `json:"by"`
	Comment  string `json:"comment,omitempty"`
}

// A question is an event that the run waits for; its name is the question's id.
type question = perdure.Event[Verdict]

// rounds are the questions: those of one round are asked at the same time.
var rounds = [][]question{
	{perdure.NewEvent[Verdict]("ManagerApproval")},
	{perdure.NewEvent[Verdict]("BudgetApproval"), perdure.NewEvent[Verdict]("ComplianceApproval")},
}

// ApproveExpense reimburses an expense that everybody approves.
func ApproveExpense(ctx *perdure.Context, e Expense) (string, error) {
	for _, round := range rounds {
		tell(ctx, e, round)
		verdicts, err := perdure.Map(ctx, round, len(round), answer)
		if err != nil {
			return "", err
		}
		for i, v := range verdicts {
			if !v.Approved {
				return fmt.Sprintf("%s: %s says no: %s", round[i].Name(), v.By, v.Comment), nil
			}
		}
	}
	return perdure.Call(ctx, Reimburse, e).Await()
}

// tell shows what the questions are about. An answered one may stay there: shown
// are those for which the run waits.
func tell(ctx *perdure.Context, e Expense, round []question) {
	pending := map[string]any{}
	for _, q := range round {
		pending[q.Name()] = map[string]any{"data": e}
	}
	ctx.SetCustomStatus(map[string]any{"pending_requests": pending})
}

// answer waits for a verdict. Who sends something else is asked again, lest a
// slip of the pen end the run.
func answer(ctx *perdure.Context, q question) (Verdict, error) {
	for {
		v, err := q.Wait(ctx).Await()
		if perdure.CodeOf(err) != perdure.InvalidArgument {
			return v, err
		}
		ctx.Logger().Warn("this is no verdict", "question", q.Name(), "err", err)
	}
}

// Reimburse pays an expense.
func Reimburse(_ context.Context, e Expense) (string, error) {
	return fmt.Sprintf("%s gets %d.%02d for %s", e.Employee, e.Cents/100, e.Cents%100, e.What), nil
}

// Register makes the workflow and its step known to a worker.
func Register(reg *perdure.Registry) {
	perdure.AddOrchestration(reg, ApproveExpense)
	perdure.AddActivity(reg, Reimburse)
}
