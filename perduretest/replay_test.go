package perduretest_test

import (
	"flag"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/perduretest"
)

var update = flag.Bool("update", false, "write the history files")

const recorded = "testdata/approval.history"

func TestReplay(t *testing.T) {
	if *update {
		env := perduretest.New(t, approvals(), perduretest.Outcomes("Publish", perduretest.Return("ok")))
		id := perduretest.Start(env, Approval, "x")
		env.Wait(id)
		env.SaveHistory(id, recorded)
	}
	perduretest.Replay(t, approvals(), recorded)
}

func TestCheckHistoryFindsChanges(t *testing.T) {
	env := perduretest.New(t, approvals())
	id := perduretest.Start(env, Approval, "x")
	env.Wait(id)
	events := env.History(id)
	for name, c := range map[string]struct {
		code func(ctx *perdure.Context, draft string) (string, error)
		want string
	}{
		"other step": {func(ctx *perdure.Context, draft string) (string, error) {
			return perdure.Call(ctx, Publish, draft).Await()
		}, "Publish"},
		"no steps": {func(*perdure.Context, string) (string, error) { return "escalated", nil }, "Notify"},
		"other end": {func(ctx *perdure.Context, draft string) (string, error) {
			out, err := Approval(ctx, draft)
			return out + "!", err
		}, "escalated"},
		"further step": {func(ctx *perdure.Context, draft string) (string, error) {
			if _, err := Approval(ctx, draft); err != nil {
				return "", err
			}
			return "escalated", ctx.Timer(time.Hour).Await()
		}, ""},
	} {
		reg := perdure.NewRegistry()
		perdure.AddActivity(reg, Notify)
		perdure.AddActivity(reg, Publish)
		perdure.AddOrchestrationNamed(reg, "Approval", c.code)
		err := perduretest.CheckHistory(reg, events)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: CheckHistory() = %v, want a difference with %q", name, err, c.want)
		}
	}
	if err := perduretest.CheckHistory(perdure.NewRegistry(), events); err == nil {
		t.Error("CheckHistory(no code) = nil, want an error")
	}
	if err := perduretest.CheckHistory(approvals(), events); err != nil {
		t.Errorf("CheckHistory(same code) = %v", err)
	}
	if err := perduretest.CheckHistory(approvals(), events[:4]); err != nil {
		t.Errorf("CheckHistory(same code, running) = %v", err)
	}
}

func TestSaveHistory(t *testing.T) {
	env := perduretest.New(t, approvals())
	id := perduretest.Start(env, Approval, "x")
	env.Wait(id)
	file := filepath.Join(t.TempDir(), "sub", "x.history")
	env.SaveHistory(id, file)
	perduretest.Replay(t, approvals(), file)
}

func FuzzParseHistory(f *testing.F) {
	f.Add([]byte("# text\nGgIIAQ==\n"))
	f.Add([]byte("!"))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := perduretest.ParseHistory(data)
		if err != nil {
			return
		}
		if _, err := perduretest.ParseHistory(perduretest.FormatHistory(events)); err != nil {
			t.Errorf("ParseHistory(FormatHistory(%q)) = %v", data, err)
		}
	})
}
