package schedule_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/schedule"
)

func TestBadSpecs(t *testing.T) {
	good := schedule.Spec{ID: "s", Orchestration: "Brief", Cron: "0 3 * * *"}
	tests := map[string]struct {
		change func(*schedule.Spec)
		want   string // how the message begins
	}{
		"no id":              {func(s *schedule.Spec) { s.ID = "" }, "ID: is missing"},
		"entity's id":        {func(s *schedule.Spec) { s.ID = "@a@b" }, "ID: begins with @"},
		"long id":            {func(s *schedule.Spec) { s.ID = strings.Repeat("x", 61) }, "ID: has 61 bytes"},
		"control character":  {func(s *schedule.Spec) { s.ID = "a\nb" }, "ID: has a control character"},
		"id that is no text": {func(s *schedule.Spec) { s.ID = "a\xff" }, "ID: is not valid UTF-8"},
		"no orchestration":   {func(s *schedule.Spec) { s.Orchestration = "" }, "Orchestration: is missing"},
		"input":              {func(s *schedule.Spec) { s.Input = math.Inf(1) }, "Input: a float64 does not become JSON"},
		"tag":                {func(s *schedule.Spec) { s.Tags = map[string]string{"perdure.schedule": "x"} }, "Tags: "},
		"no times":           {func(s *schedule.Spec) { s.Cron = "" }, "Cron: is missing, and so is Interval"},
		"both":               {func(s *schedule.Spec) { s.Interval = time.Hour }, "Cron: is given, and so is Interval"},
		"four fields":        {func(s *schedule.Spec) { s.Cron = "0 3 * *" }, `Cron: "0 3 * *" is not understood`},
		"hour 24":            {func(s *schedule.Spec) { s.Cron = "0 24 * * *" }, `Cron: "0 24 * * *" is not understood`},
		"nonsense":           {func(s *schedule.Spec) { s.Cron = "nightly" }, `Cron: "nightly" is not understood`},
		"descriptor":         {func(s *schedule.Spec) { s.Cron = "@nightly" }, `Cron: "@nightly" is not understood`},
		"every":              {func(s *schedule.Spec) { s.Cron = "@every day" }, `Cron: "@every day" has no positive duration`},
		"every nothing":      {func(s *schedule.Spec) { s.Cron = "@every" }, `Cron: "@every" is not understood`},
		"every -1h":          {func(s *schedule.Spec) { s.Cron = "@every -1h" }, `Cron: "@every -1h" has no positive duration`},
		"zone in cron":       {func(s *schedule.Spec) { s.Cron = "CRON_TZ=UTC" }, `Cron: "CRON_TZ=UTC" is not understood: the zone belongs`},
		"long cron":          {func(s *schedule.Spec) { s.Cron = strings.Repeat("1,", 200) }, "Cron: "},
		"never":              {func(s *schedule.Spec) { s.Cron = "0 0 30 2 *" }, "Cron, Start and End: no firing time follows"},
		"past":               {func(s *schedule.Spec) { s.End = begin }, "Cron, Start and End: no firing time follows"},
		"zone":               {func(s *schedule.Spec) { s.TimeZone = "Mars/Olympus" }, `TimeZone: "Mars/Olympus" is unknown`},
		"local zone":         {func(s *schedule.Spec) { s.TimeZone = "Local" }, "TimeZone: Local differs"},
		"zone of interval":   {func(s *schedule.Spec) { s.Cron, s.Interval, s.TimeZone = "", 1e9, "UTC" }, "TimeZone: an interval has none"},
		"interval":           {func(s *schedule.Spec) { s.Cron, s.Interval = "", -time.Hour }, "Interval: is negative"},
		"fine interval":      {func(s *schedule.Spec) { s.Cron, s.Interval = "", 1500*time.Microsecond }, "Interval: is 1.5ms"},
		"phase":              {func(s *schedule.Spec) { s.Cron, s.Interval, s.Phase = "", time.Hour, time.Hour }, "Phase: is 1h0m0s"},
		"phase of cron":      {func(s *schedule.Spec) { s.Phase = time.Second }, "Phase: is 1s; it belongs to an Interval"},
		"end":                {func(s *schedule.Spec) { s.Start, s.End = begin.Add(2), begin.Add(1) }, "End: is before Start"},
		"jitter":             {func(s *schedule.Spec) { s.Jitter = -1 }, "Jitter: is negative"},
		"policy":             {func(s *schedule.Spec) { s.Overlap = "never" }, `Overlap: "never" is unknown`},
		"grace":              {func(s *schedule.Spec) { s.Grace = time.Second }, "Grace: is for the overlap policy cancel_previous"},
		"catch up":           {func(s *schedule.Spec) { s.CatchUp = time.Millisecond }, "CatchUp: is 1ms"},
		"runs":               {func(s *schedule.Spec) { s.MaxRuns = -1 }, "MaxRuns: is negative"},
		"two fields":         {func(s *schedule.Spec) { s.MaxRuns, s.Overlap = -1, "x" }, `Overlap: "x" is unknown: want skip, buffer_one, allow, cancel_previous or terminate_previous; MaxRuns: is negative`},
	}
	w := newWorld(t, begin)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			spec := good
			test.change(&spec)
			err := schedule.Create(w.ctx(), w.c, spec)
			var got *perdure.Error
			if !errors.As(err, &got) || got.Code != perdure.InvalidArgument || !strings.HasPrefix(got.Message, test.want) &&
				!strings.Contains(got.Message, ": "+test.want) {
				t.Errorf("Create(%+v) = %v, want invalid_argument %q", spec, err, test.want)
			}
		})
	}
	if p, err := schedule.List(w.ctx(), w.c, schedule.Query{}); err != nil || len(p.Items) != 0 {
		t.Errorf("List() after bad specifications = %+v, %v, want nothing", p, err)
	}
}

