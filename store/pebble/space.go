package pebble

import (
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
)

const (
	ballastName = "BALLAST"
	spaceEvery  = time.Second // between looks at the free space
	spaceGroups = 1000        // groups between looks, at most
)

// spaceGuard is the watermark: it refuses commits while there is little space
// left, and gives up the ballast before it is used up.
type spaceGuard struct {
	fs        vfs.FS
	dir       string
	watermark int64
	ballast   int64
	state     *failState

	mu     sync.Mutex // guards the rest
	looked time.Time
	groups int
	low    bool
	left   int64 // free bytes when last looked
	held   bool  // the ballast exists
}

func newSpaceGuard(dir string, o *Options, state *failState) *spaceGuard {
	s := &spaceGuard{fs: o.FS, dir: dir, watermark: o.WatermarkBytes, ballast: o.BallastBytes, state: state}
	_, err := s.fs.Stat(s.path())
	s.held = err == nil
	return s
}

func (s *spaceGuard) path() string { return s.fs.PathJoin(s.dir, ballastName) }

// admit refuses a group with ErrNoSpace below the watermark. Purges pass: they
// make room.
func (s *spaceGuard) admit(g *store.Group) error {
	if s.watermark < 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups++
	if now := time.Now(); s.low || s.groups >= spaceGroups || now.Sub(s.looked) >= spaceEvery {
		s.looked, s.groups = now, 0
		s.look()
	}
	if !s.low {
		return nil
	}
	for _, c := range g.Commits {
		if !c.Purge {
			return s.short()
		}
	}
	return nil
}

// look measures the free space and gives up or takes back the ballast.
func (s *spaceGuard) look() {
	usage, err := s.fs.GetDiskUsage(s.dir)
	if err != nil {
		s.low, s.left = false, 0 // unknown: the engine will tell
		return
	}
	s.left = int64(usage.AvailBytes)
	s.low = s.left < s.watermark
	switch {
	case s.left < s.watermark/4 && s.held:
		s.held = s.fs.Remove(s.path()) != nil
	case s.left > 2*s.watermark+s.ballast && !s.held && s.ballast > 0:
		s.held = s.makeBallast() == nil
	}
}

// makeBallast makes the ballast, as far as the file system reserves space.
func (s *spaceGuard) makeBallast() error {
	f, err := s.fs.Create(s.path(), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	err = f.Preallocate(0, s.ballast)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// check looks at once and returns ErrNoSpace below the watermark.
func (s *spaceGuard) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.look(); s.low {
		return s.short()
	}
	return nil
}

// short is the error of what needs space.
func (s *spaceGuard) short() error {
	return fmt.Errorf("%w: %d bytes free, %d wanted", store.ErrNoSpace, s.left, s.watermark)
}

// free looks at once and returns the free bytes, 0 if they are unknown.
func (s *spaceGuard) free() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
	return s.left
}
