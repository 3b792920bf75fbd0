package codec

import (
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
)

// EncodeInstance gives an instance to our own service.
func EncodeInstance(i *hub.Instance) *wirepb.HubInstance {
	p := &i.Pending
	return &wirepb.HubInstance{
		Record: encodeRecord(&i.Record), AppVersion: Optional(i.AppVersion),
		Started: EncodeTime(i.Started), Updated: EncodeTime(i.Updated), StartAt: EncodeTime(i.StartAt),
		CustomStatus: Optional(i.CustomStatus), Input: Optional(i.Input), Output: Optional(i.Output),
		Failure: EncodeFailure(i.Failure), ParentTask: i.ParentTask, PhaseCause: i.PhaseCause, Step: i.Step,
		WaitName: i.WaitName, Waits: i.Waits, NextFireAt: EncodeTime(i.NextFireAt), Attempt: i.Attempt,
		Pending: &wirepb.HubPending{
			Activities: int64(p.Activities), Timers: int64(p.Timers), Children: int64(p.Children),
			Entities: int64(p.Entities), Events: int64(p.Events), Messages: int64(p.Messages),
		},
		HistoryEvents: i.HistoryEvents, HistoryBytes: i.HistoryBytes, Folded: EncodeTime(i.Folded),
		Usage: encodeUsage(i.Usage), Below: encodeUsage(i.Below), Worker: i.Worker, TraceId: i.TraceID,
		StateBytes: i.StateBytes, LockedBy: i.LockedBy, Operations: encodeOperations(i.Operations), Forked: encodeForkedFrom(i.Forked),
	}
}

func encodeForkedFrom(f hub.ForkedFrom) *wirepb.HubForkedFrom {
	if f == (hub.ForkedFrom{}) {
		return nil
	}
	return &wirepb.HubForkedFrom{Run: f.Run, Execution: f.Execution, Event: int64(f.Event)}
}

func encodeUsage(u history.Usage) *wirepb.HubUsage {
	if u == (history.Usage{}) {
		return nil
	}
	return &wirepb.HubUsage{In: u.In, Out: u.Out, Cached: u.Cached, NanoUsd: u.Nano, Model: u.Model}
}

func decodeUsage(m *wirepb.HubUsage) history.Usage {
	return history.Usage{In: m.GetIn(), Out: m.GetOut(), Cached: m.GetCached(), Nano: m.GetNanoUsd(), Model: m.GetModel()}
}

// DecodeInstance is the reverse of EncodeInstance.
func DecodeInstance(m *wirepb.HubInstance) *hub.Instance {
	p := m.GetPending()
	return &hub.Instance{
		Record: decodeRecord(m.GetRecord()), AppVersion: TextOf(m.AppVersion),
		Started: timeOf(m.Started), Updated: timeOf(m.Updated), StartAt: timeOf(m.StartAt),
		CustomStatus: TextOf(m.CustomStatus), Input: TextOf(m.Input), Output: TextOf(m.Output),
		Failure: DecodeFailure(m.Failure), ParentTask: m.ParentTask, PhaseCause: m.PhaseCause, Step: m.Step,
		WaitName: m.WaitName, Waits: m.Waits, NextFireAt: timeOf(m.NextFireAt), Attempt: m.Attempt,
		Pending: hub.Pending{
			Activities: NarrowInt(p.GetActivities()), Timers: NarrowInt(p.GetTimers()), Children: NarrowInt(p.GetChildren()),
			Entities: NarrowInt(p.GetEntities()), Events: NarrowInt(p.GetEvents()), Messages: NarrowInt(p.GetMessages()),
		},
		HistoryEvents: m.HistoryEvents, HistoryBytes: m.HistoryBytes, Folded: timeOf(m.Folded),
		Usage: decodeUsage(m.Usage), Below: decodeUsage(m.Below), Worker: m.Worker, TraceID: m.TraceId,
		StateBytes: m.StateBytes, LockedBy: m.LockedBy, Operations: decodeOperations(m.Operations),
		Forked: hub.ForkedFrom{Run: m.Forked.GetRun(), Execution: m.Forked.GetExecution(), Event: NarrowInt(m.Forked.GetEvent())},
	}
}

