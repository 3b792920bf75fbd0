package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/perdure/perdure"
)

// SessionID names a conversation with an agent.
type SessionID struct {
	Agent string // in lower case
	Key   string // its case counts
}

// entityPrefix begins the name of the entity of a session.
const entityPrefix = "dafx-"

// maxID bounds agent and key of a session together, in bytes.
const maxID = 75

// NewSessionID returns the id of a session, or why there can be none with this
// key: it must not be empty, nor contain @ or control characters, and agent and
// key must have at most 75 bytes together.
func NewSessionID(agent, key string) (SessionID, error) {
	id := SessionID{Agent: fold(agent), Key: key}
	wrong := ""
	switch {
	case !agentName.MatchString(agent):
		wrong = "no agent can have this name"
	case key == "":
		wrong = "the session key is empty"
	case !utf8.ValidString(key):
		wrong = "the session key is not valid UTF-8"
	case strings.Contains(key, "@"):
		wrong = "the session key contains @"
	case strings.ContainsFunc(key, unicode.IsControl):
		wrong = "the session key has a control character"
	case len(agent)+len(key) > maxID:
		wrong = fmt.Sprintf("agent and session key have %d bytes together; at most %d are allowed", len(agent)+len(key), maxID)
	}
	if wrong != "" {
		return SessionID{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "session", Message: wrong}
	}
	return id, nil
}

// ParseSessionID reads a session id in any of the forms that are in use: the
// instance id "@dafx-agent@key" in any case of the agent, "@agent@key", or a bare
// key, which belongs to agent. An id that names another agent is refused.
func ParseSessionID(agent, s string) (SessionID, error) {
	rest, full := strings.CutPrefix(s, "@")
	if !full {
		return NewSessionID(agent, s)
	}
	name, key, ok := strings.Cut(rest, "@")
	if !ok {
		return SessionID{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "session",
			Message: fmt.Sprintf("session id %q is not of the form @%sagent@key", s, entityPrefix)}
	}
	if len(name) > len(entityPrefix) && strings.EqualFold(name[:len(entityPrefix)], entityPrefix) {
		name = name[len(entityPrefix):]
	}
	if agent != "" && !strings.EqualFold(name, agent) {
		return SessionID{}, &perdure.Error{Code: perdure.InvalidArgument, Op: "session",
			Message: fmt.Sprintf("the session belongs to agent %q, not to %q", name, agent)}
	}
	return NewSessionID(name, key)
}

// Entity returns the id of the session's entity.
func (id SessionID) Entity() perdure.EntityID {
	return perdure.NewEntityID(entityPrefix+id.Agent, id.Key)
}

// String returns the instance id of the session's entity, "@dafx-agent@key".
func (id SessionID) String() string { return id.Entity().String() }

// Turn returns the instance id of the turn that answers the message with this
// correlation id.
func (id SessionID) Turn(correlationID string) string {
	sum := sha256.Sum256([]byte(correlationID))
	return entityPrefix + fold(id.Agent) + "~" + id.Key + "~" + hex.EncodeToString(sum[:8])
}

// sessionOfTurn is the reverse of Turn: it returns the session of a turn's
// instance id, and false for ids that are none.
func sessionOfTurn(turn string) (SessionID, bool) {
	rest, ok := strings.CutPrefix(turn, entityPrefix)
	last := strings.LastIndexByte(rest, '~')
	if !ok || last < 0 {
		return SessionID{}, false
	}
	name, key, ok := strings.Cut(rest[:last], "~")
	if !ok {
		return SessionID{}, false
	}
	id, err := NewSessionID(name, key)
	return id, err == nil
}
