package access_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// entry is a line for a token, which expires at a time unless that is zero.
func entry(token, name, role, hub string, expires time.Time) string {
	r, err := access.RoleOf(role)
	if err != nil {
		panic(err)
	}
	return access.Entry{Name: name, Role: r, Hub: hub, Expires: expires, Hash: sha256.Sum256([]byte(token))}.String()
}

func write(t *testing.T, name string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAllow(t *testing.T) {
	grant := func(role, hub string) *access.Grant {
		r, err := access.RoleOf(role)
		if err != nil {
			t.Fatal(err)
		}
		return &access.Grant{Role: r, Hub: hub}
	}
	const ok = perdure.Code(255)
	for _, c := range []struct {
		grant *access.Grant
		hub   string
		need  access.Right
		want  perdure.Code
	}{
		{nil, "a", access.Anyone, ok},
		{nil, "a", access.Known, perdure.Unauthenticated},
		{nil, "a", access.Read, perdure.Unauthenticated},
		{grant("reader", "a"), "a", access.Read, ok},
		{grant("reader", "a"), "a", access.Read | access.Work, ok},
		{grant("reader", "a"), "a", access.Work, perdure.PermissionDenied},
		{grant("reader", "a"), "a", access.Write, perdure.PermissionDenied},
		{grant("reader", "a"), "b", access.Read, perdure.NotFound},
		{grant("worker", "a"), "a", access.Work, ok},
		{grant("worker", "a"), "a", access.Read, perdure.PermissionDenied},
		{grant("worker", "a"), "a", access.Known, ok},
		{grant("contributor", "a"), "a", access.Write, ok},
		{grant("contributor", "a"), "a", access.Work, ok},
		{grant("contributor", "a"), "b", access.Write, perdure.NotFound},
		{grant("contributor", "a"), "a", 0, perdure.PermissionDenied}, // a route without a rule
		{grant("contributor", access.AnyHub), "b", access.Write, ok},
		{access.Everything(), "b", access.Write, ok},
	} {
		got := ok
		if err := c.grant.Allow(c.hub, c.need); err != nil {
			got = perdure.CodeOf(err)
		}
		if got != c.want {
			t.Errorf("%+v.Allow(%q, %v) = %v, want %v", c.grant, c.hub, c.need, got, c.want)
		}
	}
}

// TestForeignIsMissing has nobody learn whether another's hub exists.
func TestForeignIsMissing(t *testing.T) {
	g := &access.Grant{Role: access.Roles()[0], Hub: "mine"}
	if got, want := g.Allow("theirs", access.Read).Error(), access.NoHub("theirs").Error(); got != want {
		t.Errorf("Allow() of a foreign hub = %q, want %q as for one that does not exist", got, want)
	}
}

func TestParseEntry(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for line, want := range map[string]string{
		"ann worker default never " + hash:                          "",
		"ann reader * 2030-01-31T00:00:00Z " + hash:                 "",
		"ann worker default never cert:ann.example.com":             "",
		"ann worker default never cert:":                            "neither",
		"ann worker default " + hash:                                "4 words",
		"ann king default never " + hash:                            `no role "king"; there are reader, worker, contributor`,
		"ann worker ../x never " + hash:                             `"../x"`,
		"ann worker default tomorrow " + hash:                       `"tomorrow"`,
		"ann worker default never " + hash[1:]:                      "neither 64 hexadecimal digits",
		"ann worker default never secret":                           "neither 64 hexadecimal digits",
		"-ann;rm worker default never " + hash:                      `"-ann;rm"`,
		"ann worker " + strings.Repeat("x", 101) + " never " + hash: "no task hub can be called",
	} {
		e, err := access.ParseEntry(line)
		if want == "" {
			if err != nil || e.String() != line {
				t.Errorf("ParseEntry(%q) = %v, %v, want it to come back", line, e, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseEntry(%q) = %v, want an error with %q", line, err, want)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add("ann worker default never " + strings.Repeat("ab", 32))
	f.Fuzz(func(t *testing.T, line string) {
		e, err := access.ParseEntry(line)
		if err != nil {
			return
		}
		if again, err := access.ParseEntry(e.String()); err != nil || again.String() != e.String() {
			t.Errorf("ParseEntry(%q) = %v, %v, want what ParseEntry(%q) returned", e, again, err, line)
		}
	})
}

func TestOpenRefusesWrongLines(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tokens")
	write(t, name, "# tokens", "", entry("a", "ann", "reader", "default", time.Time{}), "nonsense")
	if _, err := access.Open(name, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "line 4") {
		t.Errorf("Open() = %v, want an error about line 4", err)
	}
	if _, err := access.Open(name+"x", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("Open() of no file = nil, want an error")
	}
}

// follow opens a file of tokens and follows it.
func follow(t *testing.T, name string) *access.Tokens {
	t.Helper()
	tokens, err := access.Open(name, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); tokens.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return tokens
}

// within fails unless a condition holds within a second of began.
func within(t *testing.T, began time.Time, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		if time.Since(began) > 3*time.Second {
			t.Fatalf("%s: not within 3 s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("%s: took %v, want at most 1 s", what, took)
	}
}

func TestRevocation(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tokens")
	old, newer, other := entry("old", "ann", "worker", "default", time.Time{}),
		entry("new", "ann", "worker", "default", time.Time{}), entry("other", "bob", "reader", "*", time.Time{})
	write(t, name, old, newer, other)
	tokens := follow(t, name)
	grants := make(map[string]*access.Grant)
	for _, token := range []string{"old", "new", "other"} { // two of ann's hold at a time
		g, err := tokens.Check(token)
		if err != nil {
			t.Fatalf("Check(%q) = %v, want a grant", token, err)
		}
		grants[token] = g
	}
	if _, err := tokens.Check("unknown"); perdure.CodeOf(err) != perdure.Unauthenticated {
		t.Errorf("Check of an unknown token = %v, want unauthenticated", err)
	}
	ended := func(token string) bool {
		select {
		case <-grants[token].Ended:
			return true
		default:
			return false
		}
	}
	began := time.Now()
	write(t, name, newer, "a line that is wrong", other)
	within(t, began, "revoke", func() bool { _, err := tokens.Check("old"); return err != nil && ended("old") })
	for _, token := range []string{"new", "other"} {
		if _, err := tokens.Check(token); err != nil || ended(token) {
			t.Errorf("Check(%q) after another was revoked = %v, ended %t, want it to hold", token, err, ended(token))
		}
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	within(t, began, "no file", func() bool { return ended("new") && ended("other") })
	began = time.Now()
	write(t, name, newer)
	within(t, began, "a new file", func() bool { _, err := tokens.Check("new"); return err == nil })
}

func TestExpiry(t *testing.T) {
	name := filepath.Join(t.TempDir(), "tokens")
	expires := time.Now().Add(2 * time.Second).Truncate(time.Second)
	write(t, name, entry("brief", "ann", "reader", "default", expires))
	tokens := follow(t, name)
	g, err := tokens.Check("brief")
	if err != nil {
		t.Fatal(err)
	}
	<-g.Ended
	if time.Now().Before(expires) {
		t.Errorf("the token ended %v before its time", time.Until(expires))
	}
	if _, err := tokens.Check("brief"); perdure.CodeOf(err) != perdure.Unauthenticated {
		t.Errorf("Check of a token that has expired = %v, want unauthenticated", err)
	}
	if since := time.Since(expires); since > time.Second {
		t.Errorf("the token ended %v after its time, want at most 1 s", since)
	}
}

func TestNewToken(t *testing.T) {
	a, hash := access.NewToken()
	b, _ := access.NewToken()
	if a == b || len(a) < 43 || hash != sha256.Sum256([]byte(a)) {
		t.Errorf("NewToken() = %q, %x and %q, want two of 256 bits and the hash", a, hash, b)
	}
	if _, err := access.BearerOf("Basic " + a); perdure.CodeOf(err) != perdure.Unauthenticated {
		t.Errorf("BearerOf(Basic) = %v, want unauthenticated", err)
	}
	for header, want := range map[string]string{"": "", "Bearer " + a: a, "bearer  " + a + " ": a} {
		if got, err := access.BearerOf(header); err != nil || got != want {
			t.Errorf("BearerOf(%q) = %q, %v, want %q", header, got, err, want)
		}
	}
	if s := fmt.Sprint(access.Write, access.Read|access.Work, access.Known); s != "contributor contributor or worker or reader contributor or worker or reader" {
		t.Errorf("rights are shown as %q", s)
	}
}
