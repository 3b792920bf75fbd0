package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations returns the schema's steps in order; the first makes version 1.
func migrations() []string {
	entries, err := fs.ReadDir(migrationFiles, "migrations")
	if err != nil {
		panic(err) // they are linked in
	}
	steps := make([]string, 0, len(entries))
	for _, e := range entries {
		text, err := fs.ReadFile(migrationFiles, "migrations/"+e.Name())
		if err != nil {
			panic(err)
		}
		steps = append(steps, string(text))
	}
	return steps
}

// schemaStart makes what the steps need. The row "schema" holds the version, as
// text, and is the lock that migrations take.
const schemaStart = `CREATE SCHEMA IF NOT EXISTS perdure;
CREATE TABLE IF NOT EXISTS perdure.meta (key text PRIMARY KEY, value bytea NOT NULL);
INSERT INTO perdure.meta (key, value) VALUES ('schema', '0'), ('next hub', '1') ON CONFLICT DO NOTHING;
INSERT INTO perdure.meta (key, value)
	SELECT 'secret', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex') ON CONFLICT DO NOTHING;
`

// Migrations returns the SQL that brings an empty database to this version's
// schema, for people who run it themselves.
func Migrations() string {
	var b strings.Builder
	b.WriteString("BEGIN;\n" + schemaStart + "SELECT value FROM perdure.meta WHERE key = 'schema' FOR UPDATE;\n")
	for i, step := range migrations() {
		fmt.Fprintf(&b, "\n-- Version %d\n%s", i+1, step)
	}
	fmt.Fprintf(&b, "\nUPDATE perdure.meta SET value = '%d' WHERE key = 'schema';\nCOMMIT;\n", len(migrations()))
	return b.String()
}

// Migrate brings the schema of a database to this version's. Several processes
// may do so at once: they take turns. A newer schema is left as it is, with
// store.ErrFormat.
func Migrate(ctx context.Context, url string) error {
	cfg, err := parse(url)
	if err != nil {
		return err
	}
	conn, err := connectOnce(ctx, cfg)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return migrate(ctx, conn.Conn)
}

// migrateTries is how often the beginning is tried: two processes that make the
// schema at once get an error from PostgreSQL in spite of IF NOT EXISTS.
const migrateTries = 10

func migrate(ctx context.Context, conn *pgx.Conn) (err error) {
	for range migrateTries {
		var version int
		if version, err = schemaVersion(ctx, conn); err == nil && version != 0 {
			break // nothing to make, and perhaps no right to
		}
		if _, err = conn.Exec(ctx, schemaStart, pgx.QueryExecModeSimpleProtocol); err == nil || !is(err, uniqueViolation, duplicateSchema, duplicateTable) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("make the schema: %w", explained(err))
	}
	return explained(pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var version int
		err := tx.QueryRow(ctx, `SELECT convert_from(value, 'UTF8')::int4 FROM perdure.meta WHERE key = 'schema' FOR UPDATE`, pgx.QueryExecModeExec).Scan(&version)
		if err != nil {
			return err
		}
		steps := migrations()
		if version == len(steps) {
			return nil
		}
		if err := knownVersion(version); err != nil {
			return err
		}
		for i, step := range steps[version:] {
			if _, err := tx.Exec(ctx, step, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("schema version %d: %w", version+i+1, err)
			}
		}
		_, err = tx.Exec(ctx, fmt.Sprintf(`UPDATE perdure.meta SET value = '%d' WHERE key = 'schema'`, len(steps)), pgx.QueryExecModeSimpleProtocol)
		return err
	}))
}

// schemaVersion reads the version; 0 = there is no schema. It writes nothing.
func schemaVersion(ctx context.Context, conn *pgx.Conn) (version int, err error) {
	err = conn.QueryRow(ctx, `SELECT convert_from(value, 'UTF8')::int4 FROM perdure.meta WHERE key = 'schema'`, pgx.QueryExecModeExec).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) || is(err, undefinedTable, undefinedSchema) {
		return 0, nil
	}
	return version, err
}

// knownVersion refuses the schema of a newer Perdure.
func knownVersion(version int) error {
	if known := len(migrations()); version > known {
		return fmt.Errorf("%w: the database has schema version %d, and this perdure knows versions up to %d; use a newer perdure", store.ErrFormat, version, known)
	}
	return nil
}
