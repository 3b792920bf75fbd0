package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"syscall"
)

// process is a program that ends with the test's process, however that ends.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed after err was set
	err  error
}

// spawn starts a program. The kernel ends it when the thread that started it does,
// so that thread waits.
func spawn(log *os.File, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = log, log, os.TempDir()
	if err := unprivileged(p.cmd); err != nil {
		return nil, err
	}
	p.cmd.SysProcAttr.Pdeathsig = killed
	p.cmd.SysProcAttr.Setpgid = true // an interrupt from the keyboard is for the test
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.done)
		}
	}()
	return p, <-started
}

// ended returns nil while the program runs.
func (p *process) ended() error {
	select {
	case <-p.done:
		return fmt.Errorf("it has ended: %v", p.err)
	default:
		return nil
	}
}

// end sends a signal and waits until the program is gone.
func (p *process) end(how syscall.Signal) error {
	if err := p.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return nil
}

// account is the user that servers run as; nil = that of this process.
func account() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// unprivileged makes a command run as the user of the servers.
func unprivileged(cmd *exec.Cmd) error {
	who, err := account()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	return err
}

// give hands a folder to the user of the servers.
func give(dir string) error {
	who, err := account()
	if err != nil || who == nil {
		return err
	}
	return os.Chown(dir, int(who.Uid), int(who.Gid))
}
