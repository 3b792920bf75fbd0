package postgres

import (
	"slices"

	"github.com/perdure/perdure/store"
)

// round is commits of a group that can be written side by side, as the columns of
// the statements that write them: none of them changes what another one needs to
// find. Most groups are one round.
type round struct {
	h *Hub
	// mine reports whether this process holds a shard, so that messages to it need
	// no mark for others.
	mine func(store.Shard) bool

	ids   map[string]bool    // instances of the commits
	mail  map[messageKey]int // messages emitted, by their place in emit
	rowAt map[rowKey]int     // by place in rows; -1 = deleted

	update  instances // records that change
	insert  instances // new records
	remove  instances // purged
	there   instances // records that must be there and stay
	absent  instances // records that must not be there
	wipe    instances // all but the record goes
	chunks  chunkColumns
	unfold  instances // whose history goes
	fold    foldColumns
	consume messageColumns
	emit    messageColumns
	expire  timerColumns
	timers  timerColumns
	drop    rowColumns
	rows    rowColumns
	listing listingColumns
	tags    tagColumns
	untag   tagColumns
}

// The columns of statements, one entry for each row.
type (
	instances struct {
		shards           []int16
		ids              [][]byte
		expects, version []int64
		digests, bodies  [][]byte
	}
	chunkColumns struct {
		shards              []int16
		ids, branches, data [][]byte
		seqs                []int64
	}
	foldColumns struct {
		shards []int16
		ids    [][]byte
		kinds  []int32
	}
	messageColumns struct {
		shards            []int16
		targets, sources  [][]byte
		versions, indexes []int64
		foreign           []bool
		data              [][]byte
	}
	timerColumns struct {
		shards             []int16
		owners, executions [][]byte
		tasks              []int32
		dues               []int64
		data               [][]byte
	}
	rowColumns struct {
		shards                 []int16
		owners, keys           [][]byte
		kinds                  []int32
		keeps                  []bool
		index0, index1, values [][]byte
	}
	listingColumns struct {
		shards, kinds, states []int16
		ids, names, parents   [][]byte
		agents, sessions      [][]byte
		works                 []bool
		created               []int64
		completed             []*int64
	}
	tagColumns struct {
		tags, values, ids [][]byte
		created           []int64
	}
)

type messageKey struct {
	target string
	id     store.MessageID
}

type rowKey struct {
	owner string
	kind  store.RowKind
	key   string
}

func newRound(h *Hub, mine func(store.Shard) bool) *round {
	return &round{h: h, mine: mine, ids: make(map[string]bool), mail: make(map[messageKey]int), rowAt: make(map[rowKey]int)}
}

// takes reports whether a commit can be written side by side with the others.
func (r *round) takes(c *store.Commit) bool {
	if r.ids[c.ID] {
		return false
	}
	for _, id := range c.Consume {
		if _, there := r.mail[messageKey{c.ID, id}]; there {
			return false
		}
	}
	removes := c.Purge || c.Replace || c.Fold != nil
	for k := range r.rowAt {
		if !removes {
			break
		}
		if k.owner == c.ID {
			return false
		}
	}
	return true
}

// add adds a commit.
func (r *round) add(c *store.Commit) {
	r.ids[c.ID] = true
	shard, id := int16(c.Shard), []byte(c.ID)
	r.addRecord(c, shard, id)
	if c.Purge || c.Replace {
		r.wipe.add(shard, id)
		r.untag.add(c.Was)
	}
	if c.Fold != nil {
		r.unfold.add(shard, id)
		for _, kind := range c.Fold.Rows {
			r.fold.add(shard, id, int32(kind))
		}
	}
	if len(c.Chunk) > 0 {
		k := &r.chunks
		k.shards, k.ids, k.branches = append(k.shards, shard), append(k.ids, id), append(k.branches, branchBytes(c.Branch))
		k.seqs, k.data = append(k.seqs, int64(c.Record.Version)), append(k.data, r.h.seal(c.Chunk))
	}
	for _, m := range c.Consume {
		r.consume.add(&store.Message{Target: c.ID, ID: m}, false, nil)
	}
	for i := range c.Emit {
		m := &c.Emit[i]
		key := messageKey{m.Target, m.ID}
		if _, there := r.mail[key]; !there {
			r.mail[key] = len(r.emit.shards)
			r.emit.add(m, !r.mine(store.ShardOf(m.Target)), r.h.seal(m.Data))
		}
	}
	r.addTimers(c, shard, id)
	for i := range c.Rows {
		r.addRow(&c.Rows[i])
	}
}

// addRecord adds what checks the version, and writes the record and its entry in
// lists.
func (r *round) addRecord(c *store.Commit, shard int16, id []byte) {
	to := &r.insert
	switch {
	case c.Purge && c.Expect != 0:
		to = &r.remove
	case c.Expect != 0 && c.Record == nil:
		to = &r.there
	case c.Record == nil:
		to = &r.absent
	case c.Expect != 0:
		to = &r.update
	}
	to.add(shard, id)
	to.expects = append(to.expects, int64(c.Expect))
	if c.Record == nil {
		return
	}
	body := r.h.seal(appendRecord(nil, c.Record))
	to.version, to.digests, to.bodies = append(to.version, int64(c.Record.Version)), append(to.digests, digest(body)), append(to.bodies, body)
	if was := c.Was; c.Expect == 0 || c.Replace || was == nil || !listedAlike(was, c.Record) {
		r.listing.add(c.Record, shard, id)
	}
	if c.Expect == 0 || c.Replace {
		r.tags.add(c.Record)
	}
}

