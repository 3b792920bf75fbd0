package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
	"github.com/perdure/perdure/store/memory"
)

// TestRewindOfLastTurn rewinds a turn of a session whose model has failed, after that was
// mended: it answers, and the conversation is as if it had never failed.
func TestRewindOfLastTurn(t *testing.T) {
	m := modeltest.Script(t, modeltest.Say("He was tide."),
		modeltest.Fail(&model.Error{Status: 400, Message: "no such joke"}), modeltest.Fail(perdure.NonRetryable(errors.New("no more jokes"))).Check(given(3, "user Another one.")),
		modeltest.Say("Arr.").Check(given(3, "user Another one.")), modeltest.Say("Bye.").Check(given(5, "user Say bye.")))
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	told := send(t, n, "k1", agent.Message{Text: "A joke about a pirate."})
	waitText(t, n, told.Turn, "He was tide.")
	failed := send(t, n, "k1", agent.Message{Text: "Another one."})
	waitFailed(t, n, failed.Turn, "no such joke")
	if err := n.Rewindable(ctxOf(t), told.Turn); perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), "not the last turn") {
		t.Errorf("Rewindable(the first turn) = %v, want %v", err, perdure.FailedPrecondition)
	}
	if err := n.Rewindable(ctxOf(t), failed.Turn); err != nil {
		t.Errorf("Rewindable(the last turn) = %v", err)
	}
	had := frames(t, n, failed.Turn)
	rewindLast(t, n, failed.Turn, 0, "once")
	waitFailed(t, n, failed.Turn, "no more jokes")
	for range 2 {
		rewindLast(t, n, failed.Turn, 0, "twice")
		waitText(t, n, failed.Turn, "Arr.")
		idle(t, n)
	}
	for _, have := range [][]agent.Frame{nil, had} {
		all := frames(t, n, failed.Turn, have...)
		if got := text(all); got != "Arr." {
			t.Errorf("frames after %+v say %q, want Arr.: %+v", have, got, all)
		}
	}
	if got := say(t, n, "k1", "Say bye.").Text; got != "Bye." {
		t.Errorf("the next turn says %q, want Bye.", got)
	}
	idle(t, n)
	want := "user A joke about a pirate.\nassistant He was tide.\nuser Another one.\nassistant Arr.\nuser Say bye.\nassistant Bye.\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
	s, err := n.Session(ctxOf(t), session(t, "k1"))
	if err != nil || s.Turns != 3 || s.Failed != 0 || s.Messages != 6 || s.Running != "" {
		t.Errorf("Session() = %+v, %v; want 3 turns, none failed, 6 messages", s, err)
	}
	if _, err := n.RewindTo(ctxOf(t), failed.Turn, client.RewindPoint{Event: 1}); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("RewindTo(a turn before the last) = %v, want %v", err, perdure.FailedPrecondition)
	}
}

// given checks how many messages a model is given, and the newest.
func given(n int, want string) func(*model.Request) error {
	return func(r *model.Request) error {
		if got := line(r.Messages[len(r.Messages)-1]); got != want || len(r.Messages) != n {
			return fmt.Errorf("the model is given %d messages, the newest %q, want %d and %q", len(r.Messages), got, n, want)
		}
		return nil
	}
}

// frames returns what a reader who has these frames has of the stream of a turn at its end.
func frames(t *testing.T, n *node, turn string, have ...agent.Frame) []agent.Frame {
	t.Helper()
	all, last := slices.Clone(have), int64(-1)
	if len(have) > 0 {
		last = have[len(have)-1].Offset
	}
	for f, err := range n.Stream(ctxOf(t), turn, last+1) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Offset <= last {
			t.Errorf("frame %d follows frame %d", f.Offset, last)
		}
		last, all = f.Offset, keep(all, f)
	}
	return all
}

// waitFailed waits for the end of a turn that fails.
func waitFailed(t *testing.T, n *node, turn, why string) {
	t.Helper()
	if _, err := n.Wait(ctxOf(t), turn); err == nil || !strings.Contains(err.Error(), why) {
		t.Fatalf("Wait() = %v, want %q", err, why)
	}
	idle(t, n)
}

