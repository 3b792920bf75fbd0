package postgres_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
	"github.com/perdure/perdure/store/storetest"
)

// pooler starts pgbouncer in transaction mode before a server, with few sessions for
// many connections, and returns its address.
func pooler(t *testing.T, server *pgtest.Server) string {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; !exists(program) {
			t.Skip("SKIPPED: no pgbouncer on this machine; install the package pgbouncer")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	host, port, _ := strings.Cut(server.Address(), ":")
	dir, err := os.MkdirTemp("", "pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
auth_file = %s
pool_mode = transaction
default_pool_size = 4
user = nobody
`, host, port, addr.Port, users)
	if os.Getuid() != 0 {
		text = strings.Replace(text, "user = nobody\n", "", 1)
	}
	text = strings.Replace(text, "port="+port, "port="+port+" user=perdure", 1)
	for name, content := range map[string]string{users: "\"perdure\" \"\"\n", config: text} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, config)
	var log syncBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pgbouncer: %s", log.String())
		}
	})
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr.String()); err == nil {
			_ = conn.Close()
			return addr.String()
		}
		if time.Now().After(end) {
			t.Fatalf("pgbouncer does not answer: %s", log.String())
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// TestPooler runs a hub through pgbouncer in transaction mode: random commits, nodes
// and letters.
func TestPooler(t *testing.T) {
	server := pgtest.Start(t)
	addr := pooler(t, server)
	pooled := func(url string) string { return strings.Replace(url, server.Address(), addr, 1) }
	t.Run("model", func(t *testing.T) {
		h := newHarness(t, server)
		h.url, h.keep = pooled(h.url), true
		if err := storetest.Model(t.Context(), h, 7, 60); err != nil {
			t.Error(err)
		}
	})
	storetest.RunNodes(t, func(t *testing.T) storetest.Cluster {
		c := newCluster(t, server)
		c.url = pooled(c.url)
		return c
	})
	t.Run("found", func(t *testing.T) {
		findings, err := postgres.Check(context.Background(), pooled(server.Database()))
		if err != nil || !strings.Contains(fmt.Sprint(findings), "pooler") {
			t.Errorf("Check() = %v, %v, want it to see the pooler", findings, err)
		}
	})
}

var _ storetest.Shared = (*postgres.Hub)(nil)
var _ store.Store = (*postgres.Hub)(nil)
