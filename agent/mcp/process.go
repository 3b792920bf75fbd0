package mcp

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// endTime is how long a child process has to end by itself once its input ends,
// and then once more after it was asked to.
const endTime = 2 * time.Second

// process is a server that runs as a child process.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout io.ReadCloser
	meter  *meter
	once   sync.Once
}

// kept are the variables that a child process gets of this process's own.
func kept() []string {
	return []string{
		"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER",
		"APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATHEXT", "PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE",
	}
}

func startProcess(s *Server, m *meter) (*process, error) {
	p := &process{cmd: exec.Command(s.Command[0], s.Command[1:]...), meter: m}
	p.cmd.Env = []string{}
	for _, name := range kept() {
		if value, ok := os.LookupEnv(name); ok {
			p.cmd.Env = append(p.cmd.Env, name+"="+value)
		}
	}
	p.cmd.Env = append(p.cmd.Env, s.Env...)
	p.cmd.Stderr = s.Stderr
	p.cmd.WaitDelay = endTime
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, err = p.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// Connect implements the SDK's Transport.
func (p *process) Connect(ctx context.Context) (sdk.Connection, error) {
	t := &sdk.IOTransport{Reader: &lines{ReadCloser: p.stdout, meter: p.meter}, Writer: p.stdin, MaxLineLength: -1}
	return t.Connect(ctx)
}

// end ends the process and waits until it is gone: its input ends, then it is
// interrupted, then killed. How it ended does not matter to anybody.
func (p *process) end() {
	p.once.Do(func() {
		_ = p.stdin.Close()
		interrupt := time.AfterFunc(endTime, func() { _ = p.cmd.Process.Signal(os.Interrupt) })
		kill := time.AfterFunc(2*endTime, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait()
		interrupt.Stop()
		kill.Stop()
	})
}
