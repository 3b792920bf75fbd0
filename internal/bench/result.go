package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Result is what a workload measured. Its JSON is one line; the help tags
// explain the figures (see Figures).
type Result struct {
	Workload    string  `json:"workload" help:"what was run"`
	Store       string  `json:"store" help:"pebble (synced to disk), memory or postgres; of a database disk_bytes, commits, syncs and groups are not counted"`
	Nodes       int     `json:"nodes" help:"nodes that share the database; 0 = there is none"`
	Remote      string  `json:"remote" help:"how client and worker reach the hub: own service, protocol alone; empty = they share its process"`
	InFlight    int     `json:"in_flight" help:"units at a time"`
	Count       int     `json:"count" help:"units that ended within the window: orchestrations, fan-outs, events or turns"`
	Steps       int     `json:"steps" help:"activities of one unit; an event or a turn counts as one"`
	Payload     int     `json:"payload" help:"characters of each activity's result, event, input or message"`
	Seconds     float64 `json:"seconds" help:"the window: from the first unit's begin to the last unit's end"`
	PerSecond   float64 `json:"per_second" help:"count / seconds"`
	P50         float64 `json:"p50_ms" help:"median time of one unit as its client sees it"`
	P99         float64 `json:"p99_ms" help:"99 of 100 units took no longer"`
	CPU         float64 `json:"cpu_seconds_per_1000_activities" help:"user and system time of this whole process in the window, by 1,000 steps"`
	WorkerCPU   float64 `json:"worker_cpu_seconds_per_1000_activities" help:"the same of the process with the code, if that is another one (Linux)"`
	RSS         float64 `json:"rss_mb" help:"resident memory of this process (2^20 bytes) at the end of the window"`
	DiskBytes   int64   `json:"disk_bytes" help:"size of the data folder at the end"`
	DiskSyncs   float64 `json:"disk_syncs_per_second" help:"disk probe of this run, before the window: 512 bytes appended to a file of the same folder and synced, one after the other for 1 s"`
	Commits     int64   `json:"commits" help:"commits to instances in the window; 6 for an orchestration with 5 activities"`
	Syncs       int64   `json:"syncs" help:"syncs of the store's log in the window"`
	Groups      int64   `json:"groups" help:"groups in which the commits were written"`
	CPUProbe    float64 `json:"cpu_probe_ms" help:"processor probe of this run, before the window: SHA-256 of 64 MB on one core"`
	Interrupted bool    `json:"interrupted" help:"true if it was ended early"`

	*Flat
	*Parking
	*Folding
	*Chatting
}

// Flat compares the steps of an orchestration, or the turns of a session, with
// the last ones. The time of a step is that from the begin of the activity
// before it to the begin of its own; its processor time is that of the process
// meanwhile, by all steps that the process carried out.
type Flat struct {
	First    float64 `json:"first_ms" help:"median time of steps (turns) 101 to 200; from 300 steps (turns) on"`
	Last     float64 `json:"last_ms" help:"median time of the last 100"`
	Ratio    float64 `json:"ratio" help:"last_ms / first_ms"`
	FirstCPU float64 `json:"first_cpu_ms" help:"processor time of this process for one of 101 to 200; of steps the median over the orchestrations"`
	LastCPU  float64 `json:"last_cpu_ms" help:"the same of the last 100"`
	CPURatio float64 `json:"cpu_ratio" help:"last_cpu_ms / first_cpu_ms"`
}

// Parking is what waiting instances cost.
type Parking struct {
	Started      float64 `json:"started_seconds" help:"until all starts were acknowledged; an instance waits when it is"`
	Drained      float64 `json:"drained_seconds" help:"from the first event until all instances were seen completed"`
	RSSEmpty     float64 `json:"rss_empty_mb" help:"resident memory before the first start, garbage collected and returned to the system"`
	RSSParked    float64 `json:"rss_parked_mb" help:"resident memory right after all were parked"`
	RSSSettled   float64 `json:"rss_settled_mb" help:"the same after garbage was collected and returned to the system"`
	ParkedBytes  int64   `json:"parked_disk_bytes" help:"size of the data folder after flush and compaction, all parked"`
	BytesEach    float64 `json:"disk_bytes_each" help:"what the folder grew by, for each parked instance"`
	IdlePercent  float64 `json:"idle_cpu_percent" help:"processor time of this process in 5 s while all were parked, in percent of one core"`
	StoredParked int     `json:"parked" help:"instances that were parked"`
}

// Folding is what a session costs whose turns have ended a day ago.
type Folding struct {
	FoldSeconds float64 `json:"fold_seconds" help:"until all turns were folded, in a hub whose clock is a day later"`
	FoldedBytes int64   `json:"folded_disk_bytes" help:"size of the data folder after that, flushed and compacted"`
	TextBytes   int64   `json:"text_bytes" help:"what was said in the session, answers included"`
	FoldedRatio float64 `json:"folded_ratio" help:"folded_disk_bytes / text_bytes"`
	Reopen      float64 `json:"reopen_ms" help:"time of a turn of the session, the first thing that a hub does that has just been opened"`
}

// Line returns the result as one line of JSON.
func (r *Result) Line() (string, error) {
	b, err := json.Marshal(r)
	return string(b), err
}

// fill takes over what was measured in the window.
func (r *Result) fill(m *meter, latency *histogram) {
	r.Seconds = round(m.wall.Seconds(), 4)
	r.Commits, r.Syncs, r.Groups = m.commits, m.syncs, m.groups
	if m.wall > 0 {
		r.PerSecond = round(float64(r.Count)/m.wall.Seconds(), 2)
	}
	r.P50, r.P99 = round(latency.milliseconds(0.5), 4), round(latency.milliseconds(0.99), 4)
	if n := r.Count * r.Steps; n > 0 {
		r.CPU, r.WorkerCPU = round(m.cpu.Seconds()*1000/float64(n), 5), round(m.workerCPU.Seconds()*1000/float64(n), 5)
	}
}

// round cuts a figure to so many digits after the point.
func round(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}

// ratio is a / b, 0 if there is no b.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return round(a/b, 3)
}

func megabytes(bytes int64) float64 { return round(float64(bytes)/(1<<20), 1) }

// Figure is a field of a result's JSON, with what it means.
type Figure struct{ Name, Text string }

// Figures lists what a result of the workload has, in order.
func Figures(workload string) []Figure {
	figures := figuresOf(reflect.TypeFor[Result]())
	switch workload {
	case Sequence, Session:
		figures = append(figures, figuresOf(reflect.TypeFor[Flat]())...)
		if workload == Session {
			figures = append(figures, figuresOf(reflect.TypeFor[Folding]())...)
		}
	case Chat:
		figures = append(figures, figuresOf(reflect.TypeFor[Chatting]())...)
	case Parked:
		figures = append(figures, figuresOf(reflect.TypeFor[Parking]())...)
	}
	return figures
}

func figuresOf(t reflect.Type) (figures []Figure) {
	for i := range t.NumField() {
		if tag := t.Field(i).Tag; tag.Get("json") != "" {
			figures = append(figures, Figure{tag.Get("json"), tag.Get("help")})
		}
	}
	return figures
}

// Explain is the text of Figures, one a line, for help.
func Explain(workload string) string {
	var b strings.Builder
	for _, f := range Figures(workload) {
		fmt.Fprintf(&b, "  %-31s  %s\n", f.Name, f.Text)
	}
	return b.String()
}
