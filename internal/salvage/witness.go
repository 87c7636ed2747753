package salvage

import "github.com/officer-doofy/officer/internal/page"

// seen ends a walk that has seen enough.
type seen struct{}

func (seen) Error() string { return "seen" }

// witnessed asks the indexes of a table about the rows of a leaf page: 1 = one of them
// knows most, -1 = one knows none, 0 = none can tell.
func (r *rescue) witnessed(t *table, d *page.Node) int {
	for _, x := range t.indexes {
		if x.def == nil || x.def.Opaque != "" || x.root == 0 {
			continue
		}
		tr := newTrial(t, x, r.g.Encoding)
		if tr == nil {
			continue
		}
		rows := map[uint64]bool{}
		for i := range d.Cells {
			var c page.Cell
			if d.Cell(i, &c) != nil {
				continue
			}
			if values, what, _ := r.record(d, &c); what == "" {
				if entry := tr.entryOf(c.Rowid, values); entry != nil {
					rows[hashOf(entry)] = true
				}
			}
		}
		if len(rows) == 0 {
			continue
		}
		switch most, entries := r.knows(x, rows); {
		case most:
			return 1
		case entries > 0:
			return -1
		}
	}
	return 0
}

// knows tells whether an index has most of the entries, and how many it has at all.
func (r *rescue) knows(x *index, rows map[uint64]bool) (most bool, entries int) {
	known, want := 0, len(rows)
	w := &keyWalk{rescue: r, loose: true, take: func(k *keyed) error {
		entries++
		if h := hashOf(k.values); k.what == "" && rows[h] {
			delete(rows, h)
			if known++; 2*known > want {
				return seen{}
			}
		}
		return nil
	}}
	_ = w.tree(x.root, 0) // it ends at seen, or when Tick says so, which is asked again
	return 2*known > want, entries
}
