package agent_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store/memory"
)

// TestSwitchOff stops 100 agents that are called by one, within a second, and lets
// them go on when they are switched on again.
func TestSwitchOff(t *testing.T) {
	var running, ended atomic.Int64
	slow := named("Slow", behaving(func(ctx context.Context, req *model.Request) model.Content {
		if last(req).Text() != "hang" {
			return saying("awake")
		}
		running.Add(1)
		<-ctx.Done()
		ended.Add(1)
		return saying("")
	}))
	reg := registry(t, slow, joker(behaving(func(_ context.Context, req *model.Request) model.Content { return saying("Re: %s", last(req).Text()) })))
	perdure.AddOrchestrationNamed(reg, "Many", func(ctx *perdure.Context, _ string) (int, error) {
		tasks := make([]*agent.Task, 100)
		for i := range tasks {
			tasks[i] = slow.Run(ctx, "hang")
		}
		refused := 0
		for _, task := range tasks {
			if _, err := task.Text(); err != nil && strings.Contains(err.Error(), "agent slow is switched off by ops: too dear") {
				refused++
			}
		}
		return refused, nil
	})
	disk := &memory.Disk{}
	n := begin(t, disk, reg)
	started, err := n.client.Start(ctxOf(t), "Many", "", client.StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for running.Load() < 10 && t.Context().Err() == nil { // the others wait for a worker
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if err := n.SwitchOff(ctxOf(t), agent.Switch{Agent: "slow"}, "ops", "too dear"); err != nil {
		t.Fatal(err)
	}
	if got, err := client.Result[int](ctxOf(t), n.client, started.ID); err != nil || got != 100 {
		t.Errorf("Result() = %d, %v, want all 100 refused", got, err)
	}
	if took := time.Since(began); took > 5*time.Second { // 1 s on a machine of its own
		t.Errorf("it took %v", took)
	}
	if ended.Load() != running.Load() {
		t.Errorf("%d of %d calls have ended", ended.Load(), running.Load())
	}
	if r := say(t, n, "k1", "hello"); r.Text != "Re: hello" {
		t.Errorf("the other agent answers %q, want Re: hello", r.Text)
	}
	disk.Crash()
	n.stop()
	n = begin(t, disk, reg)
	before := running.Load()
	id, err := agent.NewSessionID("Slow", "k1")
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []bool{true, false} {
		a, err := n.Send(ctxOf(t), id, agent.Message{Text: fmt.Sprint(off)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = n.Wait(ctxOf(t), a.Turn); off && perdure.CodeOf(err) != perdure.FailedPrecondition || !off && err != nil {
			t.Errorf("switched off %t: Wait() = %v", off, err)
		}
		list, err := n.SwitchesOff(ctxOf(t))
		if err != nil || off != (len(list) == 1) || off && (list[0].By != "ops" || list[0].At.IsZero()) {
			t.Errorf("SwitchesOff() = %+v, %v", list, err)
		}
		if err := n.SwitchOn(ctxOf(t), agent.Switch{Agent: "Slow"}); err != nil {
			t.Fatal(err)
		}
	}
	if running.Load() != before {
		t.Error("an agent that was switched off was asked")
	}
}

// TestSwitchOffTool refuses the calls of one tool, which the model is told, and
// all agents by the zero Switch.
func TestSwitchOffTool(t *testing.T) {
	called := 0
	tool := agent.NewTool("pay", "pays", func(context.Context, struct{}) (string, error) { called++; return "paid", nil })
	n := begin(t, &memory.Disk{}, registry(t, joker(behaving(func(_ context.Context, req *model.Request) model.Content {
		if last(req).Role == model.RoleTool {
			return saying("%s", toolText(last(req)))
		}
		return calling(req, "pay", `{}`)
	}), tool)))
	if err := n.SwitchOff(ctxOf(t), agent.Switch{Tool: "pay"}, "", ""); err != nil {
		t.Fatal(err)
	}
	if r := say(t, n, "k1", "pay"); !strings.Contains(r.Text, "tool pay is switched off") || called != 0 {
		t.Errorf("answer = %q after %d calls, want that it is switched off", r.Text, called)
	}
	if err := n.SwitchOff(ctxOf(t), agent.Switch{}, "", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, n, "k1", agent.Message{Text: "pay"}); err == nil || !strings.Contains(err.Error(), "all agents are switched off") {
		t.Errorf("Wait() = %v, want that all agents are switched off", err)
	}
}
