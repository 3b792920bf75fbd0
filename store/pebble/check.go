package pebble

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
)

// What Check takes for odd.
const (
	suspectSync = 50 * time.Microsecond // no disk is that fast, and few with a battery
	slowSync    = 50 * time.Millisecond
	syncTries   = 30
	roomLeast   = 1 << 30
	clockSlack  = time.Minute
)

// Check examines a directory without changing what is in it: whether it can be used, and
// what may make it lose work or be slow. Another process may have it open, this one must
// not. It writes a file of a few KB there, and removes it.
func Check(dir string) []store.Finding {
	c := checkup{dir: dir, room: dir}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.found("folder", store.Fine, "there is none yet; it is made when a server starts")
		if c.room = existing(dir); c.room == "" {
			return c.findings
		}
	case err != nil:
		c.found("folder", store.Problem, "%v", err)
		return c.findings
	case !info.IsDir():
		c.found("folder", store.Problem, "%s is no directory; name another one", dir)
		return c.findings
	default:
		c.folder()
		c.mode(info)
		c.clock()
	}
	c.fileSystem()
	c.space()
	c.sync()
	return c.findings
}

// CheckOpen is Check for the process that has the directory open.
func CheckOpen(dir string) []store.Finding {
	c := checkup{dir: dir, room: dir}
	info, err := os.Stat(dir)
	if err != nil {
		c.found("folder", store.Problem, "%v", err)
		return c.findings
	}
	c.found("folder", store.Fine, "this server has it open")
	c.mode(info)
	c.clock()
	c.fileSystem()
	c.space()
	c.sync()
	return c.findings
}

// checkup is a Check under way.
type checkup struct {
	dir      string
	room     string // dir, or what there is of it
	findings []store.Finding
}

func (c *checkup) found(subject string, s store.Severity, format string, args ...any) {
	c.findings = append(c.findings, store.Finding{Subject: subject, Severity: s, Text: fmt.Sprintf(format, args...)})
}

// existing returns the next directory above that exists.
func existing(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	for at := filepath.Dir(abs); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			return at
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

// folder looks at what is in the directory, and whether it is in use.
func (c *checkup) folder() {
	empty, err := checkFormat(vfs.Default, c.dir)
	switch {
	case errors.Is(err, store.ErrFormat):
		c.found("folder", store.Problem, "%v: another program or a newer perdure has written it; choose another folder, or use that version", err)
		return
	case err != nil:
		c.found("folder", store.Problem, "%v; whoever runs the server must own the folder", err)
		return
	case empty:
		c.found("folder", store.Fine, "empty")
		return
	}
	lock, err := openLock(vfs.Default, c.dir)
	switch {
	case errors.Is(err, store.ErrLocked):
		c.found("folder", store.Fine, "a server has it open")
	case err != nil:
		c.found("folder", store.Problem, "%v; whoever runs the server must own the folder", err)
	default:
		_ = lock.Close() // it was for looking only
		c.found("folder", store.Fine, "no server has it open")
	}
}

// mode looks who may read it.
func (c *checkup) mode(info fs.FileInfo) {
	if open := info.Mode().Perm() &^ dirMode; open != 0 {
		c.found("permissions", store.Warning, "%v: others can read what users and agents have said; chmod 700 %s", info.Mode().Perm(), c.dir)
		return
	}
	c.found("permissions", store.Fine, "only its owner reads it")
}

// clock compares the clock with the times of the files.
func (c *checkup) clock() {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return // folder has told
	}
	now := time.Now()
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.ModTime().After(now.Add(clockSlack)) {
			c.found("clock", store.Warning, "%s is from %v, and it is %v: the clock was moved back; timers wait until it has caught up",
				e.Name(), info.ModTime().UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
			return
		}
	}
	c.found("clock", store.Fine, "no file is from the future")
}

func (c *checkup) fileSystem() {
	if err := refuseNetworkFS(c.room); err != nil {
		c.found("file system", store.Problem, "%v: locks and syncs there cannot be trusted; choose a folder on a local disk", err)
		return
	}
	c.found("file system", store.Fine, "none of a network, as far as is known")
}

func (c *checkup) space() {
	usage, err := vfs.Default.GetDiskUsage(c.room)
	if err != nil {
		c.found("space", store.Warning, "what is free cannot be told: %v", err)
		return
	}
	free := int64(usage.AvailBytes)
	switch {
	case free < defaultWatermarkBytes:
		c.found("space", store.Problem, "%d MB are free; below %d MB nothing is accepted: free some", free>>20, defaultWatermarkBytes>>20)
	case free < roomLeast:
		c.found("space", store.Warning, "%d MB are free; below %d MB nothing is accepted", free>>20, defaultWatermarkBytes>>20)
	default:
		c.found("space", store.Fine, "%d GB are free", free>>30)
	}
}

// sync measures how long it takes until something is on disk.
func (c *checkup) sync() {
	took, err := syncTime(c.room)
	if err != nil {
		c.found("sync", store.Problem, "nothing can be written: %v", err)
		return
	}
	shown := took.Round(time.Microsecond)
	switch {
	case took < suspectSync:
		c.found("sync", store.Warning, "%v: so fast that a power cut may take away what was acknowledged; is it a disk in memory, or one that only says that it has written?", shown)
	case took > slowSync:
		c.found("sync", store.Warning, "%v: each commit waits for one; choose a faster disk", shown)
	default:
		c.found("sync", store.Fine, "%v", shown)
	}
}

// syncTime returns how long a write and its sync take in a directory: half of them take
// longer.
func syncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, ".perdure-doctor-*")
	if err != nil {
		return 0, err
	}
	times, err := syncTimes(f)
	err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	if err != nil {
		return 0, err
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func syncTimes(f *os.File) (times []time.Duration, err error) {
	block := make([]byte, 4096)
	for range syncTries {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(began))
	}
	return times, nil
}
