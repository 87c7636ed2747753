package bulk

import (
	"encoding/binary"
	"math"

	"github.com/officer-doofy/officer/internal/page"
)

// Record encodes values as SQLite stores them, in the shortest form
// (https://sqlite.org/fileformat2.html#record_format).
type Record struct {
	types, body, whole []byte
}

// Reset begins a new record.
func (r *Record) Reset() { r.types, r.body = r.types[:0], r.body[:0] }

// Null adds NULL.
func (r *Record) Null() { r.types = append(r.types, page.SerialNull) }

// Int adds an integer.
func (r *Record) Int(v int64) {
	magnitude := v
	if v < 0 {
		magnitude = ^v
	}
	switch {
	case v == 0:
		r.types = append(r.types, page.SerialZero)
	case v == 1:
		r.types = append(r.types, page.SerialOne)
	case magnitude < 1<<7:
		r.integer(1, 1, v)
	case magnitude < 1<<15:
		r.integer(2, 2, v)
	case magnitude < 1<<23:
		r.integer(3, 3, v)
	case magnitude < 1<<31:
		r.integer(4, 4, v)
	case magnitude < 1<<47:
		r.integer(5, 6, v)
	default:
		r.integer(6, 8, v)
	}
}

func (r *Record) integer(serial byte, size int, v int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(v))
	r.types = append(r.types, serial)
	r.body = append(r.body, b[8-size:]...)
}

// Real adds a floating-point number. What is no number is NULL, as SQLite has it.
func (r *Record) Real(v float64) {
	if math.IsNaN(v) {
		r.Null()
		return
	}
	r.types = append(r.types, page.SerialFloat)
	r.body = binary.BigEndian.AppendUint64(r.body, math.Float64bits(v))
}

// Text adds text, in the encoding of the database.
func (r *Record) Text(b []byte) { r.long(page.SerialText, b) }

// Blob adds a blob.
func (r *Record) Blob(b []byte) { r.long(page.SerialBlob, b) }

func (r *Record) long(serial uint64, b []byte) {
	r.types = page.AppendVarint(r.types, serial+2*uint64(len(b)))
	r.body = append(r.body, b...)
}

// Bytes gives the record; it holds until the next call of Bytes.
func (r *Record) Bytes() []byte {
	var head int
	for n := 1; ; n++ { // the size counts itself
		head = len(r.types) + n
		if len(page.AppendVarint(r.whole[:0], uint64(head))) == n {
			break
		}
	}
	r.whole = page.AppendVarint(r.whole[:0], uint64(head))
	r.whole = append(r.whole, r.types...)
	r.whole = append(r.whole, r.body...)
	return r.whole
}
