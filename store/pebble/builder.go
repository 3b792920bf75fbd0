package pebble

import (
	"encoding/binary"
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/perdure/perdure/store"
)

// builder turns the commits of one group into batches. Reads of the engine do
// not see the batch being built, so what the batch changes of that is kept
// beside it.
type builder struct {
	hub    *Hub
	group  *group
	epochs [store.Shards]uint64
	batch  *engine.Batch
	key    []byte // scratch
	value  []byte // scratch

	heads    map[string]*head    // by id; nil = no record
	messages map[string]bool     // by key: there or not
	rows     map[string]rowIndex // by key, of kinds with indexes
	touched  map[string]struct{} // targets of messages, and ids in heads
	cells    map[cell]struct{}   // counters to write
	failed   error               // why the batch could not be applied; nothing is added then
}

func newBuilder(h *Hub, g *group, sg *store.Group) *builder {
	b := &builder{
		hub: h, group: g, key: h.scratchKey[:0], value: h.scratchValue[:0],
		heads: make(map[string]*head, len(sg.Commits)),
		cells: make(map[cell]struct{}, 4),
	}
	for _, l := range sg.Epochs {
		b.epochs[l.Shard] = l.Epoch
	}
	b.begin()
	return b
}

func (b *builder) begin() {
	b.batch = b.hub.db.eng.NewBatch()
	clear(b.heads)
	b.messages, b.rows, b.touched = nil, nil, nil
}

// cut applies the batch so far, so that reads of the engine see it.
func (b *builder) cut() error {
	if b.batch.Empty() {
		return nil
	}
	b.writeCells()
	if b.failed = b.hub.db.applyBatch(b.batch); b.failed != nil {
		return b.failed
	}
	b.group.batches = append(b.group.batches, b.batch)
	b.begin()
	return nil
}

func (b *builder) finish() error {
	b.hub.scratchKey, b.hub.scratchValue = b.key, b.value
	if b.batch.Empty() {
		return b.batch.Close()
	}
	b.writeCells()
	if err := b.hub.db.applyBatch(b.batch); err != nil {
		return err
	}
	b.group.batches = append(b.group.batches, b.batch)
	return nil
}

// plan is what a commit needs to know of the state that it changes. All reads
// come before the first write, so that a commit that fails leaves no trace.
type plan struct {
	old   *head // of the record; nil = none
	purge *purge
	fold  [][]byte   // keys that a fold removes
	skip  []bool     // by index in Emit: the message is there
	rows  []rowIndex // by index in Rows: index keys of the row before
}

// add checks a commit and appends its writes to the batch.
func (b *builder) add(c *store.Commit) error {
	if e := b.epochs[c.Shard]; e == 0 || e != b.hub.epochs[c.Shard] {
		return fmt.Errorf("%w: shard %d epoch %d", store.ErrFenced, c.Shard, e)
	}
	p, err := b.plan(c)
	if err != nil {
		return err
	}
	b.hub.db.commits.Add(1)
	if p.purge != nil {
		b.writePurge(c, p.purge)
	}
	for _, k := range p.fold {
		b.key = append(b.key[:0], k...)
		b.remove()
	}
	b.writeInbox(c, p)
	switch {
	case c.Purge:
		b.heads[c.ID] = nil
		if p.old != nil {
			b.group.changes = append(b.group.changes, store.Change{
				ID: c.ID, Incarnation: p.old.incarnation, Version: p.old.version, Gone: true})
		}
	case c.Record != nil:
		b.writeRecord(c, p)
		b.group.changes = append(b.group.changes, store.Change{
			ID: c.ID, Incarnation: c.Record.Incarnation, Version: c.Record.Version})
	default:
		b.writeTimers(c, nil)
	}
	b.writeRows(c, p)
	return nil
}

