package pebble

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
)

// Options configure Open. The zero value works.
type Options struct {
	// FS is the file system; nil = the disk. Tests pass vfs.NewCrashableMem().
	FS vfs.FS
	// CacheBytes is the size of the block cache, which memtables are charged to;
	// 0 = 32 MB.
	CacheBytes int64
	// MemTableBytes is the size at which a memtable is flushed; 0 = 8 MB. It
	// must be below CacheBytes.
	MemTableBytes int64
	// UnsafeNoSync makes groups count as durable before they are: a power loss
	// takes acknowledged commits away. For measurements only.
	UnsafeNoSync bool
	// WatermarkBytes is the free space below which commits other than purges are
	// refused; 0 = 64 MB, negative = no check.
	WatermarkBytes int64
	// BallastBytes is the size of a file that is given up when space runs out, so
	// that purges still have room; 0 = 16 MB on disk and none on another FS,
	// negative = none.
	BallastBytes int64
	// StallLimit is how long a group may take to become durable before the store
	// counts as failed; 0 = 30 s.
	StallLimit time.Duration
	// FeedBytes bounds the memory of each hub's change feed; 0 = 2 MB.
	FeedBytes int
	// AllowNetworkFS accepts a directory on a network file system, whose locks
	// and syncs cannot be trusted.
	AllowNetworkFS bool
	// Codec changes records, chunks, rows and messages on their way to disk and
	// back; nil = none. A store must always be opened with the codec that it was
	// written with.
	Codec store.Codec
	// Logger gets what operators should know; nil = slog.Default().
	Logger *slog.Logger
	// Now is the clock of leases and of the change feed's age; nil = time.Now.
	Now func() time.Time
}

const (
	defaultCacheBytes     = 32 << 20
	defaultMemTableBytes  = 8 << 20
	defaultWatermarkBytes = 64 << 20
	defaultBallastBytes   = 16 << 20
	defaultStallLimit     = 30 * time.Second
	defaultFeedBytes      = 2 << 20
)

func (o Options) withDefaults() Options {
	if o.BallastBytes == 0 && o.FS == nil {
		o.BallastBytes = defaultBallastBytes
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	setDefault(&o.CacheBytes, defaultCacheBytes)
	setDefault(&o.MemTableBytes, defaultMemTableBytes)
	setDefault(&o.WatermarkBytes, defaultWatermarkBytes)
	setDefault(&o.StallLimit, defaultStallLimit)
	setDefault(&o.FeedBytes, defaultFeedBytes)
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
