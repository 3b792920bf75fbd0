package engine

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/internal/history"
)

// Options are what an activity, a timer or a run is scheduled with beyond the
// protocol's fields. They are stored in the scheduling event's Meta.Options.
type Options struct {
	Timeout          time.Duration
	HeartbeatTimeout time.Duration
	LimitKey         string
	Limit            int32
	Retry            *Retry
	Fold             *Fold // of a run
}

const (
	optTimeout   = 1
	optHeartbeat = 2
	optLimitKey  = 3
	optLimit     = 4
	optStep      = 5
	optAttempt   = 6
	optMax       = 7
	optError     = 8
	optFold      = 9
)

func (o Options) encode() []byte {
	var b []byte
	num := func(f protowire.Number, v int64) {
		if v != 0 {
			b = protowire.AppendVarint(protowire.AppendTag(b, f, protowire.VarintType), uint64(v))
		}
	}
	str := func(f protowire.Number, s string) {
		if s != "" {
			b = protowire.AppendString(protowire.AppendTag(b, f, protowire.BytesType), s)
		}
	}
	num(optTimeout, int64(o.Timeout))
	num(optHeartbeat, int64(o.HeartbeatTimeout))
	str(optLimitKey, o.LimitKey)
	num(optLimit, int64(o.Limit))
	if o.Retry != nil {
		str(optStep, o.Retry.Name)
		num(optAttempt, int64(o.Retry.Attempt))
		num(optMax, int64(o.Retry.MaxAttempts))
		str(optError, o.Retry.Error)
	}
	if o.Fold != nil {
		b = protowire.AppendBytes(protowire.AppendTag(b, optFold, protowire.BytesType), o.Fold.Append(nil))
	}
	return b
}

// RetryOf returns what attempt the timer that an event creates waits for, nil if it is
// no pause of a retry.
func RetryOf(e *history.Event) *Retry { return optionsOf(e).Retry }

// optionsOf reads the options of a scheduling event; what cannot be read counts
// as absent, since the event as a whole has a checksum.
func optionsOf(e *history.Event) Options {
	var o Options
	if e.Meta == nil {
		return o
	}
	for b := e.Meta.Options; len(b) > 0; {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return o
		}
		b = b[n:]
		if typ == protowire.VarintType {
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return o
			}
			b = b[n:]
			o.setNumber(num, int64(v))
			continue
		}
		s, n := protowire.ConsumeString(b)
		if typ != protowire.BytesType || n < 0 {
			return o
		}
		b = b[n:]
		o.setString(num, s)
	}
	return o
}

func (o *Options) retry() *Retry {
	if o.Retry == nil {
		o.Retry = &Retry{}
	}
	return o.Retry
}

func (o *Options) setNumber(num protowire.Number, v int64) {
	switch num {
	case optTimeout:
		o.Timeout = time.Duration(v)
	case optHeartbeat:
		o.HeartbeatTimeout = time.Duration(v)
	case optLimit:
		o.Limit = int32(v)
	case optAttempt:
		o.retry().Attempt = int32(v)
	case optMax:
		o.retry().MaxAttempts = int32(v)
	}
}

func (o *Options) setString(num protowire.Number, s string) {
	switch num {
	case optLimitKey:
		o.LimitKey = s
	case optStep:
		o.retry().Name = s
	case optError:
		o.retry().Error = s
	case optFold:
		o.Fold = DecodeFold([]byte(s))
	}
}
