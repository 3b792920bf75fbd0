package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/dafx"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/model"
	"github.com/perdure/perdure/store"
)

// Versions of the state document that can be asked for.
const (
	DocumentVersion11 = dafx.Version11
	DocumentVersion12 = dafx.Version12
)

// maxDocumentTurns bounds the turns in a state document.
const maxDocumentTurns = 1000

// DocumentOptions says what a state document is to hold.
type DocumentOptions struct {
	// Version is DocumentVersion12 or DocumentVersion11; "" = DocumentVersion12.
	Version string
	// Limit bounds the history, in bytes; 0 = 2 MiB. Older turns are left out.
	Limit int
	// CorrelationID is a message whose turn is shown in any case, as the newest.
	CorrelationID string
}

// Document returns a session as the state document of Microsoft's durable agents,
// which their clients poll and dashboards show: a view of the conversation, not
// what the session keeps. NotFound if there is no such session.
func (s *Service) Document(ctx context.Context, id SessionID, o DocumentOptions) (json.RawMessage, error) {
	switch o.Version {
	case "", DocumentVersion11, DocumentVersion12:
	default:
		return nil, &perdure.Error{Code: perdure.InvalidArgument, Op: "get document",
			Message: "state documents are written in version 1.2.0 and 1.1.0, not in " + o.Version}
	}
	if o.Limit <= 0 {
		o.Limit = dafx.DefaultLimit
	}
	h, err := s.client.Hub(ctx)
	if err != nil {
		return nil, err
	}
	state, err := readSession(ctx, h, id)
	if err != nil {
		return nil, err
	}
	d := &documenter{hub: h, id: id, state: state, log: logID(id.String(), state.Incarnation), turns: map[string]*documentTurn{}}
	p, err := d.projection(ctx, o)
	if err != nil {
		return nil, err
	}
	return p.Write(), nil
}

// EntityDocument is Document for the instance id of an entity. It reports false if
// that is no session of ours, as are those of agents that workers of other SDKs host:
// their state is to be shown as it is.
func (s *Service) EntityDocument(ctx context.Context, entity string, o DocumentOptions) (json.RawMessage, bool, error) {
	rest, ok := strings.CutPrefix(entity, "@"+entityPrefix)
	name, key, found := strings.Cut(rest, "@")
	if !ok || !found {
		return nil, false, nil
	}
	id, err := NewSessionID(name, key)
	if err != nil {
		return nil, false, nil
	}
	text, err := s.Document(ctx, id, o)
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil, false, nil
	}
	return text, true, err
}

// documenter gathers what a state document shows.
type documenter struct {
	hub   hub.Hub
	id    SessionID
	state *sessionState
	log   string
	turns map[string]*documentTurn // by the instance id of a run that wrote messages
	order []*documentTurn          // oldest first
}

// documentTurn is a turn in a document.
type documentTurn struct {
	instance *hub.Instance
	in       turnInput
	messages []*model.Message
	first    int64 // position of the first of messages
	silent   bool  // its messages are not in the log
}

// projection is the newest turns that the limit allows.
func (d *documenter) projection(ctx context.Context, o DocumentOptions) (*dafx.Projection, error) {
	p := &dafx.Projection{Version: o.Version, Limit: o.Limit, Expires: d.state.Expires, LogHead: d.state.Head, Polled: d.state.Asked}
	if o.CorrelationID != "" {
		p.Polled = append(slices.Clone(p.Polled), o.CorrelationID)
	}
	list, whole, err := d.newest(ctx, o.Limit)
	if err != nil {
		return nil, err
	}
	for _, entry := range list {
		if err := d.add(ctx, entry); err != nil {
			return nil, err
		}
		p.LogHead = max(p.LogHead, entry.Position+1)
	}
	if !whole && len(d.order) > 1 { // of the first, the beginning is missing
		d.order = d.order[1:]
	}
	if !whole && len(d.order) > 0 {
		if p.Evicted, err = d.evicted(ctx, d.order[0].first); err != nil {
			return nil, err
		}
	}
	if err := d.addSilent(ctx); err != nil {
		return nil, err
	}
	if err := d.addPolled(ctx, p.Polled); err != nil {
		return nil, err
	}
	for _, t := range d.order {
		p.Turns = append(p.Turns, t.view()...)
	}
	return p, nil
}

