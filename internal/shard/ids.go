package shard

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
)

// ids makes identifiers out of a source of randomness.
type ids struct {
	source io.Reader
	buf    [4096]byte
	next   int
}

func newIDs(source io.Reader) *ids {
	i := &ids{source: source}
	i.next = len(i.buf)
	return i
}

// random returns 128 random bits.
func (i *ids) random() (id [16]byte) {
	if i.next+16 > len(i.buf) {
		if _, err := io.ReadFull(i.source, i.buf[:]); err != nil {
			panic("no randomness: " + err.Error()) // the machine is broken
		}
		i.next = 0
	}
	copy(id[:], i.buf[i.next:])
	clear(i.buf[i.next : i.next+16])
	i.next += 16
	return id
}

// execution returns a fresh execution id: 32 hexadecimal digits.
func (i *ids) execution() string {
	id := i.random()
	return hex.EncodeToString(id[:])
}

// uuid returns a fresh UUID (version 4) in its usual form.
func (i *ids) uuid() string { return formUUID(i.random(), 4) }

// operationID is the id of an entity's operation that a client asks for: a UUID, for
// there are workers that know no others, made of the id of the client's request if
// that is none.
func (i *ids) operationID(request string) string {
	switch {
	case request == "":
		return i.uuid()
	case isUUID(request):
		return request
	}
	sum := sha256.Sum256([]byte("operation " + request))
	return formUUID([16]byte(sum[:16]), 8)
}

func isUUID(s string) bool {
	for n, r := range []byte(s) {
		dash := n == 8 || n == 13 || n == 18 || n == 23
		digit := r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
		if dash != (r == '-') || !dash && !digit {
			return false
		}
	}
	return len(s) == 36
}

// formUUID makes a UUID of a version of 128 bits.
func formUUID(id [16]byte, version byte) string {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
