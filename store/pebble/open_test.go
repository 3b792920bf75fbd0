package pebble_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/pebble"
	"github.com/perdure/perdure/store/storetest"
)

// files lists a directory with sizes and times.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := make(map[string]string)
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		list[e.Name()] = string(content)
	}
	return list
}

func TestOpenRefusesWithoutWriting(t *testing.T) {
	for name, make := range map[string]map[string]string{
		"later format":       {"FORMAT": "perdure store 2\n", "000001.log": "x"},
		"marker cut short":   {"FORMAT": "perdure"},
		"other program's":    {"PG_VERSION": "17"},
		"engine's own files": {"MANIFEST-000001": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range make {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := files(t, dir)
			if _, err := pebble.Open(dir, pebble.Options{Logger: quiet()}); !errors.Is(err, store.ErrFormat) {
				t.Errorf("Open = %v, want %v", err, store.ErrFormat)
			}
			if diff := cmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("Open of an unknown format writes:\n%s", diff)
			}
		})
	}
}

func TestOpenMakesPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	db, err := pebble.Open(dir, pebble.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("mode of the directory = %o, want 700", got)
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	db, err := pebble.Open(dir, pebble.Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(dir, pebble.Options{Logger: quiet()}); !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("Open(open directory) = %v, want %v and the directory", err, store.ErrLocked)
	}
	other := exec.Command(os.Args[0], "-test.run=^TestOpenInOtherProcess$")
	other.Env = append(os.Environ(), otherProcess+"="+dir)
	if out, err := other.CombinedOutput(); err != nil {
		t.Errorf("Open in another process: %v\n%s", err, out)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err = pebble.Open(dir, pebble.Options{Logger: quiet()})
	if err != nil {
		t.Fatalf("Open after Close: %v", err)
	}
	if err := errors.Join(db.Close(), db.Close()); err != nil {
		t.Errorf("Close twice: %v", err)
	}
}

// otherProcess names the directory that TestOpenInOtherProcess opens.
const otherProcess = "PERDURE_TEST_OPEN"

// TestOpenInOtherProcess is the other process of TestOpenTwice.
func TestOpenInOtherProcess(t *testing.T) {
	dir := os.Getenv(otherProcess)
	if dir == "" {
		t.Skip("runs in a process of TestOpenTwice")
	}
	if _, err := pebble.Open(dir, pebble.Options{Logger: quiet()}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Open = %v, want %v", err, store.ErrLocked)
	}
}

func TestHubs(t *testing.T) {
	mem := vfs.NewMem()
	opts := pebble.Options{FS: mem, Logger: quiet()}
	db, one := openHub(t, opts)
	if _, err := db.Hub("other", false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Hub(absent) = %v, want %v", err, store.ErrNotFound)
	}
	two, err := db.Hub("other", true)
	if err != nil {
		t.Fatal(err)
	}
	commitTo(t, one, "a")
	if _, err := two.Instance(t.Context(), "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("instance of another hub: %v, want %v", err, store.ErrNotFound)
	}
	if one.Identity() == two.Identity() {
		t.Error("two hubs have one identity")
	}
	want := one.Identity()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, one = openHub(t, opts)
	defer db.Close()
	if got := one.Identity(); got != want {
		t.Errorf("identity after reopen = %x, want %x", got, want)
	}
}

func commitTo(t *testing.T, s store.Store, id string) {
	t.Helper()
	c := &store.Commit{ID: id, Shard: store.ShardOf(id), Record: &store.Record{ID: id, Version: 1}}
	r, err := s.Submit(t.Context(), &store.Group{Epochs: allLeases(t, s), Commits: []*store.Commit{c}})
	if err != nil {
		t.Fatal(err)
	}
	if refused, err := r.Wait(t.Context()); err != nil || len(refused) > 0 {
		t.Fatalf("Wait = %v, %v", refused, err)
	}
}

// TestBallast fills the disk: the ballast goes, and comes back.
func TestBallast(t *testing.T) {
	h := newHarness(t)
	h.opts.BallastBytes = 1 << 20
	if err := h.mem.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fault storetest.FaultKind
		want  bool
	}{{storetest.NotFull, true}, {storetest.Full, false}, {storetest.NotFull, true}} {
		if err := h.Inject(storetest.Fault{Kind: c.fault}); err != nil {
			t.Fatal(err)
		}
		_, err := h.mem.Stat(h.mem.PathJoin(dir, "BALLAST"))
		if got := err == nil; got != c.want {
			t.Errorf("after fault %d the ballast exists = %v, want %v", c.fault, got, c.want)
		}
	}
}

// mask is a codec.
type mask struct{}

func (mask) ID() byte { return 9 }

func (mask) Encode(dst, src []byte) []byte {
	for _, b := range src {
		dst = append(dst, b^0x5a)
	}
	return dst
}

func (m mask) Decode(dst, src []byte) ([]byte, error) { return m.Encode(dst, src), nil }

func TestModelWithCodec(t *testing.T) {
	h := newHarness(t)
	h.opts.Codec = mask{}
	if err := storetest.Model(t.Context(), h, 7, 60); err != nil {
		t.Errorf("Model: %v", err)
	}
}
