package postgres

import (
	"github.com/jackc/pgx/v5"
)

// batch is the statements of a group, in one transaction.
type batch struct {
	pgx.Batch
	checks map[int]bool // by place: a failure says that a commit failed its check
	delta  cells        // what the group adds to counters
	folds  bool         // it writes the counters anew
}

// The first statement of a group: it fails unless the fence is as the committer
// knows it, and holds it until the group is written.
const fenceSQL = `SELECT 1 / count(*) FROM (
	SELECT 1 FROM perdure.committers WHERE hub = $1 AND slot = $2 AND fence = $3 FOR SHARE) held`

// Checks divide by zero when they fail: it takes no function of our own. The hub is a
// column of what is joined with a table, so that a plan cannot begin with all of the
// hub's rows: it looks each one up.
const (
	updateSQL = `WITH done AS (
	UPDATE perdure.instances i SET version = u.version, digest = u.digest, body = u.body
	FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[], $4::int8[], $5::int8[], $6::bytea[], $7::bytea[]) AS u (hub, shard, id, expect, version, digest, body)
	WHERE i.hub = u.hub AND i.shard = u.shard AND i.id = u.id AND i.version = u.expect AND substr(sha256(i.body), 1, 8) = i.digest
	RETURNING 1) SELECT 1 / (count(*) = cardinality($2))::int FROM done`

	insertSQL = `INSERT INTO perdure.instances (hub, shard, id, version, digest, body)
	SELECT $1::int4, u.* FROM unnest($2::int2[], $3::bytea[], $4::int8[], $5::bytea[], $6::bytea[]) AS u`

	removeSQL = `WITH done AS (
	DELETE FROM perdure.instances i USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[], $4::int8[]) AS u (hub, shard, id, expect)
	WHERE i.hub = u.hub AND i.shard = u.shard AND i.id = u.id AND i.version = u.expect AND substr(sha256(i.body), 1, 8) = i.digest
	RETURNING 1) SELECT 1 / (count(*) = cardinality($2))::int FROM done`

	checkSQL = `SELECT 1 / (count(*) = cardinality($2::int2[]))::int
	FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[], $4::int8[]) AS u (hub, shard, id, expect)
	JOIN perdure.instances i ON i.hub = u.hub AND i.shard = u.shard AND i.id = u.id AND i.version = u.expect`

	absentSQL = `SELECT 1 / (count(*) = 0)::int FROM unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[]) AS u (hub, shard, id)
	JOIN perdure.instances i ON i.hub = u.hub AND i.shard = u.shard AND i.id = u.id`
)

// What a purge and a fold remove.
const (
	wipeChunksSQL = `DELETE FROM perdure.chunks t USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[]) AS u (hub, shard, id)
	WHERE t.hub = u.hub AND t.shard = u.shard AND t.id = u.id`
	wipeTimersSQL = `DELETE FROM perdure.timers t USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[]) AS u (hub, shard, id)
	WHERE t.hub = u.hub AND t.shard = u.shard AND t.owner = u.id`
	wipeRowsSQL = `DELETE FROM perdure.rows t USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[]) AS u (hub, shard, id)
	WHERE t.hub = u.hub AND t.shard = u.shard AND t.owner = u.id AND NOT t.keep`
	wipeListingSQL = `DELETE FROM perdure.listing t USING unnest(array_fill($1::int4, ARRAY[cardinality($2::bytea[])]), $2) AS u (hub, id) WHERE t.hub = u.hub AND t.id = u.id`
	untagSQL       = `DELETE FROM perdure.tags t USING unnest(array_fill($1::int4, ARRAY[cardinality($2::bytea[])]), $2, $3::bytea[], $4::int8[], $5::bytea[]) AS u (hub, tag, value, created, id)
	WHERE t.hub = u.hub AND t.tag = u.tag AND t.value = u.value AND t.created = u.created AND t.id = u.id`
	foldRowsSQL = `DELETE FROM perdure.rows t USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[], $4::int4[]) AS u (hub, shard, id, kind)
	WHERE t.hub = u.hub AND t.shard = u.shard AND t.owner = u.id AND t.kind = u.kind AND NOT t.keep`
)