func encodeRecord(r *store.Record) *wirepb.HubRecord {
	return &wirepb.HubRecord{
		Id: r.ID, Kind: uint32(r.Kind), Incarnation: r.Incarnation[:], Version: r.Version, Name: r.Name, Release: r.Release,
		Created: EncodeTime(r.Created), Parent: r.Parent, Root: r.Root, Agent: r.Agent, Session: r.Session, Tags: r.Tags,
		Execution: r.Execution, Status: uint32(r.Status), Phase: uint32(r.Phase),
		PhaseSince: EncodeTime(r.PhaseSince), Completed: EncodeTime(r.Completed), Work: r.Work,
	}
}

func decodeRecord(m *wirepb.HubRecord) store.Record {
	r := store.Record{
		ID: m.GetId(), Kind: store.InstanceKind(Narrow8(m.GetKind())), Version: m.GetVersion(), Name: m.GetName(), Release: m.GetRelease(),
		Created: timeOf(m.GetCreated()), Parent: m.GetParent(), Root: m.GetRoot(), Agent: m.GetAgent(), Session: m.GetSession(), Tags: m.GetTags(),
		Execution: m.GetExecution(), Status: store.Status(Narrow8(m.GetStatus())), Phase: store.Phase(Narrow8(m.GetPhase())),
		PhaseSince: timeOf(m.GetPhaseSince()), Completed: timeOf(m.GetCompleted()), Work: m.GetWork(),
	}
	copy(r.Incarnation[:], m.GetIncarnation())
	return r
}

// EncodeQuery gives a query to our own service, without its Match, Shards and
// WorkOnly, which do not travel.
func EncodeQuery(q *store.Query) *wirepb.HubQuery {
	m := &wirepb.HubQuery{
		Kind: uint32(q.Kind), Names: q.Names, IdPrefix: q.IDPrefix, Parent: q.Parent, Agent: q.Agent, Session: q.Session,
		TagKey: q.Tag[0], TagValue: q.Tag[1], CreatedFrom: EncodeTime(q.CreatedFrom), CreatedTo: EncodeTime(q.CreatedTo),
		CompletedFrom: EncodeTime(q.CompletedFrom), CompletedTo: EncodeTime(q.CompletedTo), Order: uint32(q.Order), After: q.After,
		Limit: int64(q.Limit), Budget: int64(q.Budget),
	}
	for _, s := range q.Statuses {
		m.Statuses = append(m.Statuses, uint32(s))
	}
	for _, p := range q.Phases {
		m.Phases = append(m.Phases, uint32(p))
	}
	return m
}

// DecodeQuery is the reverse of EncodeQuery.
func DecodeQuery(m *wirepb.HubQuery) store.Query {
	q := store.Query{
		Kind: store.InstanceKind(Narrow8(m.Kind)), Names: m.Names, IDPrefix: m.IdPrefix, Parent: m.Parent, Agent: m.Agent, Session: m.Session,
		Tag: [2]string{m.TagKey, m.TagValue}, CreatedFrom: timeOf(m.CreatedFrom), CreatedTo: timeOf(m.CreatedTo),
		CompletedFrom: timeOf(m.CompletedFrom), CompletedTo: timeOf(m.CompletedTo), Order: store.Order(Narrow8(m.Order)), After: m.After,
		Limit: NarrowInt(m.Limit), Budget: NarrowInt(m.Budget),
	}
	for _, s := range m.Statuses {
		q.Statuses = append(q.Statuses, store.Status(Narrow8(s)))
	}
	for _, p := range m.Phases {
		q.Phases = append(q.Phases, store.Phase(Narrow8(p)))
	}
	return q
}

// EncodePage gives a page of a list to our own service.
func EncodePage(p *hub.Page) *wirepb.HubPage {
	m := &wirepb.HubPage{Next: p.Next, Partial: p.Partial, Scanned: int64(p.Scanned)}
	for _, i := range p.Items {
		m.Items = append(m.Items, EncodeInstance(i))
	}
	return m
}

// DecodePage is the reverse of EncodePage.
func DecodePage(m *wirepb.HubPage) hub.Page {
	p := hub.Page{Next: m.Next, Partial: m.Partial, Scanned: NarrowInt(m.Scanned)}
	for _, i := range m.Items {
		p.Items = append(p.Items, DecodeInstance(i))
	}
	return p
}