func rewindLast(t *testing.T, n *node, turn string, event int, request string) *agent.Rewinding {
	t.Helper()
	of, err := n.RewindTo(ctxOf(t), turn, client.RewindPoint{Event: event}, client.WithRequestID(request))
	if err != nil {
		t.Fatalf("RewindTo(%s, event %d) = %v\n%s", turn, event, err, script(t, n, turn))
	}
	return of
}

// TestG05_RewindInSession rewinds the last turn of a session, with an approved payment, to
// each of its events. No payment that is not idempotent is made again by itself, none without
// being asked for, and session, conversation and stream are as if the turn had gone so from
// the beginning; but what was paid for is counted.
func TestG05_RewindInSession(t *testing.T) {
	for _, effect := range []agent.Effect{agent.Irreversible, agent.Idempotent} {
		for n, last := 1, 1; n <= last; n++ {
			t.Run(fmt.Sprintf("%v, to event %d", effect, n), func(t *testing.T) { last = rewindInSession(t, effect, n) })
		}
	}
}

// counting calls its tool once a turn, and counts each answer as a token.
func counting(answers *atomic.Int64) model.Model {
	return model.Func(func(_ contextOf, req *model.Request) updates {
		n := answers.Add(1)
		var content model.Content = &model.Text{Text: "Done."}
		if line(req.Messages[len(req.Messages)-1]) == "user Pay." {
			content = &model.FunctionCall{CallID: fmt.Sprintf("c%d", n), Name: "pay", Arguments: `{"to":"Ann","amount":1}`}
		}
		return (&model.Response{Messages: []*model.Message{{Role: model.RoleAssistant, Contents: model.Contents{
			content, &model.UsageContent{Details: model.Usage{InputTokenCount: 1}},
		}}}}).Updates()
	})
}

func rewindInSession(t *testing.T, effect agent.Effect, n int) int {
	var s sink
	var answers atomic.Int64
	node := begin(t, &memory.Disk{}, registry(t, joker(counting(&answers), agent.NewTool("pay", "pays", s.pay, agent.WithEffect(effect), agent.AlwaysRequireApproval()))))
	say(t, node, "k1", "Hello.")
	a := send(t, node, "k1", agent.Message{Text: "Pay."})
	decide(t, node, pending(t, node, agent.DecisionApproval).ID, agent.Answer{Answer: agent.AnswerApprove})
	waitText(t, node, a.Turn, "Done.")
	idle(t, node)
	events, err := node.hub.History(ctxOf(t), a.Turn, "")
	if err != nil {
		t.Fatal(err)
	}
	had := frames(t, node, a.Turn)
	plan := rewindLast(t, node, a.Turn, n, "back")
	idle(t, node)
	var want, got []string
	for _, ask := range plan.Asks {
		want = append(want, ask.Kind+" "+ask.Tool)
	}
	for _, open := range pendingOf(t, node) {
		got = append(got, open.Kind+" "+open.Tool)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("rewound to event %d, decisions (-foretold +open):\n%s\n%s", plan.To, diff, script(t, node, a.Turn))
	}
	if made := s.most(); made != 1 {
		t.Errorf("the payment was made %d times before anybody was asked, want once", made)
	}
	shown := "user Hello.\nassistant Done.\nuser Pay.\nassistant pay({\"to\":\"Ann\",\"amount\":1})\n"
	if len(got) > 0 && transcript(t, node, "k1") != shown {
		t.Errorf("transcript while the turn runs again = %s, want %s", transcript(t, node, "k1"), shown)
	}
	times := 1
	for len(pendingOf(t, node)) > 0 {
		open := pendingOf(t, node)[0]
		answer := agent.Answer{Answer: agent.AnswerApprove}
		if open.Kind == agent.DecisionOutcomeUnknown {
			answer = agent.Answer{Answer: agent.AnswerHappened, Result: json.RawMessage(`"paid Ann"`)}
		} else {
			times++
		}
		decide(t, node, open.ID, answer)
		idle(t, node)
	}
	waitText(t, node, a.Turn, "Done.")
	idle(t, node)
	for _, have := range [][]agent.Frame{nil, had} { // by a reader who begins, and by one who has seen the end
		all := frames(t, node, a.Turn, have...)
		if text(all) != "Done." || len(all) == 0 || all[len(all)-1].Type != agent.FrameEnd {
			t.Errorf("rewound to event %d, frames after %+v: %+v", n, have, all)
		}
	}
	rewindLast(t, node, a.Turn, n, "back") // a repeat, which does nothing
	if r := say(t, node, "k1", "Bye."); r.Text != "Done." {
		t.Errorf("the next turn says %q", r.Text)
	}
	idle(t, node)
	shown += "tool = \"paid Ann\"\nassistant Done.\nuser Bye.\nassistant Done.\n"
	if got := transcript(t, node, "k1"); got != shown {
		t.Errorf("transcript = %s, want %s", got, shown)
	}
	about, err := node.Session(ctxOf(t), session(t, "k1"))
	if err != nil || about.Turns != 3 || about.Failed != 0 || about.Usage.InputTokenCount != answers.Load() || about.Spent.Calls != answers.Load() {
		t.Errorf("Session() = %+v, %v; want 3 turns, and the usage of %d answers", about, err, answers.Load())
	}
	if made := len(s.inputs); made > times || len(s.effects) > times {
		t.Errorf("payments by effect id = %v, want at most %d", s.effects, times)
	}
	return len(events)
}

