package engine

import (
	"errors"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/history"
)

var errEntity = errors.New("entity state is not in a known form")

// DecodeEntity reads what Encode wrote.
func DecodeEntity(id string, b []byte) (*Entity, error) {
	s := &Entity{ID: id}
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, errEntity
		}
		b = b[n:]
		switch typ {
		case protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return nil, errEntity
			}
			b = b[n:]
			switch num {
			case entDelayed:
				s.Delayed = int(v)
			case entNext:
				s.NextTimer = int32(v)
			}
		case protowire.BytesType:
			v, n := protowire.ConsumeBytes(b)
			if n < 0 {
				return nil, errEntity
			}
			b = b[n:]
			if err := s.decodeField(num, v); err != nil {
				return nil, err
			}
		default:
			return nil, errEntity
		}
	}
	return s, nil
}

func (s *Entity) decodeField(num protowire.Number, v []byte) error {
	if num == entState {
		s.State = history.Some(string(v))
		return nil
	}
	var parts []string
	for len(v) > 0 {
		_, typ, n := protowire.ConsumeTag(v)
		if n < 0 || typ != protowire.BytesType {
			return errEntity
		}
		p, m := protowire.ConsumeString(v[n:])
		if m < 0 {
			return errEntity
		}
		parts, v = append(parts, p), v[n+m:]
	}
	switch {
	case num == entLock && len(parts) >= 3:
		s.Lock = &Lock{Section: parts[0], Instance: parts[1], Execution: parts[2], Set: parts[3:]}
	case num == entDeferred && len(parts) == 4:
		if s.Deferred == nil {
			s.Deferred = make(map[string]Caller)
		}
		s.Deferred[parts[0]] = Caller{Instance: parts[1], Execution: parts[2], Ask: parts[3]}
	case num == entEarly && len(parts) == 2:
		at, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			return errEntity
		}
		if s.Early == nil {
			s.Early = make(map[string]time.Time)
		}
		s.Early[parts[0]] = time.UnixMicro(at).UTC()
	default:
		return errEntity
	}
	return nil
}
