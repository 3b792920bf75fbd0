package store_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/perdure/perdure/store"
)

// name is a key as errors show it.
type name string

func (n name) String() string { return string(n) }

// flipped is a codec that flips all bits and knows when it was not it.
type flipped struct{}

const flippedID = 7

func (flipped) ID() byte { return flippedID }

func (flipped) Encode(dst, src []byte) []byte {
	dst = append(dst, 'F')
	for _, b := range src {
		dst = append(dst, ^b)
	}
	return dst
}

func (flipped) Decode(dst, src []byte) ([]byte, error) {
	if len(src) == 0 || src[0] != 'F' {
		return nil, errors.New("not flipped")
	}
	for _, b := range src[1:] {
		dst = append(dst, ^b)
	}
	return dst, nil
}

func TestSealUnseal(t *testing.T) {
	for _, c := range []store.Codec{nil, flipped{}} {
		for _, payload := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("long "), 10_000)} {
			head := []byte("kept")
			frame := store.Seal(slices.Clone(head), payload, c)
			if !bytes.HasPrefix(frame, head) {
				t.Errorf("Seal(dst, ...) = %.20q, want it to append", frame)
			}
			got, err := store.Unseal(frame[len(head):], c, name("key"))
			if err != nil || !bytes.Equal(got, payload) {
				t.Errorf("Unseal(Seal(%.20q)) = %.20q, %v, want it back", payload, got, err)
			}
		}
	}
}

func TestSealInPlace(t *testing.T) {
	payload := []byte("payload")
	got := store.SealInPlace(append([]byte("ab\x00"), payload...), 2)
	if want := store.Seal([]byte("ab"), payload, nil); !bytes.Equal(got, want) {
		t.Errorf("SealInPlace = %x, want %x", got, want)
	}
}

// TestUnsealNamesDamage flips each bit of a frame and cuts it at each byte.
func TestUnsealNamesDamage(t *testing.T) {
	frame := store.Seal(nil, []byte("some payload"), nil)
	check := func(what string, at int, damaged []byte) {
		t.Helper()
		got, err := store.Unseal(damaged, nil, name(`record of "a"`))
		if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), `record of "a"`) {
			t.Errorf("Unseal(%s %d) = %q, %v, want %v and the key", what, at, got, err, store.ErrCorrupt)
		}
	}
	for bit := range len(frame) * 8 {
		damaged := slices.Clone(frame)
		damaged[bit/8] ^= 1 << (bit % 8)
		check("bit", bit, damaged)
	}
	for n := range len(frame) {
		check("cut at", n, frame[:n])
	}
}

func TestUnsealOtherCodec(t *testing.T) {
	frame := store.Seal(nil, []byte("payload"), flipped{})
	if got, err := store.Unseal(frame, nil, name("key")); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("Unseal(codec %d, none configured) = %q, %v, want %v", flippedID, got, err, store.ErrCorrupt)
	}
	// A frame without a codec stays readable when one is configured later.
	frame = store.Seal(nil, []byte("payload"), nil)
	if got, err := store.Unseal(frame, flipped{}, name("key")); err != nil || string(got) != "payload" {
		t.Errorf("Unseal(no codec) = %q, %v, want the payload", got, err)
	}
}

func FuzzUnseal(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(store.Seal(nil, []byte("payload"), nil))
	f.Add(store.Seal(nil, []byte("payload"), flipped{}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		payload, err := store.Unseal(frame, flipped{}, name("key"))
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) {
				t.Errorf("Unseal(%x): %v, want %v", frame, err, store.ErrCorrupt)
			}
			return
		}
		var c store.Codec
		if frame[0] == flippedID {
			c = flipped{}
		}
		if got := store.Seal(nil, payload, c); !bytes.Equal(got, frame) {
			t.Errorf("Seal(Unseal(%x)) = %x, want the same", frame, got)
		}
	})
}
