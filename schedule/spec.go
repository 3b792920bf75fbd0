package schedule

import (
	"encoding/json"
	"time"

	"github.com/perdure/perdure"
)

// Spec says what a schedule starts and when. ID, Orchestration and one of Cron
// and Interval are required. All durations are whole milliseconds.
type Spec struct {
	// ID names the schedule: 1 to 60 bytes without control characters, not
	// beginning with "@".
	ID string
	// Orchestration is the registered name of what is started, Input its input
	// as JSON (nil = none; json.RawMessage in what Get returns), Version its
	// version and Tags its tags.
	Orchestration string
	Input         any
	Version       string
	Tags          map[string]string

	// Cron is an expression of five fields (minute, hour, day of month, month,
	// day of week from 0 = Sunday to 6), of six with seconds before them, or one
	// of @yearly, @monthly, @weekly, @daily, @hourly and "@every 1h30m", which is
	// the same as Interval.
	Cron string
	// TimeZone is the IANA name of the zone of Cron. "" = UTC.
	TimeZone string
	// Interval fires at each multiple of it since the Unix epoch, plus Phase,
	// which is at least 0 and less than Interval.
	Interval time.Duration
	Phase    time.Duration

	// Start and End bound the firing times, both inclusive. Zero = no bound.
	Start time.Time
	End   time.Time
	// Jitter delays each firing by a time from 0 up to Jitter that depends on the
	// schedule and the firing time alone, never beyond the next firing time.
	Jitter time.Duration
	// MaxRuns ends the schedule after so many runs, triggered ones not counted.
	// 0 = no bound.
	MaxRuns int

	// Overlap says what happens when a run is due while another one has not
	// ended. "" = Skip.
	Overlap Overlap
	// Grace is how long CancelPrevious waits for a run before it terminates it.
	// 0 = 30 s.
	Grace time.Duration
	// CatchUp is how late a firing may be, as after downtime; later ones are
	// missed. At least 1 s; 0 = 1 min.
	CatchUp time.Duration
}

// Overlap is a policy for runs of one schedule that would overlap.
type Overlap string

// The policies.
const (
	// Skip drops the new run.
	Skip Overlap = "skip"
	// BufferOne starts the new run when the one before has ended. While one
	// waits, further ones are dropped.
	BufferOne Overlap = "buffer_one"
	// Allow starts it beside the others.
	Allow Overlap = "allow"
	// CancelPrevious raises the event CancelRequested to the run before it, which
	// is terminated if it has not ended after Spec.Grace, and starts the new run
	// when it has ended. Of several that wait the latest is started.
	CancelPrevious Overlap = "cancel_previous"
	// TerminatePrevious terminates the run before it and starts the new one at once.
	TerminatePrevious Overlap = "terminate_previous"
)

// CancelRequested is raised to a run that CancelPrevious wants to end. A run that
// waits for it can clean up and return.
var CancelRequested = perdure.NewEvent[struct{}]("perdure.schedule.cancel")

const (
	defaultGrace   = 30 * time.Second
	defaultCatchUp = time.Minute
)

func (s *Spec) grace() time.Duration {
	if s.Grace == 0 {
		return defaultGrace
	}
	return s.Grace
}

func (s *Spec) catchUp() time.Duration {
	if s.CatchUp == 0 {
		return defaultCatchUp
	}
	return s.CatchUp
}

// document is the JSON of a Spec.
type document struct {
	ID            string            `json:"id"`
	Orchestration string            `json:"orchestration"`
	Input         json.RawMessage   `json:"input,omitempty"`
	Version       string            `json:"version,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
	Cron          string            `json:"cron,omitempty"`
	TimeZone      string            `json:"timeZone,omitempty"`
	Interval      int64             `json:"intervalMs,omitempty"`
	Phase         int64             `json:"phaseMs,omitempty"`
	Start         time.Time         `json:"start,omitzero"`
	End           time.Time         `json:"end,omitzero"`
	Jitter        int64             `json:"jitterMs,omitempty"`
	MaxRuns       int               `json:"maxRuns,omitempty"`
	Overlap       Overlap           `json:"overlap,omitempty"`
	Grace         int64             `json:"graceMs,omitempty"`
	CatchUp       int64             `json:"catchUpMs,omitempty"`
}

// MarshalJSON implements json.Marshaler; durations become milliseconds.
func (s Spec) MarshalJSON() ([]byte, error) {
	input, err := s.input()
	if err != nil {
		return nil, err
	}
	return json.Marshal(document{
		ID: s.ID, Orchestration: s.Orchestration, Input: input, Version: s.Version, Tags: s.Tags,
		Cron: s.Cron, TimeZone: s.TimeZone, Interval: s.Interval.Milliseconds(), Phase: s.Phase.Milliseconds(),
		Start: s.Start, End: s.End, Jitter: s.Jitter.Milliseconds(), MaxRuns: s.MaxRuns,
		Overlap: s.Overlap, Grace: s.Grace.Milliseconds(), CatchUp: s.CatchUp.Milliseconds(),
	})
}

// UnmarshalJSON implements json.Unmarshaler; Input becomes a json.RawMessage.
func (s *Spec) UnmarshalJSON(b []byte) error {
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return err
	}
	*s = Spec{
		ID: d.ID, Orchestration: d.Orchestration, Version: d.Version, Tags: d.Tags,
		Cron: d.Cron, TimeZone: d.TimeZone, Interval: milliseconds(d.Interval), Phase: milliseconds(d.Phase),
		Start: d.Start, End: d.End, Jitter: milliseconds(d.Jitter), MaxRuns: d.MaxRuns,
		Overlap: d.Overlap, Grace: milliseconds(d.Grace), CatchUp: milliseconds(d.CatchUp),
	}
	if d.Input != nil {
		s.Input = d.Input
	}
	return nil
}

// milliseconds turns n into a duration; what is too long becomes the longest.
func milliseconds(n int64) time.Duration {
	const most = int64(1<<63-1) / int64(time.Millisecond)
	return time.Duration(max(-most, min(n, most))) * time.Millisecond
}

// input returns the input as JSON, nil if there is none.
func (s *Spec) input() (json.RawMessage, error) {
	if s.Input == nil {
		return nil, nil
	}
	return json.Marshal(s.Input)
}
