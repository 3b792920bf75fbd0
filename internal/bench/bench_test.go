package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure/internal/bench"
)

// quick returns a configuration that takes moments.
func quick(workload, store string) bench.Config {
	return bench.Config{Workload: workload, Store: store, ProbeTime: time.Millisecond, IdleTime: 10 * time.Millisecond}
}

// measure runs a workload that must not fail.
func measure(t *testing.T, cfg bench.Config) *bench.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := bench.Run(ctx, cfg)
	if err != nil {
		t.Fatalf("Run(%s) = %v", cfg.Workload, err)
	}
	if r.Interrupted {
		t.Fatalf("Run(%s) took longer than a minute", cfg.Workload)
	}
	return r
}

// names returns the members of a JSON object in their order.
func names(t *testing.T, line string) (names []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(line))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name.(string))
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestWorkloads(t *testing.T) {
	const (
		always = "workload store nodes remote in_flight count steps payload seconds per_second p50_ms p99_ms " +
			"cpu_seconds_per_1000_activities worker_cpu_seconds_per_1000_activities rss_mb disk_bytes disk_syncs_per_second commits syncs groups cpu_probe_ms interrupted"
		flat   = " first_ms last_ms ratio first_cpu_ms last_cpu_ms cpu_ratio"
		parked = " started_seconds drained_seconds rss_empty_mb rss_parked_mb rss_settled_mb parked_disk_bytes " +
			"disk_bytes_each idle_cpu_percent parked"
	)
	for _, test := range []struct {
		workload     string
		count, steps int
		fields       string
	}{
		{bench.Sequence, 20, 5, always},
		{bench.Sequence, 2, 300, always + flat},
		{bench.Fanout, 2, 50, always},
		{bench.Event, 20, 0, always},
		{bench.Parked, 40, 0, always + parked},
		{bench.Session, 3, 0, always},
		{bench.Session, 300, 0, always + flat},
	} {
		for _, s := range []string{bench.Memory, bench.Pebble} {
			t.Run(test.workload+"/"+s, func(t *testing.T) {
				cfg := quick(test.workload, s)
				cfg.Count, cfg.Steps = test.count, test.steps
				r := measure(t, cfg)
				line, err := r.Line()
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.Fields(test.fields), names(t, line)); diff != "" {
					t.Errorf("Line() has other fields (-want +got):\n%s", diff)
				}
				if r.Count != test.count {
					t.Errorf("count = %d, want %d", r.Count, test.count)
				}
				if r.Seconds <= 0 || r.PerSecond <= 0 || r.P50 <= 0 || r.P99 < r.P50 || r.DiskSyncs <= 0 || r.CPUProbe <= 0 || r.RSS <= 0 || r.Commits <= 0 || r.Groups <= 0 {
					t.Errorf("Line() = %s, want figures above 0", line)
				}
			})
		}
	}
}

// TestRemote measures over both ways in which a worker speaks with a hub.
func TestRemote(t *testing.T) {
	for _, way := range []string{bench.Own, bench.Protocol} {
		for _, workload := range []string{bench.Sequence, bench.Fanout, bench.Event} {
			cfg := quick(workload, bench.Memory)
			cfg.Remote, cfg.Count = way, 5
			if r := measure(t, cfg); r.Count != 5 || r.Remote != way || r.Commits <= 0 || r.P50 <= 0 {
				t.Errorf("Run(%s over %s) = %+v, want 5 units and figures above 0", workload, way, r)
			}
		}
	}
}

// A chain of activities costs a commit for its start and one for each result.
func TestSequenceCommits(t *testing.T) {
	for _, s := range []string{bench.Memory, bench.Pebble} {
		cfg := quick(bench.Sequence, s)
		cfg.Count, cfg.InFlight = 25, 1
		r := measure(t, cfg)
		if got, want := r.Commits, int64(6*cfg.Count); got != want {
			t.Errorf("%s: %d orchestrations made %d commits, want %d", s, cfg.Count, got, want)
		}
	}
}

func TestParkedFigures(t *testing.T) {
	cfg := quick(bench.Parked, bench.Pebble)
	cfg.Count = 200
	r := measure(t, cfg)
	if r.StoredParked != cfg.Count || r.BytesEach <= 0 || r.Started <= 0 || r.Drained <= 0 || r.RSSSettled <= 0 {
		t.Errorf("Run(parked) = %+v, want figures above 0", r.Parking)
	}
	if got, want := r.Commits, int64(2*cfg.Count); got != want {
		t.Errorf("%d parked instances made %d commits, want %d", cfg.Count, got, want)
	}
}

func TestWindow(t *testing.T) {
	for _, workload := range []string{bench.Sequence, bench.Fanout, bench.Event} {
		cfg := quick(workload, bench.Memory)
		cfg.For = 50 * time.Millisecond
		r := measure(t, cfg)
		if r.Count == 0 || r.Seconds < cfg.For.Seconds() {
			t.Errorf("Run(%s for %v): %d units in %v s, want some and all of the window", workload, cfg.For, r.Count, r.Seconds)
		}
	}
}

func TestInterrupted(t *testing.T) {
	for _, workload := range []string{bench.Sequence, bench.Event, bench.Parked, bench.Session} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r, err := bench.Run(ctx, quick(workload, bench.Memory))
		if err != nil {
			t.Errorf("Run(%s, interrupted) = %v, want what was measured", workload, err)
		} else if !r.Interrupted {
			t.Errorf("Run(%s, interrupted) = %+v, want it marked", workload, r)
		}
	}
}

