package nodes_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/internal/chaos/ledger"
	"github.com/perdure/perdure/store/postgres/pgproxy"
)

const (
	// nodeHub has this binary be a node of the hub there, at nodeAddr.
	nodeHub    = "PERDURE_TEST_NODE"
	nodeAddr   = "PERDURE_TEST_NODE_AT"
	nodeFaults = "PERDURE_TEST_NODE_FAULTS"
)

var (
	goOn = perdure.NewEvent[string]("go")
	// hold is an activity that only workers outside of the nodes have.
	hold = "hold"
)

// probe is a run that waits for an event and then has an activity done by its node.
func probe(ctx *perdure.Context, _ int) (string, error) {
	said, err := goOn.Wait(ctx).Await()
	if err != nil {
		return "", err
	}
	return perdure.Call(ctx, echo, said).Await()
}

// job is a run that has its node do something, in two commits.
func job(ctx *perdure.Context, text string) (string, error) {
	return perdure.Call(ctx, echo, text).Await()
}

// listen is a run that takes events for ever.
func listen(ctx *perdure.Context, _ int) (int, error) {
	for {
		if _, err := goOn.Wait(ctx).Await(); err != nil {
			return 0, err
		}
	}
}

func echo(_ context.Context, text string) (string, error) { return text, nil }

// carry is a run that has an activity done by a worker elsewhere.
func carry(ctx *perdure.Context, id string) (string, error) {
	return perdure.CallNamed[string](ctx, hold, id).Await()
}

// alarm waits until a time in milliseconds, and fails if it is woken before.
func alarm(ctx *perdure.Context, at int64) (int64, error) {
	due := time.UnixMilli(at)
	if err := ctx.TimerUntil(due).Await(); err != nil {
		return 0, err
	}
	late := ctx.Now().Sub(due)
	if late < 0 {
		return 0, fmt.Errorf("woken %v early", -late)
	}
	return late.Milliseconds(), nil
}

func registry() *perdure.Registry {
	r := perdure.NewRegistry()
	ledger.Register(r)
	perdure.AddOrchestration(r, probe)
	perdure.AddOrchestration(r, job)
	perdure.AddOrchestration(r, listen)
	perdure.AddOrchestration(r, carry)
	perdure.AddOrchestration(r, alarm)
	perdure.AddOrchestration(r, errand)
	perdure.AddActivity(r, echo)
	return r
}

// serve is the process that is a node.
func serve(hub, addr, faults string) error {
	if err := configureFaults(faults); err != nil {
		return err
	}
	app, err := host.New(host.Config{Hub: hub, Addr: addr, Registry: registry()})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // the pipe ends when it is asked to end, or its parent is gone
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	go func() {
		<-app.Ready()
		fmt.Println("ready")
	}()
	return app.Run(ctx)
}

// node is a node process, and its successors at the same address.
type node struct {
	t     testing.TB
	name  string
	url   string // of the database, by way of proxy
	addr  string
	proxy *pgproxy.Proxy
	fault string // of the next start

	cmd  *exec.Cmd // nil = not running
	in   io.Closer
	log  string // file
	dead chan struct{}
}

// start starts the process and returns when it serves.
func (n *node) start() error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nodeHub+"="+n.url, nodeAddr+"="+n.addr, nodeFaults+"="+n.fault)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if n.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	dead := make(chan struct{})
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel ends the process when the thread that started it ends
		err := cmd.Start()
		if started <- err; err != nil {
			return
		}
		defer close(dead)
		_, _ = cmd.Process.Wait() // cmd.Wait would close the pipe that is read
	}()
	if err := <-started; err != nil {
		return err
	}
	n.cmd, n.dead = cmd, dead
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		n.kill()
		return fmt.Errorf("%s does not start: %q, %v\n%s", n.name, line, err, n.logEnd())
	}
	return nil
}

// kill ends the process as kill -9 does.
func (n *node) kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	<-n.dead
	n.cmd = nil
}

// stop asks the process to end and returns how long it took.
func (n *node) stop() time.Duration {
	began := time.Now()
	_ = n.in.Close()
	select {
	case <-n.dead:
	case <-time.After(20 * time.Second):
		n.t.Errorf("%s does not end", n.name)
	}
	n.kill()
	return time.Since(began)
}

// freeze stops the process with all its threads, and returns when it stands.
func (n *node) freeze() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		n.t.Fatal(err)
	}
	n.awaitState('T')
}

func (n *node) thaw() {
	n.t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		n.t.Fatal(err)
	}
}

// awaitState waits until the kernel says that the process is in a state.
func (n *node) awaitState(want byte) {
	n.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; <-time.After(time.Millisecond) {
		if n.state() == want {
			return
		}
		if time.Now().After(end) {
			n.t.Fatalf("%s is in state %c, want %c", n.name, n.state(), want)
		}
	}
}

func (n *node) state() byte {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.cmd.Process.Pid))
	_, rest, found := strings.Cut(string(text), ") ")
	if err != nil || !found || rest == "" {
		return '?'
	}
	return rest[0]
}

func (n *node) logEnd() string {
	text, err := os.ReadFile(n.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4<<10):])
}

// freeAddr returns an address where nobody listens, below the ports that connections are
// given, so that it stays free.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer func() { _ = l.Close() }()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
