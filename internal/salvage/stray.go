package salvage

import "github.com/officer-doofy/officer/internal/page"

// strayWalk gives the sink all rows below a page that belongs to no table for certain.
type strayWalk struct {
	*rescue
	root uint32
}

func (w *strayWalk) enter(n uint32, d *page.Node, _ []byte, s span, broken error) bool {
	if !w.lost(n) || broken != nil || !d.Kind.Table() || !belongs(d, s) {
		return false
	}
	w.marks.set(n, flagFree) // once is enough
	return true
}

func (w *strayWalk) missing(uint32, span) error { return nil }

func (w *strayWalk) leaf(n uint32, d *page.Node, _ []byte, _ span) error {
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			continue
		}
		values, what, _ := w.record(d, &c)
		if values == nil {
			continue
		}
		why := "no table is known for its page"
		if what != "" {
			why += ", and " + what
		}
		w.report.Strays++
		err := w.sink.Stray(&Stray{Root: w.root, Page: n, Rowid: c.Rowid, Keyed: true, Values: values, Why: why})
		if err != nil {
			return err
		}
	}
	return w.tick()
}

// strayPages gives the sink the rows of pages that found no home.
func (r *rescue) strayPages() error {
	if err := r.markBelow(); err != nil {
		return err
	}
	for again := true; again; {
		again = false
		err := r.orphans(func(o *orphan) error {
			if o.span.empty() {
				again = r.dissolve(o) || again
				return nil
			}
			w := newWalk(r.store, &strayWalk{r, o.page})
			return w.tree(o.page, o.span, 0)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
