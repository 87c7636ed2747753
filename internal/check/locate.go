package check

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// Bounds of the search for rows that a table and an index do not both have.
const (
	locateIndexes = 4
	locateBuckets = 1 << 16
	locateRows    = 4096
)

// trace looks for the hashes that only one side has. First it sums up what falls into
// each of many buckets, then it gathers what is in the buckets that differ.
type trace struct {
	index   *tree
	place   int // among the indexes of its table
	buckets []sum
	wanted  []bool // nil: still summing up
	rows    []traced
	entries []traced
}

// traced is a row, or an entry.
type traced struct {
	h     hash
	rowid int64
	page  uint32
}

func bucketOf(h hash) int { return int(h.a >> 48) }

// minus takes another sum away.
func (s *sum) minus(o sum) sum {
	d := sum{n: s.n - o.n}
	borrow := uint64(0)
	if s.lo < o.lo {
		borrow = 1
	}
	d.lo, d.hi = s.lo-o.lo, s.hi-o.hi-borrow
	return d
}

func (t *trace) row(h hash, rowid int64, n uint32) {
	switch {
	case t.wanted == nil:
		t.buckets[bucketOf(h)].add(h)
	case t.wanted[bucketOf(h)] && len(t.rows) < locateRows:
		t.rows = append(t.rows, traced{h, rowid, n})
	}
}

func (t *trace) entry(h hash, rowid int64, n uint32) {
	switch {
	case t.wanted == nil:
		one := sum{}
		one.add(h)
		b := &t.buckets[bucketOf(h)]
		*b = b.minus(one)
	case t.wanted[bucketOf(h)] && len(t.entries) < locateRows:
		t.entries = append(t.entries, traced{h, rowid, n})
	}
}

// locate names the rows that an index lacks and the entries that no row has, by two
// more walks over both.
func (v *verifier) locate(tr *tree, place int) error {
	x := tr.indexes[place]
	t := &trace{index: x, place: place, buckets: make([]sum, locateBuckets)}
	for range 2 {
		scout := newWorker(v)
		scout.trace = t
		for _, part := range []*tree{tr, x} {
			v.units = nil
			scout.split(part)
			for i := range v.units {
				scout.unit(&v.units[i])
			}
			if scout.err != nil {
				return scout.err
			}
		}
		if t.wanted == nil {
			t.wanted = make([]bool, locateBuckets)
			for i := range t.buckets {
				t.wanted[i] = t.buckets[i] != sum{}
			}
		}
	}
	v.differences(tr, t)
	return nil
}

func (v *verifier) differences(tr *tree, t *trace) {
	byHash := func(a, b traced) int {
		return cmp.Or(cmp.Compare(a.h.a, b.h.a), cmp.Compare(a.h.b, b.h.b), cmp.Compare(a.rowid, b.rowid))
	}
	if len(t.rows) == locateRows || len(t.entries) == locateRows {
		return // too much differs to be told one by one
	}
	slices.SortFunc(t.rows, byHash)
	slices.SortFunc(t.entries, byHash)
	var list []Finding
	name := t.index.name
	for i, j := 0, 0; i < len(t.rows) || j < len(t.entries); {
		switch {
		case j == len(t.entries) || i < len(t.rows) && lessHash(t.rows[i].h, t.entries[j].h):
			r := t.rows[i]
			list = append(list, Finding{Kind: kindIndex, Object: name, Page: int64(r.page), Rowid: r.rowid, HasRowid: !tr.keyed,
				Detail: fmt.Sprintf("%s of table %s is missing from index %s", rowName(tr, r.rowid), tr.name, name)})
			i++
		case i == len(t.rows) || lessHash(t.entries[j].h, t.rows[i].h):
			e := t.entries[j]
			list = append(list, Finding{Kind: kindIndex, Object: name, Page: int64(e.page), Rowid: e.rowid, HasRowid: !tr.keyed,
				Detail: fmt.Sprintf("index %s has an entry for %s that table %s does not have so", name, rowName(tr, e.rowid), tr.name)})
			j++
		default:
			i, j = i+1, j+1
		}
	}
	sort.Slice(list, func(i, j int) bool { // the hashes are others at every run
		a, b := list[i], list[j]
		return cmp.Or(cmp.Compare(a.Rowid, b.Rowid), cmp.Compare(a.Page, b.Page), cmp.Compare(a.Detail, b.Detail)) < 0
	})
	for _, f := range list {
		v.found.add(f)
	}
}

func rowName(tr *tree, rowid int64) string {
	if tr.keyed {
		return "a row"
	}
	return fmt.Sprintf("row %d", rowid)
}

func lessHash(x, y hash) bool { return x.a < y.a || x.a == y.a && x.b < y.b }
