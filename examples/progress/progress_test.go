package progress_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/examples/progress"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/model/modeltest"
	"github.com/perdure/perdure/perduretest"
)

func registry(t *testing.T, m model.Model) *perdure.Registry {
	t.Helper()
	reg := perdure.NewRegistry()
	if err := progress.Register(reg, m); err != nil {
		t.Fatal(err)
	}
	return reg
}

// TestFollow follows a run that begins meanwhile, and what its agent says.
func TestFollow(t *testing.T) {
	e := perduretest.New(t, registry(t, modeltest.Script(t, modeltest.Say("Low tide."), modeltest.Say("High tide, at last."))))
	if _, err := client.Start(t.Context(), e.Client(), progress.WriteStory, progress.Story{Topic: "tides", Chapters: 2}, client.StartOptions{ID: "run"}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for ev, err := range progress.Follow(e.Context(), e.Client(), "run", 0) {
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		if ev.Turn != "" {
			for f, err := range e.Agents().Stream(e.Context(), ev.Turn, 0) {
				if err != nil {
					t.Fatal(err)
				}
				said += f.Delta
			}
		}
		got = append(got, fmt.Sprintf("%d %s %d %d %s", ev.Number, ev.Kind, ev.Chapter, ev.Words, said))
	}
	want := []string{"1 writing 1 0 Low tide.", "2 written 1 2 ", "3 writing 2 0 High tide, at last.", "4 written 2 4 "}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Follow() (-want +got):\n%s", d)
	}
	if text, err := perduretest.Result[string](e, "run"); err != nil || text != "Low tide.\n\nHigh tide, at last." {
		t.Errorf("WriteStory() = %q, %v, want both chapters", text, err)
	}
}

// TestWindow has a run emit more events than are kept: a reader that comes late
// sees the newest, and by their numbers that others are missing.
func TestWindow(t *testing.T) {
	e := perduretest.New(t, registry(t, modeltest.Repeat(modeltest.Say("x"))))
	id := perduretest.Start(e, progress.WriteStory, progress.Story{Chapters: 15})
	e.Wait(id)
	for after, want := range map[int]string{0: "11 to 30, 20 events", 25: "26 to 30, 5 events", 30: "0 to 0, 0 events"} {
		first, last, n := 0, 0, 0
		for ev, err := range progress.Follow(e.Context(), e.Client(), id, after) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; first == 0 {
				first = ev.Number
			}
			last = ev.Number
		}
		if got := fmt.Sprintf("%d to %d, %d events", first, last, n); got != want {
			t.Errorf("Follow(%d) = %s, want %s", after, got, want)
		}
	}
}

// TestStream reads the events as server-sent events.
func TestStream(t *testing.T) {
	app, err := host.New(host.Config{
		Hub: t.TempDir(), Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler),
		Registry: registry(t, modeltest.Script(t, modeltest.Say("Low tide."), modeltest.Say("High tide."))),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	<-app.Ready()
	r, err := http.NewRequestWithContext(t.Context(), "GET", app.URL()+"/api/v1/stream?topics=run:tides", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := client.Start(t.Context(), app.Client(), progress.WriteStory, progress.Story{Topic: "tides", Chapters: 2}, client.StartOptions{ID: "tides"}); err != nil {
		t.Fatal(err)
	}
	numbers := map[int]string{}
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var frame struct {
			Upsert []struct {
				Status string
				Custom struct{ Events []progress.Event } `json:"custom_status"`
			}
		}
		if err := json.Unmarshal([]byte(data), &frame); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		ended := false
		for _, row := range frame.Upsert {
			ended = ended || row.Status == "completed"
			for _, ev := range row.Custom.Events {
				numbers[ev.Number] = ev.Kind
			}
		}
		if ended {
			break
		}
	}
	want := map[int]string{1: "writing", 2: "written", 3: "writing", 4: "written"}
	if d := cmp.Diff(want, numbers); d != "" {
		t.Errorf("the events of the stream (-want +got):\n%s", d)
	}
}
