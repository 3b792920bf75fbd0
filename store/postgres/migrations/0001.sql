-- What the hubs of a database hold. Every table's key begins with the hub, and
-- with the shard where a commit writes. Ids, names and keys are bytes, compared
-- as such. Times of instances and timers are microseconds since 1970.

CREATE TABLE perdure.hubs (
	id       int4 PRIMARY KEY,
	name     text NOT NULL UNIQUE,
	lineage  bytea NOT NULL,
	timeline bytea NOT NULL,
	created  timestamptz NOT NULL DEFAULT now()
);

-- Processes that share a hub. Their leases hold until the time in "until".
CREATE TABLE perdure.nodes (
	hub       int4 NOT NULL,
	name      text NOT NULL,
	advertise text NOT NULL DEFAULT '',
	since     timestamptz NOT NULL DEFAULT now(),
	detail    bytea,
	lives     timestamptz,
	until     timestamptz,
	PRIMARY KEY (hub, name)
);

-- Who holds which shard. A process that opened the hub has a random number of its
-- own, the owner.
CREATE TABLE perdure.leases (
	hub      int4 NOT NULL,
	shard    int2 NOT NULL,
	epoch    int8 NOT NULL,
	node     text,
	owner    int8,
	orphaned bool NOT NULL DEFAULT false,
	PRIMARY KEY (hub, shard)
);

-- The fences. A group is written under a share lock of its committer's row and
-- only while the fence is as the committer knows it; whoever takes a shard from
-- its owner raises the fences of that owner.
CREATE TABLE perdure.committers (
	hub   int4 NOT NULL,
	slot  int4 NOT NULL,
	owner int8 NOT NULL,
	node  text NOT NULL,
	fence int8 NOT NULL,
	PRIMARY KEY (hub, slot)
);

-- One row for each group: what it changed, and by how much it changed counters.
CREATE TABLE perdure.feed (
	hub    int4 NOT NULL,
	slot   int4 NOT NULL,
	number int8 NOT NULL,
	owner  int8 NOT NULL,
	at     timestamptz NOT NULL DEFAULT now(),
	body   bytea NOT NULL,
	PRIMARY KEY (hub, slot, number)
);

-- Counters of a committer, up to and with one of its groups.
CREATE TABLE perdure.counts (
	hub   int4 NOT NULL,
	slot  int4 NOT NULL,
	upto  int8 NOT NULL,
	cells bytea NOT NULL,
	PRIMARY KEY (hub, slot)
);

CREATE TABLE perdure.instances (
	hub     int4 NOT NULL,
	shard   int2 NOT NULL,
	id      bytea NOT NULL,
	version int8 NOT NULL,
	digest  bytea NOT NULL,
	body    bytea NOT NULL,
	PRIMARY KEY (hub, shard, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

-- What lists ask for. A row changes only when one of its columns does.
CREATE TABLE perdure.listing (
	hub       int4 NOT NULL,
	id        bytea NOT NULL,
	shard     int2 NOT NULL,
	kind      int2 NOT NULL,
	state     int2 NOT NULL, -- 16 * status + phase
	work      bool NOT NULL,
	created   int8 NOT NULL,
	completed int8,
	name      bytea NOT NULL,
	parent    bytea,
	agent     bytea,
	session   bytea,
	PRIMARY KEY (hub, id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
CREATE INDEX listing_state ON perdure.listing (hub, kind, state, created, id);
CREATE INDEX listing_name ON perdure.listing (hub, kind, name, created, id);
CREATE INDEX listing_work ON perdure.listing (hub, shard, created, id) WHERE work;
CREATE INDEX listing_completed ON perdure.listing (hub, completed, id) WHERE completed IS NOT NULL;
CREATE INDEX listing_parent ON perdure.listing (hub, parent, created, id) WHERE parent IS NOT NULL;
CREATE INDEX listing_agent ON perdure.listing (hub, agent, session, created, id) WHERE agent IS NOT NULL;

CREATE TABLE perdure.tags (
	hub     int4 NOT NULL,
	tag     bytea NOT NULL,
	value   bytea NOT NULL,
	created int8 NOT NULL,
	id      bytea NOT NULL,
	PRIMARY KEY (hub, tag, value, created, id)
);

CREATE TABLE perdure.chunks (
	hub    int4 NOT NULL,
	shard  int2 NOT NULL,
	id     bytea NOT NULL,
	branch bytea NOT NULL,
	seq    int8 NOT NULL,
	data   bytea NOT NULL,
	PRIMARY KEY (hub, shard, id, branch, seq)
);

-- A message from an owner that did not hold the target's shard names the
-- transaction that brought it.
CREATE TABLE perdure.messages (
	hub     int4 NOT NULL,
	shard   int2 NOT NULL,
	target  bytea NOT NULL,
	source  bytea NOT NULL,
	version int8 NOT NULL,
	idx     int8 NOT NULL,
	arrival int8,
	data    bytea NOT NULL,
	PRIMARY KEY (hub, shard, target, source, version, idx)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX messages_arrival ON perdure.messages (hub, arrival) WHERE arrival IS NOT NULL;

CREATE TABLE perdure.timers (
	hub       int4 NOT NULL,
	shard     int2 NOT NULL,
	owner     bytea NOT NULL,
	execution bytea NOT NULL,
	task      int4 NOT NULL,
	due       int8 NOT NULL,
	data      bytea NOT NULL,
	PRIMARY KEY (hub, shard, owner, execution, task, due)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX timers_due ON perdure.timers (hub, shard, due, owner, execution, task);

CREATE TABLE perdure.rows (
	hub    int4 NOT NULL,
	shard  int2 NOT NULL,
	owner  bytea NOT NULL,
	kind   int4 NOT NULL,
	key    bytea NOT NULL,
	keep   bool NOT NULL,
	index0 bytea,
	index1 bytea,
	value  bytea NOT NULL,
	PRIMARY KEY (hub, shard, owner, kind, key)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX rows_index0 ON perdure.rows (hub, kind, index0, owner, key) WHERE index0 IS NOT NULL;
CREATE INDEX rows_index1 ON perdure.rows (hub, kind, index1, owner, key) WHERE index1 IS NOT NULL;

CREATE TABLE perdure.letters (
	hub      int4 NOT NULL,
	receiver text NOT NULL,
	id       bytea NOT NULL,
	sender   text NOT NULL,
	until    timestamptz NOT NULL,
	data     bytea NOT NULL,
	PRIMARY KEY (hub, receiver, id)
);
