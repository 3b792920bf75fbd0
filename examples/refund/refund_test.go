package refund_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/egress"
	"github.com/perdure/perdure/examples/refund"
	"github.com/perdure/perdure/internal/chaos/crashes"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

// payments is a payment service.
type payments struct {
	mu       sync.Mutex // guards all below
	refunds  map[string]refund.Refund
	requests int            // to make refunds
	fail     map[string]int // statuses of the next answers, by method; they come after the deed
}

func (p *payments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/refunds/")
	if r.Method == http.MethodPost {
		p.requests++
		key = r.Header.Get(egress.Header)
		var in refund.Refund
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || key == "" || in.Order == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p.refunds[key] = in
	}
	in, ok := p.refunds[key]
	if status := p.fail[r.Method]; status != 0 {
		delete(p.fail, r.Method)
		w.WriteHeader(status)
		return
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(refund.Receipt{Receipt: "receipt for " + in.Order}) // the caller sees it
}

// counts returns how many refunds there are, and how often one was asked for.
func (p *payments) counts() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%d refunds in %d requests", len(p.refunds), p.requests)
}

func open(t *testing.T) (*payments, *refund.Service) {
	t.Helper()
	p := &payments{refunds: map[string]refund.Refund{}, fail: map[string]int{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, refund.NewService(server.URL)
}

// complaint is a model that refunds an amount and says what came of it.
func complaint(cents int) model.Model {
	return modeltest.Reply(func(r *model.Request) modeltest.Step {
		if f, ok := r.Messages[len(r.Messages)-1].Contents[0].(*model.FunctionResult); ok {
			return modeltest.Say(string(f.Result) + f.Error)
		}
		return modeltest.Call("issue_refund", refund.Refund{Order: "A7", Cents: cents, Reason: "broken"})
	})
}

func begin(t *testing.T, cents int) (*payments, *perduretest.Env) {
	t.Helper()
	p, service := open(t)
	reg := perdure.NewRegistry()
	if err := refund.Register(reg, complaint(cents), service); err != nil {
		t.Fatal(err)
	}
	return p, perduretest.New(t, reg)
}

const receipt = `{"receipt":"receipt for A7"}`

// answered checks how the turn ended, and what the payment service has seen.
func answered(t *testing.T, env *perduretest.Env, p *payments, turn, text, counts string) {
	t.Helper()
	if r, err := env.Answer(turn); err != nil || r.Text != text {
		t.Errorf("Answer() = %+v, %v, want %q", r, err, text)
	}
	if got := p.counts(); got != counts {
		t.Errorf("the service has %s, want %s", got, counts)
	}
}

func TestSmallAmount(t *testing.T) {
	p, env := begin(t, refund.Limit)
	turn := env.Tell("RefundAgent", "k1", agent.Message{Text: "My order A7 came broken."})
	answered(t, env, p, turn, receipt, "1 refunds in 1 requests")
}

func TestApproval(t *testing.T) {
	for answer, want := range map[string][2]string{
		agent.AnswerApprove: {receipt, "1 refunds in 1 requests"},
		agent.AnswerDeny:    {"the call was denied: Ask for a photo.", "0 refunds in 0 requests"},
		"":                  {"the call was not approved in time", "0 refunds in 0 requests"},
	} {
		t.Run("answer "+answer, func(t *testing.T) {
			p, env := begin(t, refund.Limit+1)
			turn := env.Tell("RefundAgent", "k1", agent.Message{Text: "My order A7 came broken."})
			list := env.Decisions()
			if len(list) != 1 || p.counts() != "0 refunds in 0 requests" {
				t.Fatalf("decisions = %+v with %s, want one and no refund", list, p.counts())
			}
			if answer != "" {
				env.Decide(list[0].ID, agent.Answer{Answer: answer, ArgsHash: list[0].ArgsHash, Comment: "Ask for a photo."})
			}
			answered(t, env, p, turn, want[0], want[1])
		})
	}
}

// TestLostAnswer has the service make the refund and answer with an error: that is
// found out by its key. If the service does not even tell that, a person decides.
func TestLostAnswer(t *testing.T) {
	for name, lookup := range map[string]int{"reconciled": 0, "a person decides": http.StatusBadGateway} {
		t.Run(name, func(t *testing.T) {
			p, env := begin(t, 100)
			p.fail[http.MethodPost] = http.StatusBadGateway
			if lookup != 0 {
				p.fail[http.MethodGet] = lookup
			}
			turn := env.Tell("RefundAgent", "k1", agent.Message{Text: "My order A7 came broken."})
			for _, d := range env.Decisions() {
				if d.Kind != agent.DecisionOutcomeUnknown || lookup == 0 {
					t.Errorf("a person is asked about %+v", d)
				}
				env.Decide(d.ID, agent.Answer{Answer: agent.AnswerHappened, Result: json.RawMessage(receipt)})
			}
			answered(t, env, p, turn, receipt, "1 refunds in 1 requests")
		})
	}
}

// TestCrashEverywhere crashes at each commit of a refund with an approval: it is
// asked for once.
func TestCrashEverywhere(t *testing.T) {
	var p *payments // of one run of the scenario
	scenario := perduretest.Scenario{
		Ignore: perduretest.StreamOffsets(),
		Register: func(reg *perdure.Registry) {
			var service *refund.Service
			p, service = open(t)
			if err := refund.Register(reg, complaint(12000), service); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			turn := e.Tell("RefundAgent", "k1", agent.Message{Text: "My order A7 came broken."})
			for _, d := range e.Decisions() {
				e.Decide(d.ID, agent.Answer{Answer: agent.AnswerApprove})
			}
			answered(t, e, p, turn, receipt, "1 refunds in 1 requests")
		},
	}
	perduretest.CrashEverywhere(t, scenario)
	crashes.LongOnPostgres(t, scenario)
}
