package salvage

import (
	"iter"
	"math"
	"math/bits"

	"github.com/officer-doofy/officer/internal/schema"
)

// twins gives the row that the backup has under the key of a row, for comparison: both
// tables are read in the order of their rowids at the same time.
type twins struct {
	next  func() (*found, bool)
	stop  func()
	row   *found
	slots []int
	done  bool
}

// twinsOf begins to read the backup's rows of a table, nil when there are none to compare.
func (r *rescue) twinsOf(t *table) *twins {
	if r.base == nil || r.base.g.Encoding != r.g.Encoding {
		return nil
	}
	was := r.base.byName(t.name)
	if was == nil || was.def.WithoutRowid || t.def.WithoutRowid {
		return nil
	}
	w := &twins{slots: slotsFrom(t.def, was.def)}
	w.next, w.stop = iter.Pull(func(yield func(*found) bool) {
		// What Tick says there, it says to the walk over the table, too.
		_ = r.base.rows(was, func(f *found) error {
			if f.what == "" && !yield(f) {
				return seen{}
			}
			return nil
		})
	})
	return w
}

func (w *twins) close() {
	if w != nil {
		w.stop()
	}
}

// of gives the backup's row with a rowid, nil if it has none.
func (w *twins) of(rowid int64) *found {
	if w == nil || w.done {
		return nil
	}
	for w.row == nil || w.row.rowid < rowid {
		f, ok := w.next()
		if !ok {
			w.done, w.row = true, nil
			return nil
		}
		w.row = f
	}
	if w.row.rowid != rowid {
		return nil
	}
	return w.row
}

// flipped tells whether a row differs from the backup's in one value, and there as
// flipped bits make it and people hardly do: by one bit in each byte that differs.
func (w *twins) flipped(f *found) bool {
	was := w.of(f.rowid)
	if was == nil || len(f.values) != len(was.values) {
		return false
	}
	flips := 0
	for i, v := range f.values {
		if w.slots[i] != i || sameValue(v, was.values[i]) {
			continue
		}
		if flips++; flips > 1 || !byBits(v, was.values[i]) {
			return false
		}
	}
	return flips == 1
}

func sameValue(a, b Value) bool {
	if a.Class != b.Class || len(a.Bytes) != len(b.Bytes) {
		return false
	}
	return a.Int == b.Int && math.Float64bits(a.Real) == math.Float64bits(b.Real) && string(a.Bytes) == string(b.Bytes)
}

// byBits tells whether two values of one class differ as flipped bits make it. A number
// that counts, and a digit for another, change so by themselves.
func byBits(a, b Value) bool {
	if a.Class != b.Class {
		return false
	}
	switch a.Class {
	case schema.ClassInteger:
		d := uint64(a.Int ^ b.Int)
		return bits.OnesCount64(d) == 1 && d >= 1<<8
	case schema.ClassReal:
		return bits.OnesCount64(math.Float64bits(a.Real)^math.Float64bits(b.Real)) == 1
	}
	if len(a.Bytes) != len(b.Bytes) {
		return false
	}
	differ, digits := 0, 0
	for i, c := range a.Bytes {
		d := c ^ b.Bytes[i]
		if d == 0 {
			continue
		}
		if bits.OnesCount8(d) != 1 {
			return false
		}
		differ++
		if isDigit(c) && isDigit(b.Bytes[i]) {
			digits++
		}
	}
	return differ > digits
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
