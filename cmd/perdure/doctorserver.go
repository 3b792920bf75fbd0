package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/perdure/perdure/store"
)

// What the doctor takes for odd of a server.
const (
	skewLimit = 3 * time.Second // its clock is told in seconds
	slowStore = 0.1             // seconds until a group is durable, on average
	roomLeast = 1 << 30         // bytes free
	beatLimit = 10 * time.Second
)

// server checks a running server.
func (r *report) server(ctx context.Context, s *server) {
	began := time.Now()
	var info struct {
		Version, Data, Model string
		Hub                  string
		Orchestrations       []string
		Workers              int
	}
	if err := s.get(ctx, "/api/v1/info", &info); err != nil {
		r.broken("server", err)
		return
	}
	r.add("server", "ok", fmt.Sprintf("%s answers in %s, version %s, data in %s", s.label, short(time.Since(began)), info.Version, info.Data), "")
	var ready struct{ Status string }
	if err := s.get(ctx, "/readyz", &ready); err != nil {
		r.broken("ready", err)
	} else {
		r.add("ready", "ok", "the hub serves", "")
	}
	r.open(ctx, s)
	r.health(ctx, s)
	r.store(ctx, s)
	code := fmt.Sprintf("%d orchestrations are registered, %d workers of other processes are connected to the hub %s",
		len(info.Orchestrations), info.Workers, info.Hub)
	if len(info.Orchestrations) == 0 && info.Workers == 0 {
		r.add("code", "warn", code+": nothing runs", "connect a worker: Endpoint="+s.url+";TaskHub="+info.Hub+";Authentication=None")
	} else {
		r.add("code", "ok", code, "")
	}
	var counts struct{ Total int64 }
	if err := s.get(ctx, "/api/v1/run-counts?group=phase&filter=phase:stuck", &counts); err != nil {
		r.broken("runs", err)
	} else if counts.Total > 0 {
		r.add("runs", "warn", fmt.Sprintf("%d runs are stuck", counts.Total), "perdure run list --filter phase:stuck names them and the cause")
	} else {
		r.add("runs", "ok", "none is stuck", "")
	}
	r.metrics(ctx, s)
}

// store tells what the server finds of the folder or database in which it keeps its state.
func (r *report) store(ctx context.Context, s *server) {
	var page struct{ Items []finding }
	err := s.get(ctx, "/api/v1/doctor", &page)
	if f := (*failure)(nil); errors.As(err, &f) && f.code == exitNotFound {
		return // an older server, which cannot tell
	}
	if err != nil {
		r.broken("store", err)
		return
	}
	for _, f := range page.Items {
		r.add(f.Check, f.State, f.Text, f.Next)
		if f.State == "fail" {
			r.failed = first(r.failed, fail(exitError, "", "%s: %s", f.Check, f.Text))
		}
	}
}

// open warns of a server that everybody may use who reaches it.
func (r *report) open(ctx context.Context, s *server) {
	u, err := url.Parse(s.url)
	if err != nil || isLoopback(u.Hostname()) || s.header.Get("Authorization") != "" {
		return
	}
	if _, err := s.text(ctx, "/api/v1/info"); err == nil {
		r.add("access", "warn", "whoever reaches "+s.url+" may do everything, without a token", "start it with --tokens FILE; perdure token new makes the first one")
	}
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// health looks at the server's clock and, if it is one of several nodes, at how it is.
func (r *report) health(ctx context.Context, s *server) {
	began := time.Now()
	answer, err := s.send(ctx, http.MethodGet, "/healthz", nil)
	if err != nil {
		r.broken("health", err)
		return
	}
	_ = answer.Body.Close() // only the head matters
	if theirs, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		skew := theirs.Sub(began).Round(time.Second)
		if skew.Abs() > skewLimit {
			r.add("clock", "warn", fmt.Sprintf("the server's clock is %v off this machine's", skew), "have both follow a time server (NTP)")
		} else {
			r.add("clock", "ok", "the server's clock and this machine's agree", "")
		}
	}
	var health struct {
		Node *struct {
			Name            string
			Members, Shards int
			LastBeat        time.Time `json:"last_beat"`
			Unreached       []string
			Error           string
		}
	}
	if err := s.get(ctx, "/healthz", &health); err != nil {
		r.broken("health", err)
		return
	}
	n := health.Node
	if n == nil {
		return
	}
	text := fmt.Sprintf("node %s of %d, with %d shards", n.Name, n.Members, n.Shards)
	switch {
	case n.Error != "":
		r.add("node", "warn", text+": "+n.Error, "perdure doctor --hub postgres://... looks at the database")
	case !n.LastBeat.IsZero() && time.Since(n.LastBeat) > beatLimit:
		r.add("node", "warn", fmt.Sprintf("%s, which has told the database for %s that it lives no more", text, short(time.Since(n.LastBeat))), "look at the node's log")
	case len(n.Unreached) > 0:
		r.add("node", "warn", fmt.Sprintf("%s, which does not reach %s: they work together through the database, more slowly", text, strings.Join(n.Unreached, ", ")),
			"open the port between the nodes, or correct --advertise")
	default:
		r.add("node", "ok", text, "")
	}
}

