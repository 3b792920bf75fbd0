package remote_test

import (
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// skipped collects the tests that ask for what the protocol has not, and what that is.
var skipped sync.Map

// plain is a hub that speaks the protocol only: a test that asks it for more is
// skipped.
type plain struct {
	hubtest.Hub
	near hub.Hub // as it is at the server
	t    testing.TB
}

// beyond lists tests that cannot be skipped where they ask for what the protocol has
// not.
var beyond = map[string]string{
	"Token/WhileItRuns":      "no difference between a worker's completion and one from elsewhere, at which the worker is to stop",
	"Ask/Answers":            "no requests that are answered",
	"Entity/Deferred":        "no requests that are answered",
	"Purge/EntityThatDefers": "no requests that are answered",
	"Rows/NoneBesidePurge":   "no rows",
	"Entity/Operations":      "no operations that an entity has carried out",
}

// skipBeyond skips a test of beyond.
func skipBeyond(t testing.TB) {
	_, name, _ := strings.Cut(t.Name(), "/Hub/")
	if what := beyond[name]; what != "" {
		skipped.Store(name, what)
		t.Skip("the protocol has " + what)
	}
}

// Entity returns what the protocol does not tell of: entities without state.
func (p plain) Entity(ctx context.Context, id string) (*hub.Entity, error) {
	e, err := p.Hub.Entity(ctx, id)
	if all, nearErr := p.near.Entity(ctx, id); perdure.CodeOf(err) == perdure.NotFound && nearErr == nil && !all.State.Set {
		return all, nil
	}
	return e, err
}

// Instance checks what the protocol tells of an instance, and returns all that there is
// to tell.
func (p plain) Instance(ctx context.Context, id string, payloads bool) (*hub.Instance, error) {
	all, nearErr := p.near.Instance(ctx, id, payloads)
	told, err := p.Hub.Instance(ctx, id, payloads)
	if perdure.CodeOf(nearErr) != perdure.CodeOf(err) || err != nil {
		return told, err
	}
	again, err := p.near.Instance(ctx, id, payloads)
	if err != nil || again.Version != all.Version {
		return again, err // it has changed meanwhile
	}
	if strings.HasPrefix(id, "@") {
		return all, nil
	}
	want := &hub.Instance{
		Record: store.Record{
			ID: all.ID, Name: all.Name, Status: all.Status, Created: all.Created, Completed: all.Completed,
			Execution: all.Execution, Parent: all.Parent, Tags: all.Tags,
		},
		AppVersion: all.AppVersion, Updated: all.Updated, StartAt: all.StartAt, CustomStatus: all.CustomStatus, Failure: all.Failure,
		Input: all.Input, Output: all.Output,
	}
	if diff := cmp.Diff(want, told, cmpopts.EquateEmpty()); diff != "" {
		p.t.Errorf("the protocol tells of %s (-want +got):\n%s", id, diff)
	}
	return all, nil
}

// can skips the test if err says that the protocol has not what was asked for.
func (p plain) can(err error) error {
	if perdure.CodeOf(err) == perdure.Unimplemented {
		p.t.Helper()
		_, what, _ := strings.Cut(err.Error(), "which has ")
		_, name, _ := strings.Cut(p.t.Name(), "/Hub/")
		skipped.Store(name, what)
		p.t.Skip(err)
	}
	return err
}

func (p plain) Start(ctx context.Context, r *hub.Start) (hub.Started, error) {
	s, err := p.Hub.Start(ctx, r)
	return s, p.can(err)
}

func (p plain) Control(ctx context.Context, r *hub.Control) (string, error) {
	id, err := p.Hub.Control(ctx, r)
	return id, p.can(err)
}

func (p plain) Purge(ctx context.Context, r *hub.Purge) (hub.Purged, error) {
	d, err := p.Hub.Purge(ctx, r)
	return d, p.can(err)
}

func (p plain) Ask(ctx context.Context, r *hub.Ask) (history.Text, error) {
	a, err := p.Hub.Ask(ctx, r)
	return a, p.can(err)
}

func (p plain) List(ctx context.Context, q store.Query) (hub.Page, error) {
	page, err := p.Hub.List(ctx, q)
	return page, p.can(err)
}

func (p plain) Counts(ctx context.Context) ([]store.Count, error) {
	c, err := p.Hub.Counts(ctx)
	return c, p.can(err)
}

func (p plain) Position(ctx context.Context) (store.Position, error) {
	at, err := p.Hub.Position(ctx)
	return at, p.can(err)
}

func (p plain) ReadRows(ctx context.Context, q store.RowQuery) ([]store.Row, []byte, error) {
	rows, next, err := p.Hub.ReadRows(ctx, q)
	return rows, next, p.can(err)
}

func (p plain) WriteRows(ctx context.Context, r *hub.WriteRows) error {
	return p.can(p.Hub.WriteRows(ctx, r))
}

func (p plain) WatchRows(ctx context.Context, kind store.RowKind, owner string) (<-chan struct{}, error) {
	w, err := p.Hub.WatchRows(ctx, kind, owner)
	return w, p.can(err)
}

var update = flag.Bool("update", false, "write the file anew")

// TestProtocol checks a client and a worker over the calls of the Durable Task protocol
// alone. What cannot be asked for by these is listed in a file.
func TestProtocol(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("Hub", func(t *testing.T) {
		hubtest.Run(t, func(*testing.T) hubtest.Harness {
			return workerHarness{disk: &memory.Disk{}, left: wire.OwnService}
		})
	})
	var got []string
	skipped.Range(func(name, what any) bool {
		got = append(got, name.(string)+": "+what.(string))
		return true
	})
	slices.Sort(got)
	const file = "testdata/protocol.txt"
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(testsOf(strings.Split(strings.TrimSpace(string(want)), "\n")), testsOf(got)); diff != "" {
		t.Errorf("what the protocol cannot do (-want +got):\n%s", diff)
	}
}

// testsOf cuts the reasons off, of which a test may have several.
func testsOf(lines []string) []string {
	names := make([]string, len(lines))
	for i, l := range lines {
		names[i], _, _ = strings.Cut(l, ":")
	}
	return names
}
