package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/internal/series"
)

// seriesPage is what was counted in a time. What has happened in the last seconds may
// not be in it yet.
type seriesPage struct {
	From   time.Time `json:"from"` // the begin of a minute
	To     time.Time `json:"to"`
	StepMS int64     `json:"step_ms"` // between points
	// Since is the first minute of which there are counts; absent = there is none.
	Since  *time.Time     `json:"since,omitempty"`
	KeptMS int64          `json:"kept_ms"` // how long counts are kept
	Points []*seriesPoint `json:"points"`
	Runs   []seriesRuns   `json:"runs"`   // by name and agent, the most first
	Steps  []seriesSteps  `json:"steps"`  // by name, the slowest first
	Models []seriesModels `json:"models"` // by agent and model, the dearest first
	Total  seriesPoint    `json:"total"`
}

// seriesPoint is what was counted from a time until the next point.
type seriesPoint struct {
	At        time.Time `json:"at"`
	Started   int64     `json:"started"`
	Completed int64     `json:"completed"`
	Failed    int64     `json:"failed"`
	Stopped   int64     `json:"stopped"` // terminated or canceled
	Steps     int64     `json:"steps"`   // attempts of activities
	StepsBad  int64     `json:"steps_failed"`
	Took      spread    `json:"took"`   // runs, from the creation to the end
	Waited    spread    `json:"waited"` // steps, from the scheduling until a worker took them
	Store     spread    `json:"store"`  // the store, to make commits durable
	modelSums
}

// modelSums is what calls of models have taken.
type modelSums struct {
	Calls      int64 `json:"model_calls"`
	Errors     int64 `json:"model_errors"` // calls beside these that have failed
	TokensIn   int64 `json:"tokens_in"`
	TokensOut  int64 `json:"tokens_out"`
	Cached     int64 `json:"tokens_cached"`
	CostMicros int64 `json:"cost_micros"` // of the calls whose price is known
}

