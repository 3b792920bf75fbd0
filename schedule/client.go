package schedule

import (
	"context"
	"encoding/json"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/store"
)

// Create makes a schedule: InvalidArgument if the specification is wrong, with
// all its bad fields, AlreadyExists if there is one with this id. It waits for a
// worker that has schedules registered.
func Create(ctx context.Context, c *client.Client, spec Spec, opts ...client.Option) error {
	return put(ctx, c, opCreate, spec, opts)
}

// Update replaces the specification of a schedule. Runs go on, and what waits for
// them starts by the new specification; counters, outcomes and a pause stay.
func Update(ctx context.Context, c *client.Client, spec Spec, opts ...client.Option) error {
	return put(ctx, c, opUpdate, spec, opts)
}

func put(ctx context.Context, c *client.Client, op string, spec Spec, opts []client.Option) error {
	if _, err := spec.check(op + " schedule"); err != nil {
		return err
	}
	return ask(ctx, c, op, spec.ID, spec, nil, opts)
}

// Pause stops a schedule from firing, for the reason in note, and drops a run
// that waits for another. Runs go on, and Trigger still works.
func Pause(ctx context.Context, c *client.Client, id, note string, opts ...client.Option) error {
	return ask(ctx, c, opPause, id, note, nil, opts)
}

// Resume lets a paused schedule fire again, from the next firing time on.
func Resume(ctx context.Context, c *client.Client, id, note string, opts ...client.Option) error {
	return ask(ctx, c, opResume, id, note, nil, opts)
}

// Triggered is the answer to Trigger.
type Triggered struct {
	RunID    string `json:"runId"`
	Buffered bool   `json:"buffered"` // it begins when another run has ended
}

// Trigger starts a run now, whether the schedule is paused or not, under the
// overlap policy: FailedPrecondition if that drops it.
func Trigger(ctx context.Context, c *client.Client, id string, opts ...client.Option) (Triggered, error) {
	var t Triggered
	err := ask(ctx, c, opTrigger, id, nil, &t, opts)
	return t, err
}

// Delete deletes a schedule. Its runs go on.
func Delete(ctx context.Context, c *client.Client, id string, opts ...client.Option) error {
	return ask(ctx, c, opDelete, id, nil, nil, opts)
}

// ask calls an operation of the entity.
func ask(ctx context.Context, c *client.Client, op, id string, in, out any, opts []client.Option) error {
	if why := checkID(id); why != "" {
		return invalid(op+" schedule", id, "ID: "+why)
	}
	return c.Ask(ctx, Entity(id).String(), op, in, out, opts...)
}

// Schedule is the state of a schedule. It belongs to the caller.
type Schedule struct {
	Spec    Spec      `json:"spec"`
	Paused  bool      `json:"paused"`
	Note    string    `json:"note,omitempty"` // of the last pause or resumption
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"` // specification, pause and resumption
	// Next are the next firing times, at most 10, without jitter; none if the
	// schedule is paused or will not fire again.
	Next []time.Time `json:"next"`
	// Running are the runs that have not ended, oldest first, and Buffered the one
	// that waits for them, nil if none does.
	Running  []Run `json:"running"`
	Buffered *Run  `json:"buffered,omitempty"`
	// Outcomes are the last 10 runs that have ended, newest first.
	Outcomes []Outcome `json:"outcomes"`
	Counters Counters  `json:"counters"`
}

// Run is a run that a schedule has started, or will start.
type Run struct {
	ID      string    `json:"id"`
	Due     time.Time `json:"due"` // firing time, or when it was triggered
	Manual  bool      `json:"manual,omitempty"`
	Started time.Time `json:"started,omitzero"`
}

// Outcome is how a run ended.
type Outcome struct {
	Run
	Ended  time.Time     `json:"ended"`
	Status client.Status `json:"status"`
	Error  string        `json:"error,omitempty"` // at most 500 bytes of it
}

// Counters count since the schedule was created.
type Counters struct {
	Started   int64 `json:"started"`   // runs, triggered ones too
	Triggered int64 `json:"triggered"` // runs that were asked for by Trigger
	Completed int64 `json:"completed"` // runs that returned a result
	Failed    int64 `json:"failed"`    // runs that ended otherwise
	Skipped   int64 `json:"skipped"`   // runs that the overlap policy or a pause dropped
	// Missed are firing times that passed while the hub or the worker was down. Of
	// a cron expression at most 1,001 are counted at a time.
	Missed int64 `json:"missed"`
}

// Get returns a schedule, NotFound if there is none.
func Get(ctx context.Context, c *client.Client, id string) (*Schedule, error) {
	if why := checkID(id); why != "" {
		return nil, invalid("get schedule", id, "ID: "+why)
	}
	e, err := c.Entity(ctx, Entity(id))
	if err != nil {
		if perdure.CodeOf(err) == perdure.NotFound {
			return nil, notFound("get", id)
		}
		return nil, err
	}
	return view(id, e.State)
}

// view turns the entity's state into what users see.
func view(id string, raw json.RawMessage) (*Schedule, error) {
	if raw == nil {
		return nil, notFound("get", id)
	}
	var s state
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, &perdure.Error{Code: perdure.Internal, Op: "get schedule", Instance: id,
			Message: "its state is damaged", Cause: err}
	}
	v := &Schedule{Spec: s.Spec, Paused: s.Paused, Note: s.Note, Created: s.Created, Updated: s.Updated,
		Buffered: s.Buffered, Outcomes: s.Outcomes, Counters: s.Counters, Next: s.upcoming()}
	for _, r := range s.Running {
		v.Running = append(v.Running, r.Run)
	}
	return v, nil
}

// upcoming returns the next firing times.
func (s *state) upcoming() []time.Time {
	const most = 10
	if s.Next.IsZero() {
		return nil
	}
	times := []time.Time{s.Next}
	t, err := s.Spec.check("get schedule")
	if err != nil { // this machine lacks the time zone
		return times
	}
	for len(times) < most && len(times) != s.left() {
		next := t.next(times[len(times)-1])
		if next.IsZero() {
			break
		}
		times = append(times, next)
	}
	return times
}

// Query selects schedules.
type Query struct {
	Prefix string // of the id; "" = all
	Limit  int    // the most to return; 0 = 100
	After  []byte // goes on where the page before ended: its Next
}

// Page is a part of a list.
type Page struct {
	Items []*Schedule
	Next  []byte // nil = no more
}

// List returns schedules, the newest first. A page may hold fewer than the limit
// and still have a Next.
func List(ctx context.Context, c *client.Client, q Query) (*Page, error) {
	h, err := c.Hub(ctx)
	if err != nil {
		return nil, err
	}
	found, err := h.List(ctx, store.Query{Kind: store.Entity, Order: store.CreatedDesc, Limit: q.Limit, After: q.After,
		IDPrefix: Entity(q.Prefix).String()})
	if err != nil {
		return nil, err
	}
	page := &Page{Next: found.Next}
	for _, i := range found.Items {
		e, err := perdure.ParseEntityID(i.ID)
		if err != nil {
			return nil, err
		}
		s, err := Get(ctx, c, e.Key)
		switch {
		case perdure.CodeOf(err) == perdure.NotFound: // deleted, a tick is still on its way
		case err != nil:
			return nil, err
		default:
			page.Items = append(page.Items, s)
		}
	}
	return page, nil
}