// What commits write.
const (
	chunksSQL = `INSERT INTO perdure.chunks (hub, shard, id, branch, seq, data)
	SELECT $1::int4, u.* FROM unnest($2::int2[], $3::bytea[], $4::bytea[], $5::int8[], $6::bytea[]) AS u`
	consumeSQL = `DELETE FROM perdure.messages t
	USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[], $4::bytea[], $5::int8[], $6::int8[]) AS u (hub, shard, target, source, version, idx)
	WHERE t.hub = u.hub AND t.shard = u.shard AND t.target = u.target AND t.source = u.source AND t.version = u.version AND t.idx = u.idx`
	emitSQL = `INSERT INTO perdure.messages (hub, shard, target, source, version, idx, arrival, data)
	SELECT $1::int4, shard, target, source, version, idx, CASE WHEN marked THEN pg_current_xact_id()::text::int8 END, data
	FROM unnest($2::int2[], $3::bytea[], $4::bytea[], $5::int8[], $6::int8[], $7::bool[], $8::bytea[]) AS u (shard, target, source, version, idx, marked, data)
	ON CONFLICT DO NOTHING`
	expireSQL = `DELETE FROM perdure.timers t
	USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[], $4::bytea[], $5::int4[], $6::int8[]) AS u (hub, shard, owner, execution, task, due)
	WHERE t.hub = u.hub AND t.shard = u.shard AND t.owner = u.owner AND t.execution = u.execution AND t.task = u.task AND t.due = u.due`
	timersSQL = `INSERT INTO perdure.timers (hub, shard, owner, execution, task, due, data)
	SELECT $1::int4, u.* FROM unnest($2::int2[], $3::bytea[], $4::bytea[], $5::int4[], $6::int8[], $7::bytea[]) AS u
	ON CONFLICT (hub, shard, owner, execution, task, due) DO UPDATE SET data = excluded.data`
	dropSQL = `DELETE FROM perdure.rows t USING unnest(array_fill($1::int4, ARRAY[cardinality($2::int2[])]), $2, $3::bytea[], $4::int4[], $5::bytea[]) AS u (hub, shard, owner, kind, key)
	WHERE t.hub = u.hub AND t.shard = u.shard AND t.owner = u.owner AND t.kind = u.kind AND t.key = u.key`
	rowsSQL = `INSERT INTO perdure.rows (hub, shard, owner, kind, key, keep, index0, index1, value)
	SELECT $1::int4, u.* FROM unnest($2::int2[], $3::bytea[], $4::int4[], $5::bytea[], $6::bool[], $7::bytea[], $8::bytea[], $9::bytea[]) AS u
	ON CONFLICT (hub, shard, owner, kind, key) DO UPDATE
	SET keep = excluded.keep, index0 = excluded.index0, index1 = excluded.index1, value = excluded.value`
	listingSQL = `INSERT INTO perdure.listing (hub, id, shard, kind, state, work, created, completed, name, parent, agent, session)
	SELECT $1::int4, u.* FROM unnest($2::bytea[], $3::int2[], $4::int2[], $5::int2[], $6::bool[], $7::int8[], $8::int8[], $9::bytea[],
		$10::bytea[], $11::bytea[], $12::bytea[]) AS u
	ON CONFLICT (hub, id) DO UPDATE SET shard = excluded.shard, kind = excluded.kind, state = excluded.state, work = excluded.work,
		created = excluded.created, completed = excluded.completed, name = excluded.name, parent = excluded.parent,
		agent = excluded.agent, session = excluded.session`
	tagsSQL = `INSERT INTO perdure.tags (hub, tag, value, created, id)
	SELECT $1::int4, u.* FROM unnest($2::bytea[], $3::bytea[], $4::int8[], $5::bytea[]) AS u ON CONFLICT DO NOTHING`
	feedSQL   = `INSERT INTO perdure.feed (hub, slot, number, owner, body) VALUES ($1, $2, $3, $4, $5)`
	countsSQL = `INSERT INTO perdure.counts (hub, slot, upto, cells) VALUES ($1, $2, $3, $4)
	ON CONFLICT (hub, slot) DO UPDATE SET upto = excluded.upto, cells = excluded.cells`
)