func (b *builder) plan(c *store.Commit) (p plan, err error) {
	if c.Purge || c.Replace || c.Fold != nil {
		// These find by iteration what they remove, so the engine must hold it.
		if err := b.cutIfTouched(c); err != nil {
			return p, err
		}
	}
	if !c.Fresh || c.Expect != 0 {
		if p.old, err = b.head(c.ID); err != nil {
			return p, err
		}
	}
	if v := p.version(); v != c.Expect {
		return p, fmt.Errorf("%w: %q has version %d, not %d", store.ErrConflict, c.ID, v, c.Expect)
	}
	if c.Purge || c.Replace {
		if p.purge, err = b.hub.planPurge(c.ID, c.Shard, p.old); err != nil {
			return p, err
		}
	}
	if c.Fold != nil {
		if p.fold, err = b.hub.planFold(c.ID, c.Fold); err != nil {
			return p, err
		}
	}
	if p.skip, err = b.planEmit(c); err != nil {
		return p, err
	}
	p.rows, err = b.planRows(c)
	return p, err
}

func (p *plan) version() uint64 {
	if p.old == nil {
		return 0
	}
	return p.old.version
}

func (b *builder) cutIfTouched(c *store.Commit) error {
	_, head := b.heads[c.ID]
	_, target := b.touched[c.ID]
	if head || target || b.rows != nil {
		return b.cut()
	}
	return nil
}

// head returns the head of an instance's record as the batch leaves it; nil = no
// record.
func (b *builder) head(id string) (*head, error) {
	if h, ok := b.heads[id]; ok {
		return h, nil
	}
	b.key = append(appendPart(appendSpace(b.key[:0], b.hub.number, spaceInstance), id), partRecord)
	var h *head
	err := b.hub.get(b.key, func(body []byte) bool {
		s := scanner{b: body}
		decoded := decodeHead(&s)
		h = &decoded
		return !s.bad
	})
	return h, err
}

// set appends a write of b.key with a sealed value, which encode appends.
func (b *builder) setSealed(encode func([]byte) []byte) {
	if b.hub.db.opts.Codec == nil {
		b.value = store.SealInPlace(encode(append(b.value[:0], 0)), 0)
	} else {
		b.value = store.Seal(b.value[:0], encode(nil), b.hub.db.opts.Codec)
	}
	b.set(b.value)
}

// set and remove cannot fail: the batch is not yet committing.
func (b *builder) set(value []byte) { _ = b.batch.Set(b.key, value, nil) }

func (b *builder) remove() { _ = b.batch.Delete(b.key, nil) }

func (b *builder) space(space byte) {
	b.key = appendSpace(b.key[:0], b.hub.number, space)
}

// writeRecord writes the record, its chunk, its timers and its index entries.
func (b *builder) writeRecord(c *store.Commit, p plan) {
	r, old := c.Record, p.old
	if c.Replace {
		old = nil // purged
	}
	var timers []timerRef
	if old != nil {
		timers = old.timers
	}
	next := headOf(r, b.writeTimers(c, &timers))
	b.writeIndexes(r, old, &next)
	b.heads[c.ID] = &next

	b.space(spaceInstance)
	b.key = appendPart(b.key, c.ID)
	prefix := len(b.key)
	b.key = append(b.key, partRecord)
	b.setSealed(func(v []byte) []byte { return appendRecord(v, r, &next) })
	if len(c.Chunk) > 0 {
		b.key = appendSeq(appendBranch(append(b.key[:prefix], partChunk), c.Branch), r.Version)
		b.setSealed(func(v []byte) []byte { return append(v, c.Chunk...) })
	}
}

// writeIndexes brings the index entries and counters from old (nil = no record)
// to next. Static columns are indexed once.
func (b *builder) writeIndexes(r *store.Record, old, next *head) {
	if old == nil {
		b.staticKeys(r, func() { b.set(nil) })
	}
	if old == nil || bucketOf(old) != bucketOf(next) {
		if old != nil {
			b.stateKey(old, r.ID)
			b.remove()
		}
		b.stateKey(next, r.ID)
		b.set(nil)
	}
	if old == nil || old.cell() != next.cell() {
		if old != nil {
			b.count(old.cell(), -1)
		}
		b.count(next.cell(), 1)
	}
	was := int64(0)
	if old != nil {
		was = old.completed
	}
	if was != next.completed {
		if was != 0 {
			b.completedKey(was, r.ID)
			b.remove()
		}
		if next.completed != 0 {
			b.completedKey(next.completed, r.ID)
			b.set(nil)
		}
	}
}

