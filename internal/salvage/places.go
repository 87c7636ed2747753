package salvage

import "github.com/officer-doofy/officer/internal/page"

// chartAll walks every b-tree of the schema, then the freelist.
func (r *rescue) chartAll() error {
	if err := r.begin(StageChart, int64(r.g.Count)); err != nil {
		return err
	}
	r.audition()
	for _, t := range r.tables {
		if !r.lends {
			r.tryIndexes(t)
		}
	}
	for _, t := range r.tables {
		if err := r.chartTable(t); err != nil {
			return err
		}
	}
	if r.lends {
		return nil // its indexes are no evidence of anything, and its free pages hold nothing that is wanted
	}
	for _, t := range r.tables {
		for _, x := range t.indexes {
			missing, err := r.chartKeys(t, x)
			if err != nil {
				return err
			}
			x.whole = missing == 0
		}
	}
	r.chartFree()
	return nil
}

func (r *rescue) chartTable(t *table) (err error) {
	if t.def.WithoutRowid {
		return r.chartKeyed(t)
	}
	t.gaps, err = r.chart(t, t.root, everything())
	return err
}

// chartFree marks the pages of the freelist that no b-tree has claimed
// (https://sqlite.org/fileformat2.html#the_freelist).
func (r *rescue) chartFree() {
	b := make([]byte, r.g.PageSize)
	for n := r.vitals.freelist; r.marks.unclaimed(n); {
		r.marks.set(n, flagFree|flagListed)
		if !r.read(n, b) {
			return
		}
		trunk, err := page.ParseTrunk(&r.g, n, b)
		if err != nil {
			return
		}
		for i := range trunk.Leaves {
			if leaf := trunk.Leaf(i); r.marks.unclaimed(leaf) {
				r.marks.set(leaf, flagFree|flagListed)
			}
		}
		n = trunk.Next
	}
}
