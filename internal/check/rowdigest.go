package check

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/bits"
)

// RowDigest hashes one row: SipHash-1-3 with 128 bits of output and a fixed key, fed
// with whole words. It is a checksum against damage, not a seal against forgery. Each value is one word of type and length followed
// by its bytes, the last word filled up with zeros, so that no two rows share a feed.
type RowDigest struct{ v0, v1, v2, v3 uint64 }

// Tags of the feed. They are part of every digest in every manifest: never change.
const (
	tagNull    = 1
	tagInteger = 2
	tagReal    = 3
	tagText    = 4
	tagBlob    = 5
	tagRowid   = 6
)

// NewRowDigest starts with SipHash's constants under the key 0, 0, the second word
// adjusted for 128 bits of output.
func NewRowDigest() RowDigest {
	return RowDigest{0x736f6d6570736575, 0x646f72616e646f6d ^ 0xee, 0x6c7967656e657261, 0x7465646279746573}
}

func (h *RowDigest) round() {
	h.v0, h.v1, h.v2, h.v3 = sipRound(h.v0, h.v1, h.v2, h.v3)
}

// sipRound is small enough to be laid into the loops that call it.
func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v2 += v3
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 = bits.RotateLeft64(v0, 32) + v3
	v2 += v1
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	return v0, v1, bits.RotateLeft64(v2, 32), v3
}

func (h *RowDigest) word(m uint64) {
	v0, v1, v2, v3 := sipRound(h.v0, h.v1, h.v2, h.v3^m)
	h.v0, h.v1, h.v2, h.v3 = v0^m, v1, v2, v3
}

// two feeds two words.
func (h *RowDigest) two(m, n uint64) {
	v0, v1, v2, v3 := sipRound(h.v0, h.v1, h.v2, h.v3^m)
	v0, v1, v2, v3 = sipRound(v0^m, v1, v2, v3^n)
	h.v0, h.v1, h.v2, h.v3 = v0^n, v1, v2, v3
}

// Bytes feeds p after Text or Blob; all but the last call for one value must have a multiple of 8 bytes.
func (h *RowDigest) Bytes(p []byte) {
	v0, v1, v2, v3 := h.v0, h.v1, h.v2, h.v3 // in registers for the loop
	for ; len(p) >= 8; p = p[8:] {
		m := binary.LittleEndian.Uint64(p)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3^m)
		v0 ^= m
	}
	if len(p) > 0 {
		m := lastWord(p)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3^m)
		v0 ^= m
	}
	h.v0, h.v1, h.v2, h.v3 = v0, v1, v2, v3
}

// lastWord fills up to seven bytes with zeros.
func lastWord(p []byte) (m uint64) {
	for i := len(p) - 1; i >= 0; i-- {
		m = m<<8 | uint64(p[i])
	}
	return m
}

func (h *RowDigest) head(tag uint64, length int64) { h.word(tag | uint64(length)<<8) }

// Null feeds a NULL.
func (h *RowDigest) Null() { h.head(tagNull, 0) }

// Rowid feeds the rowid; it comes first.
func (h *RowDigest) Rowid(v int64) { h.two(tagRowid, uint64(v)) }

// Integer feeds an integer.
func (h *RowDigest) Integer(v int64) { h.two(tagInteger, uint64(v)) }

// Real feeds a floating-point number.
func (h *RowDigest) Real(v float64) { h.two(tagReal, math.Float64bits(v)) }

// Text begins a text of so many bytes in the encoding of the database; Bytes follow.
func (h *RowDigest) Text(size int) { h.head(tagText, int64(size)) }

// Blob begins a blob; Bytes follow.
func (h *RowDigest) Blob(size int) { h.head(tagBlob, int64(size)) }

// Sum gives the hash of the row.
func (h *RowDigest) Sum() (hi, lo uint64) {
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

// TableDigest adds up row hashes modulo 2^128, so that the order of rows does not matter
// but their number does.
type TableDigest struct{ s sum }

// Add adds a row.
func (t *TableDigest) Add(h *RowDigest) {
	hi, lo := h.Sum()
	t.s.add(hash{lo, hi})
}

// Rows is how many rows were added.
func (t *TableDigest) Rows() int64 { return int64(t.s.n) }

// Hex gives the digest as 32 digits.
func (t *TableDigest) Hex() string { return t.s.hex() }

func (s *sum) hex() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], s.hi)
	binary.BigEndian.PutUint64(b[8:], s.lo)
	return hex.EncodeToString(b[:])
}
