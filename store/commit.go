package store

import "time"

// Group is commits of one committer that are written together.
type Group struct {
	Committer int
	Epochs    []Lease // of the shards touched; only Shard and Epoch are used
	Commits   []*Commit
}

// Commit is one atomic write to one instance, with all that follows from it.
type Commit struct {
	ID    string // the instance
	Shard Shard  // ShardOf(ID)

	// Expect is the version that the record must have, 0 if there must be none.
	Expect uint64
	// Fresh says that the id was made at random just now, so that a driver may
	// leave out the check that there is no record.
	Fresh bool

	// Record is the new record, with Version = Expect+1 for a change and 1 for a
	// new incarnation. nil leaves the record as it is (absent, when Expect is 0):
	// such a commit changes only inbox, timers and rows.
	Record *Record
	// Was holds the columns of the record that this commit replaces; nil when
	// Expect is 0. Drivers use it to remove index entries.
	Was *Record
	// Replace says that Record is a new incarnation over an old instance, which
	// is purged first (rows with Keep and the inbox stay).
	Replace bool
	// Purge removes the instance, but for rows with Keep and the inbox; Record is
	// nil.
	Purge bool
	// Fold removes the instance's history; nil = it stays. Record is set, Replace
	// is not. A chunk or rows of the same commit are written after it.
	Fold *Fold

	// Chunk is appended to Branch with Seq = Record.Version; nil = nothing.
	Branch string
	Chunk  []byte

	Consume []MessageID // messages of this instance's inbox to remove
	Emit    []Message   // messages for any instance
	Timers  []TimerChange
	Rows    []Row
}

// Fold is what an instance that has ended can do without: its history in all
// branches, and its rows of some kinds, but for those with Keep.
type Fold struct {
	Rows []RowKind
}

// TimerChange adds a timer or removes it.
type TimerChange struct {
	Timer  Timer // Owner is the commit's instance
	Delete bool  // Due, Execution and Task name the timer
}

// Count is the number of records that share the columns.
type Count struct {
	Kind   InstanceKind
	Name   string
	Status Status
	Phase  Phase
	N      int64
}

// Order is the order of a list.
type Order uint8

// The orders: newest first and oldest first by creation, by completion, by id.
const (
	CreatedDesc Order = iota
	CreatedAsc
	CompletedAsc
	CompletedDesc
	IDAsc
)

// Query selects records. Conditions are joined by AND; a zero field is no
// condition, but for Kind, see WantsKind.
type Query struct {
	Kind          InstanceKind
	Statuses      []Status
	Phases        []Phase
	Names         []string // exact
	IDPrefix      string
	Parent        string
	Agent         string
	Session       string
	Tag           [2]string // key and value; key "" = no condition
	CreatedFrom   time.Time // inclusive
	CreatedTo     time.Time // exclusive
	CompletedFrom time.Time
	CompletedTo   time.Time
	// WorkOnly selects records with Work; Shards, if not empty, those of these
	// shards. Both are for owners that take over.
	WorkOnly bool
	Shards   []Shard
	// Match, if set, is asked last for every record that fits so far.
	Match func(*Record) bool

	Order  Order
	After  []byte // cursor from Page.Next; it binds the order: with another, ErrCursor
	Limit  int    // records returned at most; 0 = 100
	Budget int    // records examined at most; 0 = 50,000
}

// WantsKind reports whether records of a kind are selected. A list shows one
// kind, orchestrations if nothing is said; only owners that take over (WorkOnly)
// get both then.
func (q *Query) WantsKind(k InstanceKind) bool {
	return k == q.Kind || (q.WorkOnly && q.Kind == Orchestration)
}

// Page is the answer to a Query.
type Page struct {
	Records []*Record
	Next    []byte // nil = no more
	Partial bool   // the budget ended the search
	Scanned int
}

// RowQuery selects rows: of one owner by key prefix, or of the whole hub by a
// range of one index.
type RowQuery struct {
	Kind   RowKind
	Owner  string // "" = by index
	Prefix []byte // of the key, with Owner
	Index  int    // 0 or 1, without Owner
	From   []byte // inclusive, of the key (with Owner) or the index
	To     []byte // exclusive; nil = to the end
	After  []byte // cursor
	Limit  int    // 0 = 1,000
	Desc   bool
}