// EncodeCounts gives counts of instances to our own service.
func EncodeCounts(counts []store.Count) *wirepb.HubCounts {
	m := &wirepb.HubCounts{}
	for _, c := range counts {
		m.Counts = append(m.Counts, &wirepb.HubCount{
			Kind: uint32(c.Kind), Name: c.Name, Status: uint32(c.Status), Phase: uint32(c.Phase), N: c.N,
		})
	}
	return m
}

// DecodeCounts reads counts of instances.
func DecodeCounts(m *wirepb.HubCounts) []store.Count {
	counts := make([]store.Count, 0, len(m.Counts))
	for _, c := range m.Counts {
		counts = append(counts, store.Count{
			Kind: store.InstanceKind(Narrow8(c.Kind)), Name: c.Name, Status: store.Status(Narrow8(c.Status)),
			Phase: store.Phase(Narrow8(c.Phase)), N: c.N,
		})
	}
	return counts
}

// EncodeOwnEntity gives an entity to our own service.
func EncodeOwnEntity(e *hub.Entity) *wirepb.HubEntity {
	return &wirepb.HubEntity{Id: e.ID, Modified: EncodeTime(e.Modified), Queue: int64(e.Queue), LockedBy: e.LockedBy, State: Optional(e.State),
		Operations: encodeOperations(e.Operations)}
}

// DecodeOwnEntity reads an entity.
func DecodeOwnEntity(m *wirepb.HubEntity) *hub.Entity {
	return &hub.Entity{ID: m.Id, Modified: timeOf(m.Modified), Queue: NarrowInt(m.Queue), LockedBy: m.LockedBy, State: TextOf(m.State),
		Operations: decodeOperations(m.Operations)}
}

func encodeOperations(list []hub.Operation) (m []*wirepb.HubOperation) {
	for _, o := range list {
		m = append(m, &wirepb.HubOperation{Name: o.Name, At: EncodeTime(o.At), From: o.From, Called: o.Called, Failure: o.Failure})
	}
	return m
}

func decodeOperations(m []*wirepb.HubOperation) (list []hub.Operation) {
	for _, o := range m {
		list = append(list, hub.Operation{Name: o.Name, At: timeOf(o.At), From: o.From, Called: o.Called, Failure: o.Failure})
	}
	return list
}

// EncodeChanges gives a part of the change feed to our own service.
func EncodeChanges(changes []store.Change, next store.Position, reset bool) *wirepb.HubChanges {
	m := &wirepb.HubChanges{Next: []byte(next), Reset_: reset}
	for _, c := range changes {
		m.Changes = append(m.Changes, &wirepb.HubChange{Id: c.ID, Incarnation: c.Incarnation[:], Version: c.Version, Gone: c.Gone})
	}
	return m
}

// DecodeChanges reads a part of the change feed.
func DecodeChanges(m *wirepb.HubChanges) []store.Change {
	changes := make([]store.Change, len(m.Changes))
	for i, c := range m.Changes {
		changes[i] = store.Change{ID: c.Id, Version: c.Version, Gone: c.Gone}
		copy(changes[i].Incarnation[:], c.Incarnation)
	}
	return changes
}

// EncodeRowQuery gives a query for rows to our own service.
func EncodeRowQuery(q *store.RowQuery) *wirepb.HubRowQuery {
	return &wirepb.HubRowQuery{
		Kind: uint32(q.Kind), Owner: q.Owner, Prefix: q.Prefix, Index: int32(q.Index), From: q.From, To: q.To, After: q.After,
		Limit: int64(q.Limit), Desc: q.Desc,
	}
}

// DecodeRowQuery is the reverse of EncodeRowQuery.
func DecodeRowQuery(m *wirepb.HubRowQuery) store.RowQuery {
	return store.RowQuery{
		Kind: store.RowKind(Narrow16(m.Kind)), Owner: m.Owner, Prefix: m.Prefix, Index: int(m.Index), From: m.From, To: m.To, After: m.After,
		Limit: NarrowInt(m.Limit), Desc: m.Desc,
	}
}

