package nodes_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
)

// TestTroubleAtStart starts nodes on databases that they cannot use: each says what is
// wrong and what to do, and ends.
func TestTroubleAtStart(t *testing.T) {
	normalOnly(t)
	s := pgtest.Start(t)
	fresh := func(sql ...string) string {
		address := s.Database()
		if err := postgres.Migrate(t.Context(), address); err != nil {
			t.Fatal(err)
		}
		for _, one := range sql {
			s.Exec(nameOf(t, address), one)
		}
		return address
	}
	s.Exec("postgres", "CREATE ROLE guest LOGIN PASSWORD 'right'")
	demandPassword(t, s, "guest")
	for _, c := range []struct {
		name, address string
		says          []string
	}{
		{"newer schema", fresh("UPDATE perdure.meta SET value = '999' WHERE key = 'schema'"), []string{"schema", "newer"}},
		{"read-only", fresh("ALTER DATABASE test2 SET default_transaction_read_only = on"), []string{"read-only", "reset"}},
		{"wrong password", as(t, s.Database(), "guest", "wrong"), []string{"password", "check the address"}},
		{"no permission", as(t, fresh(), "guest", "right"), []string{"grant"}},
		{"no such database", s.URL("nowhere"), []string{"create the database"}},
		{"nobody listens", "postgres://perdure@127.0.0.1:1/perdure?sslmode=disable", []string{"127.0.0.1:1"}},
		{"fsync off", withSetting(t, s, fresh(), "synchronous_commit", "off"), []string{"synchronous_commit"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := &node{t: t, name: c.name, url: c.address, addr: freeAddr(t), log: filepath.Join(t.TempDir(), "log")}
			err := n.start()
			if err == nil {
				n.kill()
				t.Fatal("the node starts")
			}
			said := n.logEnd()
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("the node says:\n%s\nwant that it says %q", said, want)
				}
			}
			if strings.Contains(said, "wrong@") || strings.Contains(said, ":wrong") {
				t.Errorf("the node tells the password:\n%s", said)
			}
			t.Log(said)
		})
	}
}

func nameOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// as is the address for another user.
func as(t *testing.T, address, user, password string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// withSetting is the address of a database that has a setting for all who connect.
func withSetting(t *testing.T, s *pgtest.Server, address, name, value string) string {
	t.Helper()
	s.Exec("postgres", fmt.Sprintf("ALTER DATABASE %s SET %s = %s", nameOf(t, address), name, value))
	return address
}

// demandPassword has the server demand the password of a user.
func demandPassword(t *testing.T, s *pgtest.Server, user string) {
	t.Helper()
	file := s.Exec("postgres", "SHOW hba_file")
	rules, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, append([]byte("host all "+user+" all scram-sha-256\n"), rules...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Exec("postgres", "SELECT pg_reload_conf()")
}

// TestTroubleAtWork takes from a database that is in use what it needs, one thing after
// the other: clients are told what is wrong, and when it is there again work goes on and
// nothing that was acknowledged is lost.
func TestTroubleAtWork(t *testing.T) {
	normalOnly(t)
	c := startCluster(t, 2, "")
	ctx := within(t, 3*time.Minute)
	small := c.smallDisk()
	ids := c.begin(ctx, "probe", "before", 20)
	for _, trouble := range []struct {
		name        string
		begin, ends []string
		code        perdure.Code
		says        string
	}{
		{"read-only", []string{"ALTER DATABASE " + c.database + " SET default_transaction_read_only = on"},
			[]string{"ALTER DATABASE " + c.database + " RESET default_transaction_read_only"}, perdure.Unavailable, "reset that"},
		{"lost permissions", []string{"REVOKE ALL ON ALL TABLES IN SCHEMA perdure FROM " + worker},
			[]string{"GRANT ALL ON ALL TABLES IN SCHEMA perdure TO " + worker}, perdure.Unavailable, "grant"},
		{"full disk", []string{small.fill}, []string{small.clear}, perdure.NoSpace, "full"},
	} {
		switch {
		case trouble.begin[0] == "":
			t.Logf("SKIPPED %s: a small disk cannot be made here", trouble.name)
			continue
		case trouble.code == perdure.Unavailable && !soak():
			continue // clients are told when the patience of their node is over, after 30 s
		}
		for _, sql := range trouble.begin {
			c.administer(sql)
		}
		c.endSessions()
		began := time.Now()
		err := c.refusal(ctx, trouble.name, trouble.code)
		if !strings.Contains(err.Error(), trouble.says) {
			t.Errorf("%s: clients are told %q, want that it says %q", trouble.name, err, trouble.says)
		}
		t.Logf("%s, after %v: %v", trouble.name, time.Since(began).Round(time.Millisecond), err)
		for _, sql := range trouble.ends {
			c.administer(sql)
		}
		c.endSessions()
		for i, h := range c.hubs {
			c.until("runs are taken again after "+trouble.name, func() bool {
				_, err := h.Start(ctx, &hub.Start{InstanceID: fmt.Sprint("again after ", trouble.name, i), Name: "probe", Input: history.Some("0"), RequestID: "s"})
				return err == nil
			})
		}
		c.release(ctx, c.hubs, c.begin(ctx, "probe", "after "+trouble.name, 5), time.Now())
	}
	c.release(ctx, c.hubs, ids, time.Now())
	c.judgeJournal()
}

// administer runs SQL, in another database if it is about the own one.
func (c *cluster) administer(sql string) {
	c.Helper()
	if strings.HasPrefix(sql, "ALTER DATABASE") {
		c.server.Exec("postgres", sql)
		return
	}
	c.sql(sql)
}

// endSessions has nodes connect anew, as settings of a database hold for sessions.
func (c *cluster) endSessions() {
	c.Helper()
	c.server.Exec("postgres", "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'node-%'")
}

// refusal starts runs until one is refused with a code, and returns the error.
func (c *cluster) refusal(ctx context.Context, name string, code perdure.Code) (err error) {
	c.Helper()
	for i := 0; ; i++ {
		_, err = c.hubs[0].Start(ctx, &hub.Start{
			InstanceID: fmt.Sprintf("%s-%d", name, i), Name: "probe", Input: history.Some("0"),
			Tags: map[string]string{"ballast": strings.Repeat("x", 200)},
		})
		if perdure.CodeOf(err) == code {
			return err
		}
		if ctx.Err() != nil {
			c.Fatalf("%s: a start ends with %v, want %v", name, err, code)
		}
	}
}

// disk is how the disk of some tables is filled and cleared.
type disk struct{ fill, clear string }

// smallDisk moves some tables to a disk of their own, if one can be made here.
func (c *cluster) smallDisk() disk {
	c.Helper()
	dir, err := os.MkdirTemp("", "small-disk-")
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = os.Remove(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m"); err != nil {
		return disk{}
	}
	c.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	info, err := os.Stat(c.server.Exec("postgres", "SHOW data_directory"))
	if err != nil {
		c.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	place := filepath.Join(dir, "tables")
	for _, err := range []error{os.Chmod(dir, 0o755), os.Mkdir(place, 0o700), os.Chown(place, int(owner.Uid), int(owner.Gid))} {
		if err != nil {
			c.Fatal(err)
		}
	}
	c.server.Exec("postgres", "CREATE TABLESPACE small LOCATION '"+place+"'")
	for _, table := range []string{"chunks", "rows", "instances", "listing"} {
		c.sql("ALTER TABLE perdure." + table + " SET TABLESPACE small")
	}
	c.sql("CREATE TABLE audit.ballast (b text) TABLESPACE small")
	return disk{
		fill: `DO $$ BEGIN LOOP INSERT INTO audit.ballast SELECT repeat(md5(n::text), 30) FROM generate_series(1, 1000) n; END LOOP;
			EXCEPTION WHEN disk_full THEN NULL; END $$`,
		clear: "DROP TABLE audit.ballast",
	}
}
