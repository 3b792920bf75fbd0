package postgres

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/perdure/perdure/store"
)

// What Check takes for too much.
const (
	skewLimit     = 500 * time.Millisecond
	snapshotLimit = 10 * time.Minute
	deadShare     = "0.4"    // of a table's rows
	deadLeast     = "100000" // rows
	connectionsIn = 0.8
)

// Check examines a database without changing it: whether it can be used, and what may
// make it lose work or be slow. The error says that it could not be examined; a
// database that must not be used is a finding.
func Check(ctx context.Context, url string) ([]store.Finding, error) {
	cfg, err := parse(url)
	if err != nil {
		return nil, err
	}
	s, err := connectOnce(ctx, cfg)
	if err != nil {
		return []store.Finding{{Subject: "connection", Severity: store.Problem, Text: err.Error()}}, nil
	}
	defer s.Close(ctx)
	c := checkup{conn: s}
	c.encryption(cfg)
	c.found("connection", store.Fine, "PostgreSQL %d.%d answers, with settings that lose nothing", s.server.version/10_000, s.server.version%10_000)
	c.server()
	for _, look := range []func(context.Context) error{c.schema, c.clock, c.rights, c.standby, c.snapshots, c.dead, c.connections, c.nodes} {
		if err := look(ctx); err != nil {
			return nil, fmt.Errorf("check: %w", explained(err))
		}
	}
	return c.findings, nil
}

// checkup is a Check under way.
type checkup struct {
	conn     *session
	findings []store.Finding
}

func (c *checkup) found(subject string, s store.Severity, format string, args ...any) {
	c.findings = append(c.findings, store.Finding{Subject: subject, Severity: s, Text: fmt.Sprintf(format, args...)})
}

// row reads one row.
func (c *checkup) row(ctx context.Context, sql string, into ...any) error {
	return c.conn.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(into...)
}

// encryption judges what keeps others on the way from reading along, or answering in the
// database's place.
func (c *checkup) encryption(cfg *pgx.ConnConfig) {
	const next = "; add sslmode=verify-full to the address, and sslrootcert=FILE if no authority that this machine trusts has issued the server's certificate"
	mode := modeOf(cfg)
	switch {
	case local(cfg):
		c.found("encryption", store.Fine, "the database is on this machine")
	case mode == modeFull:
		c.found("encryption", store.Fine, "the connection is encrypted, and the server proves its name")
	case mode == modeVerified:
		c.found("encryption", store.Warning, "the server proves that an authority knows it, but not its name: any server of that authority may answer in its place"+next)
	case mode == modeEncrypted:
		c.found("encryption", store.Warning, "the connection is encrypted, but nothing proves who answers: who is in between reads and changes everything"+next)
	default:
		c.found("encryption", store.Warning, "who is in between may have the connection go unencrypted, and reads the password's proof and all data"+next)
	}
}

// sslMode is how much a connection proves, in the order of what is safer.
type sslMode int

const (
	modePlain     sslMode = iota // disable, allow, prefer: it may go unencrypted
	modeEncrypted                // require
	modeVerified                 // verify-ca
	modeFull                     // verify-full
)

// modeOf is the least that an address demands, of all the servers that it names.
func modeOf(cfg *pgx.ConnConfig) sslMode {
	least := modeOfTLS(cfg.TLSConfig)
	for _, other := range cfg.Fallbacks {
		least = min(least, modeOfTLS(other.TLSConfig))
	}
	return least
}

// modeOfTLS tells pgx's modes apart: verify-ca checks in a function of its own.
func modeOfTLS(t *tls.Config) sslMode {
	switch {
	case t == nil:
		return modePlain
	case !t.InsecureSkipVerify:
		return modeFull
	case t.VerifyPeerCertificate != nil || t.VerifyConnection != nil:
		return modeVerified
	}
	return modeEncrypted
}

