package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// errUnsafe marks a server that must not be used.
var errUnsafe = errors.New("this PostgreSQL is not safe to use")

// connectLimit is how long a connection may take to come about.
const connectLimit = 5 * time.Second

// session is a connection and what the server behind it is.
type session struct {
	*pgx.Conn
	server server
	// pooled says that a pooler such as pgbouncer stands between: nothing of a
	// session lasts longer than a transaction.
	pooled bool
}

// server is what a connection tells of its server.
type server struct {
	version   int    // 150004 for 15.4
	cluster   string // system identifier and timeline; "" = not told
	checksums bool
}

// parse reads the address of a database. Passwords do not show in its errors.
func parse(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectLimit
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "perdure"
	}
	for _, other := range cfg.Fallbacks {
		if cfg.ValidateConnect == nil && (other.Host != cfg.Host || other.Port != cfg.Port) {
			cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite // of several servers, the primary
		}
	}
	return cfg, nil
}

// connect makes a connection to a server that is safe to use.
func connect(ctx context.Context, cfg *pgx.ConnConfig) (*session, error) {
	conn, err := pgx.ConnectConfig(ctx, cfg.Copy())
	if err != nil {
		return nil, explained(err)
	}
	s, err := inspect(ctx, conn)
	if err != nil {
		_ = conn.Close(ctx) // the error before it tells more
		return nil, err
	}
	return s, nil
}

// connectOnce is connect for a look before it is known whether a pooler stands between:
// no statement has a name.
func connectOnce(ctx context.Context, cfg *pgx.ConnConfig) (*session, error) {
	once := cfg.Copy()
	once.DefaultQueryExecMode = pgx.QueryExecModeExec
	return connect(ctx, once)
}

// inspect asks a new connection for what its server is, and refuses what would
// lose what it acknowledges (guarantees.md, rule 7).
func inspect(ctx context.Context, conn *pgx.Conn) (*session, error) {
	s := &session{Conn: conn}
	var encoding, fsync, pages, commit, reads, sums string
	var recovery bool
	var pid uint32
	err := conn.QueryRow(ctx, `SELECT current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes'),
		current_setting('synchronous_commit'), current_setting('default_transaction_read_only'), coalesce(current_setting('data_checksums', true), ''),
		pg_is_in_recovery(), pg_backend_pid()::int8, current_setting('server_version_num')::int8`, pgx.QueryExecModeExec).
		Scan(&encoding, &fsync, &pages, &commit, &reads, &sums, &recovery, &pid, &s.server.version)
	if err != nil {
		return nil, explained(lost(conn, err))
	}
	s.pooled, s.server.checksums = pid != conn.PgConn().PID(), sums == "on"
	refuse := func(unsafe bool, format string, args ...any) {
		if err == nil && unsafe {
			err = fmt.Errorf("%w: %s", errUnsafe, fmt.Sprintf(format, args...))
		}
	}
	refuse(s.server.version < minVersion, "its version is below 14")
	refuse(recovery, "it is a standby; connect to the primary")
	refuse(reads == "on", "transactions are read-only (default_transaction_read_only): reset that for the database and the user")
	refuse(fsync == "off", "fsync is off: a power cut takes acknowledged work away; turn it on")
	refuse(pages == "off", "full_page_writes is off: a power cut damages it; turn it on")
	refuse(commit == "off", "synchronous_commit is off: a crash takes acknowledged work away; turn it on, for this user and database too")
	refuse(encoding != "UTF8", "its encoding is %s; make a database with encoding UTF8", encoding)
	if err != nil {
		return nil, err
	}
	err = conn.QueryRow(ctx, `SELECT (SELECT system_identifier::text FROM pg_control_system()) || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8)`,
		pgx.QueryExecModeExec).Scan(&s.server.cluster)
	if err != nil && !answered(err) { // some servers do not tell
		return nil, lost(conn, err)
	}
	if !s.pooled {
		_, err = conn.Exec(ctx, "SELECT "+settings("false"), pgx.QueryExecModeExec)
	}
	return s, lost(conn, err)
}

const minVersion = 140000

// settings returns calls that have names stand for PostgreSQL's own functions, whatever
// the role or the database say and others have put into their schemas, and plans walk
// indexes, whatever the statistics say: those of a table that grows fast are out of date
// for a minute, and plans are kept. With local they end with the transaction.
func settings(local string) string {
	return fmt.Sprintf(`pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', %[1]s), set_config('enable_seqscan', 'off', %[1]s), set_config('enable_hashjoin', 'off', %[1]s),
		set_config('enable_mergejoin', 'off', %[1]s), set_config('jit', 'off', %[1]s)`, local)
}
