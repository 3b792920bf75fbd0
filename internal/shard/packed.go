package shard

import (
	"errors"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
)

// summary is what a record's Packed holds: what lists show and no index knows.
type summary struct {
	Updated    time.Time
	Started    time.Time
	StartAt    time.Time
	AppVersion history.Text
	Custom     history.Text
	ParentTask int32
	ParentExec string

	Cause   string
	Step    string
	Waits   []string
	NextAt  time.Time
	Attempt int32
	Pending hub.Pending

	ErrorType string
	ErrorText string

	Events int64
	Bytes  int64
	// Losses counts, by task, how often an activity was lost in a crash.
	Losses map[int32]int32
	// Done is the newest delivery of a turn or batch that a worker has completed,
	// Trace what the last such turn has returned.
	Done   delivery
	Trace  hub.OrchestrationTrace
	Queue  int    // entity: operations that wait
	Holder string // entity: who holds its lock
	// Stateless says that an entity has no state; not said by records of old.
	Stateless bool
	// StateBytes and Operations are of entities, see hub.Entity.
	StateBytes int64
	Operations []hub.Operation

	Usage   history.Usage // of the models that its own steps have called
	Below   history.Usage // what its children have told when they ended
	Told    history.Usage // what it has told its parent, of both
	Worker  string        // who ran the step that has ended last
	TraceID string        // of whoever has started it

	Fold   *engine.Fold // what the run gives up after its end; nil = nothing
	Folded time.Time    // when it did

	// Lineage is the seed that the step gave which has begun the run, Begun a hash of what
	// it was begun with; "" = no step has.
	Lineage string
	Begun   string

	Forked hub.ForkedFrom // of what it is a copy
}

const (
	sumUpdated = iota + 1
	sumStarted
	sumStartAt
	sumVersion
	sumCustom
	sumParentTask
	sumParentExec
	sumCause
	sumStep
	sumWait
	sumNextAt
	sumAttempt
	sumActivities
	sumTimers
	sumChildren
	sumEntities
	sumEvents
	sumMessages
	sumErrorType
	sumErrorText
	sumHistoryEvents
	sumHistoryBytes
	sumLoss
	sumQueue
	sumHolder
	sumFold
	sumFolded
	sumStateless
	sumDone
	sumSpan
	sumSpanStart
	sumUsage
	sumWorker
	sumTraceID
	sumStateBytes
	sumOperation
	sumLineage
	sumBegun
	sumForkedRun
	sumForkedExecution
	sumForkedEvent
	sumBelow
	sumTold
)

var errSummary = errors.New("record is not in a known form")

func (s *summary) append(b []byte) []byte {
	num := func(f protowire.Number, v int64) {
		if v != 0 {
			b = protowire.AppendVarint(protowire.AppendTag(b, f, protowire.VarintType), uint64(v))
		}
	}
	at := func(f protowire.Number, t time.Time) {
		if !t.IsZero() {
			num(f, t.UnixMicro())
		}
	}
	str := func(f protowire.Number, v string) {
		if v != "" {
			b = protowire.AppendString(protowire.AppendTag(b, f, protowire.BytesType), v)
		}
	}
	text := func(f protowire.Number, v history.Text) {
		if v.Set {
			b = protowire.AppendString(protowire.AppendTag(b, f, protowire.BytesType), v.S)
		}
	}
	at(sumUpdated, s.Updated)
	at(sumStarted, s.Started)
	at(sumStartAt, s.StartAt)
	text(sumVersion, s.AppVersion)
	text(sumCustom, s.Custom)
	num(sumParentTask, int64(s.ParentTask))
	str(sumParentExec, s.ParentExec)
	str(sumCause, s.Cause)
	str(sumStep, s.Step)
	for _, w := range s.Waits {
		str(sumWait, w)
	}
	at(sumNextAt, s.NextAt)
	num(sumAttempt, int64(s.Attempt))
	num(sumActivities, int64(s.Pending.Activities))
	num(sumTimers, int64(s.Pending.Timers))
	num(sumChildren, int64(s.Pending.Children))
	num(sumEntities, int64(s.Pending.Entities))
	num(sumEvents, int64(s.Pending.Events))
	num(sumMessages, int64(s.Pending.Messages))
	str(sumErrorType, s.ErrorType)
	str(sumErrorText, s.ErrorText)
	num(sumHistoryEvents, s.Events)
	num(sumHistoryBytes, s.Bytes)
	for task, n := range s.Losses {
		num(sumLoss, int64(task)<<32|int64(n))
	}
	num(sumQueue, int64(s.Queue))
	str(sumHolder, s.Holder)
	if s.Fold != nil {
		b = protowire.AppendBytes(protowire.AppendTag(b, sumFold, protowire.BytesType), s.Fold.Append(nil))
	}
	at(sumFolded, s.Folded)
	if s.Done != (delivery{}) {
		b = protowire.AppendBytes(protowire.AppendTag(b, sumDone, protowire.BytesType), s.Done.append(nil))
	}
	text(sumSpan, s.Trace.SpanID)
	if !s.Trace.Start.IsZero() {
		num(sumSpanStart, s.Trace.Start.UnixNano())
	}
	for _, u := range [...]struct {
		n  protowire.Number
		of *history.Usage
	}{{sumUsage, &s.Usage}, {sumBelow, &s.Below}, {sumTold, &s.Told}} {
		if *u.of != (history.Usage{}) {
			b = protowire.AppendBytes(protowire.AppendTag(b, u.n, protowire.BytesType), u.of.Append(nil))
		}
	}
	str(sumWorker, s.Worker)
	str(sumTraceID, s.TraceID)
	if s.Stateless {
		num(sumStateless, 1)
	}
	num(sumStateBytes, s.StateBytes)
	str(sumLineage, s.Lineage)
	str(sumBegun, s.Begun)
	str(sumForkedRun, s.Forked.Run)
	str(sumForkedExecution, s.Forked.Execution)
	num(sumForkedEvent, int64(s.Forked.Event))
	for i := range s.Operations {
		b = protowire.AppendBytes(protowire.AppendTag(b, sumOperation, protowire.BytesType), appendOperation(nil, &s.Operations[i]))
	}
	return b
}

