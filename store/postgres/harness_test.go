package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
	"github.com/perdure/perdure/store/postgres/pgtest"
	"github.com/perdure/perdure/store/storetest"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// soak reports whether long tests were asked for.
func soak() bool { return os.Getenv("PERDURE_SOAK") != "" }

// harness is a database of a server under the suite. A crash ends the server at once
// and the process that has the hub open with it; with keep only the latter.
type harness struct {
	t      *testing.T
	server *pgtest.Server
	url    string
	keep   bool // the server outlives crashes
	down   bool
	db     *postgres.DB
	holder *pgx.Conn // keeps groups from being written
}

func newHarness(t *testing.T, server *pgtest.Server) *harness {
	h := &harness{t: t, server: server, url: server.Database(), keep: !soak() && !strings.Contains(t.Name(), "/R1_") &&
		!strings.Contains(t.Name(), "/R3_") && !strings.Contains(t.Name(), "/R5_")}
	t.Cleanup(func() {
		h.abandon()
		if h.down {
			server.Resume()
		}
	})
	return h
}

func (h *harness) abandon() {
	if h.holder != nil {
		_ = h.holder.Close(context.Background())
		h.holder = nil
	}
	if h.db != nil {
		h.db.Abandon()
		h.db = nil
	}
}

func (h *harness) Open(ctx context.Context) (store.Store, error) {
	h.abandon()
	db, err := postgres.Open(ctx, h.url, postgres.Options{Logger: quiet(), Patience: 5 * time.Second})
	if err != nil {
		return nil, err
	}
	h.db = db
	// The leases of the process that crashed have run out.
	if err := h.exec(ctx, "UPDATE perdure.nodes SET until = now() - interval '1 s'"); err != nil {
		return nil, err
	}
	hub, err := db.Hub("default", true)
	if err != nil {
		return nil, err
	}
	return hub, nil
}

func (h *harness) exec(ctx context.Context, sql string, args ...any) error {
	conn, err := pgx.Connect(ctx, h.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql, args...)
	return err
}

func (h *harness) Crash() error {
	if !h.keep && !h.down {
		h.server.Kill()
		h.down = true
	}
	h.abandon()
	if h.down {
		h.server.Resume()
		h.down = false
	}
	return nil
}

func (h *harness) Inject(f storetest.Fault) (err error) {
	ctx := h.t.Context()
	switch f.Kind {
	case storetest.FailWrites: // PostgreSQL ends when it cannot write its log
		h.server.Kill()
		h.down = true
	case storetest.HoldSync:
		if h.holder, err = pgx.Connect(ctx, h.url); err == nil {
			_, err = h.holder.Exec(ctx, "BEGIN; LOCK TABLE perdure.feed IN EXCLUSIVE MODE")
		}
	case storetest.Full:
		err = h.exec(ctx, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
			CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON perdure.instances EXECUTE FUNCTION full_disk()`)
	case storetest.NotFull:
		err = h.exec(ctx, `DROP TRIGGER full_disk ON perdure.instances; DROP FUNCTION full_disk()`)
		h.t.Log("waiting for the driver to look again")
		time.Sleep(time.Second)
	case storetest.Damage:
		h.abandon()
		err = h.exec(ctx, `UPDATE perdure.instances SET body = set_byte(body, length(body) / 2, get_byte(body, length(body) / 2) # 1) WHERE id = $1`, []byte(f.ID))
	case storetest.Foreign:
		h.abandon()
		err = h.exec(ctx, `UPDATE perdure.meta SET value = '999' WHERE key = 'schema'`)
	default:
		err = errors.ErrUnsupported
	}
	if err != nil {
		return fmt.Errorf("fault %d: %w", f.Kind, err)
	}
	return nil
}

func TestConformance(t *testing.T) {
	server := pgtest.Start(t)
	storetest.Run(t, func(t *testing.T) storetest.Harness { return newHarness(t, server) })
}

func TestListsUseIndexes(t *testing.T) {
	if err := storetest.Indexes(t.Context(), newHarness(t, pgtest.Start(t))); err != nil {
		t.Error(err)
	}
}

func TestModel(t *testing.T) {
	server := pgtest.Start(t)
	for seed := range uint64(5) {
		h := newHarness(t, server)
		h.keep = seed%2 == 0
		if err := storetest.Model(t.Context(), h, seed, 60); err != nil {
			t.Errorf("Model: %v", err)
		}
	}
}
