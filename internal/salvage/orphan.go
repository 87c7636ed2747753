package salvage

import (
	"github.com/officer-doofy/officer/internal/page"
)

// orphan is a table b-tree page that no known tree holds, with all below it.
type orphan struct {
	filler
	leaf *page.Node // its first leaf page
	last *page.Node // its last one
}

// place finds homes for pages that no tree holds. One goes only into a gap whose range
// holds all its keys, of a table that its rows fit, and only if there is just one such
// table: so what lies on freed pages does not come back.
func (r *rescue) place() error {
	if err := r.placeKeyed(); err != nil {
		return err
	}
	if !r.lacking() {
		return nil
	}
	if err := r.markBelow(); err != nil {
		return err
	}
	for placed := true; placed; {
		placed = false
		err := r.orphans(func(o *orphan) error {
			t := r.home(o)
			if t != nil {
				r.hear(o, t)
			}
			if t != nil && r.adopt(t, o.filler) || r.dissolve(o) {
				placed = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// lacking tells whether any table has a gap.
func (r *rescue) lacking() bool {
	for _, t := range r.tables {
		if len(t.gaps) > 0 {
			return true
		}
	}
	return false
}

// lost tells whether a page is part of the database and nothing holds it.
func (r *rescue) lost(n uint32) bool {
	return r.marks.unclaimed(n) && n != 1 && n <= r.size() && !r.g.IsMap(n) && n != r.g.LockPage()
}

// size is how many pages the database has by its last commit.
func (r *rescue) size() uint32 {
	if r.log != nil && r.undo == nil {
		return r.log.pages
	}
	return r.g.Count
}

// markBelow marks the children of interior pages that nothing holds, so that only the
// uppermost pages are looked at.
func (r *rescue) markBelow() error {
	b := make([]byte, r.g.PageSize)
	for n := uint32(2); n <= r.g.Count; n++ {
		if err := r.tick(); err != nil {
			return err
		}
		var d page.Node
		if !r.lost(n) || !r.read(n, b) || d.Parse(&r.g, n, b) != nil || d.Kind != page.TableInterior || d.Validate(&r.cover) != nil {
			continue
		}
		for i := range d.Cells + 1 {
			if child := d.Child(i); r.lost(child) && child != n {
				r.marks.set(child, flagBelow)
			}
		}
	}
	return nil
}

// orphans gives the uppermost table pages that nothing holds.
func (r *rescue) orphans(see func(*orphan) error) error {
	top, low, high := make([]byte, r.g.PageSize), make([]byte, r.g.PageSize), make([]byte, r.g.PageSize)
	for n := uint32(2); n <= r.g.Count; n++ {
		if err := r.tick(); err != nil {
			return err
		}
		if !r.lost(n) || r.marks.has(n, flagBelow) || !r.read(n, top) {
			continue
		}
		var d page.Node
		if d.Parse(&r.g, n, top) != nil || !d.Kind.Table() || d.Cells == 0 {
			continue
		}
		if d.Kind == page.TableLeaf && !r.sound(&d, everything()) || d.Kind == page.TableInterior && d.Validate(&r.cover) != nil {
			continue
		}
		o := orphan{filler: filler{page: n}, leaf: &d, last: &d}
		if !r.reach(&o, &d, low, high) {
			o.span = span{1, 0} // nowhere
		}
		if err := see(&o); err != nil {
			return err
		}
	}
	return nil
}

// dissolve gives the pages below an interior page that has no home as orphans of their
// own.
func (r *rescue) dissolve(o *orphan) bool {
	b := make([]byte, r.g.PageSize)
	var d page.Node
	if !r.read(o.page, b) || d.Parse(&r.g, o.page, b) != nil || d.Kind.Leaf() {
		return false
	}
	r.marks.set(o.page, flagFree) // it has no rows
	for i := range d.Cells + 1 {
		if child := d.Child(i); r.marks.holds(child) {
			r.marks.flags[child] &^= flagBelow
		}
	}
	return true
}

// reach finds the first leaf page of an orphan, and its range: from the first row to the
// last one that is known to be there.
func (r *rescue) reach(o *orphan, d *page.Node, low, high []byte) bool {
	first, ok1 := keyOf(d, 0)
	last, ok2 := keyOf(d, d.Cells-1)
	o.span = span{first, last}
	if d.Kind.Leaf() {
		return ok1 && ok2
	}
	right, ok := r.edge(d.Right, high, true)
	left, fine := r.edge(d.Child(0), low, false)
	if !ok || !fine || right.Cells == 0 || left.Cells == 0 {
		return false
	}
	o.leaf, o.last = left, right
	o.lo, ok1 = keyOf(left, 0)
	o.hi, ok2 = keyOf(right, right.Cells-1)
	return ok1 && ok2 && o.lo <= first && o.hi > last
}

// edge goes down to the first or last leaf page below n.
func (r *rescue) edge(n uint32, b []byte, last bool) (*page.Node, bool) {
	for range depthMax {
		var d page.Node
		if !r.lost(n) || !r.read(n, b) || d.Parse(&r.g, n, b) != nil || !d.Kind.Table() {
			return nil, false
		}
		if d.Kind.Leaf() {
			return &d, r.sound(&d, everything())
		}
		if n = d.Child(0); last {
			n = d.Right
		}
	}
	return nil, false
}

// home gives the one table that an orphan belongs to, nil if there is none or several
// are as likely.
func (r *rescue) home(o *orphan) *table {
	if t := r.homeByBase(o); t != nil {
		return t
	}
	var best *table
	most, tie := 0, false
	for _, t := range r.tables {
		if t.def.WithoutRowid || !t.wants(o.span) {
			continue
		}
		score := min(r.likeness(t, o.leaf), r.likeness(t, o.last))
		if score == 0 {
			continue
		}
		tie = tie && score < most || score == most
		if score > most || best == nil {
			best, most = t, score
			tie = false
		}
	}
	if best == nil {
		return nil
	}
	if tie {
		if t := r.called(o, most); t != nil {
			return t
		}
		best = nil
	}
	return r.homeByMap(o, best)
}

// called gives the one table, of those that are equally likely, whose index knows the
// rows of an orphan.
func (r *rescue) called(o *orphan, score int) (t *table) {
	for _, u := range r.tables {
		if u.def.WithoutRowid || !u.wants(o.span) || min(r.likeness(u, o.leaf), r.likeness(u, o.last)) != score {
			continue
		}
		if r.calls++; r.calls > callsMax || r.witnessed(u, o.leaf) <= 0 {
			continue
		}
		if t != nil {
			return nil
		}
		t = u
	}
	return t
}

// callsMax bounds how often an index is read to find the home of an orphan.
const callsMax = 200

// likeness tells how much the rows of a leaf page look like those of a table: 0 = they
// cannot be, and more the more columns the declaration or the rows seen leave no choice.
func (r *rescue) likeness(t *table, d *page.Node) int {
	fit, all := r.fitting(t, d)
	if all == 0 || fit < all {
		return 0
	}
	score := 1
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			continue
		}
		values, err := r.head(d, &c)
		if err != nil || !t.profile.admits(values) {
			return 0
		}
		if len(values) == len(t.def.Stored) {
			score = max(score, 2)
		}
		if t.profile.rows >= 20 {
			score = max(score, 3)
		}
		break
	}
	return score
}

// homeByBase asks the backup: pages rarely change their table.
func (r *rescue) homeByBase(o *orphan) *table {
	if r.base == nil || !r.base.marks.holds(o.leaf.Page) {
		return nil
	}
	was := r.base.byOwner(r.base.marks.owner(o.leaf.Page))
	if was == nil {
		return nil
	}
	t := r.byName(was.name)
	if t == nil || t.def.WithoutRowid || !t.wants(o.span) || r.likeness(t, o.leaf) == 0 || r.likeness(t, o.last) == 0 {
		return nil
	}
	return t
}

func (r *rescue) byOwner(o owner) *table {
	if o == 0 || o == ownerMax {
		return nil
	}
	for _, t := range r.tables {
		if t.owner == o {
			return t
		}
	}
	return nil
}

func (r *rescue) byName(name string) *table {
	for _, t := range r.tables {
		if t.name == name {
			return t
		}
	}
	return nil
}
