package wire

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure/internal/history"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

func (s *Service) signalEntity(c *call, in *wirepb.SignalEntityRequest) (*wirepb.SignalEntityResponse, error) {
	if err := checkID("signal", in.InstanceId); err != nil {
		return nil, err
	}
	at, err := codec.DecodeTime("the scheduled time", in.ScheduledTime)
	if err != nil {
		return nil, err
	}
	err = c.hub.Signal(c.ctx, &hub.Signal{
		RequestID: in.RequestId, InstanceID: in.InstanceId, Operation: in.Name, Input: codec.DecodeText(in.Input), At: at,
		Trace: codec.DecodeTrace(in.ParentTraceContext),
	})
	return &wirepb.SignalEntityResponse{}, err
}

func (s *Service) getEntity(c *call, in *wirepb.GetEntityRequest) (*wirepb.GetEntityResponse, error) {
	if err := checkID("get entity", in.InstanceId); err != nil {
		return nil, err
	}
	if !isEntity(in.InstanceId) {
		return nil, invalid("get entity", in.InstanceId, "the id of an entity has the form @name@key")
	}
	e, err := c.hub.Entity(c.ctx, in.InstanceId)
	if notFound(err) || err == nil && !e.State.Set {
		return &wirepb.GetEntityResponse{}, nil
	}
	if err == nil && in.IncludeState {
		err = s.document(c, e)
	}
	if notFound(err) { // it was deleted meanwhile
		return &wirepb.GetEntityResponse{}, nil
	}
	if err != nil {
		return nil, err
	}
	return &wirepb.GetEntityResponse{Exists: true, Entity: codec.EncodeEntity(e, in.IncludeState)}, nil
}

// document puts what is shown in place of an entity's state, if something is.
func (s *Service) document(c *call, e *hub.Entity) error {
	if s.cfg.EntityDocument == nil {
		return nil
	}
	text, is, err := s.cfg.EntityDocument(c.ctx, c.name, e.ID)
	if err != nil || !is {
		return err
	}
	e.State = history.Some(string(text))
	return nil
}

func (s *Service) queryEntities(c *call, in *wirepb.QueryEntitiesRequest) (*wirepb.QueryEntitiesResponse, error) {
	upkeep, ok := c.hub.(hub.Upkeep)
	if !ok {
		return nil, unimplemented("list of entities")
	}
	w := in.GetQuery()
	q := &hub.EntityQuery{
		Prefix: w.GetInstanceIdStartsWith().GetValue(), State: w.GetIncludeState(), Transient: w.GetIncludeTransient(),
		After: w.GetContinuationToken().GetValue(),
	}
	var errs [3]error
	q.From, errs[0] = codec.DecodeTime("last_modified_from", w.GetLastModifiedFrom())
	q.To, errs[1] = codec.DecodeTime("last_modified_to", w.GetLastModifiedTo())
	q.Limit, errs[2] = pageSize(w.GetPageSize().GetValue())
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	for {
		list, next, err := upkeep.Entities(c.ctx, q)
		if err != nil {
			return nil, err
		}
		out := &wirepb.QueryEntitiesResponse{ContinuationToken: codec.EncodeText(history.NoneIfEmpty(next))}
		fit, err := s.metadata(c, list, q.State, out)
		if err != nil || fit == len(list) {
			return out, err
		}
		q.Limit = fit // end the page earlier
	}
}

// metadata appends entities to a page and returns how many fit into it, at least
// one. Those that were deleted meanwhile count as well.
func (s *Service) metadata(c *call, list []*hub.Entity, state bool, out *wirepb.QueryEntitiesResponse) (int, error) {
	size := 0
	for n, e := range list {
		if state && e.State.Set {
			err := s.document(c, e)
			if notFound(err) {
				continue
			}
			if err != nil {
				return 0, err
			}
		}
		m := codec.EncodeEntity(e, state)
		if size += proto.Size(m); size > maxPageBytes && n > 0 {
			return n, nil
		}
		out.Entities = append(out.Entities, m)
	}
	return len(list), nil
}

func (s *Service) cleanEntities(c *call, in *wirepb.CleanEntityStorageRequest) (*wirepb.CleanEntityStorageResponse, error) {
	upkeep, ok := c.hub.(hub.Upkeep)
	if !ok {
		return nil, unimplemented("cleaning of entities")
	}
	done, err := upkeep.CleanEntities(c.ctx, &hub.CleanEntities{
		Empty: in.RemoveEmptyEntities, Locks: in.ReleaseOrphanedLocks, After: in.GetContinuationToken().GetValue(),
	})
	return &wirepb.CleanEntityStorageResponse{
		ContinuationToken:    codec.EncodeText(history.NoneIfEmpty(done.Next)),
		EmptyEntitiesRemoved: int32(done.Removed), OrphanedLocksReleased: int32(done.Released),
	}, err
}
