package sdk_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/perdure/perdure/internal/process"
)

// java compiles Suite.java and returns the class path to run it with. Where
// Microsoft's SDK for Java cannot run the test is skipped, by its name.
func java(t *testing.T) string {
	t.Helper()
	for _, command := range []string{"java", "javac"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skip("Microsoft's SDK for Java was not run: there is no " + command)
		}
	}
	if _, err := os.Stat("testdata/java/lib/.installed"); err != nil {
		t.Skip("Microsoft's SDK for Java was not run: it is not installed (.ci/install puts it into internal/sdk/testdata/java/lib)")
	}
	if err := process.Note("testdata/java"); err != nil {
		t.Fatal(err)
	}
	libraries, err := filepath.Abs("testdata/java/lib")
	if err != nil {
		t.Fatal(err)
	}
	classes := t.TempDir()
	path := filepath.Join(libraries, "*")
	if out, err := exec.Command("javac", "-d", classes, "-cp", path, "testdata/java/Suite.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return classes + string(filepath.ListSeparator) + path
}

// TestJava runs the scenarios in testdata/java, written for durabletask-client.
func TestJava(t *testing.T) {
	path := java(t)
	s := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	runSuite(t, exec.CommandContext(ctx, "java", "-cp", path, "Suite", s.Addr), 20)
}
