package salvage

import (
	"bytes"
	"cmp"
	"iter"
	"math"
	"math/bits"
	"slices"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// twins gives the row that the backup has under the key of a row, for comparison: both
// tables are read in the order of their keys at the same time.
type twins struct {
	base  *rescue
	was   *table
	parts []schema.Part // of the primary key of a WITHOUT ROWID table
	slots []int
	next  func() (*found, bool)
	stop  func()
	row   *found
	asked int64 // the rowid that was asked for last
	done  bool

	straight bool   // a record of the one table is one of the other
	passed   bool   // rows were not asked for, because their page is alike
	hits     int    // pages that were alike
	misses   int    // pages that were not
	page     []byte // of the backup
}

// missesMax is how many more pages may have been compared in vain than not, before no more
// are: the backup may be of a time before a VACUUM.
const missesMax = 256

// islandsCompared bounds how often the backup of a WITHOUT ROWID table is read again, for
// pages that were found outside its tree.
const islandsCompared = 16

// twinsOf begins to read the backup's rows of a table, nil when there are none to compare.
func (r *rescue) twinsOf(t *table, byRowid bool) *twins {
	if r.base == nil || r.base.g.Encoding != r.g.Encoding {
		return nil
	}
	was := r.base.byName(t.name)
	if was == nil || was.def.WithoutRowid == byRowid || t.def.WithoutRowid == byRowid {
		return nil
	}
	w := &twins{base: r.base, was: was, slots: slotsFrom(t.def, was.def)}
	// A page of the one is read like that of the other.
	w.straight = byRowid && r.base.g.PageSize == r.g.PageSize && r.base.g.Usable == r.g.Usable && len(t.def.Stored) == len(was.def.Stored) && slices.Equal(w.slots, slotsFrom(was.def, was.def))
	if !byRowid {
		if !slices.Equal(w.slots, slotsFrom(was.def, was.def)) {
			return nil // an index b-tree of other columns is in another order
		}
		w.parts = t.def.Primary().Parts
	}
	w.begin(math.MinInt64)
	return w
}

// begin begins to read, rows of rowids from since on.
func (w *twins) begin(since int64) {
	w.close()
	w.row, w.done = nil, false
	w.next, w.stop = iter.Pull(func(yield func(*found) bool) {
		// What Tick says there, it says to the walk over the table, too.
		if w.parts != nil {
			var row found
			_ = w.base.keysUnder(w.was.root, w.was.owner, func(k *keyed) error {
				if row = (found{values: k.values}); k.what == "" && !yield(&row) {
					return seen{}
				}
				return nil
			})
			return
		}
		_ = w.base.rowsFrom(w.was, since, func(f *found) error {
			if f.what == "" && !yield(f) {
				return seen{}
			}
			return nil
		})
	})
}

func (w *twins) close() {
	if w != nil && w.stop != nil {
		w.stop()
	}
}

// of gives the backup's row with the key of a row, nil if it has none.
func (w *twins) of(f *found) *found {
	if w.parts == nil && (f.rowid < w.asked || w.passed) {
		w.begin(f.rowid) // of a page that was found outside its tree, or behind some that are alike
		w.passed = false
	}
	w.asked = f.rowid
	for !w.done {
		if w.row == nil {
			row, ok := w.next()
			if w.done = !ok; w.done {
				return nil
			}
			w.row = row
		}
		order := cmp.Compare(w.row.rowid, f.rowid)
		if w.parts != nil {
			var known bool
			order, known = compareKeys(w.row.values, f.values, w.parts, w.base.g.Encoding)
			if w.done = !known; w.done {
				return nil
			}
		}
		if order > 0 {
			return nil
		}
		if order == 0 {
			return w.row
		}
		w.row = nil
	}
	return nil
}

// compare tells whether the backup has a row with the very same values, or with one that
// differs as flipped bits make it and people hardly do: by one bit in each byte that
// differs.
func (w *twins) compare(f *found) (same, flipped bool) {
	if w == nil || len(f.values) > len(w.slots) {
		return false, false
	}
	was := w.of(f)
	if was == nil {
		return false, false
	}
	same, flipped = true, len(f.values) == len(was.values)
	flips := 0
	for i, v := range f.values {
		slot := w.slots[i]
		if slot >= 0 && slot < len(was.values) && sameValue(v, was.values[slot]) {
			continue
		}
		if same = false; slot != i {
			continue
		}
		if flips++; flips > 1 || !flipped || !byBits(v, was.values[i]) {
			return false, false
		}
	}
	for _, slot := range w.slots[len(f.values):] {
		same = same && (slot < 0 || slot >= len(was.values)) // both have their default
	}
	return same, flipped && flips == 1
}

// alike tells whether the backup has a leaf page of the table byte for byte in the same place
// of the same table: then it has each of its rows with the very same values. A page with a row
// that goes on elsewhere is not like any other.
func (w *twins) alike(n uint32, d *page.Node, b []byte) bool {
	if w == nil || !w.straight || w.misses-w.hits > missesMax {
		return false
	}
	w.misses++
	if o := w.base.marks.owner(n); o != w.was.owner || o == ownerMax || !w.base.marks.has(n, flagSound) {
		return false
	}
	if len(w.page) != len(b) {
		w.page = make([]byte, len(b))
	}
	if !w.base.read(n, w.page) || !bytes.Equal(w.page, b) {
		return false
	}
	var c page.Cell
	for i := range d.Cells {
		if d.Cell(i, &c) != nil || c.Local < c.Total {
			return false
		}
	}
	w.misses--
	w.hits++
	w.passed = true
	return true
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
