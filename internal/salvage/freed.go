package salvage

import "github.com/officer-doofy/officer/internal/page"

// A page of the freelist still has the rows that were on it when it was freed, unless SQLite was
// told to overwrite them (https://sqlite.org/pragma.html#pragma_secure_delete): deleted ones, and
// ones that moved to another page. Where that one is lost they are better than nothing. So, as an
// older image, it goes only into a gap that holds all its keys, and its rows are doubted.

// fromFreed is what speaks against a row of a free page.
const fromFreed = "from a free page, into the place of a lost one: it may have been changed or deleted since"

// findFreed lists the leaf pages with rows on the freelist. Those of trunk pages are overwritten
// at their head, and not looked for.
func (r *rescue) findFreed() {
	r.freed = []filler{}
	b := make([]byte, r.g.PageSize)
	for n := uint32(2); n <= r.g.Count && len(r.freed) < gapsMax; n++ {
		var d page.Node
		if r.marks.owner(n) != 0 || !r.marks.has(n, flagListed) || r.marks.has(n, flagChain) || !r.read(n, b) || d.Parse(&r.g, n, b) != nil {
			continue
		}
		if d.Kind != page.TableLeaf || d.Cells == 0 || !r.sound(&d, everything()) {
			continue
		}
		first, _ := keyOf(&d, 0)
		last, _ := keyOf(&d, d.Cells-1)
		r.freed = append(r.freed, filler{span: span{first, last}, page: n})
	}
}

// writeFreed gives the sink the rows of free pages for the gaps of a table.
func (r *rescue) writeFreed(t *table) error {
	if len(t.gaps) == 0 {
		return nil
	}
	if r.freed == nil {
		r.findFreed()
	}
	b := make([]byte, r.g.PageSize)
	for _, f := range r.freed {
		var d page.Node
		if !t.wants(f.span) || !r.read(f.page, b) || d.Parse(&r.g, f.page, b) != nil || r.home(&orphan{filler: f, leaf: &d, last: &d}) != t {
			continue
		}
		var c page.Cell
		for i := range d.Cells {
			if d.Cell(i, &c) != nil {
				continue
			}
			values, ok := r.olderRow(t, &d, &c)
			if !ok {
				continue
			}
			if err := r.lend(t, &found{rowid: c.Rowid, keyed: true, values: values, from: FromOlder, page: f.page, doubt: fromFreed}); err != nil {
				return err
			}
		}
		if err := r.tick(); err != nil {
			return err
		}
	}
	return nil
}
