package nodes_test

import "strings"

// audit has the database itself write down who commits: the tables' triggers note the
// transaction, and the database knows when that committed. Nothing of the product's code
// or of its clocks is believed.
const audit = `
CREATE SCHEMA audit;
CREATE TABLE audit.commits (xid xid NOT NULL, hub int4, shard int2, id bytea, version int8);
CREATE TABLE audit.groups  (xid xid NOT NULL, hub int4, owner int8, application text DEFAULT current_setting('application_name'));
CREATE TABLE audit.leases  (xid xid NOT NULL, hub int4, shard int2, epoch int8, owner int8);
CREATE FUNCTION audit.commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO audit.commits VALUES (pg_current_xact_id()::xid, NEW.hub, NEW.shard, NEW.id, NEW.version); RETURN NULL; END $$;
CREATE FUNCTION audit.grouped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO audit.groups (xid, hub, owner) VALUES (pg_current_xact_id()::xid, NEW.hub, NEW.owner); RETURN NULL; END $$;
CREATE FUNCTION audit.leased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	INSERT INTO audit.leases VALUES (pg_current_xact_id()::xid, NEW.hub, NEW.shard, NEW.epoch, NEW.owner); RETURN NULL; END $$;
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON perdure.instances FOR EACH ROW EXECUTE FUNCTION audit.commit();
CREATE TRIGGER audit AFTER INSERT ON perdure.feed FOR EACH ROW EXECUTE FUNCTION audit.grouped();
CREATE TRIGGER audit AFTER INSERT OR UPDATE ON perdure.leases FOR EACH ROW EXECUTE FUNCTION audit.leased();
CREATE VIEW audit.journal AS
	SELECT c.*, g.owner, g.application, pg_xact_commit_timestamp(c.xid) AS at FROM audit.commits c LEFT JOIN audit.groups g USING (xid, hub);
CREATE VIEW audit.tenure AS
	SELECT hub, shard, epoch, owner, pg_xact_commit_timestamp(xid) AS since,
		lead(pg_xact_commit_timestamp(xid)) OVER (PARTITION BY hub, shard ORDER BY pg_xact_commit_timestamp(xid), epoch) AS until
	FROM audit.leases;
`

// laws are queries for what must not be in the journal, each with what it means.
var laws = []struct{ means, query string }{
	{"a commit by one who did not hold the shard when it became durable", `
		SELECT j.application, j.owner, j.shard, encode(j.id, 'escape'), j.version, j.at, t.epoch, t.owner AS holder, t.since
		FROM audit.journal j LEFT JOIN audit.tenure t
			ON t.hub = j.hub AND t.shard = j.shard AND t.since <= j.at AND (t.until IS NULL OR j.at < t.until)
		WHERE t.owner IS DISTINCT FROM j.owner LIMIT 5`},
	{"a shard and epoch with two owners", `
		SELECT hub, shard, epoch, count(DISTINCT owner) FROM audit.leases WHERE owner IS NOT NULL
		GROUP BY 1, 2, 3 HAVING count(DISTINCT owner) > 1 LIMIT 5`},
	{"an epoch that goes back", `
		SELECT * FROM (SELECT *, lag(epoch) OVER (PARTITION BY hub, shard ORDER BY since, epoch) AS before FROM audit.tenure) t
		WHERE epoch < before LIMIT 5`},
	{"a version that does not follow the one before", `
		SELECT encode(id, 'escape'), before, version, at FROM (
			SELECT *, lag(version) OVER (PARTITION BY hub, id ORDER BY at, version) AS before FROM audit.journal) j
		WHERE version <> 1 AND version <> before + 1 LIMIT 5`},
}

// journal returns what the database says against the nodes, and checks that it has
// something to say.
func (c *cluster) journal() (wrong []string) {
	c.Helper()
	for _, l := range laws {
		if rows := c.sql(l.query); rows != "" {
			wrong = append(wrong, l.means+":\n"+rows)
		}
	}
	if n := c.number("SELECT count(*) FROM audit.journal WHERE at IS NOT NULL"); n == 0 {
		c.Error("the journal is empty")
	}
	return wrong
}

// judgeJournal reports what the database says against the nodes.
func (c *cluster) judgeJournal() {
	c.Helper()
	for _, w := range c.journal() {
		c.Error(w)
	}
	c.Logf("journal: %s commits in %s groups, %s changes of leases",
		c.sql("SELECT count(*) FROM audit.commits"), c.sql("SELECT count(*) FROM audit.groups"), c.sql("SELECT count(*) FROM audit.leases"))
}

// list is the rows of a query.
func (c *cluster) list(query string) []string {
	c.Helper()
	if text := c.sql(query); text != "" {
		return strings.Split(text, "\n")
	}
	return nil
}
