package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/store/postgres/pgtest"
)

// argsVariable has the test binary be a process of the cluster.
const argsVariable = "PERDURE_TEST_CLUSTER_ARGS"

func TestMain(m *testing.M) {
	if args := os.Getenv(argsVariable); args != "" {
		if err := run(context.Background(), strings.Fields(args)); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// member is a process of the cluster.
type member struct {
	*exec.Cmd
	addr, url string
}

func startMember(t *testing.T, database string) *member {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &member{Cmd: exec.Command(os.Args[0]), addr: l.Addr().String()}
	_ = l.Close() // it was for a free port only
	m.Env = append(os.Environ(), argsVariable+"=-addr "+m.addr+" -hub "+database)
	out, err := m.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = m.Process.Kill()
		_ = m.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("a process has not come up: %v", err)
	}
	m.url = strings.TrimSpace(line)
	return m
}

// ask sends a request and returns the answer.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		t.Fatalf("%s %s = %s %s, %v", method, url, res.Status, text, err)
	}
	return string(text)
}

// shards returns how many shards a process holds.
func (m *member) shards(t *testing.T) int {
	t.Helper()
	var health struct{ Node struct{ Shards int } }
	if err := json.Unmarshal([]byte(ask(t, "GET", m.url+"/healthz", "")), &health); err != nil {
		t.Fatal(err)
	}
	return health.Node.Shards
}

// TestJourneyGoesOn kills the process that makes the stops of a journey: another one
// makes those that are left.
func TestJourneyGoesOn(t *testing.T) {
	database := pgtest.Start(t).Database()
	var all []*member
	for range 3 {
		all = append(all, startMember(t, database))
	}
	wait(t, "the processes to part the work", func() bool {
		return all[0].shards(t) < 128 && all[1].shards(t) < 128 && all[2].shards(t) > 64
	})
	const stops = 40
	ask(t, "POST", all[0].url+"/api/v1/runs", `{"name":"Travel","id":"j","input":{"Stops":40,"Millis":100}}`)
	travels := func(at *member) (by string) {
		var page struct {
			Items []struct{ Data json.RawMessage }
		}
		if err := json.Unmarshal([]byte(ask(t, "GET", at.url+"/api/v1/runs/j/history?limit=200", "")), &page); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Items {
			var addr string
			if json.Unmarshal(e.Data, &addr) == nil && strings.HasPrefix(addr, "127.") {
				by = addr
			}
		}
		return by
	}
	var first string
	wait(t, "a stop", func() bool { first = travels(all[1]); return first != "" })
	alive := all[:0:0]
	for _, m := range all {
		if m.addr == first {
			if err := m.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		alive = append(alive, m)
	}
	began := time.Now()
	if len(alive) != 2 {
		t.Fatalf("stops are made by %s, want one of the three", first)
	}
	wait(t, "a stop at another process", func() bool { return travels(alive[0]) != first })
	t.Logf("the journey goes on after %v", time.Since(began))
	var run struct{ Output string }
	wait(t, "the end of the journey", func() bool {
		if err := json.Unmarshal([]byte(ask(t, "GET", alive[1].url+"/api/v1/runs/j", "")), &run); err != nil {
			t.Fatal(err)
		}
		return run.Output != ""
	})
	by := strings.Fields(run.Output)
	if len(by) != stops || by[0] != first || by[stops-1] == first {
		t.Errorf("the journey was made by %v, want %d stops, the first by %s, the last not", by, stops, first)
	}
}

// wait polls for what the test waits for.
func wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for %s", what)
		}
	}
}