// TestRewindRefused has the hub refuse the rewind of a turn after its session has agreed:
// the session is as before, and answers what was sent meanwhile.
func TestRewindRefused(t *testing.T) {
	var n *node
	var meanwhile, stolen agent.Accepted
	refuse := func() error {
		meanwhile = send(t, n, "k1", agent.Message{Text: "Meanwhile."})
		stolen = send(t, n, "k1", agent.Message{Text: "For the turn.", Busy: agent.BusySteer})
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "rewind", Message: "no"}
	}
	var answers atomic.Int64
	n = begin(t, &memory.Disk{}, registry(t, joker(counting(&answers))))
	n.before = refuse
	a := send(t, n, "k1", agent.Message{Text: "Hello."})
	waitText(t, n, a.Turn, "Done.")
	idle(t, n)
	before, err := n.Session(ctxOf(t), session(t, "k1"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = n.RewindTo(ctxOf(t), a.Turn, client.RewindPoint{Event: 1})
	if perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.HasSuffix(err.Error(), "no") {
		t.Errorf("RewindTo() = %v, want what the hub said", err)
	}
	waitText(t, n, a.Turn, "Done.")
	waitText(t, n, meanwhile.Turn, "Done.")
	waitText(t, n, stolen.Turn, "Done.")
	idle(t, n)
	after, err := n.Session(ctxOf(t), session(t, "k1"))
	if err != nil || after.Turns != before.Turns+2 || after.Messages != before.Messages+4 || after.Usage.InputTokenCount != answers.Load() {
		t.Errorf("Session() = %+v, %v; want two turns more than %+v", after, err, before)
	}
	want := "user Hello.\nassistant Done.\nuser For the turn.\nassistant Done.\nuser Meanwhile.\nassistant Done.\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
	if r, err := n.Send(ctxOf(t), session(t, "k1"), agent.Message{Text: "Hello.", CorrelationID: a.CorrelationID}); err != nil || !r.Duplicate {
		t.Errorf("Send(a message again) = %+v, %v; want a duplicate", r, err)
	}
}

// TestMessageWhileRewound sends messages to a session whose last turn is rewound, before the
// hub has done so and while the turn runs again: they wait, and no reader is shown what the
// turn has given up.
func TestMessageWhileRewound(t *testing.T) {
	var n *node
	var first agent.Accepted
	shown := ""
	before := func() error {
		first = send(t, n, "k1", agent.Message{Text: "One."})
		shown = transcript(t, n, "k1")
		return nil
	}
	var answers atomic.Int64
	again := make(chan struct{})
	m := model.Func(func(ctx contextOf, req *model.Request) updates {
		if answers.Load() == 2 {
			<-again
		}
		return counting(&answers).Generate(ctx, req)
	})
	n = begin(t, &memory.Disk{}, registry(t, joker(m)))
	n.before = before
	say(t, n, "k1", "Hello.")
	a := send(t, n, "k1", agent.Message{Text: "How are you?"})
	waitText(t, n, a.Turn, "Done.")
	idle(t, n)
	rewindLast(t, n, a.Turn, 3, "r")
	if want := "user Hello.\nassistant Done.\n"; shown != want {
		t.Errorf("transcript before the turn goes on = %s, want %s", shown, want)
	}
	for ctx := ctxOf(t); n.running(t, "k1") == "" || strings.Count(transcript(t, n, "k1"), "\n") != 3; {
		if ctx.Err() != nil {
			t.Fatalf("transcript while the turn runs again = %s", transcript(t, n, "k1"))
		}
	}
	if err := n.Rewindable(ctxOf(t), a.Turn); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Rewindable(a turn that runs) = %v, want %v", err, perdure.FailedPrecondition)
	}
	second := send(t, n, "k1", agent.Message{Text: "Two."})
	close(again)
	waitText(t, n, a.Turn, "Done.")
	waitText(t, n, first.Turn, "Done.")
	waitText(t, n, second.Turn, "Done.")
	want := "user Hello.\nassistant Done.\nuser How are you?\nassistant Done.\nuser One.\nassistant Done.\nuser Two.\nassistant Done.\n"
	if got := transcript(t, n, "k1"); got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestDeleteWhileRewound deletes a session whose last turn is being rewound: before the hub
// has done so, and while the turn runs again. All of it is gone then.
func TestDeleteWhileRewound(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		t.Run(fmt.Sprintf("refuses %v", refuses), func(t *testing.T) {
			var n *node
			deleted := make(chan error, 1)
			before := func() error {
				go func() { deleted <- n.Delete(context.WithoutCancel(t.Context()), session(t, "k1")) }()
				for !n.stopping(t, "k1") && t.Context().Err() == nil {
				}
				if refuses {
					return &perdure.Error{Code: perdure.FailedPrecondition, Op: "rewind", Message: "no"}
				}
				return nil
			}
			var answers atomic.Int64
			m := model.Func(func(ctx contextOf, req *model.Request) updates {
				if answers.Load() > 0 {
					<-ctx.Done() // until it is stopped
				}
				return counting(&answers).Generate(ctx, req)
			})
			n = begin(t, &memory.Disk{}, registry(t, joker(m)))
			n.before = before
			a := send(t, n, "k1", agent.Message{Text: "Hello."})
			waitText(t, n, a.Turn, "Done.")
			idle(t, n)
			_, err := n.RewindTo(ctxOf(t), a.Turn, client.RewindPoint{Event: 3})
			if (err != nil) != refuses {
				t.Errorf("RewindTo() = %v", err)
			}
			for waits := true; waits; {
				idle(t, n)
				select {
				case err := <-deleted:
					if waits = false; err != nil {
						t.Errorf("Delete() = %v", err)
					}
				case <-ctxOf(t).Done():
					t.Fatal("the session is not deleted")
				default: // it purges again after a while what had not ended
					n.clock.Advance(time.Second)
				}
			}
			idle(t, n)
			if s, err := n.Session(ctxOf(t), session(t, "k1")); perdure.CodeOf(err) != perdure.NotFound {
				t.Errorf("Session() = %+v, %v, want %v", s, err, perdure.NotFound)
			}
			if _, err := n.hub.Instance(ctxOf(t), a.Turn, false); perdure.CodeOf(err) != perdure.NotFound {
				t.Errorf("the turn is there still: %v", err)
			}
		})
	}
}

