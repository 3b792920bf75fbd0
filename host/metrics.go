package host

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/local"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/store"
)

// counted is a hub that is carried on in this process, with what that counts.
type counted interface {
	Stats() *shard.Stats
	Waiting() int
	Backlog(ctx context.Context) ([]hub.Backlog, error)
}

var (
	_ counted = (*local.Hub)(nil)
	_ counted = (*nodeHub)(nil)
)

// measured is a place that knows what it takes of the machine.
type measured interface {
	measure(ctx context.Context) (store.Stats, error)
}

// scrapeTime bounds how long what is counted is collected.
const scrapeTime = 5 * time.Second

// metrics implements httpapi.Metrics: what is counted, in the text format of
// Prometheus. Everything is read when it is asked for.
func (h *hubs) metrics(w http.ResponseWriter, r *http.Request, seen func(hub string) bool) {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTime)
	defer cancel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(&scrape{ctx: ctx, hubs: h, seen: seen})
	if seen(access.AnyHub) {
		registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).ServeHTTP(w, r)
}

// scrape collects what is counted once, for one caller.
type scrape struct {
	ctx  context.Context
	hubs *hubs
	seen func(hub string) bool
	to   chan<- prometheus.Metric
}

// Describe implements prometheus.Collector: what there is depends on the hubs.
func (*scrape) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *scrape) Collect(to chan<- prometheus.Metric) {
	s.to = to
	for _, name := range s.hubs.Names() {
		if !s.seen(name) {
			continue
		}
		if served, err := s.hubs.get(s.ctx, name); err == nil {
			s.hub(name, served)
		}
	}
	if s.seen(access.AnyHub) {
		s.process()
	}
}

// hub collects what is counted about a hub.
func (s *scrape) hub(name string, served *served) {
	s.rpcs(name)
	local, ok := served.hub.(counted)
	if !ok {
		return // another process carries it on
	}
	st := local.Stats()
	for _, c := range []struct {
		name, help string
		n          int64
	}{
		{"perdure_commits_total", "Commits that are durable.", st.Commits.Load()},
		{"perdure_commits_refused_total", "Commits that another owner was before.", st.Refused.Load()},
		{"perdure_lease_takeovers_total", "Shards taken whose last holder had not given them back.", st.Takeovers.Load()},
		{"perdure_leases_lost_total", "Shards lost to another node, or because their time ran out.", st.LeasesLost.Load()},
		{"perdure_warm_hits_total", "Turns of orchestrations whose history was in memory.", st.WarmHits.Load()},
		{"perdure_warm_misses_total", "Turns of orchestrations whose history had to be read and replayed.", st.WarmMisses.Load()},
		{"perdure_workers_lost_total", "Streams of workers that ended without a word.", st.WorkersLost.Load()},
		{"perdure_parked_total", "Activities, turns and batches that were lost too often and are not tried again.", st.Parked.Load()},
		{"perdure_shed_total", "Calls refused because there was more to do than this node can.", st.Shed.Load()},
		{"perdure_retention_purged_total", "Runs that were deleted because of their age.", st.Purged.Load()},
	} {
		s.add(prometheus.CounterValue, c.name, c.help, float64(c.n), "hub", name)
	}
	s.add(prometheus.GaugeValue, "perdure_leases_held", "Shards that this node holds.", float64(st.Leases.Load()), "hub", name)
	s.add(prometheus.GaugeValue, "perdure_starts_waiting", "Starts and messages to agents that wait for the engine to have room.", float64(local.Waiting()), "hub", name)
	s.add(prometheus.GaugeValue, "perdure_workers", "Workers of other processes that are connected.", float64(st.Workers.Load()), "hub", name)
	if nodes, ok := served.hub.(*nodeHub); ok {
		s.add(prometheus.GaugeValue, "perdure_nodes", "Nodes that live as far as this one knows.", float64(len(nodes.owner.Members())), "hub", name)
		s.add(prometheus.GaugeValue, "perdure_nodes_unreached", "Nodes that this one works with through the database only.", float64(len(nodes.Unreached())), "hub", name)
	}
	s.histogram("perdure_group_commits", "Commits written together.", st.GroupSize, name)
	s.histogram("perdure_commit_seconds", "From when a commit was asked for until it was durable.", st.CommitTime, name)
	s.histogram("perdure_store_seconds", "From when a group was handed to the store until it was durable.", st.StoreTime, name)
	s.histogram("perdure_timer_late_seconds", "From when a timer was due until it fired.", st.TimerLate, name)
	s.backlog(name, local)
	s.instances(name, served)
}

