package check

import (
	"github.com/officer-doofy/officer/internal/page"
)

// fields are serial types and places of a record's values.
type fields struct {
	serial []uint64
	at     []int // one more than serial: the last is the end
	n      int
}

// sizes are the lengths of the serial types that fit in one byte; reservedType marks
// those that must not be.
const reservedType = 0xff

func smallSizes() (s [128]uint8) {
	for i := range s {
		s[i] = uint8(page.SerialSize(uint64(i)))
	}
	s[10], s[11] = reservedType, reservedType
	return s
}

var smallSize = smallSizes()

// parse reads the header of a record of total bytes, all of which is in b, and holds
// what a record must be. It says nothing about the number of its columns.
func (f *fields) parse(b []byte, total int) error {
	f.n = 0
	if len(b) == 0 {
		_, err := page.ParseRecord(b, total)
		return err
	}
	end, p := int(b[0]), 1
	if end >= 0x80 || end < 2 || end > len(b) || end > total {
		return f.parseSlow(b, total)
	}
	if cap(f.serial) < end {
		f.grow(end)
	}
	serial, place := f.serial[:cap(f.serial)], f.at[:cap(f.at)]
	at, n := end, 0
	for p < end {
		c := b[p]
		if c >= 0x80 {
			if p+1 < end && b[p+1] < 0x80 { // two bytes: text or blob of 58 bytes and more
				t := uint64(c&0x7f)<<7 | uint64(b[p+1])
				size := page.SerialSize(t)
				if t == 10 || t == 11 {
					return f.parseSlow(b, total)
				}
				serial[n], place[n] = t, at
				at += int(size)
				n++
				p += 2
				continue
			}
			return f.parseSlow(b, total)
		}
		size := smallSize[c]
		if size == reservedType {
			return f.parseSlow(b, total)
		}
		serial[n], place[n] = uint64(c), at
		at += int(size)
		n++
		p++
	}
	if at != total {
		return f.parseSlow(b, total)
	}
	place[n] = at
	f.n = n
	return nil
}

// parseSlow reads any record, and names the sentence that a broken one breaks.
func (f *fields) parseSlow(b []byte, total int) error {
	f.n = 0
	r, err := page.ParseRecord(b, total)
	if err != nil {
		return err
	}
	for {
		serial, at, _, more, err := r.Next()
		if err != nil {
			return err
		}
		if f.n+1 >= cap(f.at) {
			f.grow(2*f.n + 16)
		}
		if !more {
			f.at[:cap(f.at)][f.n] = total
			return nil
		}
		f.serial[:cap(f.serial)][f.n], f.at[:cap(f.at)][f.n] = serial, at
		f.n++
	}
}

func (f *fields) grow(n int) {
	serial, at := make([]uint64, n), make([]int, n+1)
	copy(serial, f.serial[:f.n])
	copy(at, f.at[:min(f.n+1, len(f.at))])
	f.serial, f.at = serial, at
}

// value gives the bytes of value i of a record that is whole in b.
func (f *fields) value(b []byte, i int) []byte { return b[f.at[i]:f.at[i+1]] }

// text gives a text value of a short row, as a row of sqlite_schema, in UTF-8.
func (f *fields) text(e page.Encoding, b []byte, i int) (string, bool) {
	if i >= f.n || classOf(f.serial[i]) != isText {
		return "", false
	}
	return string(e.AppendUTF8(nil, f.value(b, i))), true
}

// integer gives an integer value.
func (f *fields) integer(b []byte, i int) (int64, bool) {
	if i >= f.n || classOf(f.serial[i]) != isInteger {
		return 0, false
	}
	return page.Int(f.serial[i], f.value(b, i)), true
}
