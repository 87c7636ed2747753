package salvage

import "github.com/officer-doofy/officer/internal/page"

// charter walks the b-tree of a table for the first time: it claims the pages that
// belong there, notes where there are none, and learns what rows look like.
type charter struct {
	*rescue
	w    *walk
	t    *table
	gaps []gap
}

// profilePages is how many leaf pages are looked at in full for the profile; of those
// that follow, every 16th.
const profilePages = 64

// chart claims the b-tree under a page and gives the gaps in it.
func (r *rescue) chart(t *table, root uint32, s span) ([]gap, error) {
	c := &charter{rescue: r, t: t}
	c.w = newWalk(r.store, c)
	err := c.w.tree(root, s, 0)
	return c.gaps, err
}

func (c *charter) enter(n uint32, d *page.Node, b []byte, s span, broken error) bool {
	if !c.free(n) || n == 1 && c.t.owner != 1 {
		c.contest(n, c.t)
		return false
	}
	good := broken == nil && c.proper(d, s) || c.mend(n, d, b, s)
	switch {
	case !d.Kind.Table():
		return false
	case d.Kind.Leaf() && good:
		if d.Cells == 0 && s != everything() || c.foreign(c.t, d) {
			return false
		}
		c.marks.set(n, flagSound)
	case d.Kind.Leaf():
		if !c.hurt(d, b, s) {
			return false
		}
	case !good && (broken != nil || !belongs(d, s) || !c.mostlyChildren(d)):
		return false
	}
	c.marks.owners[n] = c.t.owner
	return true
}

// free tells whether a page may be claimed by a b-tree.
func (r *rescue) free(n uint32) bool {
	return r.marks.holds(n) && r.marks.owner(n) == 0 && !r.g.IsMap(n) && n != r.g.LockPage()
}

// hurt tells whether a damaged leaf page still has rows of this table.
func (c *charter) hurt(d *page.Node, b []byte, s span) bool {
	return len(c.credible(c.t, d, b, s)) > 0
}

// mostlyChildren tells whether most children of a damaged interior page are pages of
// the file.
func (r *rescue) mostlyChildren(d *page.Node) bool {
	good := 0
	for i := range d.Cells + 1 {
		if r.marks.holds(d.Child(i)) {
			good++
		}
	}
	return 2*good > d.Cells+1
}

func (c *charter) leaf(n uint32, d *page.Node, b []byte, s span) error {
	if err := c.tick(); err != nil {
		return err
	}
	if !c.marks.has(n, flagSound) {
		rows := c.credible(c.t, d, b, s)
		for i := range rows {
			c.chained(&rows[i].Cell)
			c.compare(d, &rows[i].Cell)
		}
		if !c.complete(rows) && len(c.t.torn) < gapsMax {
			c.t.torn = append(c.t.torn, s)
			c.t.worn = append(c.t.worn, gap{span: s, page: n})
		}
		return nil
	}
	var cell page.Cell
	for i := range d.Cells {
		if d.Cell(i, &cell) == nil {
			c.chained(&cell)
			c.compare(d, &cell)
		}
	}
	p := &c.t.profile
	p.pages++
	p.depth = max(p.depth, c.w.depth)
	if p.pages > profilePages && p.pages%16 != 0 {
		p.rows += int64(d.Cells)
		return nil
	}
	for i := range d.Cells {
		if d.Cell(i, &cell) != nil {
			continue
		}
		if values, err := c.head(d, &cell); err == nil {
			p.note(values, c.g.Encoding)
		}
	}
	return nil
}

// compare counts a row in the trials of its table.
func (c *charter) compare(d *page.Node, cell *page.Cell) {
	if len(c.t.trials) == 0 {
		return
	}
	values, what, _ := c.record(d, cell)
	if what != "" {
		return
	}
	for _, tr := range c.t.trials {
		tr.row(cell.Rowid, values)
	}
}

func (c *charter) missing(n uint32, s span) error {
	if last := len(c.gaps) - 1; last >= gapsMax && c.gaps[last].hi+1 == s.lo {
		c.gaps[last].hi = s.hi // coarser, but bounded
		return nil
	}
	c.gaps = append(c.gaps, gap{span: s, page: n, depth: c.w.depth})
	return nil
}

// gapsMax bounds the gaps of one table that are told apart.
const gapsMax = 1 << 18
