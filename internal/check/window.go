package check

import "github.com/officer-doofy/officer/internal/page"

// windowBytes is how much of neighbouring leaves is read at once.
const windowBytes = 64 << 10

// window is a run of pages that was read because most of them are needed.
type window struct {
	b     []byte
	first uint32
	pages uint32 // 0: nothing is in it
}

// page gives a page that is in the window.
func (x *window) page(n uint32, size int) []byte {
	if n-x.first >= x.pages {
		return nil
	}
	at := int(n-x.first) * size
	return x.b[at : at+size]
}

// look reads ahead from child i of a page above leaves, if at least half of what lies
// between it and the children after it is theirs. Bulk loads and VACUUM leave leaves in
// order; where they are not, pages are read one by one.
func (w *worker) look(d *page.Node, i int) {
	x, n := &w.window, d.Child(i)
	most := uint32(windowBytes / w.g.PageSize)
	if w.runs == nil || most < 2 || n == 0 || n-x.first < x.pages {
		return
	}
	last, useful := n, uint32(1)
	for j := i + 1; j <= d.Cells && j < i+int(most); j++ {
		c := d.Child(j)
		if c < last || c-n >= most || 2*(useful+1) < c-n+1 {
			break
		}
		last = c
		useful++
	}
	pages := last - n + 1
	if pages < 2 || !w.g.Holds(last) || w.stopped() {
		return
	}
	if x.b == nil {
		x.b = make([]byte, windowBytes)
	}
	x.first, x.pages = n, 0
	w.read += int(pages)
	if w.runs.ReadRun(n, x.b[:int(pages)*w.g.PageSize]) == nil { // else one by one, and the error with it
		x.pages = pages
	}
}
