package pebble_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
)

// about returns what a check says about a subject.
func about(list []store.Finding, subject string) store.Finding {
	for _, f := range list {
		if f.Subject == subject {
			return f
		}
	}
	return store.Finding{}
}

func TestCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	want := func(when, subject string, s store.Severity, text string) {
		t.Helper()
		if f := about(pebble.Check(dir), subject); f.Severity != s || !strings.Contains(f.Text, text) {
			t.Errorf("Check() %s says %+v, want %s with %q", when, f, s, text)
		}
	}
	want("before there is a folder", "folder", store.Fine, "none yet")
	want("before there is a folder", "file system", store.Fine, "")
	if f := about(pebble.Check(dir), "sync"); f.Severity == store.Problem || f.Text == "" {
		t.Errorf("Check() measures %+v, want a time", f)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("Check() has made the folder")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	want("of an empty folder", "folder", store.Fine, "empty")
	reopen := func() {
		t.Helper()
		db, err := pebble.Open(dir, pebble.Options{Logger: quiet(), BallastBytes: -1})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	reopen()
	want("of a store", "folder", store.Fine, "no server")
	want("of a store", "permissions", store.Fine, "")
	want("of a store", "clock", store.Fine, "")
	reopen()

	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	want("of a folder that others read", "permissions", store.Warning, "chmod 700")
	later := time.Now().Add(48 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "FORMAT"), later, later); err != nil {
		t.Fatal(err)
	}
	want("after the clock was moved back", "clock", store.Warning, "moved back")
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("perdure store 99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("of a newer format", "folder", store.Problem, "newer perdure")
	left, err := filepath.Glob(filepath.Join(dir, ".perdure-doctor-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("Check() has left %q, %v", left, err)
	}
	dir = filepath.Join(dir, "FORMAT")
	want("of a file", "folder", store.Problem, "no directory")
}
