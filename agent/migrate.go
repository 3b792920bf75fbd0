package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/dafx"
)

// Operations of sessions of Microsoft's agents.
const (
	opMigrate         = "migrate"
	opExpireResults   = "checkandexpireresults"
	opExpireResponses = "expire_responses"
)

// migrate takes the state document of a session of Microsoft's agents over into
// this one, which must be empty: its messages are the conversation, and the
// messages that were answered there are not answered again.
func (s *session) migrate() error {
	text := []byte(perdure.OperationOf(s.ctx).Input.S)
	var inner string
	if json.Unmarshal(text, &inner) == nil && inner != "" {
		text = []byte(inner)
	}
	sum := sha256.Sum256(text)
	r := &runRequest{CorrelationID: "migrate-" + hex.EncodeToString(sum[:8]), Import: true}
	turn := s.id.Turn(r.CorrelationID)
	repeated := s.knows(turn) || slices.Contains(s.Recent, short(turn))
	if !repeated && (s.Head > 0 || s.Running != nil || len(s.Queue) > 0 || s.Closing != nil) {
		return &perdure.Error{Code: perdure.FailedPrecondition, Op: "migrate", Instance: s.ctx.ID().String(),
			Message: "the session is not empty: reset or delete it first"}
	}
	d, err := dafx.ParseDocument(text)
	if err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "migrate", Instance: s.ctx.ID().String(), Message: err.Error()}
	}
	messages, answered, err := d.Transcript()
	if err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "migrate", Instance: s.ctx.ID().String(), Message: err.Error()}
	}
	if len(messages) == 0 {
		return nil
	}
	r.Input = messages
	reply, err := s.admit(r, !perdure.OperationOf(s.ctx).Signal)
	if err != nil || reply.Duplicate {
		return err
	}
	for _, id := range answered[max(0, len(answered)-maxRecent+1):] {
		s.remember(s.id.Turn(id))
	}
	return nil
}