func decodeSummary(b []byte) (*summary, error) {
	s := &summary{}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, errSummary
		}
		b = b[n:]
		switch typ {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return nil, errSummary
			}
			b = b[n:]
			s.setNumber(int(num), int64(v))
		case protowire.BytesType:
			v, n := protowire.ConsumeString(b)
			if n < 0 {
				return nil, errSummary
			}
			b = b[n:]
			s.setString(int(num), v)
		default:
			return nil, errSummary
		}
	}
	return s, nil
}

func (s *summary) setNumber(f int, v int64) {
	switch f {
	case sumUpdated:
		s.Updated = time.UnixMicro(v).UTC()
	case sumStarted:
		s.Started = time.UnixMicro(v).UTC()
	case sumStartAt:
		s.StartAt = time.UnixMicro(v).UTC()
	case sumNextAt:
		s.NextAt = time.UnixMicro(v).UTC()
	case sumParentTask:
		s.ParentTask = int32(v)
	case sumFolded:
		s.Folded = time.UnixMicro(v).UTC()
	case sumAttempt:
		s.Attempt = int32(v)
	case sumActivities:
		s.Pending.Activities = int(v)
	case sumTimers:
		s.Pending.Timers = int(v)
	case sumChildren:
		s.Pending.Children = int(v)
	case sumEntities:
		s.Pending.Entities = int(v)
	case sumEvents:
		s.Pending.Events = int(v)
	case sumMessages:
		s.Pending.Messages = int(v)
	case sumHistoryEvents:
		s.Events = v
	case sumHistoryBytes:
		s.Bytes = v
	case sumQueue:
		s.Queue = int(v)
	case sumSpanStart:
		s.Trace.Start = time.Unix(0, v).UTC()
	case sumStateBytes:
		s.StateBytes = v
	case sumForkedEvent:
		s.Forked.Event = int(v)
	case sumStateless:
		s.Stateless = v != 0
	case sumLoss:
		if s.Losses == nil {
			s.Losses = make(map[int32]int32)
		}
		s.Losses[int32(v>>32)] = int32(v)
	}
}

func (s *summary) setString(f int, v string) {
	switch f {
	case sumVersion:
		s.AppVersion = history.Some(v)
	case sumCustom:
		s.Custom = history.Some(v)
	case sumParentExec:
		s.ParentExec = v
	case sumCause:
		s.Cause = v
	case sumStep:
		s.Step = v
	case sumWait:
		s.Waits = append(s.Waits, v)
	case sumErrorType:
		s.ErrorType = v
	case sumErrorText:
		s.ErrorText = v
	case sumDone:
		s.Done, _, _ = cutDelivery([]byte(v))
	case sumSpan:
		s.Trace.SpanID = history.Some(v)
	case sumHolder:
		s.Holder = v
	case sumUsage:
		s.Usage, _ = history.DecodeUsage([]byte(v))
	case sumBelow:
		s.Below, _ = history.DecodeUsage([]byte(v))
	case sumTold:
		s.Told, _ = history.DecodeUsage([]byte(v))
	case sumWorker:
		s.Worker = v
	case sumTraceID:
		s.TraceID = v
	case sumLineage:
		s.Lineage = v
	case sumBegun:
		s.Begun = v
	case sumForkedRun:
		s.Forked.Run = v
	case sumForkedExecution:
		s.Forked.Execution = v
	case sumOperation:
		if o, ok := decodeOperation(v); ok {
			s.Operations = append(s.Operations, o)
		}
	case sumFold:
		s.Fold = engine.DecodeFold([]byte(v))
	}
}
