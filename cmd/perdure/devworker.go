package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

const (
	lookEvery  = 300 * time.Millisecond // at the files of a package
	workerTime = 10 * time.Second       // for a worker to end
)

// devWorker is a program that is built anew and started again when its files change.
type devWorker struct {
	*terminal
	pkg  string   // as go build takes it
	args []string // of the program
	env  []string // beside that of this process
}

// run keeps the program going until the context ends. One that does not build leaves
// the one before running.
func (w *devWorker) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "perdure-dev-")
	if err != nil {
		return fail(exitError, "", "%s", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // it holds nothing but the program
	var program *devProgram
	defer func() { program.stop() }()
	for built := 0; ; built++ {
		module := w.module(ctx)
		before := stateOf(module)
		fmt.Fprintf(w.err, "building %s\n", w.pkg)
		binary := filepath.Join(dir, fmt.Sprintf("worker-%d", built))
		if runtime.GOOS == "windows" {
			binary += ".exe"
		}
		text, err := exec.CommandContext(ctx, "go", "build", "-o", binary, w.pkg).CombinedOutput()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			fmt.Fprintf(w.err, "%s does not build (%v):\n%s", w.pkg, err, safeText(string(text)))
		default:
			program.stop()
			if program, err = w.start(binary); err != nil {
				return err
			}
			fmt.Fprintf(w.err, "%s runs\n", w.pkg)
		}
		if !w.changed(ctx, module, before, program) {
			return nil
		}
		fmt.Fprintf(w.err, "%s has changed\n", w.pkg)
	}
}

// changed waits until the files of the module are others than before; it is false if
// the context ends first.
func (w *devWorker) changed(ctx context.Context, module, before string, program *devProgram) bool {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	ended := program.ended()
	for {
		select {
		case <-look.C:
			if stateOf(module) != before {
				return true
			}
		case err := <-ended:
			ended = nil
			fmt.Fprintf(w.err, "%s has ended (%v); it is started again when a file changes\n", w.pkg, err)
		case <-ctx.Done():
			return false
		}
	}
}

// module is the folder of the module that has the package.
func (w *devWorker) module(ctx context.Context) string {
	root, err := exec.CommandContext(ctx, "go", "list", "-f", "{{with .Module}}{{.Dir}}{{end}}", w.pkg).Output()
	if dir := strings.TrimSpace(string(root)); err == nil && dir != "" {
		return dir
	}
	return "." // a package that cannot be read is built again when something changes here
}

// stateOf is a text that changes with the Go files of a module.
func stateOf(dir string) string {
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // what vanishes meanwhile is not there
		case e.IsDir() && path != dir && (strings.HasPrefix(e.Name(), ".") || e.Name() == "node_modules"):
			return fs.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".go" && e.Name() != "go.mod" && e.Name() != "go.sum":
			return nil
		}
		if info, err := e.Info(); err == nil {
			files = append(files, fmt.Sprint(path, info.ModTime().UnixNano(), info.Size()))
		}
		return nil
	})
	if err != nil {
		return err.Error()
	}
	slices.Sort(files)
	return strings.Join(files, "\n")
}

// devProgram is a running program. A nil one does not run.
type devProgram struct {
	command *exec.Cmd
	done    chan error // its end, once
	over    chan struct{}
}

func (w *devWorker) start(binary string) (*devProgram, error) {
	p := &devProgram{command: exec.Command(binary, w.args...), done: make(chan error, 1), over: make(chan struct{})}
	p.command.Env = append(os.Environ(), w.env...)
	p.command.Stdout, p.command.Stderr = w.out, w.err
	if err := p.command.Start(); err != nil {
		return nil, fail(exitError, "", "%s does not start: %s", w.pkg, err)
	}
	go func() { // ends with the program, for which stop waits
		defer close(p.over)
		p.done <- p.command.Wait()
	}()
	return p, nil
}

// ended returns where the end of the program is told.
func (p *devProgram) ended() <-chan error {
	if p == nil {
		return nil
	}
	return p.done
}

// stop asks the program to end, and makes it after a while.
func (p *devProgram) stop() {
	if p == nil {
		return
	}
	if err := p.command.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = p.command.Process.Kill() // it cannot be asked
	}
	patience := time.NewTimer(workerTime)
	defer patience.Stop()
	select {
	case <-p.over:
	case <-patience.C:
		_ = p.command.Process.Kill() // it has had its time
		<-p.over
	}
}
