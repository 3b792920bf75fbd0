package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The ways to end a server.
const (
	fast   = syscall.SIGINT  // sessions end, everything is written
	killed = syscall.SIGQUIT // at once, as in a crash: the next start recovers
)

const (
	startLimit = time.Minute
	lookEvery  = 5 * time.Millisecond
)

// Stop ends the server in order; open transactions are rolled back.
func (s *Server) Stop() {
	s.t.Helper()
	s.end(fast)
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	s.t.Helper()
	s.end(killed)
}

// Restart ends the server in order and starts it again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Resume()
}

// Crash ends the server at once and starts it again.
func (s *Server) Crash() {
	s.t.Helper()
	s.Kill()
	s.Resume()
}

// Resume starts the server after Stop or Kill. On return it takes connections.
func (s *Server) Resume() {
	s.t.Helper()
	if s.process != nil {
		s.t.Fatal("PostgreSQL runs already")
	}
	s.must("start", s.start())
}

// start starts the server and waits until it says that it is ready.
func (s *Server) start() error {
	log, err := os.OpenFile(s.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	_ = os.Remove(filepath.Join(s.data, "postmaster.pid")) // after a kill; there may be none
	s.process, err = spawn(log, filepath.Join(s.bin, "postgres"), "-D", s.data,
		"-c", "listen_addresses=127.0.0.1", "-c", fmt.Sprintf("port=%d", s.port), "-c", "unix_socket_directories=",
		"-c", "recovery_init_sync_method=syncfs") // after a crash; a walk through all files takes seconds
	if err != nil {
		return err
	}
	for end := time.Now().Add(startLimit); time.Now().Before(end); time.Sleep(lookEvery) {
		if err := s.process.ended(); err != nil {
			s.process = nil
			return fmt.Errorf("%w\n%s", err, s.logEnd())
		}
		if s.ready() {
			return nil
		}
	}
	s.end(killed)
	return errors.New("not ready in time")
}

// ready reads what the server says of itself. The last line of its file is its
// state.
func (s *Server) ready() bool {
	text, err := os.ReadFile(filepath.Join(s.data, "postmaster.pid"))
	lines := strings.Split(string(text), "\n")
	return err == nil && len(lines) >= 8 && (strings.HasPrefix(lines[7], "ready") || strings.HasPrefix(lines[7], "standby"))
}

// end ends the server, if it runs, and waits for it.
func (s *Server) end(how syscall.Signal) {
	if s.process == nil {
		return
	}
	if err := s.process.end(how); err != nil {
		s.t.Errorf("PostgreSQL, stop: %v", err)
	}
	s.process = nil
}

func (s *Server) logPath() string { return s.data + ".log" }

const logEndBytes = 4 << 10

func (s *Server) logEnd() string {
	text, err := os.ReadFile(s.logPath())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logEndBytes):])
}