// newest returns the newest messages of the log, in order, and whether these are
// all that there are.
func (d *documenter) newest(ctx context.Context, limit int) (list []LogMessage, whole bool, err error) {
	var cursor []byte
	size, owner, owners := 0, "", 0
	for {
		rows, next, err := d.hub.ReadRows(ctx, store.RowQuery{
			Kind: rowLog, Index: 0, From: logIndex(d.log, 0), To: logIndex(d.log, d.state.shown()), Desc: true, After: cursor, Limit: 100,
		})
		if err != nil {
			return nil, false, err
		}
		for _, r := range rows {
			m, err := readMessage(r)
			if err != nil {
				return nil, false, err
			}
			if m.Turn != owner {
				owner, owners = m.Turn, owners+1
			}
			list = append(list, m)
			size += len(r.Value)
			if size > limit || owners > maxDocumentTurns {
				slices.Reverse(list)
				return list, m.Position == 0, nil
			}
		}
		if cursor = next; cursor == nil {
			slices.Reverse(list)
			return list, true, nil
		}
	}
}

// add puts a message into the turn that it belongs to. A message of a turn that
// was purged meanwhile is left out.
func (d *documenter) add(ctx context.Context, m LogMessage) error {
	t, known := d.turns[m.Turn]
	if !known {
		var err error
		if t, err = d.turnOf(ctx, m.Turn); err != nil {
			return err
		}
		d.turns[m.Turn] = t
	}
	if t == nil {
		return nil
	}
	if len(t.messages) == 0 {
		t.first = m.Position
		d.order = append(d.order, t)
	}
	t.messages = append(t.messages, m.Message)
	return nil
}

// turnOf returns the turn of a run that wrote messages: the run itself, or that
// inside of which it took the conversation over. It returns nil if it is gone.
func (d *documenter) turnOf(ctx context.Context, run string) (*documentTurn, error) {
	i, err := d.hub.Instance(ctx, run, true)
	if perdure.CodeOf(err) == perdure.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := &documentTurn{instance: i, in: turnInput{CorrelationID: i.Tags[tagCorrelation]}}
	if err := perdure.Decode(i.Input, &t.in); err != nil {
		return nil, err
	}
	if !t.in.Inner || i.Parent == "" {
		return t, nil
	}
	if outer, known := d.turns[i.Parent]; known {
		return outer, nil
	}
	outer, err := d.turnOf(ctx, i.Parent)
	d.turns[i.Parent] = outer
	return outer, err
}

// evicted tells of the messages before a position.
func (d *documenter) evicted(ctx context.Context, before int64) (dafx.Evicted, error) {
	e := dafx.Evicted{Messages: before}
	for _, at := range []struct {
		position int64
		time     *time.Time
	}{{0, &e.First}, {before - 1, &e.Last}} {
		list, err := readLog(ctx, d.hub, d.log, at.position, at.position+1, 1)
		if err != nil {
			return e, err
		}
		if len(list) == 1 {
			*at.time = list[0].Message.CreatedAt
		}
	}
	if e.First.IsZero() || e.Last.IsZero() {
		e.First, e.Last = d.state.Created, d.state.Created
	}
	return e, nil
}

