package salvage

import (
	"math"

	"github.com/officer-doofy/officer/internal/page"
)

// depthMax is more than any b-tree is deep: SQLite itself gives up at 20.
const depthMax = 20

// visitor hears what a walk over the b-tree of a table finds, in key order.
type visitor interface {
	// enter tells whether the walk may take page n, whose header Parse found broken or
	// not, for the page at this place. It may mend the page.
	enter(n uint32, d *page.Node, b []byte, s span, broken error) bool
	// leaf is a leaf page that was entered.
	leaf(n uint32, d *page.Node, b []byte, s span) error
	// missing is a range of which there is no page. page n should have had it.
	missing(n uint32, s span) error
}

// walk goes over the b-tree of a table and believes no pointer: a page is taken for a
// child only if its keys lie where the parent says.
type walk struct {
	*store
	v     visitor
	depth int   // of the page that the visitor hears of
	since int64 // pages whose keys all lie before it are left out
	bufs  [depthMax][]byte
}

// newWalk leaves nothing out: rowids may be negative (https://sqlite.org/rowidtable.html).
func newWalk(s *store, v visitor) *walk { return &walk{store: s, v: v, since: math.MinInt64} }

func (w *walk) buf(depth int) []byte {
	if w.bufs[depth] == nil {
		w.bufs[depth] = make([]byte, w.g.PageSize)
	}
	return w.bufs[depth]
}

// tree walks what lies under page n, whose keys lie in s.
func (w *walk) tree(n uint32, s span, depth int) error {
	if s.empty() || s.hi < w.since {
		return nil
	}
	w.depth = depth
	if depth == depthMax || !w.read(n, w.buf(depth)) {
		return w.v.missing(n, s)
	}
	b := w.buf(depth)
	var d page.Node
	broken := d.Parse(&w.g, n, b)
	switch {
	case !d.Kind.Table() && !bitsOff(d.Kind) || !w.v.enter(n, &d, b, s, broken):
		return w.v.missing(n, s)
	case d.Kind.Leaf():
		return w.v.leaf(n, &d, b, s)
	}
	return w.children(&d, s, depth)
}

// children walks the children of an interior page. A key that is out of order says
// nothing: the children at its sides then share the range between its neighbours.
func (w *walk) children(d *page.Node, s span, depth int) error {
	lo, known := s.lo, 0
	for i := 0; i <= d.Cells; i++ {
		hi := s.hi
		for known = max(known, i); known < d.Cells; known++ {
			if key, ok := keyOf(d, known); ok && key >= lo && key <= s.hi && !ahead(d, known, key) {
				hi = key
				break
			}
		}
		if err := w.tree(d.Child(i), span{lo, hi}, depth+1); err != nil {
			return err
		}
		if i == known && i < d.Cells {
			if hi == s.hi {
				return nil // no key is greater
			}
			lo = hi + 1
		}
	}
	return nil
}

// ahead tells whether a key is greater than the two that follow, and so the one that is
// wrong.
func ahead(d *page.Node, i int, key int64) bool {
	greater := 0
	for j := i + 1; j <= i+2 && j < d.Cells; j++ {
		if next, ok := keyOf(d, j); ok && next <= key {
			greater++
		}
	}
	return greater == 2 || greater == 1 && i+2 == d.Cells
}

// keyOf gives the rowid of a cell.
func keyOf(d *page.Node, i int) (int64, bool) {
	var c page.Cell
	if d.Cell(i, &c) != nil {
		return 0, false
	}
	return c.Rowid, true
}

// belongs tells whether most keys of a page lie in a range.
func belongs(d *page.Node, s span) bool {
	if s == everything() {
		return true
	}
	inside, read := 0, 0
	for i := range d.Cells {
		if key, ok := keyOf(d, i); ok {
			read++
			if s.holds(key) {
				inside++
			}
		}
	}
	return 2*inside > read
}
