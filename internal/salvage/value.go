package salvage

import (
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// Value is one value of a row. Bytes are those of the file, text in the encoding of the
// database; they hold until the next row.
type Value struct {
	Class schema.Class
	Int   int64
	Real  float64
	Bytes []byte // of text or a blob
}

// decode reads all values of a record into values, which is used again.
func decode(payload []byte, values []Value) ([]Value, error) {
	values = values[:0]
	r, err := page.ParseRecord(payload, len(payload))
	if err != nil {
		return values, err
	}
	for {
		serial, at, size, more, err := r.Next()
		if err != nil || !more {
			return values, err
		}
		values = append(values, valueOf(serial, payload[at:at+size]))
	}
}

func valueOf(serial uint64, b []byte) Value {
	switch {
	case serial == page.SerialNull:
		return Value{}
	case serial == page.SerialFloat:
		return Value{Class: schema.ClassReal, Real: page.Float(b)}
	case serial < page.SerialBlob:
		return Value{Class: schema.ClassInteger, Int: page.Int(serial, b)}
	case serial&1 == 0:
		return Value{Class: schema.ClassBlob, Bytes: b}
	}
	return Value{Class: schema.ClassText, Bytes: b}
}

// classOf gives the storage class of a serial type.
func classOf(serial uint64) schema.Class {
	switch {
	case serial == page.SerialNull:
		return schema.ClassNull
	case serial == page.SerialFloat:
		return schema.ClassReal
	case serial < page.SerialBlob:
		return schema.ClassInteger
	case serial&1 == 0:
		return schema.ClassBlob
	}
	return schema.ClassText
}

// The classes, for short.
const (
	classText    = schema.ClassText
	classNull    = schema.ClassNull
	classInteger = schema.ClassInteger
)