// check queues a statement whose failure says that a commit failed its check.
func (b *batch) check(sql string, args ...any) {
	b.checks[b.Len()] = true
	b.Queue(sql, args...)
}

// addRound queues what writes a round: first the checks, then what goes, then what
// comes.
func (b *batch) addRound(r *round) {
	hub := r.h.number
	if x := &r.update; len(x.ids) > 0 {
		b.check(updateSQL, hub, x.shards, x.ids, x.expects, x.version, x.digests, x.bodies)
	}
	if x := &r.remove; len(x.ids) > 0 {
		b.check(removeSQL, hub, x.shards, x.ids, x.expects)
	}
	if x := &r.there; len(x.ids) > 0 {
		b.check(checkSQL, hub, x.shards, x.ids, x.expects)
	}
	if x := &r.absent; len(x.ids) > 0 {
		b.check(absentSQL, hub, x.shards, x.ids)
	}
	if x := &r.insert; len(x.ids) > 0 {
		b.check(insertSQL, hub, x.shards, x.ids, x.version, x.digests, x.bodies)
	}
	b.addRemovals(r, hub)
	if x := &r.chunks; len(x.ids) > 0 {
		b.Queue(chunksSQL, hub, x.shards, x.ids, x.branches, x.seqs, x.data)
	}
	if x := &r.emit; len(x.targets) > 0 {
		b.Queue(emitSQL, hub, x.shards, x.targets, x.sources, x.versions, x.indexes, x.foreign, x.data)
	}
	if x := &r.timers; len(x.owners) > 0 {
		b.Queue(timersSQL, hub, x.shards, x.owners, x.executions, x.tasks, x.dues, x.data)
	}
	if x := &r.rows; len(x.owners) > 0 {
		b.Queue(rowsSQL, hub, x.shards, x.owners, x.kinds, x.keys, x.keeps, x.index0, x.index1, x.values)
	}
	if x := &r.listing; len(x.ids) > 0 {
		b.Queue(listingSQL, hub, x.ids, x.shards, x.kinds, x.states, x.works, x.created, x.completed, x.names, x.parents, x.agents, x.sessions)
	}
	if x := &r.tags; len(x.ids) > 0 {
		b.Queue(tagsSQL, hub, x.tags, x.values, x.created, x.ids)
	}
}

// addRemovals queues what removes what a round makes go.
func (b *batch) addRemovals(r *round, hub int32) {
	if x := &r.wipe; len(x.ids) > 0 {
		b.Queue(wipeChunksSQL, hub, x.shards, x.ids)
		b.Queue(wipeTimersSQL, hub, x.shards, x.ids)
		b.Queue(wipeRowsSQL, hub, x.shards, x.ids)
		b.Queue(wipeListingSQL, hub, x.ids)
	}
	if x := &r.untag; len(x.ids) > 0 {
		b.Queue(untagSQL, hub, x.tags, x.values, x.created, x.ids)
	}
	if x := &r.unfold; len(x.ids) > 0 {
		b.Queue(wipeChunksSQL, hub, x.shards, x.ids)
	}
	if x := &r.fold; len(x.ids) > 0 {
		b.Queue(foldRowsSQL, hub, x.shards, x.ids, x.kinds)
	}
	if x := &r.consume; len(x.targets) > 0 {
		b.Queue(consumeSQL, hub, x.shards, x.targets, x.sources, x.versions, x.indexes)
	}
	if x := &r.expire; len(x.owners) > 0 {
		b.Queue(expireSQL, hub, x.shards, x.owners, x.executions, x.tasks, x.dues)
	}
	if x := &r.drop; len(x.owners) > 0 {
		b.Queue(dropSQL, hub, x.shards, x.owners, x.kinds, x.keys)
	}
}
