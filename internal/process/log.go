package process

import (
	"strings"
	"sync"
)

// Log keeps the last 200 lines that a process has written. The zero Log is empty.
type Log struct {
	mu    sync.Mutex // guards lines
	lines []string
}

// Write takes whole or partial lines.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		l.lines = append(l.lines, strings.TrimRight(line, "\r\n"))
	}
	if n := len(l.lines) - 200; n > 0 {
		l.lines = l.lines[n:]
	}
	return len(p), nil
}

// Tail returns the last lines.
func (l *Log) Tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
