package responses

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/perdure/perdure/agent"
)

// responseID is the id of a response: a turn, and which of its segments, from 0.
// A pause ends a segment; the answer to what is asked opens the next. As text it
// is opaque, and says all that is needed to find the response.
type responseID struct {
	session agent.SessionID
	turn    [8]byte // what tells the turn from others of its session
	segment int
}

const (
	responsePrefix = "resp_"
	maxSegment     = 1 << 20
)

// idOf returns the id of a segment of a turn.
func idOf(session agent.SessionID, turn string, segment int) responseID {
	id := responseID{session: session, segment: segment}
	_, _ = hex.Decode(id.turn[:], []byte(turn[strings.LastIndexByte(turn, '~')+1:])) // 16 hex digits, as Turn makes them
	return id
}

// String returns the id as clients see it.
func (r responseID) String() string {
	b := binary.AppendUvarint(nil, uint64(r.segment))
	b = append(b, r.turn[:]...)
	b = append(b, r.session.Agent...)
	b = append(b, '~')
	b = append(b, r.session.Key...)
	return responsePrefix + base64.RawURLEncoding.EncodeToString(b)
}

// turnID returns the instance id of the turn.
func (r responseID) turnID() string {
	other := r.session.Turn("")
	return other[:strings.LastIndexByte(other, '~')+1] + hex.EncodeToString(r.turn[:])
}

// itemRef is the turn's part of the ids of its items.
func (r responseID) itemRef() string {
	r.segment = 0
	return strings.TrimPrefix(r.String(), responsePrefix)
}

// itemID is the id of an item: its kind, the place of its message in the turn, its
// number in the message, and the turn.
func itemID(prefix, place string, number int, ref string) string {
	return prefix + "_" + place + "_" + strconv.Itoa(number) + "_" + ref
}

// turnOfItem returns the turn of an item, false if the id is not one of an item.
func turnOfItem(id string) (responseID, bool) {
	parts := strings.SplitN(id, "_", 4)
	if len(parts) < 4 {
		return responseID{}, false
	}
	return parseResponseID(responsePrefix + parts[3])
}

// next returns the id of the segment after this one.
func (r responseID) next() responseID {
	r.segment++
	return r
}

// parseResponseID reads an id, and reports whether it is one that String returns.
func parseResponseID(s string) (responseID, bool) {
	text, ok := strings.CutPrefix(s, responsePrefix)
	b, err := base64.RawURLEncoding.DecodeString(text)
	if !ok || err != nil {
		return responseID{}, false
	}
	segment, n := binary.Uvarint(b)
	if n <= 0 || segment > maxSegment || len(b) < n+8 {
		return responseID{}, false
	}
	r := responseID{segment: int(segment)}
	copy(r.turn[:], b[n:])
	name, key, ok := strings.Cut(string(b[n+8:]), "~")
	if !ok {
		return responseID{}, false
	}
	r.session, err = agent.NewSessionID(name, key)
	return r, err == nil && r.String() == s
}

// pathID returns the response that the path names.
func pathID(r *http.Request) (responseID, error) {
	id, ok := parseResponseID(r.PathValue("id"))
	if !ok {
		return id, noResponse(r.PathValue("id"))
	}
	return id, nil
}

func noResponse(id string) *problem {
	return &problem{status: http.StatusNotFound, Type: typeInvalid, Param: "id", Message: "Response with id " + shown(id) + " not found."}
}
