//go:build !linux

package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// process is for Linux only.
type process struct{}

var errLinux = errors.New("tests with PostgreSQL run on Linux only")

func spawn(*os.File, string, ...string) (*process, error) { return nil, errLinux }

func (*process) ended() error { return errLinux }

func (*process) end(syscall.Signal) error { return errLinux }

func unprivileged(*exec.Cmd) error { return errLinux }

func give(string) error { return errLinux }
