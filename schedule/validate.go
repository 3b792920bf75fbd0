package schedule

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/perdure/perdure"
)

const (
	maxID   = 60  // bytes; a run's id adds up to 40 to them
	maxCron = 200 // bytes
)

// problems collects what is wrong with a specification, each by its field.
type problems []string

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, field+": "+fmt.Sprintf(format, args...))
}

// err returns all problems as one error, nil if there are none.
func (p problems) err(op, id string) error {
	if len(p) == 0 {
		return nil
	}
	return invalid(op, id, strings.Join(p, "; "))
}

func invalid(op, id, message string) error {
	return &perdure.Error{Code: perdure.InvalidArgument, Op: op, Instance: id, Message: message}
}

// check reports all that is wrong with s, in one error, and returns its times.
func (s *Spec) check(op string) (*timetable, error) {
	var p problems
	s.checkTarget(&p)
	s.checkPolicies(&p)
	t := s.times(&p)
	return t, p.err(op, s.ID)
}

// checkID returns what is wrong with the id of a schedule, "" if nothing is.
func checkID(id string) string {
	switch {
	case id == "":
		return "is missing"
	case len(id) > maxID:
		return fmt.Sprintf("has %d bytes; at most %d are allowed", len(id), maxID)
	case !utf8.ValidString(id):
		return "is not valid UTF-8"
	case id[0] == '@':
		return "begins with @, as the ids of entities do"
	case strings.IndexFunc(id, unicode.IsControl) >= 0:
		return "has a control character"
	}
	return ""
}

func (s *Spec) checkTarget(p *problems) {
	if why := checkID(s.ID); why != "" {
		p.add("ID", "%s", why)
	}
	if s.Orchestration == "" {
		p.add("Orchestration", "is missing")
	}
	if _, err := s.input(); err != nil {
		p.add("Input", "a %T does not become JSON: %v", s.Input, err)
	}
	if _, ok := s.Tags[tag]; ok {
		p.add("Tags", "%q is set by the schedule itself", tag)
	}
}

func (s *Spec) checkPolicies(p *problems) {
	switch s.Overlap {
	case "", Skip, BufferOne, Allow, CancelPrevious, TerminatePrevious:
	default:
		p.add("Overlap", "%q is unknown: want %s, %s, %s, %s or %s", s.Overlap,
			Skip, BufferOne, Allow, CancelPrevious, TerminatePrevious)
	}
	whole(p, "Grace", s.Grace)
	if s.Grace != 0 && s.Overlap != CancelPrevious {
		p.add("Grace", "is for the overlap policy %s", CancelPrevious)
	}
	whole(p, "Jitter", s.Jitter)
	if whole(p, "CatchUp", s.CatchUp) && s.CatchUp != 0 && s.CatchUp < time.Second {
		p.add("CatchUp", "is %v; at least 1s is needed", s.CatchUp)
	}
	if s.MaxRuns < 0 {
		p.add("MaxRuns", "is negative")
	}
	if !s.Start.IsZero() && !s.End.IsZero() && s.End.Before(s.Start) {
		p.add("End", "is before Start")
	}
}

// whole reports durations that are negative or finer than milliseconds.
func whole(p *problems, field string, d time.Duration) bool {
	switch {
	case d < 0:
		p.add(field, "is negative")
	case d%time.Millisecond != 0:
		p.add(field, "is %v, which is finer than a millisecond", d)
	default:
		return true
	}
	return false
}

// times returns when s fires, nil if a field is wrong.
func (s *Spec) times(p *problems) *timetable {
	before := len(*p)
	t := &timetable{id: s.ID, start: s.Start, end: s.End, jitter: s.Jitter}
	interval := s.Interval
	switch {
	case s.Cron == "" && s.Interval == 0:
		p.add("Cron", "is missing, and so is Interval: one of them is needed")
	case s.Cron != "" && s.Interval != 0:
		p.add("Cron", "is given, and so is Interval: only one of them may be")
	case s.Cron != "":
		interval = s.cronTimes(p, t)
	}
	if interval != 0 {
		whole(p, "Interval", interval)
		t.interval, t.phase = interval.Milliseconds(), s.Phase.Milliseconds()
		if s.TimeZone != "" {
			p.add("TimeZone", "an interval has none")
		}
	}
	if whole(p, "Phase", s.Phase) && s.Phase != 0 && s.Phase >= interval {
		p.add("Phase", "is %v; it belongs to an Interval and is shorter than that", s.Phase)
	}
	if len(*p) > before {
		return nil
	}
	return t
}

// cronTimes reads Cron and TimeZone into t, or returns the interval that Cron
// stands for.
func (s *Spec) cronTimes(p *problems, t *timetable) time.Duration {
	text := strings.TrimSpace(s.Cron)
	if every, ok := strings.CutPrefix(text, "@every "); ok {
		d, err := time.ParseDuration(strings.TrimSpace(every))
		if err != nil || d <= 0 {
			p.add("Cron", "%q has no positive duration such as 1h30m after @every", s.Cron)
		}
		return d
	}
	parsed, err := parseCron(text)
	if err != nil {
		p.add("Cron", "%q is not understood: %v", s.Cron, err)
	}
	t.cron, t.zone = parsed, time.UTC
	switch zone, err := time.LoadLocation(s.TimeZone); {
	case s.TimeZone == "Local":
		p.add("TimeZone", "Local differs between machines: give the name of a zone")
	case err != nil:
		p.add("TimeZone", "%q is unknown: want an IANA name such as Europe/Berlin", s.TimeZone)
	default:
		t.zone = zone
	}
	return 0
}
