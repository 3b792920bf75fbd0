package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDevWorker saves a program again and again: each version runs, in place of the
// one before; one that does not build leaves that running.
func TestDevWorker(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	save := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := func(version string) string {
		return `package main

import (
	"fmt"
	"os"
	"os/signal"
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	fmt.Println("` + version + `", os.Getenv("PERDURE_HUB"), os.Args[1:])
	<-stop
	fmt.Println("` + version + ` stops")
}
`
	}
	save("go.mod", "module example.com/worker\n\ngo 1.25\n")
	save("main.go", program("one"))
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	w := &devWorker{terminal: &terminal{out: write, err: write}, pkg: ".", args: []string{"-x"}, env: []string{"PERDURE_HUB=http://hub"}}
	go func() { done <- w.run(ctx); _ = write.Close() }()
	lines := bufio.NewReader(read)
	until(t, lines, "one http://hub [-x]")
	save("main.go", program("two"))
	until(t, lines, "one stops")
	until(t, lines, "two http://hub [-x]")
	save("main.go", "package main\n\nfunc main() { nothing() }\n")
	until(t, lines, "undefined: nothing")
	save("main.go", strings.ReplaceAll(program("three"), "<-stop\n", "os.Exit(1)\n"))
	until(t, lines, "two stops")
	until(t, lines, "has ended (exit status 1)")
	save("main.go", program("four"))
	until(t, lines, "four http://hub [-x]")
	cancel()
	until(t, lines, "four stops")
	if err := <-done; err != nil {
		t.Errorf("run() = %v, want nil", err)
	}
}
