package page

import (
	"encoding/binary"
	"math"
)

// Serial types of note (https://sqlite.org/fileformat2.html#record_format).
const (
	SerialNull  = 0
	SerialFloat = 7
	SerialZero  = 8
	SerialOne   = 9
	SerialBlob  = 12 // and every even one above
	SerialText  = 13 // and every odd one above
)

// recordHeaderMax is what SQLite takes for a record header at most: 32768 columns of 3
// bytes, and 3 bytes of size.
const recordHeaderMax = 98307

// SerialSize gives the bytes of a value's content.
func SerialSize(serial uint64) uint64 {
	if serial >= SerialBlob {
		return (serial - SerialBlob) / 2
	}
	return uint64("\x00\x01\x02\x03\x04\x06\x08\x08\x00\x00\x00\x00"[serial])
}

// Int reads the content of serial types 1 to 6, 8 and 9.
func Int(serial uint64, b []byte) int64 {
	switch serial {
	case 1:
		return int64(int8(b[0]))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 3:
		return int64(int8(b[0]))<<16 | int64(b[1])<<8 | int64(b[2])
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 5:
		return int64(int16(binary.BigEndian.Uint16(b)))<<32 | int64(binary.BigEndian.Uint32(b[2:]))
	case 6:
		return int64(binary.BigEndian.Uint64(b))
	case SerialOne:
		return 1
	}
	return 0
}

// Float reads the content of serial type 7. SQLite reads a NaN as NULL.
func Float(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }

// Record reads the values of a payload one after the other.
type Record struct {
	types []byte // what is left of the header
	at    uint64 // of the next value
	size  uint64 // of the payload
}

// ParseRecord begins a record. head must hold the whole header; total is the size of
// the payload, of which head may be a part.
func ParseRecord(head []byte, total int) (Record, error) {
	size, n := Varint(head)
	if n == 0 || size <= uint64(n) || size > uint64(total) || size > recordHeaderMax || size > uint64(len(head)) {
		return Record{}, broken(RecordHeader, 0, 0, int64(size))
	}
	return Record{types: head[n:size], at: size, size: uint64(total)}, nil
}

// RecordHead gives the bytes of a record's header, of which b is the beginning: 0 if b
// does not even tell.
func RecordHead(b []byte) int {
	size, n := Varint(b)
	if n == 0 || size > recordHeaderMax {
		return 0
	}
	return int(size)
}

// Next gives serial type and place of the next value in the payload. After the last
// one more is false; err is then what the record breaks, if anything.
func (r *Record) Next() (serial uint64, offset, size int, more bool, err error) {
	if len(r.types) == 0 {
		if r.at != r.size {
			err = broken(RecordBody, 0, int(r.at), int64(r.size))
		}
		return 0, 0, 0, false, err
	}
	serial, n := Varint(r.types)
	switch {
	case n == 0:
		return 0, 0, 0, false, broken(RecordTypes, 0, 0, int64(len(r.types)))
	case serial == 10 || serial == 11:
		return 0, 0, 0, false, broken(RecordReserved, 0, 0, int64(serial))
	}
	long := SerialSize(serial)
	if long > r.size-r.at {
		return 0, 0, 0, false, broken(RecordBody, 0, int(r.at), int64(serial))
	}
	r.types = r.types[n:]
	offset = int(r.at)
	r.at += long
	return serial, offset, int(long), true, nil
}

// Validate reads the rest of a record and says what it breaks.
func (r *Record) Validate() error {
	for {
		if _, _, _, more, err := r.Next(); !more {
			return err
		}
	}
}
