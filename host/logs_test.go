package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
)

// talkative is code that logs: an orchestration before and after a wait, and an
// activity that fails at first.
func talkative() *perdure.Registry {
	r := perdure.NewRegistry()
	perdure.AddActivityNamed(r, "pack", func(ctx context.Context, n int) (int, error) {
		log := perdure.Logger(ctx).With("order", n).WithGroup("box")
		log.Info("packing", "size", "L")
		log.Debug("nobody keeps this")
		if perdure.Activity(ctx).Attempt == 1 {
			log.Error("the tape is torn", "err", errors.New("torn"))
			return 0, errors.New("torn")
		}
		return n, nil
	})
	perdure.AddActivityNamed(r, "chatter", func(ctx context.Context, n int) (int, error) {
		for i := range n {
			perdure.Logger(ctx).Info(fmt.Sprint("line ", i))
		}
		return n, nil
	})
	perdure.AddOrchestrationNamed(r, "Ship", func(ctx *perdure.Context, n int) (int, error) {
		ctx.Logger().Info("shipping begins", "n", n)
		retry := perdure.WithRetry(perdure.RetryPolicy{MaxAttempts: 3, FirstInterval: time.Millisecond})
		if _, err := perdure.CallNamed[int](ctx, "pack", n, retry).Await(); err != nil {
			return 0, err
		}
		if _, err := approval.Wait(ctx).Await(); err != nil {
			return 0, err
		}
		ctx.Logger().Warn("shipped")
		return perdure.CallNamed[int](ctx, "chatter", 300).Await()
	})
	return r
}

// line is a line of a log as the API shows it.
type line struct {
	Level, Message, Name string
	Attrs                json.RawMessage
	Attempt, Step        int
	Number               int
}

func getJSON(t *testing.T, url string, into any) int {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, into)
	}
	if err != nil {
		t.Fatalf("GET %s = %d, %s: %v", url, res.StatusCode, body, err)
	}
	return res.StatusCode
}

// logOf waits until the log of a run has so many lines and returns them, the oldest
// first, each as a text.
func logOf(t *testing.T, app *host.App, query string, n int) []string {
	t.Helper()
	var page struct {
		Items []line
		Next  string
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		page.Items = nil
		getJSON(t, app.URL()+"/api/v1/runs/s/logs"+query, &page)
		if len(page.Items) >= n || time.Now().After(end) {
			break
		}
	}
	var texts []string
	for _, l := range slices.Backward(page.Items) {
		texts = append(texts, strings.TrimSpace(fmt.Sprintf("%s %d %s %s %s", l.Name, l.Attempt, l.Level, l.Message, l.Attrs)))
	}
	return texts
}

var shipLog = []string{
	`Ship 0 INFO shipping begins {"n":7}`,
	`pack 1 INFO packing {"order":7,"box":{"size":"L"}}`,
	`pack 1 ERROR the tape is torn {"order":7,"box":{"err":"torn"}}`,
	`pack 2 INFO packing {"order":7,"box":{"size":"L"}}`,
	`Ship 0 WARN shipped`,
}

// ship runs the orchestration through a restart of the app that runs it, and checks its
// log as another app shows it.
func ship(t *testing.T, begin func() (*host.App, func() error), shows func(runs *host.App) *host.App) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	app, stop := begin()
	if _, err := app.Client().Start(ctx, "Ship", 7, client.StartOptions{ID: "s"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(shipLog[:4], logOf(t, shows(app), "", 4)); diff != "" {
		t.Errorf("log of a run that waits (-want +got):\n%s", diff)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	app, stop = begin()
	if err := client.Raise(ctx, app.Client(), "s", approval, true); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Result[int](ctx, app.Client(), "s"); err != nil {
		t.Fatal(err)
	}
	got := logOf(t, shows(app), "?limit=5000", len(shipLog)+256)
	if len(got) != len(shipLog)+256 {
		t.Fatalf("the log has %d lines, want %d and the newest 256 of 300 of one step", len(got), len(shipLog))
	}
	if diff := cmp.Diff(shipLog, got[:5]); diff != "" {
		t.Errorf("log after a replay (-want +got):\n%s", diff)
	}
	if first, last := got[5], got[len(got)-1]; first != "chatter 1 INFO line 44" || last != "chatter 1 INFO line 299" {
		t.Errorf("lines of the step = %q to %q, want line 44 to line 299", first, last)
	}
	if got := logOf(t, shows(app), "?level=warn", 2); len(got) != 2 {
		t.Errorf("lines from warn on = %q, want two", got)
	}
	if got := logOf(t, shows(app), "?step=0", 2); len(got) != 2 || !strings.HasPrefix(got[0], "Ship") {
		t.Errorf("lines of the orchestration = %q, want two", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// TestLogs: what the code of a run logs can be read beside it, once, also after the
// process has ended.
func TestLogs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	cfg := config(dir)
	cfg.Registry = talkative()
	ship(t, func() (*host.App, func() error) { return start(t, cfg) }, func(runs *host.App) *host.App { return runs })
}

// TestLogsFromElsewhere: the same over the wire.
func TestLogsFromElsewhere(t *testing.T) {
	far, _ := server(t, t.TempDir())
	cfg := config(far.URL())
	cfg.Registry = talkative()
	ship(t, func() (*host.App, func() error) { return start(t, cfg) }, func(*host.App) *host.App { return far })
}

// TestLogsOfTheLastMoment: what was logged right before an orderly stop is kept, that
// of an activity too which ends on being told to stop.
func TestLogsOfTheLastMoment(t *testing.T) {
	far, _ := server(t, t.TempDir())
	for _, hub := range []string{t.TempDir(), far.URL()} {
		logged := make(chan bool, 1)
		cfg := config(hub)
		cfg.Registry = perdure.NewRegistry()
		perdure.AddActivityNamed(cfg.Registry, "last", func(ctx context.Context, n int) (int, error) {
			perdure.Logger(ctx).Info("the last word")
			select {
			case logged <- true:
			default: // it runs again
			}
			<-ctx.Done()
			return 0, ctx.Err()
		})
		perdure.AddOrchestrationNamed(cfg.Registry, "Last", func(ctx *perdure.Context, n int) (int, error) {
			return perdure.CallNamed[int](ctx, "last", n).Await()
		})
		app, stop := start(t, cfg)
		if _, err := app.Client().Start(t.Context(), "Last", 1, client.StartOptions{ID: "s"}); err != nil {
			t.Fatal(err)
		}
		<-logged
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		shows := far
		if hub != far.URL() {
			cfg.Registry = nil
			shows, _ = start(t, cfg)
		}
		var page struct{ Items []line }
		getJSON(t, shows.URL()+"/api/v1/runs/s/logs", &page)
		if len(page.Items) == 0 || page.Items[0].Message != "the last word" {
			t.Errorf("log after a stop of a worker of %s = %+v, want its last word", hub, page.Items)
		}
	}
}

// TestLogsEnd: a run's log is purged with it.
func TestLogsEnd(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.Registry = talkative()
	app, _ := start(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := app.Client().Start(ctx, "Ship", 7, client.StartOptions{ID: "s"}); err != nil {
		t.Fatal(err)
	}
	logOf(t, app, "", 4)
	if err := app.Client().Terminate(ctx, "s", client.Ending{}); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Client().Purge(ctx, []string{"s"}, client.PurgeOptions{}); err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(app.URL() + "/api/v1/runs/s/logs")
	if err != nil || res.StatusCode != http.StatusNotFound {
		t.Errorf("GET logs of a purged run = %v, %v, want 404", res, err)
	}
	if err == nil {
		_ = res.Body.Close()
	}
}
