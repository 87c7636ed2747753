package check

import "github.com/officer-doofy/officer/internal/page"

// checkFreelist walks the freelist (https://sqlite.org/fileformat2.html#the_freelist).
func (w *worker) checkFreelist() {
	w.tree = nil
	b := make([]byte, w.g.PageSize)
	from, pages := uint32(1), uint32(0)
	for n := w.v.db.Header.FreelistFirst; n != 0; {
		if !w.use(n, page.TrunkNumber, from, page.MapFree, 0) || !w.readPage(n, b) {
			return
		}
		t, err := page.ParseTrunk(w.g, n, b)
		if err != nil {
			w.broken(err)
			return
		}
		pages += 1 + uint32(t.Leaves)
		for i := range t.Leaves {
			w.use(t.Leaf(i), page.TrunkNumber, n, page.MapFree, 0)
		}
		from, n = n, t.Next
	}
	if want := w.v.db.Header.FreelistPages; pages != want {
		w.broken(&page.Error{Rule: page.FreelistLength, Page: 1, Offset: 36, Got: int64(want)})
	}
}
