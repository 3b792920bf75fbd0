package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// diagnosis runs the doctor and returns what it found, by check.
func diagnosis(t *testing.T, hub string, code int, args ...string) (map[string]finding, result) {
	t.Helper()
	got := perdureCLI(t.Context(), hub, screen{}, append([]string{"doctor", "--json"}, args...)...)
	if got.Code != code {
		t.Errorf("perdure doctor %q = %+v, want exit %d", args, got, code)
	}
	var doc struct {
		State    string
		Findings []finding
	}
	if err := json.Unmarshal([]byte(got.Out), &doc); err != nil {
		t.Fatalf("perdure doctor %q = %+v: %v", args, got, err)
	}
	found := make(map[string]finding)
	for _, f := range doc.Findings {
		found[f.Check] = f
		if f.State == "" || f.Text == "" {
			t.Errorf("a finding says nothing: %+v", f)
		}
	}
	if code != exitDone && doc.State != "fail" {
		t.Errorf("state = %s in %s, want fail", doc.State, got.Out)
	}
	return found, got
}

func TestDoctorOfServer(t *testing.T) {
	hosted, err := testHosts(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	app := runApp(t, host.Config{Hub: filepath.Join(t.TempDir(), "data"), Addr: "127.0.0.1:0", Registry: hosted.registry})
	found, _ := diagnosis(t, app.URL(), exitDone)
	for _, check := range []string{"server", "ready", "clock", "code", "runs", "backlog", "store"} {
		if found[check].State != "ok" {
			t.Errorf("%s = %+v, want ok", check, found[check])
		}
	}
	for _, check := range []string{"folder", "permissions", "file system", "space", "sync"} { // what it finds of its store
		if f := found[check]; f.State == "" || check != "space" && f.State == "fail" {
			t.Errorf("%s = %+v, want it told", check, f)
		}
	}
	bare := runApp(t, host.Config{Hub: filepath.Join(t.TempDir(), "data"), Addr: "127.0.0.1:0"})
	if got := perdureCLI(t.Context(), bare.URL(), screen{}, "run", "start", "Far"); got.Code != exitDone {
		t.Fatalf("run start = %+v", got)
	}
	for {
		if found, _ = diagnosis(t, bare.URL(), exitDone); found["backlog"].State == "warn" {
			break
		}
	}
	if f := found["backlog"]; !strings.Contains(f.Text, "orchestration Far") || f.Next == "" {
		t.Errorf("backlog = %+v, want what waits and a next step", f)
	}
	if f := found["code"]; f.State != "warn" {
		t.Errorf("code = %+v, want a warning: nothing runs", f)
	}
	found, _ = diagnosis(t, "http://127.0.0.1:1", exitUnreachable)
	if f := found["server"]; f.State != "fail" || f.Next == "" {
		t.Errorf("server that is not there = %+v, want a failure with a next step", f)
	}
}

// TestDoctorReadsMetrics has a server that counts what is odd.
func TestDoctorReadsMetrics(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", "Sun, 01 Mar 2026 00:00:00 GMT")
		answer := map[string]string{
			"/api/v1/info": `{"version":"v","hub":"default"}`, "/api/v1/doctor": "{}", "/readyz": "{}", "/api/v1/run-counts": `{"total":3}`,
			"/healthz": `{"status":"ok","node":{"name":"n1","members":2,"shards":128,"last_beat":"2026-03-01T00:00:00Z"}}`,
			"/metrics": "# HELP x\nperdure_store_seconds_sum{hub=\"a\"} 50\nperdure_store_seconds_count{hub=\"a\"} 100\nperdure_store_free_bytes 1e+08\n" +
				"perdure_backlog{hub=\"a\",kind=\"activity\",name=\"say \\\"hi\\\"\",state=\"unserved\",version=\"\"} 7\n",
		}[r.URL.Path]
		if _, err := w.Write([]byte(answer)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	found, _ := diagnosis(t, s.URL, exitDone)
	for check, text := range map[string]string{"clock": "off this machine's", "runs": "3 runs", "node": "lives no more", "store": "500 ms", "space": "95 MB", "backlog": `activity say "hi"`} {
		if f := found[check]; f.State != "warn" || !strings.Contains(f.Text, text) || f.Next == "" {
			t.Errorf("%s = %+v, want a warning with %q and a next step", check, f, text)
		}
	}
}

func TestDoctorOfFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	_, stop := startApp(t, host.Config{Hub: dir, Addr: "127.0.0.1:0"})
	found, _ := diagnosis(t, "", exitDone, "--data", dir)
	if f := found["folder"]; f.State != "ok" {
		t.Errorf("folder = %+v, want ok", f)
	}
	stop()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if f, _ := diagnosis(t, dir, exitDone); f["permissions"].State != "warn" {
		t.Errorf("permissions = %+v of a folder that PERDURE_HUB names and others read, want a warning", f["permissions"])
	}
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, got := diagnosis(t, "", exitError, "--data", dir)
	if f := found["folder"]; f.State != "fail" || !strings.Contains(got.Err, "1 of 6 checks failed: folder") {
		t.Errorf("folder = %+v, %s, want a failure", f, got.Err)
	}
}

func TestDoctorOfDatabase(t *testing.T) {
	server := pgtest.Start(t)
	url := server.Database()
	name := url[strings.LastIndex(url, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	states := func(found map[string]finding) map[string]string {
		m := make(map[string]string)
		for _, check := range []string{"connection", "schema", "nodes", "node"} {
			m[check] = found[check].State
		}
		return m
	}
	found, _ := diagnosis(t, "", exitDone, "--hub", url)
	if diff := cmp.Diff(map[string]string{"connection": "ok", "schema": "warn", "nodes": "", "node": ""}, states(found)); diff != "" {
		t.Errorf("an empty database (-want +got)\n%s", diff)
	}
	_, stop := startApp(t, host.Config{Hub: url, Addr: "127.0.0.1:0", Advertise: "127.0.0.1:1"})
	for { // until the node holds its shards
		if found, _ = diagnosis(t, url, exitDone); found["nodes"].State == "ok" {
			break
		}
	}
	server.Exec(name, "UPDATE perdure.nodes SET advertise = 'https://127.0.0.1:1'")
	found, _ = diagnosis(t, url, exitDone)
	if f := found["node"]; f.State != "warn" || !strings.Contains(f.Text, "127.0.0.1:1") || !strings.Contains(f.Next, "--advertise") {
		t.Errorf("node at an address that nobody serves = %+v, want a warning", f)
	}
	stop()
	if found, _ = diagnosis(t, url, exitDone); found["nodes"].State != "warn" {
		t.Errorf("nodes = %+v after the only one has stopped, want a warning", found["nodes"])
	}
	server.Exec("postgres", "ALTER SYSTEM SET fsync = off")
	server.Restart()
	found, _ = diagnosis(t, url, exitError)
	if f := found["connection"]; f.State != "fail" || !strings.Contains(f.Text, "fsync") {
		t.Errorf("a database with fsync off = %+v, want a failure", f)
	}
	found, _ = diagnosis(t, "postgres://nobody@127.0.0.1:1/x", exitError)
	if f := found["connection"]; f.State != "fail" {
		t.Errorf("a database that is not there = %+v, want a failure", f)
	}
}