// staticKeys calls visit with b.key set to each index entry of static columns.
func (b *builder) staticKeys(r *store.Record, visit func()) {
	created := micros(r.Created)
	entry := func() {
		b.key = appendPart(appendTime(b.key, created), r.ID)
		visit()
	}
	b.space(spaceName)
	b.key = appendPart(append(b.key, byte(r.Kind)), r.Name)
	entry()
	for k, v := range r.Tags {
		b.space(spaceTag)
		b.key = appendPart(appendPart(b.key, k), v)
		entry()
	}
	if r.Parent != "" {
		b.space(spaceParent)
		b.key = appendPart(b.key, r.Parent)
		entry()
	}
	if r.Agent != "" || r.Session != "" {
		b.space(spaceAgent)
		b.key = appendPart(appendPart(b.key, r.Agent), r.Session)
		entry()
	}
}

func (b *builder) stateKey(h *head, id string) {
	b.space(spaceState)
	bucket := bucketOf(h)
	b.key = append(append(b.key, byte(h.kind())), bucket[:]...)
	b.key = appendPart(appendTime(b.key, h.created), id)
}

func (b *builder) completedKey(completed int64, id string) {
	b.space(spaceCompleted)
	b.key = appendPart(appendTime(b.key, completed), id)
}

// writeTimers changes timers. list holds those that the record lists, and the
// list that it shall have is returned; nil = the record stays as it is.
func (b *builder) writeTimers(c *store.Commit, list *[]timerRef) []timerRef {
	var timers []timerRef
	if list != nil {
		timers = append(timers, *list...) // the old head keeps its own
	}
	for i := range c.Timers {
		change := &c.Timers[i]
		ref := timerRef{due: change.Timer.Due.UnixMicro(), branch: change.Timer.Execution, task: change.Timer.Task}
		b.timerKey(c.Shard, c.ID, ref)
		if change.Delete {
			b.remove()
		} else {
			b.setSealed(func(v []byte) []byte { return append(v, change.Timer.Data...) })
		}
		at := indexOf(timers, ref)
		switch {
		case change.Delete && at >= 0:
			timers = append(timers[:at], timers[at+1:]...)
		case change.Delete:
			b.ownTimerKey(c.ID, ref)
			b.remove()
		case at >= 0:
		case list != nil && len(timers) < maxListedTimers:
			timers = append(timers, ref)
		default:
			b.ownTimerKey(c.ID, ref)
			b.set(nil)
		}
	}
	return timers
}

func indexOf(timers []timerRef, ref timerRef) int {
	for i := range timers {
		if timers[i] == ref {
			return i
		}
	}
	return -1
}

func (b *builder) timerKey(s store.Shard, owner string, t timerRef) {
	b.space(spaceTimer)
	b.key = appendTime(append(b.key, byte(s)), t.due)
	b.key = appendBranch(appendPart(b.key, owner), t.branch)
	b.key = appendTask(b.key, t.task)
}

// ownTimerKey is the key of a timer in its owner's space.
func (b *builder) ownTimerKey(owner string, t timerRef) {
	b.space(spaceInstance)
	b.key = appendBranch(append(appendPart(b.key, owner), partTimer), t.branch)
	b.key = appendTime(appendTask(b.key, t.task), t.due)
}

const taskSign = 1 << 31

func appendTask(k []byte, task int32) []byte {
	return binary.BigEndian.AppendUint32(k, uint32(task)^taskSign)
}

func cutTask(k []byte) (task int32, rest []byte, ok bool) {
	if len(k) < 4 {
		return 0, nil, false
	}
	return int32(binary.BigEndian.Uint32(k) ^ taskSign), k[4:], true
}
