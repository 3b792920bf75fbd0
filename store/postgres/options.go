package postgres

import (
	"log/slog"
	"time"

	"github.com/perdure/perdure/store"
)

// Options configure Open. The zero value works.
type Options struct {
	// Connections is how many connections reads share; 0 = 8. Each committer of
	// a hub has one more, and the process one to listen on.
	Connections int
	// Patience is how long a call waits for a database that cannot be reached
	// before it fails; 0 = 10 s.
	Patience time.Duration
	// NoMigrate refuses a database whose schema is older than this version's or
	// missing, instead of bringing it up to date.
	NoMigrate bool
	// Codec changes records, chunks, rows and messages on their way to the
	// database and back; nil = none. A database must always be opened with the
	// codec that it was written with.
	Codec store.Codec
	// Logger gets what operators should know; nil = slog.Default().
	Logger *slog.Logger
}

const (
	defaultConnections = 8
	defaultPatience    = 10 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Connections <= 0 {
		o.Connections = defaultConnections
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
