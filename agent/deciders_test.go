package agent_test

import (
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/store/memory"
)

// payFor returns a node whose agent makes one payment that somebody has asked for, if that
// is approved, and the decision about it.
func payFor(t *testing.T, s *sink, who string, options ...agent.ToolOption) (*node, agent.Accepted, *agent.Decision) {
	t.Helper()
	pay := agent.NewTool("pay", "pays", s.pay, append(options, agent.AlwaysRequireApproval())...)
	n := begin(t, &memory.Disk{}, registry(t, joker(stateless{}, pay)))
	a := send(t, n, "k1", agent.Message{Text: "Pay.", Principal: agent.Principal{Name: who}})
	return n, a, pending(t, n, agent.DecisionApproval)
}

// TestS04_Deciders has those answer who may, and those who may not, each about a payment
// that ann has asked for.
func TestS04_Deciders(t *testing.T) {
	apart, named := agent.SeparateDuties(), agent.Approvers("ann", "bob")
	for _, c := range []struct {
		name    string
		options []agent.ToolOption
		asks    string
		by      string
		answer  string
		refused string
	}{
		{"nothing is said", nil, "ann", "ann", agent.AnswerApprove, ""},
		{"her own", []agent.ToolOption{apart}, "ann", "ann", agent.AnswerApprove, "in the name of ann"},
		{"somebody else's", []agent.ToolOption{apart}, "ann", "bob", agent.AnswerApprove, ""},
		{"her own, which she denies", []agent.ToolOption{apart}, "ann", "ann", agent.AnswerDeny, ""},
		{"nobody's", []agent.ToolOption{apart}, "", "bob", agent.AnswerApprove, "is not known"},
		{"answered by nobody", []agent.ToolOption{apart}, "ann", "", agent.AnswerApprove, "not known who"},
		{"named", []agent.ToolOption{named}, "ann", "bob", agent.AnswerApprove, ""},
		{"not named", []agent.ToolOption{named}, "ann", "eve", agent.AnswerApprove, "for ann, bob to decide"},
		{"not named, but denies", []agent.ToolOption{named}, "ann", "eve", agent.AnswerDeny, "for ann, bob to decide"},
		{"named and her own", []agent.ToolOption{named, apart}, "ann", "ann", agent.AnswerApprove, "in the name of ann"},
		{"named and apart", []agent.ToolOption{named, apart}, "ann", "bob", agent.AnswerApprove, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s sink
			n, a, d := payFor(t, &s, c.asks, c.options...)
			if c.refused == "" {
				decide(t, n, d.ID, agent.Answer{Answer: c.answer, By: c.by})
				waitText(t, n, a.Turn, "Done.")
				if want := map[string]int{agent.AnswerApprove: 1}[c.answer]; len(s.inputs) != want {
					t.Errorf("payments = %d, want %d", len(s.inputs), want)
				}
				return
			}
			now, err := n.Decide(ctxOf(t), d.ID, agent.Answer{Answer: c.answer, By: c.by})
			if perdure.CodeOf(err) != perdure.PermissionDenied || !strings.Contains(err.Error(), c.refused) || now == nil || now.State != agent.DecisionPending {
				t.Errorf("Decide() = %+v, %v, want it refused and pending: %q", now, err, c.refused)
			}
			if len(s.inputs) != 0 {
				t.Errorf("payments = %+v, want none", s.inputs)
			}
		})
	}
}

// TestS04_StricterCode has the code name other approvers after one has approved: what was
// approved before is not made.
func TestS04_StricterCode(t *testing.T) {
	for _, c := range []struct {
		approver string
		pays     int
	}{{"bob", 0}, {"ann", 1}} {
		var s sink
		disk := &memory.Disk{}
		pay := func(options ...agent.ToolOption) *agent.Agent {
			return joker(stateless{}, agent.NewTool("pay", "pays", s.pay, append(options, agent.AlwaysRequireApproval())...))
		}
		n := begin(t, disk, registry(t, pay()))
		a := send(t, n, "k1", agent.Message{Text: "Pay."})
		d := pending(t, n, agent.DecisionApproval)
		disk.Crash()
		n.stop()
		n = begin(t, disk, registry(t, pay(agent.Approvers("ann"))))
		decide(t, n, d.ID, agent.Answer{Answer: agent.AnswerApprove, By: c.approver})
		waitText(t, n, a.Turn, "Done.")
		if len(s.inputs) != c.pays {
			t.Errorf("approved by %s: payments = %+v, want %d", c.approver, s.inputs, c.pays)
		}
	}
}

func TestApproversNeedNames(t *testing.T) {
	for _, names := range [][]string{nil, {""}, {"ann", ""}} {
		r := perdure.NewRegistry()
		tool := agent.NewTool("pay", "pays", (&sink{}).pay, agent.Approvers(names...))
		if err := agent.Register(r, joker(stateless{}, tool)); err == nil {
			t.Errorf("Register() with the approvers %q = nil, want an error", names)
		}
	}
}
