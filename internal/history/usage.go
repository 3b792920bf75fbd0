package history

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// Usage is what calls of models took: of one step as Meta.Usage holds it, or of many.
type Usage struct {
	In, Out, Cached int64  // tokens; Cached is a part of In
	Nano            int64  // cost in US dollars * 10^9 of the calls whose price is known; 0 = of none
	Model           string // that was called last, "" = not known
}

var errUsage = errors.New("usage is not in a known form")

// Add adds what a later step took.
func (u *Usage) Add(o Usage) {
	u.In += o.In
	u.Out += o.Out
	u.Cached += o.Cached
	u.Nano += o.Nano
	if o.Model != "" {
		u.Model = o.Model
	}
}

// Take takes away what is counted elsewhere. The model stays.
func (u *Usage) Take(o Usage) {
	u.In -= o.In
	u.Out -= o.Out
	u.Cached -= o.Cached
	u.Nano -= o.Nano
}

// Append encodes u behind b. Nothing is appended for the zero Usage.
func (u Usage) Append(b []byte) []byte {
	for i, v := range [...]int64{u.In, u.Out, u.Cached, u.Nano} {
		if v != 0 {
			b = protowire.AppendVarint(protowire.AppendTag(b, protowire.Number(i+1), protowire.VarintType), uint64(v))
		}
	}
	if u.Model != "" {
		b = protowire.AppendString(protowire.AppendTag(b, 5, protowire.BytesType), u.Model)
	}
	return b
}

// DecodeUsage is the reverse of Append. Fields of later versions are left out.
func DecodeUsage(b []byte) (Usage, error) {
	var u Usage
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Usage{}, errUsage
		}
		b = b[n:]
		switch {
		case num <= 4 && typ == protowire.VarintType:
			v, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return Usage{}, errUsage
			}
			*[...]*int64{&u.In, &u.Out, &u.Cached, &u.Nano}[num-1], b = int64(v), b[n:]
		case num == 5 && typ == protowire.BytesType:
			v, n := protowire.ConsumeString(b)
			if n < 0 {
				return Usage{}, errUsage
			}
			u.Model, b = v, b[n:]
		default:
			n := protowire.ConsumeFieldValue(num, typ, b)
			if n < 0 {
				return Usage{}, errUsage
			}
			b = b[n:]
		}
	}
	return u, nil
}
