package check

import (
	"bytes"
	"cmp"
	"math"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// collation is one that SQLite itself has, or unknown here
// (https://sqlite.org/datatype3.html#collating_sequences).
type collation byte

const (
	bytewise collation = iota
	noCase
	rTrim
	foreign
)

func collationOf(name string) collation {
	switch name {
	case schema.Binary:
		return bytewise
	case schema.NoCase:
		return noCase
	case schema.RTrim:
		return rTrim
	}
	return foreign
}

// scratch is room for text in another encoding.
type scratch struct{ a, b []byte }

// compare compares texts. All but BINARY see UTF-8, whatever the database holds.
func (c collation) compare(e page.Encoding, a, b []byte, s *scratch) int {
	if c == bytewise {
		return bytes.Compare(a, b)
	}
	if e != page.UTF8 {
		s.a, s.b = e.AppendUTF8(s.a[:0], a), e.AppendUTF8(s.b[:0], b)
		a, b = s.a, s.b
	}
	if c == noCase {
		return compareNoCase(a, b)
	}
	return bytes.Compare(bytes.TrimRight(a, " "), bytes.TrimRight(b, " "))
}

// compareNoCase stops at a NUL that both texts have, as SQLite does: the rest of such
// texts only counts by its length.
func compareNoCase(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		x, y := lower(a[i]), lower(b[i])
		if x != y {
			return cmp.Compare(x, y)
		}
		if x == 0 {
			break
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

// compareIntFloat compares exactly, as SQLite does.
func compareIntFloat(i int64, r float64) int {
	switch {
	case r < -1<<63:
		return 1
	case r >= 1<<63:
		return -1
	}
	if whole := int64(r); i != whole {
		return cmp.Compare(i, whole)
	}
	return cmp.Compare(float64(i), r)
}

// compareValues compares two values (https://sqlite.org/datatype3.html#comparison_expressions).
// sure is false if only a foreign collation could tell.
func compareValues(c collation, e page.Encoding, s *scratch, t1 uint64, a []byte, t2 uint64, b []byte) (order int, sure bool) {
	if t1 >= page.SerialBlob && t2 >= page.SerialBlob && t1&1 == t2&1 {
		switch {
		case t1&1 == 0 || c == bytewise:
			return bytes.Compare(a, b), true
		case c == foreign:
			return 0, bytes.Equal(a, b)
		}
		return c.compare(e, a, b, s), true
	}
	x, y := rank(t1, a), rank(t2, b)
	if x != y || x == rankNull {
		return cmp.Compare(x, y), true
	}
	switch { // both are numbers
	case t1 != page.SerialFloat && t2 != page.SerialFloat:
		return cmp.Compare(page.Int(t1, a), page.Int(t2, b)), true
	case t1 != page.SerialFloat:
		return compareIntFloat(page.Int(t1, a), page.Float(b)), true
	case t2 != page.SerialFloat:
		return -compareIntFloat(page.Int(t2, b), page.Float(a)), true
	}
	return cmp.Compare(page.Float(a), page.Float(b)), true
}

const (
	rankNull = iota
	rankNumber
	rankText
	rankBlob
)

// rank orders the classes; SQLite reads a NaN as NULL.
func rank(serial uint64, b []byte) int {
	switch classOf(serial) {
	case isNull:
		return rankNull
	case isText:
		return rankText
	case isBlob:
		return rankBlob
	case isReal:
		if math.IsNaN(page.Float(b)) {
			return rankNull
		}
	}
	return rankNumber
}
