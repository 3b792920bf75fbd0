package pebble

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/store"
)

// FuzzHub reads what the store keeps of a hub; damage names the hub's key.
func FuzzHub(f *testing.F) {
	s := hubState{number: 3, opened: 7, identity: store.Identity{Lineage: [16]byte{1}, Timeline: [16]byte{2}}}
	f.Add(store.Seal(nil, s.append(nil), nil))
	f.Add(store.Seal(nil, nil, nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, v []byte) {
		key := hubKey("main")
		got, err := decodeHub(key, v)
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), shownKey(key).String()) {
				t.Errorf("decodeHub(%x) = %v, want %v and the key", v, err, store.ErrCorrupt)
			}
			return
		}
		if again, err := decodeHub(key, store.Seal(nil, got.append(nil), nil)); err != nil || again != got {
			t.Errorf("decodeHub(%x) = %+v when stored again, %v, want %+v", v, again, err, got)
		}
	})
}

// logChunkOf makes a chunk of Pebble's log.
func logChunkOf(number uint32, promise uint64, payload []byte) []byte {
	b := make([]byte, logHeader, logHeader+len(payload))
	binary.LittleEndian.PutUint16(b[4:], uint16(len(payload)))
	b[6] = logFirstType
	binary.LittleEndian.PutUint32(b[7:], number)
	binary.LittleEndian.PutUint64(b[11:], promise)
	b = append(b, payload...)
	sum := crc32.Checksum(b[6:], crc32.MakeTable(crc32.Castagnoli))
	binary.LittleEndian.PutUint32(b, (sum>>logCRCRotated|sum<<(32-logCRCRotated))+logCRCDelta)
	return b
}

// FuzzLog looks for the end of a block of the log: it lies within the block, what
// is before it is chunks, and a chunk put there is read.
func FuzzLog(f *testing.F) {
	chunk := logChunkOf(1, 9, []byte("abc"))
	f.Add(chunk, uint32(1))
	f.Add(append(append([]byte{}, chunk...), chunk[:10]...), uint32(1))
	f.Add(append([]byte{0}, chunk...), uint32(1))
	f.Add([]byte{}, uint32(0))
	f.Fuzz(func(t *testing.T, block []byte, number uint32) {
		if len(block) > logBlock-logHeader {
			block = block[:logBlock-logHeader]
		}
		end, _ := chunksEnd(block, number)
		if end < 0 || end > len(block) {
			t.Fatalf("chunksEnd(%x) = %d, want at most %d", block, end, len(block))
		}
		promiseAfter(block, end, number, uint64(end))
		whole := append(append([]byte{}, block[:end]...), logChunkOf(number, 5, nil)...)
		if got, _ := chunksEnd(whole, number); got != len(whole) {
			t.Errorf("chunksEnd(%x) = %d, want %d", whole, got, len(whole))
		}
	})
}

// FuzzPosition reads positions of the change feed, which clients send.
func FuzzPosition(f *testing.F) {
	feed := newFeed([16]byte{1, 2, 3}, 1<<10, time.Now)
	f.Add([]byte(feed.position(1)))
	f.Add([]byte(feed.position(1 << 63)))
	f.Add([]byte("1234"))
	f.Fuzz(func(t *testing.T, p []byte) {
		n, ok := feed.number(store.Position(p))
		if ok && string(feed.position(n)) != string(p) {
			t.Errorf("position(%d) = %x, want %x", n, feed.position(n), p)
		}
	})
}
