// Package backup is the form in which copies of hubs are kept: one file, or stream, for
// hubs of any store.
//
// A file is a line that names the format, then frames: the length of what follows as a
// varint, a byte for the kind, the message, and four bytes of CRC-32C over kind and
// message, little endian. A message is encoded as protobuf's are; fields that a reader
// does not know are skipped. The frames of a hub begin with its name and end with their
// number and the SHA-256 of all of them, without which the hub is not whole. Files may
// be put one behind the other.
package backup

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/perdure/perdure/store"
)

// magic is the line that names the format. Readers refuse any other.
const magic = "perdure backup 1\n"

// maxFrame bounds what a reader takes at once; a payload has 8 MiB at most.
const maxFrame = 256 << 20

// kind says what a frame holds.
type kind byte

const (
	kindHub     kind = 'h'
	kindOrigin  kind = 'o'
	kindRecord  kind = 'r'
	kindChunk   kind = 'c'
	kindMessage kind = 'm'
	kindTimer   kind = 't'
	kindRow     kind = 'w'
	kindEnd     kind = 'e'
)

// Hub says what a file holds of a hub.
type Hub struct {
	Name  string
	Taken time.Time // when the copy was begun
}

// Writer writes hubs one after the other.
type Writer struct {
	to    *bufio.Writer
	sum   hash.Hash
	items uint64
	body  []byte // scratch
	frame []byte // scratch
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{to: bufio.NewWriterSize(w, 64<<10)} }

// Begin begins a hub.
func (w *Writer) Begin(h Hub) error {
	w.sum, w.items = sha256.New(), 0
	if _, err := w.to.WriteString(magic); err != nil {
		return err
	}
	return w.put(kindHub, appendHub(w.body[:0], h))
}

// Write adds an item to the hub. It keeps nothing of it.
func (w *Writer) Write(it *store.Item) error {
	k, body, err := appendItem(w.body[:0], it)
	if err != nil {
		return err
	}
	w.items++
	return w.put(k, body)
}

// End ends the hub and hands over what is buffered.
func (w *Writer) End() error {
	body := protowire.AppendVarint(protowire.AppendTag(w.body[:0], 1, protowire.VarintType), w.items)
	body = appendBytes(body, 2, w.sum.Sum(nil))
	if err := w.put(kindEnd, body); err != nil {
		return err
	}
	return w.to.Flush()
}

func (w *Writer) put(k kind, body []byte) error {
	w.body = body
	f := binary.AppendUvarint(w.frame[:0], uint64(len(body)+1))
	start := len(f)
	f = append(append(f, byte(k)), body...)
	_, _ = w.sum.Write(f[start:]) // never fails
	f = binary.LittleEndian.AppendUint32(f, crc32.Checksum(f[start:], crc32.MakeTable(crc32.Castagnoli)))
	w.frame = f
	_, err := w.to.Write(f)
	return err
}

// Reader reads hubs one after the other. Damage is an error that wraps
// store.ErrCorrupt and says where it is, another format one that wraps store.ErrFormat.
type Reader struct {
	from  *bufio.Reader
	at    int64 // of the frame that is read
	next  int64
	hub   string
	sum   hash.Hash
	items uint64
}

// NewReader returns a reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{from: bufio.NewReaderSize(r, 64<<10)} }

// Hub goes to the next hub, io.EOF if there is none. The one before must have been read
// to its end.
func (r *Reader) Hub() (Hub, error) {
	var line [len(magic)]byte
	n, err := io.ReadFull(r.from, line[:])
	switch {
	case errors.Is(err, io.EOF):
		return Hub{}, io.EOF
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return Hub{}, err
	case string(line[:n]) != magic:
		return Hub{}, fmt.Errorf("%w: at byte %d there is %q, not a backup of version 1", store.ErrFormat, r.next, line[:n])
	}
	r.next += int64(n)
	r.sum, r.items = sha256.New(), 0
	k, body, err := r.frame()
	if err != nil {
		return Hub{}, err
	}
	h, ok := decodeHub(body)
	if k != kindHub || !ok {
		return Hub{}, r.damaged("it does not begin a hub")
	}
	r.add(k, body)
	r.hub = h.Name
	return h, nil
}

// Next returns the next item of the hub, io.EOF at its end: then it was whole.
func (r *Reader) Next() (*store.Item, error) {
	k, body, err := r.frame()
	if err != nil {
		return nil, err
	}
	if k == kindEnd {
		return nil, r.end(body)
	}
	r.add(k, body)
	r.items++
	it, err := decodeItem(k, body)
	if err != nil {
		return nil, r.damaged(err.Error())
	}
	return it, nil
}

// end compares what was read with what the last frame says.
func (r *Reader) end(body []byte) error {
	items, got := uint64(0), []byte(nil)
	ok := fields(body, func(n protowire.Number, v uint64, b []byte) {
		switch n {
		case 1:
			items = v
		case 2:
			got = b
		}
	})
	if !ok || items != r.items || string(got) != string(r.sum.Sum(nil)) {
		return r.damaged(fmt.Sprintf("%d items were written and %d read, or they are not the same", items, r.items))
	}
	return io.EOF
}

// frame reads a frame.
func (r *Reader) frame() (kind, []byte, error) {
	r.at = r.next
	size, err := binary.ReadUvarint(r.from)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, nil, r.damaged("the file ends here")
	case err != nil:
		return 0, nil, err
	case size == 0 || size > maxFrame:
		return 0, nil, r.damaged(fmt.Sprintf("a frame of %d bytes", size))
	}
	f, err := readAll(r.from, int64(size)+4)
	if err != nil {
		return 0, nil, err
	}
	if uint64(len(f)) < size+4 {
		return 0, nil, r.damaged("the file ends here")
	}
	f, sum := f[:size], binary.LittleEndian.Uint32(f[size:])
	if got := crc32.Checksum(f, crc32.MakeTable(crc32.Castagnoli)); got != sum {
		return 0, nil, r.damaged(fmt.Sprintf("checksum %08x, written %08x", got, sum))
	}
	r.next += int64(len(binary.AppendUvarint(nil, size))) + int64(size) + 4
	return kind(f[0]), f[1:], nil
}

// add counts a frame among those that the hub's last one tells of.
func (r *Reader) add(k kind, body []byte) {
	_, _ = r.sum.Write([]byte{byte(k)}) // these never fail
	_, _ = r.sum.Write(body)
}

// readAll reads n bytes, or what there is: a length that lies costs no memory.
func readAll(from io.Reader, n int64) ([]byte, error) {
	if n <= 64<<10 {
		f := make([]byte, n)
		m, err := io.ReadFull(from, f)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return f[:m], err
	}
	return io.ReadAll(io.LimitReader(from, n))
}

func (r *Reader) damaged(why string) error {
	hub := ""
	if r.hub != "" {
		hub = fmt.Sprintf(" (hub %q)", r.hub)
	}
	return fmt.Errorf("%w: backup at byte %d%s: %s", store.ErrCorrupt, r.at, hub, why)
}