func TestDataFolder(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dir := filepath.Join(t.TempDir(), "data")
	cfg := quick(bench.Sequence, bench.Pebble)
	cfg.Count = 3
	measure(t, cfg)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("after Run() the temporary folder has %v (%v), want nothing", left, err)
	}
	cfg.Dir = dir
	for range 2 { // a folder can be used again
		measure(t, cfg)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) == 0 {
		t.Errorf("after Run() the data folder has %v (%v), want it kept", left, err)
	}
}

func TestProfiles(t *testing.T) {
	cfg := quick(bench.Sequence, bench.Memory)
	cfg.Count = 3
	dir := t.TempDir()
	cfg.CPUProfile, cfg.MemProfile = filepath.Join(dir, "cpu"), filepath.Join(dir, "mem")
	measure(t, cfg)
	for _, name := range []string{cfg.CPUProfile, cfg.MemProfile} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("profile %s: %v, %v, want some bytes", name, info, err)
		}
	}
	cfg.CPUProfile = filepath.Join(dir, "missing", "cpu")
	if _, err := bench.Run(t.Context(), cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run(profile into a missing folder) = %v, want %v", err, os.ErrNotExist)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		change func(*bench.Config)
		want   string
	}{
		{func(c *bench.Config) { c.Workload = "walk" }, `no workload "walk"`},
		{func(c *bench.Config) { c.Store = "tape" }, `no store "tape"`},
		{func(c *bench.Config) { c.InFlight = -1 }, "in flight is -1"},
		{func(c *bench.Config) { c.Count = -1 }, "count is -1"},
		{func(c *bench.Config) { c.Steps = -1 }, "steps is -1"},
		{func(c *bench.Config) { c.Payload = -1 }, "payload is -1"},
		{func(c *bench.Config) { c.Payload = 9 << 20 }, "payload is 9437184"},
		{func(c *bench.Config) { c.For = -time.Second }, "the window is -1s"},
		{func(c *bench.Config) { c.For, c.Count = time.Second, 1 }, "not both"},
		{func(c *bench.Config) { c.Workload, c.For = bench.Parked, time.Second }, "parked has no window"},
		{func(c *bench.Config) { c.Workload, c.Steps = bench.Event, 2 }, "event has no steps"},
		{func(c *bench.Config) { c.Workload, c.InFlight = bench.Session, 2 }, "one turn at a time"},
		{func(c *bench.Config) { c.Store, c.Dir = bench.Memory, "x" }, "no data folder"},
		{func(c *bench.Config) { c.Remote = "pigeon" }, `"pigeon"`},
		{func(c *bench.Config) { c.Workload, c.Remote = bench.Parked, bench.Own }, "not parked"},
	} {
		cfg := quick(bench.Sequence, "")
		test.change(&cfg)
		r, err := bench.Run(t.Context(), cfg)
		if !errors.Is(err, bench.ErrConfig) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Run(%+v) = %v, %v, want an error with %q", cfg, r, err, test.want)
		}
	}
}

// Each figure of a workload's line is explained, and no other.
func TestFigures(t *testing.T) {
	for _, test := range []struct {
		workload string
		result   bench.Result
	}{
		{bench.Sequence, bench.Result{Flat: &bench.Flat{}}},
		{bench.Fanout, bench.Result{}},
		{bench.Event, bench.Result{}},
		{bench.Parked, bench.Result{Parking: &bench.Parking{}}},
		{bench.Session, bench.Result{Flat: &bench.Flat{}, Folding: &bench.Folding{}}},
		{bench.Chat, bench.Result{Chatting: &bench.Chatting{}}},
	} {
		line, err := test.result.Line()
		if err != nil {
			t.Fatal(err)
		}
		var explained []string
		for _, f := range bench.Figures(test.workload) {
			explained = append(explained, f.Name)
			if f.Text == "" || !strings.Contains(bench.Explain(test.workload), f.Text) {
				t.Errorf("Explain(%s) says nothing of %s", test.workload, f.Name)
			}
		}
		if diff := cmp.Diff(names(t, line), explained); diff != "" {
			t.Errorf("Figures(%s) differ from the line (-line +explained):\n%s", test.workload, diff)
		}
	}
}

// TestChat takes turns over HTTP.
func TestChat(t *testing.T) {
	cfg := quick(bench.Chat, bench.Pebble)
	cfg.Sessions, cfg.Rate, cfg.For = 10, 50, 200*time.Millisecond
	r := measure(t, cfg)
	if r.Count != 10 || r.Overhead99 <= 0 || r.Token99 <= 0 || r.P50 < 50 || r.RSSMax <= 0 {
		t.Errorf("Run(chat) = %+v with %+v, want 10 turns of more than 50 ms", r, r.Chatting)
	}
}

// TestFoldedSession folds the turns of a session and goes on with it.
func TestFoldedSession(t *testing.T) {
	cfg := quick(bench.Session, bench.Pebble)
	cfg.Count, cfg.Payload, cfg.Fold = 40, 2048, true
	r := measure(t, cfg)
	if r.Folding == nil || r.Reopen <= 0 || r.TextBytes != 2*40*2048 || r.FoldedBytes < r.TextBytes/2 || r.FoldedBytes > 8*r.TextBytes {
		t.Errorf("Run(session) = %+v with %+v, want the folded session measured", r, r.Folding)
	}
}