// local reports whether all servers of an address are on this machine.
func local(cfg *pgx.ConnConfig) bool {
	hosts := []string{cfg.Host}
	for _, other := range cfg.Fallbacks {
		hosts = append(hosts, other.Host)
	}
	return !slices.ContainsFunc(hosts, func(host string) bool {
		ip, err := netip.ParseAddr(host)
		return host != "localhost" && !strings.HasPrefix(host, "/") && !strings.HasPrefix(host, "@") && (err != nil || !ip.Unmap().IsLoopback())
	})
}

func (c *checkup) server() {
	if !c.conn.server.checksums {
		c.found("data_checksums", store.Warning, "off: damage of the database's files may go unnoticed; pg_checksums --enable turns them on while the server is stopped")
	}
	if c.conn.pooled {
		c.found("pooler", store.Fine, "a pooler stands between: letters between nodes and the change feed are polled for")
	}
}

func (c *checkup) schema(ctx context.Context) error {
	version, err := schemaVersion(ctx, c.conn.Conn)
	switch known := len(migrations()); {
	case err != nil:
		return err
	case version > known:
		c.found("schema", store.Problem, "%v", knownVersion(version))
	case version < known:
		c.found("schema", store.Warning, "version %d, and this perdure has %d; it is brought up to date when a server starts, or by `perdure migrate`", version, known)
	default:
		c.found("schema", store.Fine, "version %d", version)
	}
	return nil
}

// clock compares the clocks. The answer's way counts half.
func (c *checkup) clock(ctx context.Context) error {
	var theirs time.Time
	before := time.Now()
	if err := c.row(ctx, `SELECT clock_timestamp()`, &theirs); err != nil {
		return err
	}
	skew := theirs.Sub(before.Add(time.Since(before) / 2)).Round(time.Millisecond)
	if skew.Abs() > skewLimit {
		c.found("clock", store.Warning, "the database's clock is %v off this machine's; timers and leases go by the database's", skew)
	} else {
		c.found("clock", store.Fine, "within %v of this machine's", skewLimit)
	}
	return nil
}

func (c *checkup) rights(ctx context.Context) error {
	var super bool
	if err := c.row(ctx, `SELECT rolsuper FROM pg_roles WHERE rolname = current_user`, &super); err != nil {
		return err
	}
	if super {
		c.found("rights", store.Warning, "the user is a superuser; one that owns schema perdure is enough")
	}
	return nil
}

func (c *checkup) standby(ctx context.Context) error {
	var commit, names string
	err := c.row(ctx, `SELECT current_setting('synchronous_commit'), current_setting('synchronous_standby_names')`, &commit, &names)
	switch {
	case err != nil:
		return err
	case names == "":
		return c.lagging(ctx)
	case commit == "local":
		c.found("standby", store.Warning, "synchronous_commit is local: a failover to the standby loses the last commits")
	}
	return nil
}

// lagging looks for standbys that no commit waits for. Backups and subscribers are none.
func (c *checkup) lagging(ctx context.Context) error {
	var standbys int
	var behind int64
	err := c.row(ctx, `SELECT count(*)::int8, coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)), 0)::int8
		FROM pg_stat_replication r WHERE state IS DISTINCT FROM 'backup' AND NOT EXISTS (
			SELECT 1 FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')`, &standbys, &behind)
	switch {
	case err != nil:
		return err
	case standbys == 0:
		c.found("standby", store.Fine, "none: if one took over, the last commits might be missing, which would be noticed and reported")
	default:
		c.found("standby", store.Warning, "%d follow, the last of them %d KB behind, and no commit waits for them: a failover loses acknowledged work; name one in synchronous_standby_names", standbys, behind>>10)
	}
	return nil
}

func (c *checkup) snapshots(ctx context.Context) error {
	var age float64
	var who string
	err := c.row(ctx, `SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8,
		coalesce((array_agg(coalesce(application_name, '') || ' as ' || coalesce(usename, '') ORDER BY xact_start))[1], '')
		FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()`, &age, &who)
	if err != nil {
		return err
	}
	if oldest := time.Duration(age * float64(time.Second)); oldest > snapshotLimit {
		c.found("snapshots", store.Warning, "a transaction (%s) is open for %v: nothing that was deleted since frees its space; end it", who, oldest.Round(time.Second))
	} else {
		c.found("snapshots", store.Fine, "none older than %v", snapshotLimit)
	}
	return nil
}

