package store

import (
	"hash/fnv"
	"strings"
	"time"
)

// Shard is one of the Shards partitions of a hub.
type Shard uint8

// Shards is the number of shards of a hub; it never changes.
const Shards = 256

// ShardOf returns the shard of an instance id. Instances that belong together
// share one: an entity "@n@k" lies at the hash of "n~k", an agent turn
// "dafx-...~..." at the hash of what stands before its last "~" (so with the
// session it belongs to), any other instance at the hash of its id.
func ShardOf(id string) Shard {
	switch {
	case strings.HasPrefix(id, "@"):
		if name, key, ok := strings.Cut(id[1:], "@"); ok {
			id = name + "~" + key
		}
	case strings.HasPrefix(id, "dafx-"):
		if i := strings.LastIndexByte(id, '~'); i > 0 {
			id = id[:i]
		}
	}
	h := fnv.New32a()
	h.Write([]byte(id))
	sum := h.Sum32()
	return Shard(sum ^ sum>>8 ^ sum>>16 ^ sum>>24)
}

// InstanceKind tells orchestrations from entities.
type InstanceKind uint8

// The kinds of instances.
const (
	Orchestration InstanceKind = 0
	Entity        InstanceKind = 1
)

// Status is the status of an instance as lists show and filter it. The numbers
// are stored: append only. They are those of the Durable Task protocol.
type Status uint8

// The statuses. Entities are always Running.
const (
	Running    Status = 0
	Completed  Status = 1
	Continued  Status = 2
	Failed     Status = 3
	Canceled   Status = 4
	Terminated Status = 5
	Pending    Status = 6
	Suspended  Status = 7
)

// Terminal reports whether an instance in this status has ended.
func (s Status) Terminal() bool {
	return s == Completed || s == Failed || s == Canceled || s == Terminated
}

// Phase tells why an instance has not ended. The numbers are stored: append only.
type Phase uint8

// The phases, None for instances that have ended. Of several that apply the
// first of Stuck, WaitingApproval, Retrying, Active, WaitingEvent, WaitingTimer
// is the one recorded.
const (
	NoPhase         Phase = 0
	Stuck           Phase = 1
	WaitingApproval Phase = 2
	Retrying        Phase = 3
	Active          Phase = 4
	WaitingEvent    Phase = 5
	WaitingTimer    Phase = 6
)

// Record is what is known of an instance without its history. Columns that a
// driver indexes are fields; the rest of what lists show is in Packed.
type Record struct {
	ID          string
	Kind        InstanceKind
	Incarnation [16]byte // random, made when the instance is created
	Version     uint64   // number of commits of this incarnation

	// Static columns, set by the first commit of an incarnation.
	Name    string
	Release string // the code's version recorded at start
	Created time.Time
	Parent  string // instance id, "" if none
	Root    string
	Agent   string
	Session string
	Tags    map[string]string

	Execution string // the current branch of the history

	// Indexed columns that change.
	Status     Status
	Phase      Phase
	PhaseSince time.Time
	Completed  time.Time // zero until the end

	// Work tells the owner to load the instance when it takes the shard over:
	// it has steps that must be dispatched, or messages of its own.
	Work bool

	// Packed is encoded by the owner and opaque to drivers.
	Packed []byte
}

// Chunk is what one commit appended to a history branch.
type Chunk struct {
	Seq  uint64 // the instance's version written by that commit
	Data []byte
}

// MessageID makes a message unique: the incarnation and version of the
// instance whose commit sent it, and its place in that commit.
type MessageID struct {
	Source  [16]byte
	Version uint64
	Index   uint32
}

// Message waits in the inbox of its target's shard.
type Message struct {
	Target string
	ID     MessageID
	Data   []byte
}

// Timer is an entry of a shard's timers.
type Timer struct {
	Owner     string
	Due       time.Time // microseconds; drivers keep no finer time
	Execution string    // branch that the timer belongs to
	Task      int32     // number of the timer within the branch
	Data      []byte    // may be nil
}

// RowKind names a kind of rows; a driver knows none of them.
type RowKind uint16

// Row is a piece of durable data of an instance.
type Row struct {
	Kind  RowKind
	Owner string // instance id; the row lies in its shard
	Key   []byte // unique within owner and kind
	Value []byte
	// Index holds up to two keys by which rows of a kind are found in the whole
	// hub; nil = not indexed. Together with Kind, Owner and Key they are unique.
	Index [2][]byte
	// Keep rows survive the purge of their owner.
	Keep bool
	// Delete removes the row instead; Index must name the row's index keys.
	Delete bool
}
