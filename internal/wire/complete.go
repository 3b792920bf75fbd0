package wire

import (
	"context"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// A completion that does not count because its delivery is not the newest is
// answered with NOT_FOUND and changes nothing. One that is refused for another
// reason gives its item back: most workers do not send it again.

func (s *Service) completeTurn(c *call, in *wirepb.OrchestratorResponse) (*wirepb.CompleteTaskResponse, error) {
	workers, ok := c.hub.(hub.Workers)
	if !ok {
		return nil, unimplemented("workers outside of its process")
	}
	out := &wirepb.CompleteTaskResponse{}
	key := turnKey{c.name, in.CompletionToken}
	delivery := hub.Delivery{Token: in.CompletionToken, InstanceID: in.InstanceId}
	whole, retry, err := s.turns.part(key, in)
	if retry {
		s.giveBack(c, workers, delivery)
	}
	if err != nil || whole == nil {
		return out, err
	}
	done, unknown, err := codec.DecodeTurn(whole, c.own)
	if err == nil {
		s.ignored(c, in.InstanceId, unknown)
		err = workers.CompleteOrchestration(c.ctx, done)
	}
	return out, s.completed(c, workers, delivery, key, err)
}

func (s *Service) completeActivity(c *call, in *wirepb.ActivityResponse) (*wirepb.CompleteTaskResponse, error) {
	workers, ok := c.hub.(hub.Workers)
	if !ok {
		return nil, unimplemented("workers outside of its process")
	}
	out := &wirepb.CompleteTaskResponse{}
	if c.own && in.Interim {
		return out, c.hub.Heartbeat(c.ctx, in.CompletionToken, codec.DecodeText(in.Result))
	}
	done := codec.DecodeActivityDone(in, c.own)
	return out, s.completed(c, workers, done.Delivery, turnKey{}, workers.CompleteActivity(c.ctx, done))
}

func (s *Service) completeEntity(c *call, in *wirepb.EntityBatchResult) (*wirepb.CompleteTaskResponse, error) {
	workers, ok := c.hub.(hub.Workers)
	if !ok {
		return nil, unimplemented("workers outside of its process")
	}
	done, unknown, err := codec.DecodeEntityDone(in, c.own)
	if err == nil {
		s.ignored(c, "", unknown)
		err = workers.CompleteEntity(c.ctx, done)
	}
	return &wirepb.CompleteTaskResponse{}, s.completed(c, workers, hub.Delivery{Token: in.CompletionToken}, turnKey{}, err)
}

// completed does what follows from the answer to a completion, and returns it.
func (s *Service) completed(c *call, workers hub.Workers, d hub.Delivery, key turnKey, err error) error {
	switch perdure.CodeOf(err) {
	case perdure.Canceled, perdure.DeadlineExceeded: // what has become of it is not known
		return err
	}
	s.turns.done(key)
	if err != nil && !notFound(err) {
		s.giveBack(c, workers, d)
	}
	return err
}

// giveBack gives an item back whose completion was refused.
func (s *Service) giveBack(c *call, workers hub.Workers, d hub.Delivery) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), 5*time.Second)
	defer cancel()
	if err := workers.Abandon(ctx, d); err != nil && !notFound(err) {
		s.cfg.Logger.Warn("an item whose completion was refused could not be given back", "hub", c.name, "instance", d.InstanceID, "err", err)
	}
}

// ignored tells of actions that this version does not know.
func (s *Service) ignored(c *call, instance string, n int) {
	if n > 0 {
		s.cfg.Logger.Warn("actions of unknown kinds were ignored", "hub", c.name, "instance", instance, "actions", n)
	}
}

// abandoned gives an item back that its worker does not want.
func abandoned[In, Out any, I interface {
	*In
	GetCompletionToken() string
}](s *Service, c *call, in *In) (*Out, error) {
	workers, ok := c.hub.(hub.Workers)
	if !ok {
		return nil, unimplemented("workers outside of its process")
	}
	token := I(in).GetCompletionToken()
	if token == "" {
		return nil, invalid("abandon", "", "the completion token is empty")
	}
	s.turns.done(turnKey{c.name, token})
	return new(Out), workers.Abandon(c.ctx, hub.Delivery{Token: token})
}
