package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// scripts is the folder of the scenarios.
const scripts = "../ui/test"

// chromium returns the path of a browser, or skips the test by its name.
func chromium(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("the dashboard was not tested in a browser: there is no node")
	}
	if _, err := os.Stat(scripts + "/node_modules/playwright-core"); err != nil {
		t.Skip("the dashboard was not tested in a browser: playwright-core is not installed (.ci/install does it)")
	}
	for _, name := range []string{"chromium-headless-shell", "chromium"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("the dashboard was not tested in a browser: there is no Chromium (.ci/install does it)")
	return ""
}

// output keeps what a process says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) tail() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := o.b.String()
	return text[max(0, len(text)-4000):]
}

// process is the server, and its successors on the same addresses and data.
type process struct {
	addr, mount, data string
	log               output

	mu  sync.Mutex
	cmd *exec.Cmd // guarded by mu; nil = it does not run
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childData+"="+p.data, "PERDURE_BROWSER_ADDR="+p.addr, "PERDURE_BROWSER_MOUNT="+p.mount)
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get("http://" + p.addr + "/readyz")
		if err == nil {
			ready := response.StatusCode == http.StatusOK
			if err := response.Body.Close(); err == nil && ready {
				return nil
			}
		}
		if time.Now().After(end) {
			return fmt.Errorf("the server does not serve:\n%s", p.log.tail())
		}
	}
}

func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
	p.cmd = nil
	return err
}

// free returns an address below those that systems give to clients.
func free(t *testing.T) string {
	t.Helper()
	for range 100 {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))); err == nil {
			defer func() { _ = l.Close() }()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}

// note opens the files that the tests read, for go test forgets a result only if a file
// that it has opened changes.
func note(t *testing.T, dir string) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.Name() == "node_modules" || entry.Name() == "artifacts":
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return f.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// outcome is what a script says of a scenario, one JSON line each.
type outcome struct {
	Plan     []string
	Scenario string
	Error    string
	Ms       int
	Figures  json.RawMessage
}

// TestDashboard runs the scenarios of each file against a server of its own.
func TestDashboard(t *testing.T) {
	browser := chromium(t)
	note(t, scripts)
	files, err := filepath.Glob(scripts + "/scenarios/*.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".mjs"), func(t *testing.T) { run(t, browser, file) })
	}
}

func run(t *testing.T, browser, file string) {
	p := &process{addr: free(t), mount: free(t), data: t.TempDir()}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.kill(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", p.log.tail())
		}
	}()
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		do := map[string]func() error{"/kill": p.kill, "/start": p.start}[r.URL.Path]
		if do == nil {
			http.NotFound(w, r)
		} else if err := do(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	defer control.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "main.mjs", filepath.Base(file))
	cmd.Dir = scripts
	cmd.Env = append(os.Environ(), "PERDURE_URL=http://"+p.addr+"/", "PERDURE_MOUNT=http://"+p.mount+"/x/y/",
		"PERDURE_CONTROL="+control.URL, "PERDURE_BROWSER="+browser, "PERDURE_SCRATCH="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	said := &output{}
	cmd.Stderr = said
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	missing, planned := map[string]bool{}, false
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			t.Log(lines.Text())
			continue
		}
		if o.Plan != nil {
			planned = true
			for _, name := range o.Plan {
				missing[name] = true
			}
			continue
		}
		delete(missing, o.Scenario)
		t.Run(strings.ReplaceAll(o.Scenario, " ", "_"), func(t *testing.T) {
			if t.Logf("%d ms %s", o.Ms, o.Figures); o.Error != "" {
				t.Error(o.Error)
			}
		})
	}
	if err := cmd.Wait(); err != nil || !planned || len(missing) > 0 {
		t.Errorf("node main.mjs %s = %v, without an outcome of %v:\n%s", file, err, missing, said.tail())
	}
}