// addSilent adds turns that have failed before they wrote a message, so that those
// who poll for them see their end.
func (d *documenter) addSilent(ctx context.Context) error {
	before := len(d.order)
	for _, last := range d.state.Broken {
		turn := strings.TrimSuffix(d.id.Turn(""), short(d.id.Turn(""))) + last
		if _, seen := d.turns[turn]; seen {
			continue
		}
		rows, _, err := d.hub.ReadRows(ctx, store.RowQuery{Kind: rowLog, Owner: turn, Limit: 1})
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			continue
		}
		t, err := d.turnOf(ctx, turn)
		if err != nil {
			return err
		}
		if t != nil && t.instance.Folded.IsZero() { // else nobody waits for it any more
			t.messages, t.silent, t.first = t.in.Messages, true, t.in.Head
			d.order = append(d.order, t)
		}
	}
	if len(d.order) == before {
		return nil
	}
	slices.SortStableFunc(d.order, func(a, b *documentTurn) int { // what has written nothing was there first
		if c := cmp.Compare(a.first, b.first); c != 0 || a.silent == b.silent {
			return c
		}
		if a.silent {
			return -1
		}
		return 1
	})
	return nil
}

// addPolled adds turns that somebody waits for but that are too old to be shown.
func (d *documenter) addPolled(ctx context.Context, polled []string) error {
	for _, correlation := range polled {
		if slices.ContainsFunc(d.order, func(t *documentTurn) bool { return t.in.CorrelationID == correlation }) {
			continue
		}
		t, err := d.turnOf(ctx, d.id.Turn(correlation))
		if err != nil {
			return err
		}
		if t == nil || t.in.Log != d.log {
			continue
		}
		end := t.in.Head + int64(len(t.in.Messages))
		if r, err := responseOf(t.instance); err == nil {
			end = r.Messages
		}
		if end = min(end, d.state.shown()); end <= t.in.Head { // it is being rewound
			continue
		}
		list, err := readLog(ctx, d.hub, d.log, t.in.Head, end, 1<<62)
		if err != nil {
			return err
		}
		for _, m := range list {
			t.messages = append(t.messages, m.Message)
		}
		d.order = append(d.order, t)
	}
	return nil
}

// view returns the turn as the document shows it. What was imported is shown as
// the turns that it came from.
func (t *documentTurn) view() []dafx.Turn {
	v := dafx.Turn{CorrelationID: t.in.CorrelationID, Started: t.instance.Created}
	if o := t.in.Options; o != nil {
		v.OrchestrationID = o.OrchestrationID
		if o.Format != nil {
			v.Format = dafx.Format{JSON: true, Schema: o.Format.Schema}
		}
	}
	if t.instance.Status.Terminal() {
		v.Ended = cmp.Or(t.instance.Completed, t.instance.Updated)
		r, err := responseOf(t.instance)
		switch {
		case err == nil:
			v.Usage = &r.Usage
		case !errors.As(err, new(*UnavailableError)):
			p := failureOf(err)
			v.Failure = &dafx.Failure{Code: p.Type, Message: p.Message}
		}
	}
	if t.in.Import || !t.instance.Folded.IsZero() { // how many messages were said to it is not known any more
		return splitTurns(v, t.messages)
	}
	said := min(max(t.in.Head+int64(len(t.in.Messages))-t.first, 0), int64(len(t.messages)))
	v.Request, v.Response = t.messages[:said], t.messages[said:]
	return []dafx.Turn{v}
}

// splitTurns parts messages into turns like v, each from what is said to the agent
// up to its answer.
func splitTurns(v dafx.Turn, messages []*model.Message) []dafx.Turn {
	failure := v.Failure
	v.Usage, v.Failure = nil, nil
	var turns []dafx.Turn
	for _, m := range messages {
		answers := m.Role == model.RoleAssistant || m.Role == model.RoleTool
		if n := len(turns); n == 0 || !answers && len(turns[n-1].Response) > 0 {
			turns = append(turns, v)
		}
		last := &turns[len(turns)-1]
		if answers {
			last.Response = append(last.Response, m)
		} else {
			last.Request = append(last.Request, m)
		}
	}
	if len(turns) > 0 {
		turns[len(turns)-1].Failure = failure
	}
	return turns
}
