package salvage

import "github.com/officer-doofy/officer/internal/page"

// audition looks at the outermost leaf pages under each root and takes roots away from
// tables whose rows are not there: the schema may name a wrong page, even that of
// another table. A table without a root has one gap, which is everything.
func (r *rescue) audition() {
	for _, t := range r.tables {
		if t.def.WithoutRowid || t.root == 0 {
			continue
		}
		first, ok1 := r.outermost(t.root, false)
		last, ok2 := r.outermost(t.root, true)
		if ok1 && ok2 && r.foreign(t, first) && r.foreign(t, last) {
			t.root = 0
			t.tally.Notes = append(t.tally.Notes, "the schema named another table's page for its root")
		}
	}
	for i, t := range r.tables {
		for _, u := range r.tables[i+1:] {
			if t.root != 0 && t.root == u.root && !t.def.WithoutRowid && !u.def.WithoutRowid {
				r.settle(t, u)
			}
		}
	}
}

// outermost goes down to the first or last leaf page under a root.
func (r *rescue) outermost(n uint32, last bool) (*page.Node, bool) {
	b := make([]byte, r.g.PageSize)
	for range depthMax {
		var d page.Node
		if !r.free(n) || !r.read(n, b) || d.Parse(&r.g, n, b) != nil || !d.Kind.Table() {
			return nil, false
		}
		if d.Kind.Leaf() {
			return &d, d.Cells > 0
		}
		if n = d.Child(0); last {
			n = d.Right
		}
	}
	return nil, false
}

// settle decides between two tables that name one root: whose rows fit better, or else
// the one whose neighbours in the schema have the roots on both sides of it, for SQLite
// gives out pages in order.
func (r *rescue) settle(t, u *table) {
	loser := u
	if d, ok := r.outermost(t.root, false); ok {
		fitT, fitU := r.likeness(t, d), r.likeness(u, d)
		if a, b := r.witnessed(t, d), r.witnessed(u, d); a != b {
			fitT, fitU = a, b
		}
		if fitT < fitU || fitT == fitU && r.bracketed(t) < r.bracketed(u) {
			loser = t
		}
	}
	loser.root = 0
	loser.tally.Notes = append(loser.tally.Notes, "the schema named another table's page for its root")
}

// bracketed counts the neighbours of a table in the schema whose roots lie on the side
// that their place says.
func (r *rescue) bracketed(t *table) (n int) {
	for i, u := range r.tables {
		if u != t {
			continue
		}
		if i > 0 && r.tables[i-1].root < t.root {
			n++
		}
		if i+1 < len(r.tables) && r.tables[i+1].root > t.root {
			n++
		}
	}
	return n
}
