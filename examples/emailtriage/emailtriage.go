// Package emailtriage goes one way or the other by what an agent says: a spam
// detector judges an e-mail, and only if it is none, another agent drafts the
// answer that is sent. The agents answer with Go structs: their JSON schema is
// sent to the model, and an answer that does not fit is asked for again.
//
//	go run ./examples/serve emailtriage
//	curl --json '{"name":"HandleEmail","id":"mail-1","input":{"from":"ann@example.com","body":"Can we meet on Friday?"}}' \
//	  http://127.0.0.1:8080/api/v1/runs
//	curl 'http://127.0.0.1:8080/api/v1/runs/mail-1?wait=30s'
package emailtriage

import (
	"context"
	"fmt"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/model"
)

// Email is what came in.
type Email struct {
	From string `json:"from"`
	Body string `json:"body"`
}

// Detection is what the spam detector answers.
type Detection struct {
	IsSpam bool   `json:"is_spam"`
	Reason string `json:"reason" jsonschema:"why, in one sentence"`
}

// Draft is what the e-mail assistant answers.
type Draft struct {
	Response string `json:"response" jsonschema:"the text of the answer"`
}

var (
	detector  = agent.Named("SpamDetectionAgent")
	assistant = agent.Named("EmailAssistantAgent")
)

// HandleEmail answers an e-mail or puts it aside, and says what it did.
func HandleEmail(ctx *perdure.Context, mail Email) (string, error) {
	verdict, err := agent.RunAs[Detection](ctx, detector, "Is this e-mail spam?\n\n"+mail.Body).Value()
	if err != nil {
		return "", err
	}
	if verdict.IsSpam {
		return perdure.Call(ctx, HandleSpam, verdict.Reason).Await()
	}
	draft, err := agent.RunAs[Draft](ctx, assistant, "Draft an answer to this e-mail:\n\n"+mail.Body).Value()
	if err != nil {
		return "", err
	}
	return perdure.Call(ctx, SendEmail, Reply{To: mail.From, Body: draft.Response}).Await()
}

// Reply is an e-mail that goes out.
type Reply struct {
	To   string `json:"to"`
	Body string `json:"body"`
}

// HandleSpam puts an e-mail aside.
func HandleSpam(_ context.Context, reason string) (string, error) {
	return fmt.Sprintf("E-mail marked as spam: %s", reason), nil
}

// SendEmail stands for a mail server.
func SendEmail(_ context.Context, r Reply) (string, error) {
	return fmt.Sprintf("E-mail sent to %s: %s", r.To, r.Body), nil
}

// Agents returns the two agents.
func Agents(m model.Model) []*agent.Agent {
	return []*agent.Agent{
		{Name: "SpamDetectionAgent", Description: "Tells spam from e-mail.", Instructions: "You detect spam in e-mails.", Model: m},
		{Name: "EmailAssistantAgent", Description: "Drafts answers to e-mails.", Instructions: "You draft short, friendly answers to e-mails.", Model: m},
	}
}

// Register makes the orchestration, its activities and its agents known to a
// worker.
func Register(reg *perdure.Registry, m model.Model) error {
	perdure.AddOrchestration(reg, HandleEmail)
	perdure.AddActivity(reg, HandleSpam)
	perdure.AddActivity(reg, SendEmail)
	return agent.Register(reg, Agents(m)...)
}
