package pebble

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/perdure/perdure/store"
)

// Pebble's log is made of blocks of 32 KB, these of chunks. A chunk tells up to
// which offset the log was durable when it was written, so that a chunk that
// cannot be read is damage if a later one promises more than its place, and else
// the unfinished end of the log. Pebble looks for such a promise only at the
// starts of later blocks; checkLog looks at every byte of the same block.
//
//	checksum 4, size 2, type 1, log number 4, durable offset 8, payload
const (
	logBlock      = 32 << 10
	logHeader     = 19
	logFirstType  = 9 // full, first, middle, last
	logLastType   = 12
	logExt        = ".log"
	logCRCDelta   = 0xa282ead8
	logCRCRotated = 15
)

// checkLog refuses a store whose newest log is damaged in its last block. It
// reads and writes nothing else.
func checkLog(fsys vfs.FS, dir string) error {
	name, number, err := newestLog(fsys, dir)
	if err != nil || name == "" {
		return err
	}
	f, err := fsys.Open(fsys.PathJoin(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, logBlock)
	for start := int64(0); ; start += logBlock {
		n, err := io.ReadFull(f, block)
		if n == 0 {
			return nil
		}
		if err != nil && err != io.ErrUnexpectedEOF {
			return err
		}
		end, complete := chunksEnd(block[:n], number)
		if complete {
			continue
		}
		if promise, ok := promiseAfter(block[:n], end, number, uint64(start)+uint64(end)); ok {
			return fmt.Errorf("%w: %s at offset %d, which was durable up to %d",
				store.ErrCorrupt, name, start+int64(end), promise)
		}
		return nil
	}
}

// newestLog returns the log with the highest number, "" if there is none. Damage
// of older ones Pebble finds by itself.
func newestLog(fsys vfs.FS, dir string) (name string, number uint32, err error) {
	names, err := fsys.List(dir)
	if err != nil {
		return "", 0, err
	}
	logs := sortedLogs(names)
	if len(logs) == 0 {
		return "", 0, nil
	}
	name = logs[len(logs)-1]
	n, err := strconv.ParseUint(strings.TrimSuffix(name, logExt), 10, 32)
	return name, uint32(n), err
}

// sortedLogs returns those names that are logs, by number.
func sortedLogs(names []string) []string {
	logs := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return filepath.Ext(name) != logExt })
	slices.SortFunc(logs, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) })
	return logs
}

// chunksEnd returns where the readable chunks of a block end, and whether that
// is the block's end.
func chunksEnd(block []byte, number uint32) (end int, complete bool) {
	for {
		if logBlock-end < logHeader {
			return end, true // the rest is padding
		}
		_, size, ok := logChunk(block[end:], number)
		if !ok {
			return end, false
		}
		end += size
	}
}

// promiseAfter looks for a chunk after end that promises more than offset.
func promiseAfter(block []byte, end int, number uint32, offset uint64) (promise uint64, ok bool) {
	for at := end + 1; at+logHeader <= len(block); at++ {
		if promise, _, ok := logChunk(block[at:], number); ok && promise > offset {
			return promise, true
		}
	}
	return 0, false
}

// logChunk reads the chunk at the start of b: the offset that it promises and its
// size.
func logChunk(b []byte, number uint32) (promise uint64, size int, ok bool) {
	if len(b) < logHeader || b[6] < logFirstType || b[6] > logLastType || binary.LittleEndian.Uint32(b[7:]) != number {
		return 0, 0, false
	}
	size = logHeader + int(binary.LittleEndian.Uint16(b[4:]))
	if size > len(b) {
		return 0, 0, false
	}
	sum := crc32.Checksum(b[6:size], crc32.MakeTable(crc32.Castagnoli))
	sum = (sum>>logCRCRotated | sum<<(32-logCRCRotated)) + logCRCDelta
	if sum != binary.LittleEndian.Uint32(b) {
		return 0, 0, false
	}
	return binary.LittleEndian.Uint64(b[11:]), size, true
}