func (s *scrape) backlog(hub string, local counted) {
	list, err := local.Backlog(s.ctx)
	if err != nil {
		return // the hub is stopping
	}
	for _, b := range list {
		waiting := "waiting"
		if !b.Served {
			waiting = "unserved"
		}
		for state, n := range map[string]int{waiting: b.Waiting, "running": b.Running} {
			if n > 0 {
				s.add(prometheus.GaugeValue, "perdure_backlog", "Work that is ready: it waits, runs, or nobody is here who takes it (unserved).",
					float64(n), "hub", hub, "kind", b.Kind, "name", b.Name, "version", b.Version, "state", state)
			}
		}
	}
}

func (s *scrape) instances(hub string, served *served) {
	counts, err := served.hub.Counts(s.ctx)
	if err != nil {
		return
	}
	type cell struct{ kind, status, phase string }
	sums := make(map[cell]int64)
	for _, c := range counts {
		kind := "orchestration"
		if c.Kind == store.Entity {
			kind = "entity"
		}
		sums[cell{kind, client.StatusName(c.Status), client.PhaseName(c.Phase)}] += c.N
	}
	for c, n := range sums {
		s.add(prometheus.GaugeValue, "perdure_instances", "Instances that there are, by status and, of those that have not ended, by phase.",
			float64(n), "hub", hub, "kind", c.kind, "status", c.status, "phase", c.phase)
	}
}

// rpcs collects what was called in a hub; "" = in hubs that there are not.
func (s *scrape) rpcs(hub string) {
	s.hubs.front.rpc.calls.each(hub, func(method, code string, n int64) {
		s.add(prometheus.CounterValue, "perdure_rpcs_total", "Calls of gRPC that have ended.", float64(n), "hub", hub, "method", method, "code", code)
	})
}

// process collects what is about the process as a whole.
func (s *scrape) process() {
	s.rpcs("")
	version, commit, release := build()
	s.add(prometheus.GaugeValue, "perdure_build_info", "The build that runs.", 1, "version", version, "commit", commit, "go", release)
	place, ok := s.hubs.place.(measured)
	if !ok {
		return
	}
	st, err := place.measure(s.ctx)
	if err != nil {
		return
	}
	s.add(prometheus.GaugeValue, "perdure_store_disk_bytes", "What the store takes on disk.", float64(st.DiskBytes))
	s.add(prometheus.GaugeValue, "perdure_store_free_bytes", "What is free on the store's disk; 0 = not known.", float64(st.FreeBytes))
	s.add(prometheus.GaugeValue, "perdure_store_memory_bytes", "Memory that the store takes.", float64(st.MemoryBytes))
	s.add(prometheus.CounterValue, "perdure_store_syncs_total", "Syncs of the store to its disk.", float64(st.Syncs))
}

// add collects a value, with pairs of a label's name and value. What Prometheus cannot
// take is left out.
func (s *scrape) add(kind prometheus.ValueType, name, help string, v float64, pairs ...string) {
	labels := make(prometheus.Labels, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	if m, err := prometheus.NewConstMetric(prometheus.NewDesc(name, help, nil, labels), kind, v); err == nil {
		s.to <- m
	}
}

func (s *scrape) histogram(name, help string, h *shard.Histogram, hub string) {
	d := h.Read()
	upTo := make(map[float64]uint64, len(d.UpTo))
	for bound, n := range d.UpTo {
		upTo[bound] = uint64(n)
	}
	desc := prometheus.NewDesc(name, help, nil, prometheus.Labels{"hub": hub})
	if m, err := prometheus.NewConstHistogram(desc, uint64(d.Count), d.Sum, upTo); err == nil {
		s.to <- m
	}
}