func (c *checkup) dead(ctx context.Context) error {
	rows, err := c.conn.Query(ctx, `SELECT relname, n_dead_tup FROM pg_stat_user_tables
		WHERE schemaname = 'perdure' AND n_dead_tup > `+deadLeast+` AND n_dead_tup > `+deadShare+` * (n_live_tup + n_dead_tup) ORDER BY relname`, pgx.QueryExecModeExec)
	if err != nil {
		return err
	}
	type table struct {
		name string
		dead int64
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t table, err error) { return t, row.Scan(&t.name, &t.dead) })
	if err != nil {
		return err
	}
	var bloated []string
	for _, t := range tables {
		bloated = append(bloated, fmt.Sprintf("%s (%d)", t.name, t.dead))
	}
	if len(bloated) > 0 {
		c.found("dead rows", store.Warning, "many in %s: autovacuum does not keep up; look for old transactions, or give it more to do", strings.Join(bloated, ", "))
	} else {
		c.found("dead rows", store.Fine, "few")
	}
	return nil
}

func (c *checkup) connections(ctx context.Context) error {
	var used, most int
	if err := c.row(ctx, `SELECT count(*)::int8, current_setting('max_connections')::int8 FROM pg_stat_activity WHERE backend_type = 'client backend'`, &used, &most); err != nil {
		return err
	}
	if float64(used) > connectionsIn*float64(most) {
		c.found("connections", store.Warning, "%d of %d are in use; raise max_connections or put a pooler between", used, most)
	} else {
		c.found("connections", store.Fine, "%d of %d are in use", used, most)
	}
	return nil
}

// nodes looks whether those who live hold all shards.
func (c *checkup) nodes(ctx context.Context) error {
	version, err := schemaVersion(ctx, c.conn.Conn)
	if err != nil || version == 0 {
		return err
	}
	var nodes, hubs, free int
	err = c.row(ctx, `WITH living AS (SELECT hub, name FROM perdure.nodes WHERE greatest(lives, until) >= now())
		SELECT (SELECT count(DISTINCT name) FROM living)::int8, (SELECT count(*) FROM perdure.hubs)::int8,
			(SELECT count(*) FROM perdure.leases l WHERE NOT EXISTS (SELECT 1 FROM living n WHERE n.hub = l.hub AND n.name = l.node))::int8`,
		&nodes, &hubs, &free)
	switch {
	case err != nil:
		return err
	case nodes == 0 && hubs > 0:
		c.found("nodes", store.Warning, "none lives: nothing in the %d hubs goes on; start one with `perdure server --hub`", hubs)
	case nodes == 0:
		c.found("nodes", store.Fine, "none yet")
	case free > 0:
		c.found("nodes", store.Warning, "%d live, and nobody holds %d shards; that passes within seconds, or a node cannot renew its leases: look at its log", nodes, free)
	default:
		c.found("nodes", store.Fine, "%d live, and hold all shards", nodes)
	}
	return nil
}

// Living returns the nodes of a database that live by its clock, each once.
func Living(ctx context.Context, url string) ([]store.Node, error) {
	cfg, err := parse(url)
	if err != nil {
		return nil, err
	}
	s, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer s.Close(ctx)
	rows, err := s.Query(ctx, `SELECT DISTINCT ON (name) name, advertise, since FROM perdure.nodes WHERE greatest(lives, until) >= now() ORDER BY name, advertise DESC`,
		pgx.QueryExecModeExec)
	var nodes []store.Node
	if err == nil {
		nodes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (n store.Node, err error) {
			return n, row.Scan(&n.Name, &n.Advertise, &n.Since)
		})
	}
	if is(err, undefinedTable, undefinedSchema) {
		return nil, nil
	}
	return nodes, explained(err)
}
