package sdk_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/perdure/perdure/host" // a change of what the binary is made of makes go test forget its results
)

// binary builds perdure once and returns the path.
var binary = sync.OnceValues(func() (string, error) { return build("cmd/perdure") })

// build builds a program of this module and returns the path.
func build(program string) (string, error) {
	dir, err := os.MkdirTemp("", "perdure-sdk")
	if err != nil {
		return "", err
	}
	source := "../../" + program
	if err := note(source); err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(program))
	args := []string{"build", "-o", path}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if raced {
		args, env = append(args, "-race"), append(os.Environ(), "CGO_ENABLED=1")
	}
	cmd := exec.Command("go", append(args, source)...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// installed are the folders of what .ci/install brings, and of what Python writes.
var installed = []string{"node_modules", ".venv", "__pycache__", "lib"}

// note opens the files of a folder of this module, for go test forgets a result
// only if a file that the test itself has opened changes.
func note(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if err == nil && slices.Contains(installed, entry.Name()) {
				return filepath.SkipDir
			}
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return f.Close()
	})
}

// server is a `perdure server` process, and its successors on the same address and
// data.
type server struct {
	addr string
	data string
	path string
	// the arguments before and after those for address and data
	before, after []string
	log           *log

	mu     sync.Mutex // guards what follows, and starts and kills
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// startServer starts a server on a free port and an empty folder. It is killed when
// the test ends.
func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, path, []string{"server"}, args)
}

// startProgram is startServer for any program that serves the API and takes --addr
// and --data between the arguments before and after.
func startProgram(t *testing.T, path string, before, after []string) *server {
	t.Helper()
	s := &server{addr: freeAddress(t), data: filepath.Join(t.TempDir(), "data"), path: path, before: before, after: after, log: &log{}}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log.tail())
		}
	})
	return s
}

// freeAddress returns an address that nobody listens on, and on which no connection
// of a client comes to lie while its server is being restarted: it is below the
// ports that systems give to those.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000)))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }()
		return l.Addr().String()
	}
	t.Fatal("no port is free")
	return ""
}

// start starts the process and waits until it serves.
func (s *server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	args := slices.Concat(s.before, []string{"--addr", s.addr, "--data", s.data}, s.after)
	cmd := exec.Command(s.path, args...)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { // ends with the process
		defer close(exited)
		_ = cmd.Wait()
	}()
	s.cmd, s.exited = cmd, exited
	for deadline := time.Now().Add(time.Minute); ; {
		response, err := http.Get("http://" + s.addr + "/api/v1/runs?limit=1")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-exited:
			return fmt.Errorf("the server has ended: %v\n%s", cmd.ProcessState, s.log.tail())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server does not answer\n%s", s.log.tail())
		}
	}
}

// kill ends the process as kill -9 does.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // fails if it has ended
	<-s.exited
	s.cmd = nil
}

// control serves what scripts may ask for: POST /kill and POST /start the server.
func (s *server) control(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /kill", func(http.ResponseWriter, *http.Request) { s.kill() })
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		if err := s.start(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &http.Server{Handler: mux}
	done := make(chan struct{})
	go func() { defer close(done); _ = h.Serve(l) }()
	t.Cleanup(func() { _ = h.Close(); <-done })
	return "http://" + l.Addr().String()
}

// log keeps the last lines that a process has written.
type log struct {
	mu    sync.Mutex // guards lines
	lines []string
}

// Write takes whole or partial lines.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	scanner := bufio.NewScanner(strings.NewReader(string(p)))
	for scanner.Scan() {
		l.lines = append(l.lines, scanner.Text())
	}
	if n := len(l.lines) - 200; n > 0 {
		l.lines = l.lines[n:]
	}
	return len(p), nil
}

func (l *log) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
