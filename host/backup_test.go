package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/host"
)

// TestT22_RestoreUnderLoad backs a hub up while runs start, are approved and end, and
// restores it elsewhere: what was acknowledged before is there, in a state that it had,
// and whatever had not ended goes on.
func TestT22_RestoreUnderLoad(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cfg := config(t.TempDir())
	cfg.TaskHubs = []string{"empty"}
	app, _ := start(t, cfg)
	var mu sync.Mutex // guards started
	var started []string
	loading, stop := context.WithCancel(ctx)
	var load sync.WaitGroup
	for worker := range 8 {
		load.Go(func() {
			for i := 0; loading.Err() == nil; i++ {
				id := fmt.Sprintf("run-%d-%04d", worker, i)
				if _, err := client.Start(ctx, app.Client(), Approve, id, client.StartOptions{ID: id}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				started = append(started, id)
				mu.Unlock()
				if i%2 == 0 {
					if err := client.Raise(ctx, app.Client(), id, approval, true); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for n := 0; n < 100; { // some load first
		mu.Lock()
		n = len(started)
		mu.Unlock()
	}
	mu.Lock()
	before := slices.Clone(started)
	mu.Unlock()
	var file bytes.Buffer
	c, err := app.Backup(ctx, &file, "default")
	stop()
	load.Wait()
	if err != nil || c.Instances < int64(len(before)) {
		t.Fatalf("Backup() = %+v, %v, want %d instances or more", c, err, len(before))
	}
	if _, err := app.Backup(ctx, &file, "empty"); err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "restored")
	done, err := host.Restore(ctx, dir, bytes.NewReader(file.Bytes()))
	if err != nil || len(done) != 2 || done[0].Instances != c.Instances || done[1].Hub != "empty" {
		t.Fatalf("Restore() = %+v, %v, want both hubs, with %d instances in the first", done, err, c.Instances)
	}
	app, _ = start(t, config(dir))
	if got := app.TaskHubs(); !slices.Equal(got, []string{"default", "empty"}) {
		t.Errorf("TaskHubs() = %q, want both", got)
	}
	for _, id := range before {
		if err := client.Raise(ctx, app.Client(), id, approval, true); err != nil {
			t.Fatalf("Raise(%s) = %v", id, err)
		}
		if got, err := client.Result[string](ctx, app.Client(), id); err != nil || got != "published "+id {
			t.Errorf("Result(%s) = %q, %v", id, got, err)
		}
	}
}

// TestTokensOfTheOldTimeline: an activity that was to be completed by its token runs
// again after a restore, and the old token completes nothing.
func TestTokensOfTheOldTimeline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tokens := make(chan string, 10)
	with := func(dir string) host.Config {
		cfg := config(dir)
		cfg.Registry = perdure.NewRegistry()
		perdure.AddActivityNamed(cfg.Registry, "outside", func(ctx context.Context, _ string) (string, error) {
			info := perdure.Activity(ctx)
			tokens <- info.Token
			return "", perdure.ErrPending
		})
		perdure.AddOrchestrationNamed(cfg.Registry, "asks", func(ctx *perdure.Context, _ string) (string, error) {
			return perdure.CallNamed[string](ctx, "outside", "").Await()
		})
		return cfg
	}
	app, stop := start(t, with(t.TempDir()))
	if status, body := ask(t, http.MethodPost, app.URL()+"/api/v1/runs", `{"name":"asks","id":"a","input":""}`); status != http.StatusCreated {
		t.Fatalf("start = %d %s", status, body)
	}
	old := <-tokens
	var file bytes.Buffer
	for { // until it is durable that it was handed over
		if status, _ := ask(t, http.MethodPost, app.URL()+"/api/v1/activities/heartbeat", `{"token":"`+old+`"}`); status == http.StatusOK {
			break
		}
	}
	status, body := ask(t, http.MethodGet, app.URL()+"/api/v1/backup", "")
	if status != http.StatusOK {
		t.Fatalf("backup = %d %s", status, body)
	}
	file.WriteString(body)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	if _, err := host.Restore(ctx, dir, &file); err != nil {
		t.Fatal(err)
	}
	app, _ = start(t, with(dir))
	token := <-tokens
	complete := func(token string) int {
		status, _ := ask(t, http.MethodPost, app.URL()+"/api/v1/activities/complete", `{"token":"`+token+`","result":"done"}`)
		return status
	}
	if got := complete(old); got != http.StatusNotFound {
		t.Errorf("completing by the token of the old timeline = %d, want 404", got)
	}
	if got := complete(token); got != http.StatusOK {
		t.Errorf("completing by the new token = %d, want 200", got)
	}
	if got, err := client.Result[string](ctx, app.Client(), "a"); err != nil || got != "done" {
		t.Errorf("Result() = %q, %v, want done", got, err)
	}
}

// TestRestoreRefuses tells why a backup cannot be restored, and leaves nothing behind.
func TestRestoreRefuses(t *testing.T) {
	ctx := t.Context()
	from := t.TempDir()
	_, stop := start(t, config(from))
	var file bytes.Buffer
	if _, err := host.Backup(ctx, from, &file); perdure.CodeOf(err) != perdure.FailedPrecondition {
		t.Errorf("Backup of a folder that is in use = %v, want failed_precondition", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := host.Backup(ctx, from+"/none", &file); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Backup of a folder that there is not = %v, want not_found", err)
	}
	if _, err := host.Backup(ctx, from, &file, "none"); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Backup of a hub that there is not = %v, want not_found", err)
	}
	file.Reset()
	done, err := host.Backup(ctx, from, &file)
	if err != nil || len(done) != 1 || done[0].Hub != "default" {
		t.Fatalf("Backup() = %+v, %v, want the hub default", done, err)
	}
	if got, err := host.Verify(bytes.NewReader(file.Bytes())); err != nil || len(got) != 1 || got[0].Items != done[0].Items {
		t.Errorf("Verify() = %+v, %v, want %+v", got, err, done)
	}
	if _, err := host.Restore(ctx, from, bytes.NewReader(file.Bytes())); perdure.CodeOf(err) != perdure.AlreadyExists {
		t.Errorf("Restore over a hub = %v, want already_exists", err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	for name, data := range map[string][]byte{"damaged": append(slices.Clone(file.Bytes()[:file.Len()-3]), 1, 2, 3), "cut": file.Bytes()[:file.Len()-40], "no backup": []byte("PGDMP")} {
		if _, err := host.Restore(ctx, dir, bytes.NewReader(data)); perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("Restore of what is %s = %v, want invalid_argument", name, err)
		}
	}
	if _, err := host.Restore(ctx, dir, bytes.NewReader(file.Bytes()), "other"); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("Restore of a hub that is not in it = %v, want not_found", err)
	}
	if _, err := host.Restore(ctx, dir, bytes.NewReader(file.Bytes())); err != nil {
		t.Errorf("Restore after those = %v", err)
	}
}

// TestOneBackupAtATime refuses a second backup of a hub while one is made.
func TestOneBackupAtATime(t *testing.T) {
	app, _ := start(t, config(t.TempDir()))
	w := writerFunc(func([]byte) (int, error) {
		if _, err := app.Backup(t.Context(), new(bytes.Buffer), "default"); perdure.CodeOf(err) != perdure.ResourceExhausted {
			t.Errorf("a second Backup() = %v, want resource_exhausted", err)
		}
		return 0, errors.New("that is all")
	})
	if _, err := app.Backup(t.Context(), w, "default"); err == nil || !strings.Contains(err.Error(), "that is all") {
		t.Errorf("Backup() = %v, want the writer's error", err)
	}
}

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