// listedAlike reports whether a change of a record leaves its entry in lists.
func listedAlike(a, b *store.Record) bool {
	return a.Status == b.Status && a.Phase == b.Phase && a.Work == b.Work && a.Completed.Equal(b.Completed) &&
		a.Kind == b.Kind && a.Name == b.Name && a.Created.Equal(b.Created) && a.Parent == b.Parent && a.Agent == b.Agent && a.Session == b.Session
}

// addTimers adds what a commit does to its timers; the last change of one counts.
func (r *round) addTimers(c *store.Commit, shard int16, id []byte) {
	for i := range c.Timers {
		t := &c.Timers[i].Timer
		again := func(o store.TimerChange) bool {
			return o.Timer.Execution == t.Execution && o.Timer.Task == t.Task && o.Timer.Due.Equal(t.Due)
		}
		if len(c.Timers) > 1 && slices.ContainsFunc(c.Timers[i+1:], again) {
			continue
		}
		to := &r.timers
		if c.Timers[i].Delete {
			to = &r.expire
		} else {
			to.data = append(to.data, r.h.seal(t.Data))
		}
		to.shards, to.owners, to.executions = append(to.shards, shard), append(to.owners, id), append(to.executions, branchBytes(t.Execution))
		to.tasks, to.dues = append(to.tasks, t.Task), append(to.dues, micros(t.Due))
	}
}

// addRow adds a row; of several writes to one row the last counts.
func (r *round) addRow(row *store.Row) {
	key := rowKey{row.Owner, row.Kind, string(row.Key)}
	if at, there := r.rowAt[key]; there && at >= 0 {
		r.rows.removeAt(at)
		for k, other := range r.rowAt {
			if other > at {
				r.rowAt[k] = other - 1
			}
		}
	}
	shard := int16(store.ShardOf(row.Owner))
	if row.Delete {
		if at, there := r.rowAt[key]; !there || at >= 0 {
			r.drop.add(shard, row, nil)
		}
		r.rowAt[key] = -1
		return
	}
	r.rowAt[key] = len(r.rows.shards)
	r.rows.add(shard, row, r.h.seal(row.Value))
}

func (x *instances) add(shard int16, id []byte) {
	x.shards, x.ids = append(x.shards, shard), append(x.ids, id)
}

func (x *foldColumns) add(shard int16, id []byte, kind int32) {
	x.shards, x.ids, x.kinds = append(x.shards, shard), append(x.ids, id), append(x.kinds, kind)
}

func (x *messageColumns) add(m *store.Message, foreign bool, data []byte) {
	x.shards, x.targets = append(x.shards, int16(store.ShardOf(m.Target))), append(x.targets, []byte(m.Target))
	x.sources, x.versions = append(x.sources, m.ID.Source[:]), append(x.versions, int64(m.ID.Version))
	x.indexes, x.foreign, x.data = append(x.indexes, int64(m.ID.Index)), append(x.foreign, foreign), append(x.data, data)
}

func (x *rowColumns) add(shard int16, row *store.Row, value []byte) {
	key := row.Key
	if key == nil {
		key = []byte{}
	}
	x.shards, x.owners, x.keys = append(x.shards, shard), append(x.owners, []byte(row.Owner)), append(x.keys, key)
	x.kinds, x.keeps, x.values = append(x.kinds, int32(row.Kind)), append(x.keeps, row.Keep), append(x.values, value)
	x.index0, x.index1 = append(x.index0, row.Index[0]), append(x.index1, row.Index[1])
}

func (x *rowColumns) removeAt(i int) {
	x.shards, x.owners, x.keys = slices.Delete(x.shards, i, i+1), slices.Delete(x.owners, i, i+1), slices.Delete(x.keys, i, i+1)
	x.kinds, x.keeps, x.values = slices.Delete(x.kinds, i, i+1), slices.Delete(x.keeps, i, i+1), slices.Delete(x.values, i, i+1)
	x.index0, x.index1 = slices.Delete(x.index0, i, i+1), slices.Delete(x.index1, i, i+1)
}

// state is the column of a status and a phase.
func state(s store.Status, p store.Phase) int16 { return int16(s)<<4 | int16(p) }

func (x *listingColumns) add(r *store.Record, shard int16, id []byte) {
	x.shards, x.kinds, x.states = append(x.shards, shard), append(x.kinds, int16(r.Kind)), append(x.states, state(r.Status, r.Phase))
	x.ids, x.names, x.parents = append(x.ids, id), append(x.names, []byte(r.Name)), append(x.parents, optional(r.Parent))
	agent, session := optional(r.Agent), []byte(r.Session)
	if r.Agent == "" && r.Session != "" {
		agent = []byte{}
	}
	x.agents, x.sessions, x.works = append(x.agents, agent), append(x.sessions, session), append(x.works, r.Work)
	x.created = append(x.created, micros(r.Created))
	var completed *int64
	if !r.Completed.IsZero() {
		us := micros(r.Completed)
		completed = &us
	}
	x.completed = append(x.completed, completed)
}

// optional returns the column of a text that few records have.
func optional(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// add adds the tags of a record, none for nil.
func (x *tagColumns) add(r *store.Record) {
	if r == nil {
		return
	}
	for k, v := range r.Tags {
		x.tags, x.values = append(x.tags, []byte(k)), append(x.values, []byte(v))
		x.ids, x.created = append(x.ids, []byte(r.ID)), append(x.created, micros(r.Created))
	}
}
