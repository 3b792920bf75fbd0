package perduretest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/perduretest"
)

// example runs f as a test and prints what went wrong.
func example(f func(t testing.TB)) {
	for _, e := range perduretest.Record(f).Errors {
		fmt.Println("error:", e)
	}
}

// An approval waits for a day. In a test that takes no time.
func ExampleRun() {
	example(func(t testing.TB) {
		env := perduretest.New(t, approvals())
		began := env.Now()
		out, err := perduretest.Run(env, Approval, "the draft")
		fmt.Println(out, err, "after", env.Now().Sub(began))
	})
	// Output: escalated <nil> after 24h0m0s
}

// The activity fails twice, then it works; the decision comes after an hour.
func ExampleOutcomes() {
	example(func(t testing.TB) {
		down := errors.New("down")
		env := perduretest.New(t, approvals(), perduretest.Outcomes("Publish",
			perduretest.Fail(down), perduretest.Fail(down), perduretest.Return("published")))
		id := perduretest.Start(env, Approval, "the draft")
		env.After(time.Hour, func() {
			if err := client.Raise(env.Context(), env.Client(), id, decision, true); err != nil {
				t.Error(err)
			}
		})
		out, err := perduretest.Result[string](env, id)
		fmt.Println(out, err)
		for _, c := range env.Calls("Publish") {
			fmt.Println(c.Time.Format("15:04"), "attempt", c.Attempt)
		}
	})
	// Output:
	// published <nil>
	// 01:00 attempt 1
	// 01:01 attempt 2
	// 01:03 attempt 3
}

// The child is not what the test is about.
func ExampleReplaceOrchestration() {
	example(func(t testing.TB) {
		env := perduretest.New(t, approvals(), perduretest.ReplaceOrchestration("Approval",
			func(_ *perdure.Context, draft string) (string, error) { return strings.ToUpper(draft), nil }))
		out, err := perduretest.Run(env, Parent, "the draft")
		fmt.Println(out, err)
	})
	// Output: THE DRAFT <nil>
}

// The activity does something else in this test.
func ExampleReplace() {
	example(func(t testing.TB) {
		env := perduretest.New(t, approvals(), perduretest.Replace("Notify",
			func(_ context.Context, draft string) (string, error) {
				fmt.Println("told about", draft)
				return "", nil
			}))
		out, err := perduretest.Run(env, Approval, "the draft")
		fmt.Println(out, err)
	})
	// Output:
	// told about the draft
	// escalated <nil>
}

// The hub dies while the approval waits; another goes on with it.
func ExampleEnv_Crash() {
	example(func(t testing.TB) {
		env := perduretest.New(t, approvals())
		id := perduretest.Start(env, Approval, "the draft")
		env.Advance(time.Hour)
		env.Crash()
		out, err := perduretest.Result[string](env, id)
		fmt.Println(out, err, "Notify ran", len(env.Calls("Notify")), "time(s)")
	})
	// Output: escalated <nil> Notify ran 1 time(s)
}

// The history of an earlier version of the code must still fit.
func ExampleReplay() {
	example(func(t testing.TB) {
		perduretest.Replay(t, approvals(), "testdata/approval.history")
		fmt.Println("replayed")
	})
	// Output: replayed
}
