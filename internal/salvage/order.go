package salvage

import (
	"bytes"
	"cmp"
	"math"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// compareKeys orders two keys as an index does
// (https://sqlite.org/datatype3.html#comparison_expressions). known is false when a
// collation decides that is not known here, or one key ends before they differ.
func compareKeys(a, b []Value, parts []schema.Part, e page.Encoding) (order int, known bool) {
	for i, part := range parts {
		if i >= len(a) || i >= len(b) {
			return 0, false
		}
		order, known = compareValues(a[i], b[i], part.Collation, e)
		if !known {
			return 0, false
		}
		if order != 0 {
			if part.Desc {
				order = -order
			}
			return order, true
		}
	}
	return 0, true
}

// rank orders the storage classes: NULL, numbers, text, blobs.
func rank(c schema.Class) int {
	switch c {
	case schema.ClassNull:
		return 0
	case schema.ClassInteger, schema.ClassReal:
		return 1
	case schema.ClassText:
		return 2
	}
	return 3
}

func compareValues(a, b Value, collation string, e page.Encoding) (int, bool) {
	if x := cmp.Compare(rank(a.Class), rank(b.Class)); x != 0 {
		return x, true
	}
	switch a.Class {
	case schema.ClassNull:
		return 0, true
	case schema.ClassInteger, schema.ClassReal:
		return compareNumbers(a, b), true
	case schema.ClassBlob:
		return bytes.Compare(a.Bytes, b.Bytes), true
	}
	if bytes.Equal(a.Bytes, b.Bytes) {
		return 0, true
	}
	switch collation {
	case schema.Binary:
		// SQLite compares bytes as they are stored.
		return bytes.Compare(a.Bytes, b.Bytes), true
	case schema.NoCase:
		return bytes.Compare(folded(a.Bytes, e), folded(b.Bytes, e)), true
	case schema.RTrim:
		return bytes.Compare(trimmed(a.Bytes, e), trimmed(b.Bytes, e)), true
	}
	return 0, false
}

func compareNumbers(a, b Value) int {
	switch {
	case a.Class == schema.ClassInteger && b.Class == schema.ClassInteger:
		return cmp.Compare(a.Int, b.Int)
	case a.Class == schema.ClassReal && b.Class == schema.ClassReal:
		return cmp.Compare(a.Real, b.Real)
	case a.Class == schema.ClassReal:
		return -compareIntReal(b.Int, a.Real)
	}
	return compareIntReal(a.Int, b.Real)
}

func compareIntReal(i int64, r float64) int {
	switch {
	case math.IsNaN(r) || r < -(1<<63):
		return 1
	case r >= 1<<63:
		return -1
	}
	if x := cmp.Compare(i, int64(r)); x != 0 {
		return x
	}
	return cmp.Compare(float64(i), r)
}

func folded(text []byte, e page.Encoding) []byte {
	out := e.AppendUTF8(nil, text)
	for i, c := range out {
		if c >= 'A' && c <= 'Z' {
			out[i] = c | 0x20
		}
	}
	return out
}

func trimmed(text []byte, e page.Encoding) []byte {
	return bytes.TrimRight(e.AppendUTF8(nil, text), " ")
}
