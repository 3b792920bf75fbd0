// Package refund has an agent that gives money back: the kind of tool that must
// not run twice, nor without a person when much is at stake. What sees to that:
//
//   - The tool is irreversible. A mark is durable before it is called; if a crash
//     hides what became of the call, it is never made again by itself.
//   - Reconcile then asks the payment service, which knows the call by its effect id,
//     the Idempotency-Key of the request. Only if that cannot tell, a person decides.
//   - Amounts above a limit need a person's approval, of exactly these arguments.
//
// With the offline demo model and PAYMENTS_URL, a service as [Service] wants it:
//
//	PAYMENTS_URL=http://127.0.0.1:9000 go run ./examples/serve refund
//	curl --json '{"message":"Issue refund of 12000 cents for order \"A7\", as it \"came broken\"."}' \
//	  'http://127.0.0.1:8080/api/v1/agents/RefundAgent/sessions/k1/messages'
//	curl 'http://127.0.0.1:8080/api/v1/decisions?state=pending'
//	curl --json '{"answer":"approve"}' http://127.0.0.1:8080/api/v1/decisions/ID
package refund

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/egress"
	"github.com/perdure/perdure/model"
)

// Limit is the amount, in cents, up to which no person is asked.
const Limit = 5000

// Refund is the input of issue_refund.
type Refund struct {
	Order  string `json:"order"`
	Cents  int    `json:"cents" jsonschema:"amount in cents"`
	Reason string `json:"reason"`
}

// Receipt is what the payment service answers.
type Receipt struct {
	Receipt string `json:"receipt"`
}

// Service is a payment service: POST /refunds makes a refund, once for each
// Idempotency-Key; GET /refunds/KEY returns the receipt of the one with this key, or
// 404, after which it refuses a late POST with that key.
type Service struct {
	url    string
	client *http.Client
}

// NewService returns the service at a URL.
func NewService(url string) *Service {
	// Transport sends the effect id of the call as Idempotency-Key.
	return &Service{url, &http.Client{Transport: egress.Transport(nil), Timeout: time.Minute}}
}

// Issue gives the money back.
func (s *Service) Issue(ctx context.Context, in Refund) (Receipt, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return Receipt{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/refunds", bytes.NewReader(body))
	if err != nil {
		return Receipt{}, err
	}
	receipt, status, err := s.do(r)
	switch {
	case err != nil || status >= 500: // it may have happened all the same
		return Receipt{}, fmt.Errorf("%w: status %d, %v", agent.ErrOutcomeUnknown, status, err)
	case status != http.StatusOK: // it was refused: the model is told
		return Receipt{}, fmt.Errorf("the payment service refuses it with status %d", status)
	}
	return receipt, nil
}

// Reconcile finds out whether a refund was made whose call was lost.
func (s *Service) Reconcile(ctx context.Context, effectID string, _ Refund) (agent.Outcome, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/refunds/"+url.PathEscape(effectID), nil)
	if err != nil {
		return agent.Unknown(), err
	}
	receipt, status, err := s.do(r)
	switch {
	case err != nil:
		return agent.Unknown(), err
	case status == http.StatusOK:
		return agent.Happened(receipt), nil
	case status == http.StatusNotFound:
		return agent.NotHappened(), nil
	}
	return agent.Unknown(), nil
}

func (s *Service) do(r *http.Request) (receipt Receipt, status int, err error) {
	answer, err := s.client.Do(r)
	if err != nil {
		return Receipt{}, 0, err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	if answer.StatusCode != http.StatusOK {
		return Receipt{}, answer.StatusCode, nil
	}
	err = json.NewDecoder(answer.Body).Decode(&receipt)
	return receipt, answer.StatusCode, err
}

// New returns the agent.
func New(m model.Model, payments *Service) *agent.Agent {
	return &agent.Agent{
		Name: "RefundAgent", Description: "Gives customers their money back.", Model: m,
		Instructions: "You handle complaints. Refund what is justified, and tell the customer the receipt.",
		Tools: []agent.Tool{agent.NewTool("issue_refund", "Gives a customer money back.", payments.Issue,
			agent.WithEffect(agent.Irreversible), // which is the default
			agent.WithReconcile(payments.Reconcile),
			agent.RequireApproval(func(_ context.Context, in Refund) bool { return in.Cents > Limit }),
			agent.ApprovalTimeout(48*time.Hour),
		)},
	}
}

// Register makes the agent known to a worker.
func Register(reg *perdure.Registry, m model.Model, payments *Service) error {
	return agent.Register(reg, New(m, payments))
}
