package salvage

import (
	"cmp"
	"math"
	"slices"

	"github.com/officer-doofy/officer/internal/page"
)

// found is a row that was read, before anybody judged it.
type found struct {
	rowid  int64
	keyed  bool // it has a rowid
	values []Value
	from   Origin
	page   uint32
	what   string // why it is not proven, "" = it is
	doubt  string // what speaks against it although nothing disproves it
	joint  string // what speaks against its overflow chain, or its page's being there
	partly bool   // values are missing or cut

	covered  bool // indexes that agree hold all its values
	asInBase bool // the backup has it just so
	twin     bool // it stands on a page that the backup has just so
	logged   bool // it stands in frames of the log whose checksums hold
}

// reader walks the pages that a table has claimed and reads their rows.
type reader struct {
	*rescue
	t    *table
	from Origin // of rows on sound pages
	take func(*found) error
	twin bool  // the backup has the page just so
	row  found // that take has
	cell page.Cell
}

// rows reads all rows of a table in its places: the tree, then what was found for its
// gaps.
func (r *rescue) rows(t *table, take func(*found) error) error {
	return r.rowsFrom(t, math.MinInt64, take)
}

// rowsFrom leaves out the pages that only have rows before a rowid.
func (r *rescue) rowsFrom(t *table, since int64, take func(*found) error) error {
	if t.root != 0 {
		if err := r.rowsUnder(t, t.root, everything(), since, Kept, take); err != nil {
			return err
		}
	}
	for _, g := range t.gaps {
		list := slices.Clone(g.found) // in the order of their keys they are written fastest
		slices.SortFunc(list, func(a, b filler) int { return cmp.Compare(a.lo, b.lo) })
		for _, f := range list {
			if err := r.rowsUnder(t, f.page, f.span, since, Salvaged, f.doubting(take)); err != nil {
				return err
			}
		}
	}
	return nil
}

// doubting gives rows on with what speaks against their page's being there.
func (f *filler) doubting(take func(*found) error) func(*found) error {
	if f.doubt == "" {
		return take
	}
	return func(x *found) error {
		if x.joint == "" {
			x.joint = f.doubt
		}
		return take(x)
	}
}

func (r *rescue) rowsUnder(t *table, root uint32, s span, since int64, from Origin, take func(*found) error) error {
	v := &reader{rescue: r, t: t, from: from, take: take}
	w := newWalk(r.store, v)
	w.since = since
	return w.tree(root, s, 0)
}

func (r *reader) enter(n uint32, d *page.Node, _ []byte, s span, broken error) bool {
	if r.marks.owner(n) != r.t.owner {
		return false
	}
	if d.Kind.Leaf() && !r.marks.has(n, flagSound) {
		return true
	}
	return broken == nil && d.Kind.Table() && (belongs(d, s) || d.Cells == 0)
}

func (r *reader) missing(uint32, span) error { return nil }

func (r *reader) leaf(n uint32, d *page.Node, b []byte, s span) error {
	if err := r.tick(); err != nil {
		return err
	}
	if !r.marks.has(n, flagSound) {
		return r.damaged(n, d, b, s)
	}
	r.twin = r.twins.alike(n, d, b)
	for i := range d.Cells {
		if d.Cell(i, &r.cell) != nil {
			continue // not on a sound page
		}
		if err := r.rowOf(n, d, &r.cell, r.from); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) damaged(n uint32, d *page.Node, b []byte, s span) error {
	r.twin = false
	for _, c := range r.credible(r.t, d, b, s) {
		if err := r.rowOf(n, d, &c.Cell, Salvaged); err != nil {
			return err
		}
	}
	return nil
}

// rowOf reads the row of a cell.
func (r *reader) rowOf(n uint32, d *page.Node, c *page.Cell, from Origin) error {
	f := &r.row
	*f = found{rowid: c.Rowid, keyed: true, from: from, page: n, twin: r.twin}
	f.values, f.what, f.partly = r.record(d, c)
	if f.values == nil {
		return nil
	}
	f.doubt, f.joint, f.logged = r.doubt, r.joint, r.logged
	return r.take(f)
}

// record decodes the record of a cell, as far as it goes.
func (r *rescue) record(d *page.Node, c *page.Cell) (values []Value, what string, partly bool) {
	payload, what := r.payload(d, c)
	var err error
	r.values, err = decode(payload, r.values)
	if err != nil {
		partly = true
		if what == "" {
			what = "its record is broken"
		}
		if len(r.values) == 0 {
			return nil, what, true
		}
	}
	return r.values, what, partly
}
