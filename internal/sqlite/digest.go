package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
)

// rowHash hashes one row: SipHash-1-3 with 128 bits of output and a fixed key, fed
// with whole words. It is a checksum against damage, not a seal against forgery. Each value is one word of type and length followed
// by its bytes, the last word filled up with zeros, so that no two rows share a feed.
type rowHash struct{ v0, v1, v2, v3 uint64 }

// Tags of the feed. They are part of every digest in every manifest: never change.
const (
	tagNull    = 1
	tagInteger = 2
	tagReal    = 3
	tagText    = 4
	tagBlob    = 5
	tagRowid   = 6
)

// newRowHash starts with SipHash's constants under the key 0, 0, the second word
// adjusted for 128 bits of output.
func newRowHash() rowHash {
	return rowHash{0x736f6d6570736575, 0x646f72616e646f6d ^ 0xee, 0x6c7967656e657261, 0x7465646279746573}
}

func (h *rowHash) round() {
	h.v0 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 13) ^ h.v0
	h.v0 = bits.RotateLeft64(h.v0, 32)
	h.v2 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 16) ^ h.v2
	h.v0 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 21) ^ h.v0
	h.v2 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 17) ^ h.v2
	h.v2 = bits.RotateLeft64(h.v2, 32)
}

func (h *rowHash) word(m uint64) {
	h.v3 ^= m
	h.round()
	h.v0 ^= m
}

// bytes feeds p; all but the last call for one value must have a multiple of 8 bytes.
func (h *rowHash) bytes(p []byte) {
	v := *h // in registers for the loop
	for ; len(p) >= 8; p = p[8:] {
		m := binary.LittleEndian.Uint64(p)
		v.v3 ^= m
		v.v0 += v.v1
		v.v1 = bits.RotateLeft64(v.v1, 13) ^ v.v0
		v.v0 = bits.RotateLeft64(v.v0, 32)
		v.v2 += v.v3
		v.v3 = bits.RotateLeft64(v.v3, 16) ^ v.v2
		v.v0 += v.v3
		v.v3 = bits.RotateLeft64(v.v3, 21) ^ v.v0
		v.v2 += v.v1
		v.v1 = bits.RotateLeft64(v.v1, 17) ^ v.v2
		v.v2 = bits.RotateLeft64(v.v2, 32)
		v.v0 ^= m
	}
	*h = v
	if len(p) > 0 {
		var last [8]byte
		copy(last[:], p)
		h.word(binary.LittleEndian.Uint64(last[:]))
	}
}

func (h *rowHash) head(tag uint64, length int64) { h.word(tag | uint64(length)<<8) }

func (h *rowHash) null()           { h.head(tagNull, 0) }
func (h *rowHash) rowid(v int64)   { h.head(tagRowid, 0); h.word(uint64(v)) }
func (h *rowHash) integer(v int64) { h.head(tagInteger, 0); h.word(uint64(v)) }
func (h *rowHash) real(v float64)  { h.head(tagReal, 0); h.word(math.Float64bits(v)) }

func (h *rowHash) sum() (hi, lo uint64) {
	h.v2 ^= 0xee
	h.round()
	h.round()
	h.round()
	lo = h.v0 ^ h.v1 ^ h.v2 ^ h.v3
	h.v1 ^= 0xdd
	h.round()
	h.round()
	h.round()
	return h.v0 ^ h.v1 ^ h.v2 ^ h.v3, lo
}

// tableSum adds up row hashes modulo 2^128, so that the order of rows does not matter
// but their number does.
type tableSum struct {
	rows   int64
	hi, lo uint64
}

func (t *tableSum) add(h *rowHash) {
	hi, lo := h.sum()
	var carry uint64
	t.lo, carry = bits.Add64(t.lo, lo, 0)
	t.hi, _ = bits.Add64(t.hi, hi, carry)
	t.rows++
}

func (t *tableSum) hex() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], t.hi)
	binary.BigEndian.PutUint64(b[8:], t.lo)
	return hex.EncodeToString(b[:])
}
