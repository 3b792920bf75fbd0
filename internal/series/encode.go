package series

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// form is the version of the stored form, its first byte.
const form = 1

// Append appends the stored form of the bucket.
func (b *Bucket) Append(to []byte) []byte {
	to = append(to, form)
	to = binary.AppendUvarint(to, uint64(len(b.Runs)))
	for _, k := range slices.SortedFunc(maps.Keys(b.Runs), func(x, y RunKey) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Agent, y.Agent))
	}) {
		r := b.Runs[k]
		to = appendCounts(appendText(appendText(to, k.Name), k.Agent), r.counts())
		to = r.Took.append(to)
	}
	to = binary.AppendUvarint(to, uint64(len(b.Steps)))
	for _, name := range slices.Sorted(maps.Keys(b.Steps)) {
		s := b.Steps[name]
		to = appendCounts(appendText(to, name), s.counts())
		to = s.Took.append(s.Waited.append(to))
	}
	to = binary.AppendUvarint(to, uint64(len(b.Models)))
	for _, k := range slices.SortedFunc(maps.Keys(b.Models), func(x, y ModelKey) int {
		return cmp.Or(cmp.Compare(x.Agent, y.Agent), cmp.Compare(x.Model, y.Model))
	}) {
		to = appendCounts(appendText(appendText(to, k.Agent), k.Model), b.Models[k].counts())
	}
	return b.Store.append(to)
}

// counts are the fields in the order in which they are stored.
func (r *Run) counts() []*int64  { return []*int64{&r.Started, &r.Completed, &r.Failed, &r.Stopped} }
func (s *Step) counts() []*int64 { return []*int64{&s.Completed, &s.Failed} }
func (m *Model) counts() []*int64 {
	return []*int64{&m.Calls, &m.Errors, &m.In, &m.Out, &m.Cached, &m.Nano}
}

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func appendCounts(to []byte, counts []*int64) []byte {
	for _, n := range counts {
		to = binary.AppendVarint(to, *n)
	}
	return to
}

// append appends how many classes are not empty, and of each how far it is from the one
// before and its count.
func (s *Sketch) append(to []byte) []byte {
	full := 0
	for _, n := range s.counts {
		if n > 0 {
			full++
		}
	}
	to = binary.AppendUvarint(to, uint64(full))
	before := 0
	for class, n := range s.counts {
		if n > 0 {
			to = binary.AppendUvarint(binary.AppendUvarint(to, uint64(class-before)), n)
			before = class
		}
	}
	return to
}

var errForm = errors.New("counts of a minute are not in a known form")

// Decode is the reverse of Append.
func Decode(data []byte) (*Bucket, error) {
	if len(data) == 0 || data[0] != form {
		return nil, errForm
	}
	r, b := reader{data: data[1:]}, new(Bucket)
	for n := r.number(); n > 0 && !r.bad; n-- {
		run := b.Run(RunKey{Name: r.text(), Agent: r.text()})
		r.counts(run.counts())
		r.sketch(&run.Took)
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		step := b.Step(r.text())
		r.counts(step.counts())
		r.sketch(&step.Waited)
		r.sketch(&step.Took)
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		r.counts(b.Model(ModelKey{Agent: r.text(), Model: r.text()}).counts())
	}
	r.sketch(&b.Store)
	if r.bad || len(r.data) > 0 {
		return nil, fmt.Errorf("%w (%d bytes)", errForm, len(data))
	}
	return b, nil
}

// reader reads a stored form. Once it is bad it returns zeros.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.data)
	if r.bad = r.bad || size <= 0; r.bad {
		return 0
	}
	r.data = r.data[size:]
	return n
}

func (r *reader) text() string {
	n := r.number()
	if r.bad = r.bad || n > uint64(len(r.data)); r.bad {
		return ""
	}
	s := string(r.data[:n])
	r.data = r.data[n:]
	return s
}

func (r *reader) counts(to []*int64) {
	for _, p := range to {
		n, size := binary.Varint(r.data)
		if r.bad = r.bad || size <= 0; r.bad {
			return
		}
		r.data = r.data[size:]
		*p += n
	}
}

func (r *reader) sketch(s *Sketch) {
	class := uint64(0)
	for n := r.number(); n > 0 && !r.bad; n-- {
		class += r.number()
		count := r.number()
		if r.bad = r.bad || class >= uint64(classes); !r.bad {
			s.count(int(class), count)
		}
	}
}