// spread tells how long things took, in ms and within 7 %.
type spread struct {
	Count int64   `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
}

type seriesRuns struct {
	Name      string `json:"name"`
	Agent     string `json:"agent,omitempty"`
	Started   int64  `json:"started"`
	Completed int64  `json:"completed"`
	Failed    int64  `json:"failed"`
	Stopped   int64  `json:"stopped"`
	Took      spread `json:"took"`
}

type seriesSteps struct {
	Name      string `json:"name"`
	Completed int64  `json:"completed"`
	Failed    int64  `json:"failed"`
	Waited    spread `json:"waited"`
	Took      spread `json:"took"`
}

type seriesModels struct {
	Agent string `json:"agent,omitempty"`
	Model string `json:"model,omitempty"` // absent = not known
	modelSums
}

// Bounds of a series.
const (
	seriesPoints = 60  // about as many points without a step
	seriesMost   = 750 // at most
)

// seriesChoice are the steps from which one is chosen.
var seriesChoice = [...]time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
}

func (a *API) getSeries(_ http.ResponseWriter, r *http.Request) (*reply, error) {
	q, err := query(r, "from", "to", "step", "name", "agent")
	if err != nil {
		return nil, err
	}
	page, err := a.seriesOf(q)
	if err != nil {
		return nil, err
	}
	sums := make([]series.Bucket, len(page.Points))
	var total series.Bucket
	err = series.Read(r.Context(), a.Hub, page.From, page.To, func(minute time.Time, b *series.Bucket) {
		b.Keep(q.Get("name"), q.Get("agent"))
		sums[minute.Sub(page.From).Milliseconds()/page.StepMS].Merge(b)
		total.Merge(b)
	})
	if err != nil {
		return nil, err
	}
	since, err := series.Oldest(r.Context(), a.Hub)
	if err != nil {
		return nil, err
	}
	if !since.IsZero() {
		page.Since = &since
	}
	for i, p := range page.Points {
		p.fill(&sums[i])
	}
	page.Total.fill(&total)
	page.tables(&total)
	return &reply{body: page}, nil
}

// seriesOf returns an empty page for the times that a query names.
func (a *API) seriesOf(q values) (*seriesPage, error) {
	now := a.Now().UTC()
	from, err := q.moment("from", now, now.Add(-time.Hour))
	if err != nil {
		return nil, err
	}
	to, err := q.moment("to", now, now)
	if err != nil {
		return nil, err
	}
	if !from.Before(to) {
		return nil, invalid("from is not before to", "from=-24h is the last day")
	}
	asked := to.Sub(from)
	from = from.Truncate(series.Minute)
	if oldest := now.Add(-series.Kept).Truncate(series.Minute); from.Before(oldest) {
		from = oldest
	}
	step, err := q.duration("step", 366*24*time.Hour)
	if err != nil {
		return nil, err
	}
	if step == 0 {
		step = seriesChoice[len(seriesChoice)-1]
		if i := slices.IndexFunc(seriesChoice[:], func(d time.Duration) bool { return asked <= d*seriesPoints }); i >= 0 {
			step = seriesChoice[i]
		}
	}
	if step < series.Minute || step%series.Minute != 0 || to.Sub(from) > step*seriesMost {
		return nil, invalid("step is "+shown(q.Get("step"))+", must be of whole minutes and make at most 750 points", "leave it out for about 60 points")
	}
	page := &seriesPage{
		From: from, To: to, StepMS: step.Milliseconds(), KeptMS: series.Kept.Milliseconds(),
		Runs: []seriesRuns{}, Steps: []seriesSteps{}, Models: []seriesModels{}, Total: seriesPoint{At: from},
	}
	for at := from; at.Before(to); at = at.Add(step) {
		page.Points = append(page.Points, &seriesPoint{At: at})
	}
	return page, nil
}

// moment returns a parameter that is a time, or a duration before now.
func (q values) moment(name string, now, absent time.Time) (time.Time, error) {
	v := q.Get(name)
	if v == "" {
		return absent, nil
	}
	if d, err := time.ParseDuration(v); err == nil && d <= 0 {
		return now.Add(d), nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return t, invalid("query parameter "+name+" is "+shown(v)+", which is no time", "a time such as 2026-01-02T15:04:05Z, or a duration before now such as -1h")
	}
	return t.UTC(), nil
}

// fill sets what a bucket holds.
func (p *seriesPoint) fill(b *series.Bucket) {
	var took, waited series.Sketch
	for _, r := range b.Runs {
		p.Started += r.Started
		p.Completed += r.Completed
		p.Failed += r.Failed
		p.Stopped += r.Stopped
		took.Merge(&r.Took)
	}
	for _, s := range b.Steps {
		p.Steps += s.Completed + s.Failed
		p.StepsBad += s.Failed
		waited.Merge(&s.Waited)
	}
	for _, m := range b.Models {
		p.add(sumsOf(m))
	}
	p.Took, p.Waited, p.Store = spreadOf(&took), spreadOf(&waited), spreadOf(&b.Store)
}

func sumsOf(m *series.Model) modelSums {
	return modelSums{Calls: m.Calls, Errors: m.Errors, TokensIn: m.In, TokensOut: m.Out, Cached: m.Cached, CostMicros: m.Nano / 1000}
}

func (s *modelSums) add(o modelSums) {
	s.Calls += o.Calls
	s.Errors += o.Errors
	s.TokensIn += o.TokensIn
	s.TokensOut += o.TokensOut
	s.Cached += o.Cached
	s.CostMicros += o.CostMicros
}

func spreadOf(s *series.Sketch) spread {
	ms := func(q float64) float64 { return float64(s.Quantile(q).Microseconds()) / 1000 }
	return spread{Count: s.Count(), P50: ms(0.5), P90: ms(0.9), P99: ms(0.99)}
}

// tables sets what was counted by name, agent and model.
func (page *seriesPage) tables(b *series.Bucket) {
	for k, r := range b.Runs {
		page.Runs = append(page.Runs, seriesRuns{k.Name, k.Agent, r.Started, r.Completed, r.Failed, r.Stopped, spreadOf(&r.Took)})
	}
	slices.SortFunc(page.Runs, func(x, y seriesRuns) int {
		return cmp.Or(cmp.Compare(y.Started+y.Took.Count, x.Started+x.Took.Count), strings.Compare(x.Name, y.Name), strings.Compare(x.Agent, y.Agent))
	})
	for name, s := range b.Steps {
		page.Steps = append(page.Steps, seriesSteps{name, s.Completed, s.Failed, spreadOf(&s.Waited), spreadOf(&s.Took)})
	}
	slices.SortFunc(page.Steps, func(x, y seriesSteps) int {
		return cmp.Or(cmp.Compare(y.Took.P90, x.Took.P90), strings.Compare(x.Name, y.Name))
	})
	for k, m := range b.Models {
		page.Models = append(page.Models, seriesModels{k.Agent, k.Model, sumsOf(m)})
	}
	slices.SortFunc(page.Models, func(x, y seriesModels) int {
		return cmp.Or(cmp.Compare(y.CostMicros, x.CostMicros), cmp.Compare(y.TokensIn+y.TokensOut, x.TokensIn+x.TokensOut),
			strings.Compare(x.Agent, y.Agent), strings.Compare(x.Model, y.Model))
	})
}
