package bulk

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// Known tells whether a collation is one that SQLite itself has, by its folded name.
func Known(collation string) bool {
	return collation == schema.Binary || collation == schema.NoCase || collation == schema.RTrim
}

// Key makes of the values of an index entry bytes that compare as the values do
// (https://sqlite.org/datatype3.html#comparison_expressions). No part is the beginning of
// another, so that parts can stand behind each other.
type Key struct {
	Encoding page.Encoding // of the database
	b        []byte
	text     []byte
}

// What parts begin with, in the order of the storage classes.
const (
	keyNull   = 0x10
	keyNumber = 0x20
	keyText   = 0x30
	keyBlob   = 0x40
)

// Reset begins a new key.
func (k *Key) Reset() { k.b = k.b[:0] }

// Bytes gives the key; it holds until the next Reset.
func (k *Key) Bytes() []byte { return k.b }

// Null adds NULL.
func (k *Key) Null(desc bool) {
	k.b = append(k.b, keyNull)
	k.turn(len(k.b)-1, desc)
}

// Int adds an integer: the nearest float, then how far it is from that.
func (k *Key) Int(v int64, desc bool) {
	f := float64(v)
	off := v
	if f >= 1<<63 {
		off -= math.MaxInt64
		off--
	} else {
		off -= int64(f)
	}
	k.number(f, int(off), desc)
}

// Real adds a floating-point number. What is no number is NULL.
func (k *Key) Real(v float64, desc bool) {
	if math.IsNaN(v) {
		k.Null(desc)
		return
	}
	k.number(v+0, 0, desc) // -0 is 0
}

func (k *Key) number(f float64, off int, desc bool) {
	from := len(k.b)
	bits := math.Float64bits(f)
	if bits>>63 != 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	k.b = append(k.b, keyNumber)
	k.b = binary.BigEndian.AppendUint64(k.b, bits)
	k.b = binary.BigEndian.AppendUint16(k.b, uint16(off+1<<15))
	k.turn(from, desc)
}

// Blob adds a blob.
func (k *Key) Blob(b []byte, desc bool) {
	from := len(k.b)
	k.b = append(k.b, keyBlob)
	k.escaped(b)
	k.turn(from, desc)
}

// Text adds text under a collation that is [Known].
func (k *Key) Text(b []byte, collation string, desc bool) {
	from := len(k.b)
	k.b = append(k.b, keyText)
	if collation != schema.Binary && k.Encoding != page.UTF8 {
		k.text = k.Encoding.AppendUTF8(k.text[:0], b)
		b = k.text
	}
	switch collation {
	case schema.NoCase:
		k.folded(b)
	case schema.RTrim:
		k.escaped(bytes.TrimRight(b, " "))
	default:
		k.escaped(b)
	}
	k.turn(from, desc)
}

// escaped adds bytes so that the shorter of two comes first: 0 becomes 0, 255 and the end
// is 0, 0.
func (k *Key) escaped(b []byte) {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			break
		}
		k.b = append(k.b, b[:i]...)
		k.b = append(k.b, 0, 0xff)
		b = b[i+1:]
	}
	k.b = append(k.b, b...)
	k.b = append(k.b, 0, 0)
}

// folded adds text for NOCASE, which looks no further than a NUL; of the rest only the
// length counts.
func (k *Key) folded(b []byte) {
	for _, c := range b {
		if c == 0 {
			break
		}
		if c-'A' < 26 {
			c |= 0x20
		}
		k.b = append(k.b, c)
	}
	k.b = append(k.b, 0)
	k.b = binary.BigEndian.AppendUint32(k.b, uint32(len(b)))
}

// turn inverts a part that is in descending order.
func (k *Key) turn(from int, desc bool) {
	if !desc {
		return
	}
	for i := from; i < len(k.b); i++ {
		k.b[i] = ^k.b[i]
	}
}