// TestEntityChecks goes to the entity past the client's checks.
func TestEntityChecks(t *testing.T) {
	w := newWorld(t, begin)
	id := schedule.Entity("s")
	for _, in := range []any{nil, schedule.Spec{}, schedule.Spec{ID: "t", Orchestration: "Brief", Cron: "@daily"}, "x"} {
		err := w.c.Ask(w.ctx(), id.String(), "create", in, nil)
		if perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("create with %v = %v, want invalid_argument", in, err)
		}
	}
	w.create(schedule.Spec{ID: "s", Orchestration: "Brief", Cron: "@daily"})
	if err := w.c.Ask(w.ctx(), id.String(), "explode", nil, nil); perdure.CodeOf(err) != perdure.NotFound {
		t.Errorf("an operation that there is not = %v, want not_found", err)
	}
	for _, op := range []string{"tick", "ended"} { // of nobody
		if err := w.c.Ask(w.ctx(), id.String(), op, map[string]any{}, nil); err != nil {
			t.Errorf("%s of nobody = %v", op, err)
		}
	}
	if got := w.get("s").Counters; got != (schedule.Counters{}) {
		t.Errorf("Counters = %+v, want none", got)
	}
}

func TestHubErrors(t *testing.T) {
	c := client.Later(func(context.Context) (hub.Hub, error) {
		return nil, &perdure.Error{Code: perdure.Unavailable, Message: "no hub"}
	})
	spec := schedule.Spec{ID: "s", Orchestration: "Brief", Cron: "@daily"}
	_, getErr := schedule.Get(t.Context(), c, "s")
	_, badErr := schedule.Get(t.Context(), c, "")
	_, listErr := schedule.List(t.Context(), c, schedule.Query{})
	for op, err := range map[string]error{"Create": schedule.Create(t.Context(), c, spec), "Get": getErr, "List": listErr} {
		if perdure.CodeOf(err) != perdure.Unavailable {
			t.Errorf("%s() without a hub = %v, want unavailable", op, err)
		}
	}
	for op, err := range map[string]error{"Pause": schedule.Pause(t.Context(), c, "", ""), "Get": badErr} {
		if perdure.CodeOf(err) != perdure.InvalidArgument {
			t.Errorf("%s() of no id = %v, want invalid_argument", op, err)
		}
	}
}

func TestSpecAsJSON(t *testing.T) {
	spec := schedule.Spec{ID: "s", Orchestration: "o", Input: json.RawMessage(`{"a":12345678901234567890}`), Version: "v",
		Tags: map[string]string{"k": "v"}, Interval: time.Hour, Phase: time.Minute, Start: begin, End: begin.Add(time.Hour),
		Jitter: time.Second, MaxRuns: 3, Overlap: schedule.CancelPrevious, Grace: time.Millisecond, CatchUp: time.Minute}
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var got schedule.Spec
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spec, got); diff != "" {
		t.Errorf("Spec through %s (-want +got):\n%s", b, diff)
	}
}

// oneEntity is a hub with one entity, whatever its id.
type oneEntity struct {
	hub.Hub
	state string
}

func (h oneEntity) Entity(context.Context, string) (*hub.Entity, error) {
	return &hub.Entity{State: history.Some(h.state)}, nil
}