// EncodeRows gives rows to our own service.
func EncodeRows(rows []store.Row) []*wirepb.HubRow {
	list := make([]*wirepb.HubRow, len(rows))
	for i := range rows {
		r := &rows[i]
		list[i] = &wirepb.HubRow{
			Kind: uint32(r.Kind), Owner: r.Owner, Key: r.Key, Value: r.Value, Index0: r.Index[0], Index1: r.Index[1],
			Keep: r.Keep, Delete: r.Delete,
		}
	}
	return list
}

// DecodeRows reads rows.
func DecodeRows(list []*wirepb.HubRow) []store.Row {
	var rows []store.Row
	for _, r := range list {
		rows = append(rows, store.Row{
			Kind: store.RowKind(Narrow16(r.Kind)), Owner: r.Owner, Key: r.Key, Value: r.Value, Index: [2][]byte{r.Index0, r.Index1},
			Keep: r.Keep, Delete: r.Delete,
		})
	}
	return rows
}

// EncodeWriteRows gives a write of rows to our own service.
func EncodeWriteRows(r *hub.WriteRows) *wirepb.HubWriteRows {
	m := &wirepb.HubWriteRows{RequestId: r.RequestID, Owner: r.Owner, Rows: EncodeRows(r.Rows), Activity: r.Activity}
	for _, c := range r.If {
		m.Conditions = append(m.Conditions, &wirepb.HubRowCondition{Kind: uint32(c.Kind), Key: c.Key, Value: c.Value})
	}
	if r.Event != nil {
		m.Event = EncodeRaise(r.Event)
	}
	return m
}

// DecodeWriteRows is the reverse of EncodeWriteRows.
func DecodeWriteRows(m *wirepb.HubWriteRows) *hub.WriteRows {
	r := &hub.WriteRows{RequestID: m.RequestId, Owner: m.Owner, Rows: DecodeRows(m.Rows), Activity: m.Activity}
	for _, c := range m.Conditions {
		r.If = append(r.If, hub.RowCondition{Kind: store.RowKind(Narrow16(c.Kind)), Key: c.Key, Value: c.Value})
	}
	if m.Event != nil {
		r.Event = DecodeRaise(m.Event)
	}
	return r
}

// EncodeEvents gives the encoded events, in chunks of which none has much more than
// the bytes given.
func EncodeEvents(events []*history.Event, bytes int, send func(*wirepb.HubEvents) error) error {
	chunk := &wirepb.HubEvents{}
	size := 0
	for _, e := range events {
		b := e.Append(nil)
		chunk.Events = append(chunk.Events, b)
		if size += len(b); size >= bytes {
			if err := send(chunk); err != nil {
				return err
			}
			chunk, size = &wirepb.HubEvents{}, 0
		}
	}
	return send(chunk)
}

// EncodeEndedQuery gives a query for what has ended to our own service.
func EncodeEndedQuery(q *hub.EndedQuery) *wirepb.HubEndedQuery {
	m := &wirepb.HubEndedQuery{From: EncodeTime(q.From), To: EncodeTime(q.To), Limit: int64(q.Limit), After: q.After}
	for _, s := range q.Statuses {
		m.Statuses = append(m.Statuses, uint32(s))
	}
	return m
}

// DecodeEndedQuery is the reverse of EncodeEndedQuery.
func DecodeEndedQuery(m *wirepb.HubEndedQuery) *hub.EndedQuery {
	q := &hub.EndedQuery{From: timeOf(m.From), To: timeOf(m.To), Limit: NarrowInt(m.Limit), After: m.After}
	for _, s := range m.Statuses {
		q.Statuses = append(q.Statuses, store.Status(Narrow8(s)))
	}
	return q
}

// EncodeEntityQuery gives a query for entities to our own service.
func EncodeEntityQuery(q *hub.EntityQuery) *wirepb.HubEntityQuery {
	return &wirepb.HubEntityQuery{
		Prefix: q.Prefix, From: EncodeTime(q.From), To: EncodeTime(q.To), State: q.State, Transient: q.Transient,
		Limit: int64(q.Limit), After: q.After,
	}
}

// DecodeEntityQuery is the reverse of EncodeEntityQuery.
func DecodeEntityQuery(m *wirepb.HubEntityQuery) *hub.EntityQuery {
	return &hub.EntityQuery{
		Prefix: m.Prefix, From: timeOf(m.From), To: timeOf(m.To), State: m.State, Transient: m.Transient,
		Limit: NarrowInt(m.Limit), After: m.After,
	}
}
