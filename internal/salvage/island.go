package salvage

import "github.com/officer-doofy/officer/internal/page"

// Pages of WITHOUT ROWID tables that lost their parents are islands: each goes into a
// gap of the one table that its rows fit, if all its keys lie there.

// placeKeyed finds homes for them, interior pages first.
func (r *rescue) placeKeyed() error {
	for _, kind := range []page.Kind{page.IndexInterior, page.IndexLeaf} {
		b := make([]byte, r.g.PageSize)
		for n := uint32(2); n <= r.g.Count && r.lackingKeyed(); n++ {
			if err := r.tick(); err != nil {
				return err
			}
			var d page.Node
			if !r.lost(n) || !r.read(n, b) || d.Parse(&r.g, n, b) != nil || d.Kind != kind || d.Cells == 0 || d.Validate(&r.cover) != nil {
				continue
			}
			t := r.homeKeyed(&d)
			if t == nil {
				continue
			}
			if err := r.settleIsland(t, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rescue) lackingKeyed() bool {
	for _, t := range r.tables {
		if len(t.keyGaps) > 0 {
			return true
		}
	}
	return false
}

// homeKeyed gives the one table whose gap holds all rows of a page.
func (r *rescue) homeKeyed(d *page.Node) *table {
	var home *table
	for _, t := range r.tables {
		if len(t.keyGaps) == 0 || !r.fitsGap(t, d) {
			continue
		}
		if r.base != nil {
			if was := r.base.byOwner(r.base.marks.owner(d.Page)); was != nil && was.name == t.name {
				return t
			}
		}
		if home != nil {
			return nil
		}
		home = t
	}
	return home
}

// fitsGap tells whether every entry of a page is a row of a table with its key in one of
// the table's gaps.
func (r *rescue) fitsGap(t *table, d *page.Node) bool {
	parts := t.def.Primary().Parts
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			return false
		}
		values, what, _ := r.record(d, &c)
		if what != "" || !fits(t.def, values, r.g.Encoding) {
			return false
		}
		if (i == 0 || i == d.Cells-1) && !within(t.keyGaps, values, parts, r) {
			return false
		}
	}
	return !r.indexed(d)
}

// indexed tells whether a page may as well be one of an index that is not whole: then its
// entries have as many values, the last of them a rowid.
func (r *rescue) indexed(d *page.Node) bool {
	var c page.Cell
	if d.Cell(0, &c) != nil {
		return true
	}
	values, err := r.head(d, &c)
	if err != nil {
		return true
	}
	for _, t := range r.tables {
		for _, x := range t.indexes {
			if x.def != nil && !x.whole && len(x.def.Entry) == len(values) && fitsEntry(t, x, values, r) {
				return true
			}
		}
	}
	return false
}

// fitsEntry tells whether values can be an entry of an index.
func fitsEntry(t *table, x *index, values []Value, r *rescue) bool {
	for i, part := range x.def.Entry {
		switch {
		case part.Column >= 0 && part.Column != t.def.RowidColumn:
			if !suits(&t.def.Columns[part.Column], values[i], false, r.g.Encoding) {
				return false
			}
		case part.Column != -2 && values[i].Class != classInteger:
			return false
		}
	}
	return true
}

// settleIsland claims a page and all below it for a table.
func (r *rescue) settleIsland(t *table, n uint32) error {
	had := len(t.keyGaps)
	w := &keyWalk{rescue: r, owner: t.owner, claim: true, t: t}
	if err := w.tree(n, 0); err != nil {
		return err
	}
	if r.marks.owner(n) != t.owner {
		return nil
	}
	t.islands = append(t.islands, n)
	if len(w.gaps) > 0 && had+len(w.gaps) < gapsMax {
		t.keyGaps = append(t.keyGaps, w.gaps...)
	}
	return nil
}