// running returns the turn that runs in a session.
func (n *node) running(t *testing.T, key string) string {
	t.Helper()
	s, err := n.Session(ctxOf(t), session(t, key))
	if err != nil {
		t.Fatal(err)
	}
	return s.Running
}

// stopping reports whether the running turn of a session was told to stop.
func (n *node) stopping(t *testing.T, key string) bool {
	e, err := n.client.Entity(context.WithoutCancel(t.Context()), session(t, key).Entity())
	return err == nil && strings.Contains(string(e.State), `"stopping":true`)
}

// TestG05_RewindInSessionCrashes drops the process before and after each commit of a
// rewind of the last turn of a session, whose payment needs an approval, to before the
// approval, and of a failed turn: the end is always the same.
func TestG05_RewindInSessionCrashes(t *testing.T) {
	var mu sync.Mutex
	var world *sink // of one run of the scenario
	var mended bool
	done := perduretest.CrashEverywhere(t, perduretest.Scenario{
		Ignore: regexp.MustCompile(`"(next|offset|end)":\d+`), // which count the attempts of model steps
		Register: func(reg *perdure.Registry) {
			mu.Lock()
			world, mended = &sink{}, false
			mu.Unlock()
			pay := agent.NewTool("pay", "pays", func(ctx context.Context, in payment) (string, error) { return world.pay(ctx, in) },
				agent.WithReconcile(world.happened), agent.AlwaysRequireApproval())
			m := model.Func(func(ctx contextOf, req *model.Request) updates {
				mu.Lock()
				defer mu.Unlock()
				if !mended && line(req.Messages[len(req.Messages)-1]) == "user Fail." {
					return func(yield func(*model.Update, error) bool) { yield(nil, perdure.NonRetryable(errors.New("broken"))) }
				}
				return counting(new(atomic.Int64)).Generate(ctx, req)
			})
			if err := agent.Register(reg, joker(m, pay)); err != nil {
				t.Error(err)
			}
		},
		Run: func(e *perduretest.Env) {
			a := e.Tell("Joker", "k1", agent.Message{Text: "Pay.", CorrelationID: "a"})
			e.Settle()
			approve := func() {
				for _, d := range e.Decisions() {
					answer := agent.Answer{Answer: agent.AnswerApprove}
					if d.Kind == agent.DecisionOutcomeUnknown {
						t.Errorf("what became of the call is asked, which can be looked up: %+v", d)
					}
					e.Decide(d.ID, answer)
				}
				if r, err := e.Answer(a); err != nil || r.Text != "Done." {
					t.Errorf("Answer() = %+v, %v, want Done.", r, err)
				}
				e.Settle()
			}
			approve()
			rewind := func(turn string, to int) {
				if _, err := e.Agents().RewindTo(t.Context(), turn, client.RewindPoint{Event: to}, client.WithRequestID("r"+turn)); err != nil {
					t.Errorf("RewindTo() = %v", err)
				}
				e.Settle()
			}
			rewind(a, 3)
			approve()
			b := e.Tell("Joker", "k1", agent.Message{Text: "Fail.", CorrelationID: "b"})
			if _, err := e.Answer(b); err == nil {
				t.Error("the turn has not failed")
			}
			e.Settle()
			mu.Lock()
			mended = true
			mu.Unlock()
			rewind(b, 0)
			if r, err := e.Answer(b); err != nil || r.Text != "Done." {
				t.Errorf("Answer() = %+v, %v, want Done.", r, err)
			}
			e.Settle()
			s, err := e.Agents().Session(t.Context(), session(t, "k1"))
			if err != nil || s.Turns != 2 || s.Failed != 0 || s.Running != "" || s.Messages != 6 {
				t.Errorf("Session() = %+v, %v; want two turns, 6 messages, and none that runs", s, err)
			}
			list, err := e.Agents().Messages(t.Context(), session(t, "k1"), 0, 100)
			if err != nil || len(list) != 6 || list[5].Position != 5 {
				t.Errorf("Messages() = %+v, %v; want 6", list, err)
			}
		},
	})
	if done.Commits < 20 || done.Crashes < done.Commits {
		t.Errorf("%d crashes in %d commits: too few to mean anything", done.Crashes, done.Commits)
	}
}

