package history

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// firstOwn is the lowest number of our own fields; the protocol's are below.
const firstOwn = 1000

// Public returns the message of an event without our own fields, as peers that
// do not know us get it, and reports whether a payload reference was among
// them: the payload must then be put back first, which Decode and Append do.
// It does not look into the body. What it returns aliases b, except if own
// fields stand before others, as Append never writes them.
func Public(b []byte) (public []byte, referred bool, err error) {
	public, aliased := b[:0:0], true
	var f field
	for rest := b; len(rest) > 0; rest = rest[len(f.raw):] {
		if err := f.next(rest); err != nil {
			return nil, false, err
		}
		switch {
		case f.num >= firstOwn:
			referred = referred || f.num == numPayload && f.typ == protowire.BytesType
		case aliased && len(public) == len(b)-len(rest):
			public = b[: len(public)+len(f.raw) : len(public)+len(f.raw)]
		case aliased:
			public, aliased = append(slices.Clone(public), f.raw...), false
		default:
			public = append(public, f.raw...)
		}
	}
	return public, referred, nil
}
