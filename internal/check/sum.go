package check

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/officer-doofy/officer/internal/page"
)

// hash is a hash of 128 bits under construction. It is not a seal: its keys are new for
// every run, so that nobody can build a file whose damage cancels out.
type hash struct{ a, b uint64 }

// keys are the secrets of a run.
type keys struct {
	k      [4]uint64
	null   uint64
	whole  uint64
	real   uint64
	text   uint64
	blob   uint64
	rowid  uint64
	column uint64
}

// newKeys spreads a seed (https://prng.di.unimi.it/splitmix64.c).
func newKeys(seed [2]uint64) *keys {
	x := seed[0] ^ bits.RotateLeft64(seed[1], 32)
	next := func() uint64 {
		x += 0x9e3779b97f4a7c15 + seed[1]<<1
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	s := &keys{}
	for i := range s.k {
		s.k[i] = next()
	}
	for _, p := range []*uint64{&s.null, &s.whole, &s.real, &s.text, &s.blob, &s.rowid, &s.column} {
		*p = next()
	}
	return s
}

// fold is the full product of two words, its halves laid over each other.
func fold(x, y uint64) uint64 {
	hi, lo := bits.Mul64(x, y)
	return hi ^ lo
}

// take goes on over two words.
func (s *keys) take(h hash, x, y uint64) hash {
	return hash{fold(h.a^x^s.k[0], y^s.k[1]), fold(h.b^y^s.k[2], x^s.k[3])}
}

// bytes hashes a value's bytes; tag tells text from blob.
func (s *keys) bytes(p []byte, tag uint64) hash {
	h := hash{tag, uint64(len(p))}
	for len(p) > 16 {
		h = s.take(h, binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]))
		p = p[16:]
	}
	return s.tail(h, p)
}

// tail takes the last 16 bytes or fewer. The length is in the hash already.
func (s *keys) tail(h hash, p []byte) hash {
	switch {
	case len(p) > 8:
		return s.take(h, binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[len(p)-8:]))
	case len(p) >= 4:
		return s.take(h, uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[len(p)-4:])))
	case len(p) > 0:
		return s.take(h, uint64(p[0])|uint64(p[len(p)/2])<<8|uint64(p[len(p)-1])<<16, 0)
	}
	return s.take(h, 0, 0)
}

// value hashes one value in canonical form: numbers that SQLite calls equal are equal
// here, whatever they are stored as; text and blobs are their bytes; NaN is NULL.
func (s *keys) value(serial uint64, p []byte) hash {
	switch {
	case serial >= page.SerialBlob:
		if serial&1 == 0 {
			return s.bytes(p, s.blob)
		}
		return s.bytes(p, s.text)
	case serial == page.SerialFloat:
		return s.float(page.Float(p))
	case serial == page.SerialNull || serial == 10 || serial == 11:
		return hash{s.null, s.column}
	}
	return hash{uint64(page.Int(serial, p)), s.whole}
}

func (s *keys) float(v float64) hash {
	if math.IsNaN(v) {
		return hash{s.null, s.column}
	}
	if v >= -1<<63 && v < 1<<63 {
		if whole := int64(v); float64(whole) == v {
			return hash{uint64(whole), s.whole}
		}
	}
	return hash{math.Float64bits(v), s.real}
}

// sum adds up hashes modulo 2^128 and counts them: their order does not matter, their
// number does.
type sum struct {
	n      uint64
	hi, lo uint64
}

func (s *sum) add(h hash) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, h.a, 0)
	s.hi, _ = bits.Add64(s.hi, h.b, carry)
	s.n++
}

func (s *sum) merge(o sum) {
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, o.lo, 0)
	s.hi, _ = bits.Add64(s.hi, o.hi, carry)
	s.n += o.n
}
