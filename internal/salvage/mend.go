package salvage

import "github.com/officer-doofy/officer/internal/page"

// mendCellsMax bounds how many cells are looked at in search of flipped bits, in all.
const mendCellsMax = 20_000_000

// mend looks for the one bit of a page's header, cell pointers and cell headers without
// which the page breaks no rule and belongs where it is named. It is proven only if there
// is just one such bit. The page is then read without it.
func (r *rescue) mend(n uint32, d *page.Node, b []byte, s span) bool {
	var found []flip
	var x page.Node
	for _, at := range r.heads(d, n, b) {
		for bit := range uint8(8) {
			f := flip{at, bit}
			f.apply(b)
			if x.Parse(&r.g, n, b) == nil && r.proper(&x, s) && x.Cells > 0 {
				found = append(found, f)
			}
			f.apply(b)
			if r.mendCells += x.Cells + 1; len(found) > 1 || r.mendCells > mendCellsMax {
				return false
			}
		}
	}
	if len(found) != 1 {
		return false
	}
	found[0].apply(b)
	r.store.mended[n] = found[0]
	return d.Parse(&r.g, n, b) == nil
}

// proper tells whether a page of a table b-tree breaks no rule by itself and has its keys
// where they should be.
func (r *rescue) proper(d *page.Node, s span) bool {
	switch {
	case !d.Kind.Table():
		return false
	case d.Kind.Leaf():
		return r.sound(d, s)
	}
	return d.Validate(&r.cover) == nil && belongs(d, s)
}

// heads lists the bytes that say how a page is to be read.
func (r *rescue) heads(d *page.Node, n uint32, b []byte) (list []int) {
	head, size := 0, 12
	if n == 1 {
		head = page.HeaderBytes
	}
	add := func(from, bytes int) {
		for at := from; at < from+bytes && at < r.g.Usable; at++ {
			list = append(list, at)
		}
	}
	add(head, size)
	cells := d.Cells
	if cells > r.g.CellsMax() {
		return list
	}
	if d.Kind.Leaf() {
		size = 8
	}
	add(head+size, 2*cells)
	for i := range cells {
		at := head + size + 2*i
		if at+2 > r.g.Usable {
			break
		}
		if off := int(b[at])<<8 | int(b[at+1]); off >= head+size+2*cells {
			add(off, cellHeadBytes)
		}
	}
	return list
}

// cellHeadBytes is how much of a cell is tried: the child or the sizes, and the rowid.
const cellHeadBytes = 8

// bitsOff tells whether a page's type is one flipped bit away from that of a table.
func bitsOff(k page.Kind) bool {
	for bit := range 8 {
		if (k ^ 1<<bit).Table() {
			return true
		}
	}
	return false
}
