package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A frame is what drivers keep of a payload: one byte that names the codec, the
// payload as the codec encoded it, and four bytes of CRC-32C over both, little
// endian.
const (
	codecSize    = 1
	checksumSize = 4

	// SealOverhead is the number of bytes that Seal adds without a codec.
	SealOverhead = codecSize + checksumSize
)

// plain is the codec id of payloads that no codec changed.
const plain = 0

// Codec changes payloads on their way to storage and back, such as by
// compression or encryption. Its methods may be called concurrently, keep
// neither slice, and append to dst.
type Codec interface {
	// ID is stored with each payload and never changes; 0 is taken.
	ID() byte
	// Encode appends the stored form of src to dst.
	Encode(dst, src []byte) []byte
	// Decode appends what Encode was given to dst, or says why it cannot.
	Decode(dst, src []byte) ([]byte, error)
}

// Seal appends the frame of a payload to dst. Without a codec (nil) the payload
// is stored as it is.
func Seal(dst, payload []byte, c Codec) []byte {
	start := len(dst)
	if c == nil {
		dst = append(dst, plain)
		dst = append(dst, payload...)
	} else {
		dst = append(dst, c.ID())
		dst = c.Encode(dst, payload)
	}
	return appendChecksum(dst, start)
}

// SealInPlace makes the frame of a payload that was appended to dst behind one
// byte of room, which lies at start. It saves the copy that Seal makes.
func SealInPlace(dst []byte, start int) []byte {
	dst[start] = plain
	return appendChecksum(dst, start)
}

func appendChecksum(dst []byte, start int) []byte {
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], crc32.MakeTable(crc32.Castagnoli)))
}

// Unseal returns the payload of a frame. Without a codec in the frame it shares
// the frame's memory. A frame that is damaged, or whose codec is not c, gives an
// error that wraps ErrCorrupt and names key.
func Unseal[K fmt.Stringer](frame []byte, c Codec, key K) ([]byte, error) {
	if len(frame) < SealOverhead {
		return nil, damaged(key, "%d bytes are no frame", len(frame))
	}
	body, sum := frame[:len(frame)-checksumSize], frame[len(frame)-checksumSize:]
	got, want := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)), binary.LittleEndian.Uint32(sum)
	if got != want {
		return nil, damaged(key, "checksum %08x, stored %08x", got, want)
	}
	switch id := body[0]; {
	case id == plain:
		return body[codecSize:], nil
	case c == nil || c.ID() != id:
		return nil, damaged(key, "codec %d is not configured", id)
	}
	payload, err := c.Decode(nil, body[codecSize:])
	if err != nil {
		return nil, damaged(key, "codec %d: %v", body[0], err)
	}
	return payload, nil
}

func damaged[K fmt.Stringer](key K, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrCorrupt, key.String(), fmt.Sprintf(format, args...))
}
