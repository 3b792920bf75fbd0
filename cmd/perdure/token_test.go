package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/access"
)

// TestTokens makes tokens and uses them with a server that demands one.
func TestTokens(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tokens")
	if err := os.WriteFile(file, []byte("# ours"), 0o600); err != nil { // whose last line is open
		t.Fatal(err)
	}
	tokens := make(map[string]string) // files, by role
	for _, args := range []string{"--role reader --name ann", "--role contributor --task-hub * --expires 90d", "--role contributor --task-hub orders"} {
		got := perdureCLI(t.Context(), "", screen{}, append([]string{"token", "new", "--tokens", file}, strings.Fields(args)...)...)
		token := strings.TrimSpace(got.Out)
		if got.Code != exitDone || !strings.HasPrefix(token, "pdt_") || strings.Contains(got.Err, token) {
			t.Fatalf("token new %s = %+v, want a token", args, got)
		}
		name := filepath.Join(dir, "secret"+args[len(args)-1:])
		if err := os.WriteFile(name, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		tokens[args] = name
		data, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(data), token) || !strings.HasPrefix(string(data), "# ours\n") {
			t.Errorf("the file holds %s, %v, want hashes below what was there", data, err)
		}
	}
	entries, err := access.ReadFile(file)
	if err != nil || len(entries) != 3 || !entries[1].Expires.Equal(now.Add(90*24*time.Hour)) {
		t.Fatalf("the file holds %v, %v, want three tokens, one for 90 days", entries, err)
	}
	list := perdureCLI(t.Context(), "", screen{tty: true}, "token", "list", "--tokens", file)
	if want := "ann: reader of task hub default for ever\nunnamed: contributor of all task hubs until 2026-05-30T12:30:00Z\n"; !strings.HasPrefix(list.Out, want) {
		t.Errorf("token list = %+v, want %q", list, want)
	}

	// The second token has to hold by the clock of the server, too.
	entries[1].Expires = time.Time{}
	var lines []string
	for _, e := range entries {
		lines = append(lines, e.String())
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	hosted, err := testHosts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	app := runApp(t, host.Config{Hub: filepath.Join(dir, "data"), Addr: "127.0.0.1:0", Registry: hosted.registry, Tokens: file})
	reader, all, orders := tokens["--role reader --name ann"], tokens["--role contributor --task-hub * --expires 90d"], tokens["--role contributor --task-hub orders"]
	for _, c := range []struct {
		args string
		want int
	}{
		{"run list", exitNotAllowed},
		{"run list --token-file " + reader, exitDone},
		{"run start Approve --token-file " + reader, exitNotAllowed},
		{"run start Approve --token-file " + all, exitDone},
		{"hub create orders --token-file " + reader, exitNotFound},
		{"hub create orders --token-file " + orders, exitDone},
		{"run start Approve --token-file " + orders, exitNotFound},
		{"run start Approve --id of-orders --task-hub orders --token-file " + orders, exitDone},
		{"run get of-orders --task-hub orders --token-file " + all, exitDone},
		{"run get of-orders --token-file " + all, exitNotFound},
		{"hub delete orders --token-file " + orders, exitUsage},
		{"hub delete orders --yes --token-file " + orders, exitDone},
		{"run list --task-hub orders --token-file " + all, exitNotFound},
		{"run list --token-file " + all + "x", exitUsage},
		{"doctor --token-file " + reader, exitDone},
	} {
		if got := perdureCLI(t.Context(), app.URL(), screen{}, strings.Fields(c.args)...); got.Code != c.want {
			t.Errorf("perdure %s = %+v, want exit %d", c.args, got, c.want)
		}
	}
	for _, args := range []string{"--role king", "--role reader --task-hub ../x", "--role reader --expires -1d", "--role reader --name a/b"} {
		if got := perdureCLI(t.Context(), "", screen{}, append([]string{"token", "new", "--tokens", file}, strings.Fields(args)...)...); got.Code != exitUsage {
			t.Errorf("token new %s = %+v, want exit %d", args, got, exitUsage)
		}
	}
}