// FuzzSchedule reads the state of a schedule: what is damaged is reported, and
// the firing times to come follow each other.
func FuzzSchedule(f *testing.F) {
	f.Add("* * * * *", "", int64(0), int64(1772366400), int64(1772366400+3600))
	f.Add("30 2 29 2 *", "Europe/Berlin", int64(0), int64(1772366400), int64(0))
	f.Add("", "", int64(1), int64(-5), int64(0))
	f.Add("0 0 * * 1-5", "America/Sao_Paulo", int64(0), int64(1500000000), int64(0))
	f.Add("59 59 23 31 12 ?", "Australia/Lord_Howe", int64(0), int64(1<<32), int64(1<<40))
	f.Fuzz(func(t *testing.T, cron, zone string, interval, next, end int64) {
		spec := schedule.Spec{ID: "s", Orchestration: "o", Cron: cron, TimeZone: zone,
			Interval: time.Duration(interval) * time.Millisecond}
		if end != 0 {
			spec.End = time.Unix(end, 0)
		}
		state, err := json.Marshal(map[string]any{"spec": spec, "next": time.Unix(next, 0)})
		if err != nil {
			return // a year that JSON has no form for
		}
		s, err := schedule.Get(t.Context(), client.New(oneEntity{state: string(state)}), "s")
		if err != nil {
			if perdure.CodeOf(err) != perdure.Internal {
				t.Fatalf("Get() of %s = %v, want internal", state, err)
			}
			return
		}
		for i := 1; i < len(s.Next); i++ {
			if !s.Next[i].After(s.Next[i-1]) || !spec.End.IsZero() && s.Next[i].After(spec.End) {
				t.Errorf("Get() of %s: Next = %v, want rising times up to the end", state, s.Next)
			}
		}
	})
}

// FuzzState reads any JSON as the state of a schedule.
func FuzzState(f *testing.F) {
	f.Add(`{"spec":{"id":"s","orchestration":"o","cron":"* * * * *"},"next":"2026-03-01T00:00:00Z","running":[{"id":"r"}],"outcomes":[{}],"buffered":{}}`)
	f.Add(`{"running":[null],"outcomes":[null],"counters":null}`)
	f.Add(`{"spec":{"cron":"0 0 31 2 *"},"next":"9999-12-31T23:59:59Z"}`)
	f.Add(`{"spec":{"intervalMs":1},"next":"0000-01-01T00:00:00Z","scheduled":-1}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, state string) {
		s, err := schedule.Get(t.Context(), client.New(oneEntity{state: state}), "s")
		if err != nil {
			if code := perdure.CodeOf(err); code != perdure.Internal && code != perdure.NotFound || !strings.Contains(err.Error(), "s") {
				t.Errorf("Get() of %q = %v, want internal or not_found with the id", state, err)
			}
			return
		}
		if len(s.Next) > 10 {
			t.Errorf("Get() of %q plans %d runs, want at most 10", state, len(s.Next))
		}
	})
}

// FuzzSpec reads specifications from JSON: what is refused before a hub is asked
// is refused as an invalid argument, and what is written is read again.
func FuzzSpec(f *testing.F) {
	f.Add(`{"id":"s","orchestration":"o","cron":"*/5 1-3,7 * jan-mar mon"}`)
	f.Add(`{"id":"s","orchestration":"o","cron":"TZ=","timeZone":"Europe/Berlin"}`)
	f.Add(`{"id":"s","orchestration":"o","intervalMs":9223372036854775807,"phaseMs":-1}`)
	f.Add(`{"id":"s","orchestration":"o","cron":"@every 1ns","start":"2026-03-01T00:00:00Z"}`)
	f.Add(`{"id":"s","orchestration":"o","cron":"? ? ? ? ? ?","jitterMs":1,"input":null}`)
	errHub := &perdure.Error{Code: perdure.Unavailable}
	c := client.Later(func(context.Context) (hub.Hub, error) { return nil, errHub })
	f.Fuzz(func(t *testing.T, text string) {
		var spec schedule.Spec
		if json.Unmarshal([]byte(text), &spec) != nil {
			return
		}
		err := schedule.Create(t.Context(), c, spec)
		if code := perdure.CodeOf(err); code != perdure.Unavailable && code != perdure.InvalidArgument {
			t.Fatalf("Create(%s) = %v, want unavailable or invalid_argument", text, err)
		}
		b, err := json.Marshal(spec)
		if err != nil {
			t.Fatalf("Marshal(%+v) = %v", spec, err)
		}
		var again schedule.Spec
		if err := json.Unmarshal(b, &again); err != nil {
			t.Fatalf("Unmarshal(%s) = %v", b, err)
		}
		if next, err := json.Marshal(again); err != nil || string(next) != string(b) {
			t.Errorf("JSON of what %s was read as = %s, %v", b, next, err)
		}
	})
}