// TestRewindAfterTerminate rewinds the last turn of a session that was terminated, so that
// it could not tell its end, and terminates it again.
func TestRewindAfterTerminate(t *testing.T) {
	var answers atomic.Int64
	entered, again := make(chan struct{}, 9), make(chan struct{})
	m := model.Func(func(ctx contextOf, req *model.Request) updates {
		entered <- struct{}{}
		select {
		case <-ctx.Done():
		case <-again:
		}
		return counting(&answers).Generate(ctx, req)
	})
	n := begin(t, &memory.Disk{}, registry(t, joker(m)))
	a := send(t, n, "k1", agent.Message{Text: "Hello."})
	for range 3 {
		<-entered
		if err := n.client.Terminate(ctxOf(t), a.Turn, client.Ending{}); err != nil {
			t.Fatal(err)
		}
		waitFailed(t, n, a.Turn, "terminated")
		rewindLast(t, n, a.Turn, 3, agent.NewSessionKey())
	}
	<-entered
	close(again)
	waitText(t, n, a.Turn, "Done.")
	if r := say(t, n, "k1", "Bye."); r.Text != "Done." {
		t.Errorf("the next turn says %q", r.Text)
	}
	if got, want := transcript(t, n, "k1"), "user Hello.\nassistant Done.\nuser Bye.\nassistant Done.\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestRewindOfSteered rewinds a turn that took a message while it ran: not to before it.
func TestRewindOfSteered(t *testing.T) {
	entered, again := make(chan struct{}, 9), make(chan struct{})
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) {
		entered <- struct{}{}
		<-again
		return "here", nil
	}, agent.WithEffect(agent.Pure))
	m := modeltest.Script(t, modeltest.Call("look", nil), modeltest.Say("Both."), modeltest.Say("Both again."))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "One."})
	<-entered
	b := send(t, n, "k1", agent.Message{Text: "Two.", Busy: agent.BusySteer})
	close(again)
	waitText(t, n, a.Turn, "Both.")
	waitText(t, n, b.Turn, "Both.")
	idle(t, n)
	if _, err := n.RewindTo(ctxOf(t), a.Turn, client.RewindPoint{Event: 3}); perdure.CodeOf(err) != perdure.FailedPrecondition || !strings.Contains(err.Error(), "would be lost") {
		t.Errorf("RewindTo(before the message) = %v, want %v", err, perdure.FailedPrecondition)
	}
	events, err := n.hub.History(ctxOf(t), a.Turn, "")
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for i, e := range events {
		if _, ok := e.Body.(*history.TaskCompleted); ok {
			last = i + 1
		}
	}
	rewindLast(t, n, a.Turn, last, "r")
	waitText(t, n, a.Turn, "Both again.")
	waitText(t, n, b.Turn, "Both again.")
	idle(t, n)
	if got, want := transcript(t, n, "k1"), "user One.\nassistant look({})\ntool = \"here\"\nuser Two.\nassistant Both again.\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}

