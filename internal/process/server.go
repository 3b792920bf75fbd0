// Package process builds and starts programs of this module for tests, kills them, starts
// them again, and runs scripts that talk to them.
package process

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Server is a process that serves the API, and its successors on the same address and
// data. Its methods may be called concurrently.
type Server struct {
	// Addr is where it serves, as host:port.
	Addr string
	// Data is the folder of its state.
	Data string
	// Log is what it says.
	Log Log

	command func(addr, data string) *exec.Cmd

	mu     sync.Mutex // guards what follows, and starts and kills
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended
}

// Serve starts a server on a free port and an empty folder: command makes the process that
// is to be started, each time anew. It is killed when the test ends.
func Serve(t *testing.T, command func(addr, data string) *exec.Cmd) *Server {
	t.Helper()
	s := &Server{Addr: FreeAddress(t), Data: filepath.Join(t.TempDir(), "data"), command: command}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.Log.Tail())
		}
	})
	return s
}

// FreeAddress returns an address that nobody listens on, and on which no connection
// of a client comes to lie while its server is being restarted: it is below the
// ports that systems give to those.
func FreeAddress(t *testing.T) string {
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

// Start starts the process and waits until it serves. It must not run.
func (s *Server) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	cmd := s.command(s.Addr, s.Data)
	cmd.Stdout, cmd.Stderr = &s.Log, &s.Log
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
		response, err := http.Get("http://" + s.Addr + "/api/v1/runs?limit=1")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-exited:
			return fmt.Errorf("the server has ended: %v\n%s", cmd.ProcessState, s.Log.Tail())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server does not answer\n%s", s.Log.Tail())
		}
	}
}

// Kill ends the process as kill -9 does. It does nothing if there is none.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill() // fails if it has ended
	<-s.exited
	s.cmd = nil
}

// PID returns the number of the process, 0 if there is none.
func (s *Server) PID() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return 0
	}
	return s.cmd.Process.Pid
}

// Control serves what scripts may ask for until the test ends, and returns its URL: POST
// /kill and POST /start the server, and GET /pid.
func (s *Server) Control(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /kill", func(http.ResponseWriter, *http.Request) { s.Kill() })
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		if err := s.Start(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /pid", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, s.PID()) })
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
