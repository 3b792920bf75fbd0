package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perdure/perdure/host"
)

// TestBackupAndRestore backs a server up while it works, and its folder afterwards.
func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	hosted, err := testHosts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg := host.Config{Hub: path("data"), Addr: "127.0.0.1:0", Registry: hosted.registry, TaskHubs: []string{"orders"}}
	app, stop := startApp(t, cfg)
	cli := func(hub string, want int, line string, args ...string) result {
		t.Helper()
		got := perdureCLI(t.Context(), hub, screen{tty: true}, append(strings.Fields(line), args...)...)
		if got.Code != want {
			t.Errorf("perdure %s %q = %+v, want exit %d", line, args, got, want)
		}
		return got
	}
	cli(app.URL(), exitDone, "run start Approve --id a")
	cli(app.URL(), exitDone, "run start Approve --id b --task-hub orders")
	if got := cli(app.URL(), exitDone, "backup", path("all")); !strings.Contains(got.Out, "default") || !strings.Contains(got.Out, "orders") {
		t.Errorf("backup = %+v, want both hubs shown", got)
	}
	cli(app.URL(), exitUsage, "backup", path("all"))
	cli(app.URL(), exitDone, "backup --force", path("all"))
	cli(app.URL(), exitDone, "backup --task-hub orders", path("one"))
	cli(app.URL(), exitNotFound, "backup --task-hub none", path("none"))
	cli("", exitConflict, "backup --data "+path("data"), path("none"))
	cli(app.URL(), exitUsage, "backup --task-hub orders -") // to a terminal
	piped := perdureCLI(t.Context(), app.URL(), screen{}, "backup", "--task-hub", "orders", "-")
	if piped.Code != exitDone || !strings.HasPrefix(piped.Out, "perdure backup 1\n") {
		t.Errorf("backup - = %.40q, want the backup alone", piped.Out)
	}
	stop()
	cli("", exitDone, "backup --data "+path("data"), path("offline"))

	left, err := filepath.Glob(path("*"))
	if err != nil || len(left) != 4 {
		t.Errorf("files = %q, %v, want data and three backups, and nothing left over", left, err)
	}
	if info, err := os.Stat(path("all")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup's mode = %v, %v, want that only its owner reads it", info.Mode(), err)
	}
	if got := cli("", exitDone, "restore --check", path("offline")); !strings.Contains(got.Out, "orders") {
		t.Errorf("restore --check = %+v, want the hubs shown", got)
	}
	cli("", exitUsage, "restore", path("all"))
	cli("", exitUsage, "restore --data x --check", path("all"))
	cli("", exitNotFound, "restore --data "+path("restored"), path("none"))
	cli("", exitConflict, "restore --data "+path("data"), path("all"))
	data, err := os.ReadFile(path("all"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("damaged"), bytes.Replace(data, []byte("Approve"), []byte("approve"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := cli("", exitUsage, "restore --check", path("damaged")); !strings.Contains(got.Err, "damaged") || !strings.Contains(got.Err, "at byte") {
		t.Errorf("restore --check of a damaged backup = %+v, want the place named", got)
	}
	cli("", exitDone, "restore --data "+path("restored"), path("all"))

	cfg.Hub, cfg.TaskHubs = path("restored"), nil
	app, _ = startApp(t, cfg)
	cli(app.URL(), exitDone, "run event a Approval --data true")
	cli(app.URL(), exitDone, "run watch a")
	cli(app.URL(), exitDone, "run get b --task-hub orders")
}

// TestBackupNeedsAContributor shows a token of a reader no more than it may see.
func TestBackupNeedsAContributor(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tokens")
	token := perdureCLI(t.Context(), "", screen{}, "token", "new", "--tokens", file, "--role", "reader")
	if err := os.WriteFile(filepath.Join(dir, "reader"), []byte(token.Out), 0o600); err != nil {
		t.Fatal(err)
	}
	app, _ := startApp(t, host.Config{Hub: filepath.Join(dir, "data"), Addr: "127.0.0.1:0", Tokens: file})
	got := perdureCLI(t.Context(), app.URL(), screen{}, "backup", filepath.Join(dir, "b"), "--token-file", filepath.Join(dir, "reader"))
	if got.Code != exitNotAllowed {
		t.Errorf("backup as a reader = %+v, want exit %d", got, exitNotAllowed)
	}
}