// TestRewindToShorterTurn rewinds a turn that then says less: what it had said beyond that
// is gone, and the next turn writes where it stood.
func TestRewindToShorterTurn(t *testing.T) {
	look := agent.NewTool("look", "looks", func(context.Context, struct{}) (string, error) { return "here", nil }, agent.WithEffect(agent.Pure))
	m := modeltest.Script(t, modeltest.Call("look", nil), modeltest.Call("look", nil), modeltest.Say("Found."),
		modeltest.Say("No idea.").Check(given(1, "user Where?")), modeltest.Say("Why not.").Check(given(3, "user Why?")))
	n := begin(t, &memory.Disk{}, registry(t, joker(m, look)))
	a := send(t, n, "k1", agent.Message{Text: "Where?"})
	waitText(t, n, a.Turn, "Found.")
	idle(t, n)
	had := frames(t, n, a.Turn)
	rewindLast(t, n, a.Turn, 1, "r")
	waitText(t, n, a.Turn, "No idea.")
	idle(t, n)
	short := "user Where?\nassistant No idea.\n"
	if got := transcript(t, n, "k1"); got != short {
		t.Errorf("transcript = %s, want %s", got, short)
	}
	for _, have := range [][]agent.Frame{nil, had} {
		all := frames(t, n, a.Turn, have...)
		if text(all) != "No idea." || slices.ContainsFunc(all, func(f agent.Frame) bool { return f.Type == agent.FrameToolCall || f.Type == agent.FrameToolResult }) {
			t.Errorf("frames after %+v: %+v", have, all)
		}
	}
	if r := say(t, n, "k1", "Why?"); r.Text != "Why not." {
		t.Errorf("the next turn says %q, want Why not.", r.Text)
	}
	if got, want := transcript(t, n, "k1"), short+"user Why?\nassistant Why not.\n"; got != want {
		t.Errorf("transcript = %s, want %s", got, want)
	}
}