// text reads an answer as it is.
func (s *server) text(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	answer, err := s.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(answer.Body, 64<<20))
	if err == nil && answer.StatusCode >= 400 {
		return "", refused(answer.StatusCode, data)
	}
	return string(data), err
}

// metrics looks at what the server counts.
func (r *report) metrics(ctx context.Context, s *server) {
	text, err := s.text(ctx, "/metrics")
	if err != nil {
		r.add("metrics", "warn", "they cannot be read: "+oneLine(err), "")
		return
	}
	unserved := 0
	for _, sample := range samplesOf(text, "perdure_backlog") {
		if sample.labels["state"] == "unserved" && unserved < 10 {
			unserved++
			r.add("backlog", "warn", fmt.Sprintf("%g of %s %s wait in hub %s, and no worker that is connected takes them",
				sample.value, sample.labels["kind"], sample.labels["name"], sample.labels["hub"]), "start a worker with that code")
		}
	}
	if unserved == 0 {
		r.add("backlog", "ok", "whatever waits has a worker", "")
	}
	var groups, seconds float64
	for _, sample := range samplesOf(text, "perdure_store_seconds_count") {
		groups += sample.value
	}
	for _, sample := range samplesOf(text, "perdure_store_seconds_sum") {
		seconds += sample.value
	}
	if mean := seconds / max(groups, 1); groups == 0 {
		r.add("store", "ok", "nothing was written since the start", "")
	} else if mean > slowStore {
		r.add("store", "warn", fmt.Sprintf("groups take %.0f ms until they are durable", 1000*mean), "look at the disk, or the database, and what else uses it")
	} else {
		r.add("store", "ok", fmt.Sprintf("groups take %.1f ms until they are durable", 1000*mean), "")
	}
	if slices.ContainsFunc(r.findings, func(f finding) bool { return f.Check == "space" }) {
		return // the store has told
	}
	for _, sample := range samplesOf(text, "perdure_store_free_bytes") {
		if sample.value > 0 && sample.value < roomLeast {
			r.add("space", "warn", fmt.Sprintf("%.0f MB are free on the store's disk; below 64 MB nothing is accepted", sample.value/(1<<20)), "free some, or keep runs for less long (--retention)")
		}
	}
}

// sample is a line of Prometheus' text.
type sample struct {
	labels map[string]string
	value  float64
}

var (
	sampleForm = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? (\S+)$`)
	labelForm  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// samplesOf returns the samples of a metric.
func samplesOf(text, name string) (list []sample) {
	for line := range strings.SplitSeq(text, "\n") {
		m := sampleForm.FindStringSubmatch(line)
		if m == nil || m[1] != name {
			continue
		}
		s := sample{labels: make(map[string]string)}
		var err error
		if s.value, err = strconv.ParseFloat(m[3], 64); err != nil {
			continue
		}
		for _, l := range labelForm.FindAllStringSubmatch(m[2], -1) {
			if s.labels[l[1]], err = strconv.Unquote(`"` + l[2] + `"`); err != nil {
				s.labels[l[1]] = l[2]
			}
		}
		list = append(list, s)
	}
	return list
}

// node checks whether a node can be reached at the address that it tells others.
func (r *report) node(ctx context.Context, n store.Node) {
	if n.Advertise == "" {
		r.add("node", "warn", "node "+n.Name+" tells no address: others reach it through the database only, more slowly", "give it one that the other nodes reach: --advertise host:port")
		return
	}
	if err := reach(ctx, n.Advertise); err != nil {
		r.add("node", "warn", fmt.Sprintf("node %s cannot be reached from here at %s: %v", n.Name, n.Advertise, err),
			"if that is so from the other nodes too, they work with it through the database, more slowly: open the port between them, or correct --advertise")
		return
	}
	r.add("node", "ok", fmt.Sprintf("node %s can be reached at %s", n.Name, n.Advertise), "")
}

// reachLimit is how long a node may take to answer.
const reachLimit = 3 * time.Second

// reach connects to an address, which may be a URL.
func reach(ctx context.Context, address string) error {
	if _, host, isURL := strings.Cut(address, "://"); isURL {
		address = strings.TrimSuffix(host, "/")
	}
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return err
	}
	return conn.Close()
}
