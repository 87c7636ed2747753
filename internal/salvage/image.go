package salvage

import (
	"strings"

	"github.com/officer-doofy/officer/internal/page"
)

// Image is the damaged database in its newest committed state, where all that is wrong
// with it are a few leaf pages of which nothing is left. It becomes whole by writing these pages alone, with the
// rows that the backup has: docs/decisions/0035-a-page-is-patched-where-nothing-else-is-wrong.md. What it has not is deleted
// by SQLite: docs/decisions/0038-what-is-lost-with-a-page-is-deleted-by-sqlite.md.
// That nothing else is wrong is what the trees look like; only a full check proves it.
type Image struct {
	Geometry page.Geometry
	Holes    []Hole
	store    *store
}

// Hole is the place of a leaf page, and of the rowids that belong on it.
type Hole struct {
	Table       int // in Plan.Tables
	Page        uint32
	First, Last int64
}

// holesMax bounds what is kept of lent rows until they are written.
const holesMax = 64

// Read fills into with whole pages from page n on, as they were committed last, and tells whether
// each of them could be read. It may run beside the salvage.
func (m *Image) Read(n uint32, into []byte) bool {
	s, size := m.store, m.Geometry.PageSize
	got, _ := s.src.File.ReadAt(into, int64(n-1)*int64(size))
	for at := 0; at < len(into); at += size {
		frame := uint32(0)
		if s.log != nil {
			frame = s.log.newest(n + uint32(at/size))
		}
		if frame == 0 && at+size > got || frame != 0 && !s.log.readFrame(frame, into[at:at+size]) {
			return false
		}
	}
	return true
}

// image gives the database with its holes, nil if more is wrong with it, or may be.
func (r *rescue) image() *Image {
	switch {
	case r.undo != nil || r.undated != "" || len(r.mended) > 0 || len(r.report.Notes) > 0:
		return nil
	case r.log != nil && (!r.log.begun || len(r.log.suspects) > 0 || len(r.log.mended) > 0):
		return nil
	case !r.headed() || !r.schemaWhole() || r.base != nil && r.base.g.Encoding != r.g.Encoding:
		return nil
	}
	m := &Image{Geometry: r.g, store: &store{src: r.src, g: r.g, log: r.log}}
	taken := map[uint32]bool{}
	for i, t := range r.tables {
		if !t.wholeBut() {
			return nil
		}
		for j := range t.gaps {
			g := &t.gaps[j]
			if !r.blank(t, g) || !r.fillable(t, g) || taken[g.page] || len(m.Holes) == holesMax {
				return nil
			}
			taken[g.page] = true
			m.Holes = append(m.Holes, Hole{i, g.page, g.lo, g.hi})
		}
	}
	if len(m.Holes) == 0 || !r.allUsed(taken) {
		return nil
	}
	return m
}

// headed tells whether page 1 says of the database what its pages do, in the newest format.
func (r *rescue) headed() bool {
	b := make([]byte, r.g.PageSize)
	if r.vitals.headerGone || !r.read(1, b) {
		return false
	}
	h, err := page.ParseHeader(b)
	return err == nil && h.PageSize == r.g.PageSize && h.Reserved == 0 && r.vitals.reserved == 0 && h.SchemaFormat == 4 &&
		h.Encoding == r.g.Encoding && h.PageCount == r.g.Count && h.ValidFor == h.ChangeCounter && r.size() == r.g.Count &&
		(h.LargestRoot != 0) == r.g.Maps
}

// schemaWhole tells whether the schema is that of the file and has no virtual table: what
// a module made of rows that were lost and lent, only the module can make again.
func (r *rescue) schemaWhole() bool {
	if len(r.schema.gaps) > 0 || len(r.schema.torn) > 0 {
		return false
	}
	for i := range r.catalog {
		if e := &r.catalog[i]; e.doubt != "" || e.root == lentRoot || e.Type == "table" && e.root == 0 {
			return false
		}
	}
	return true
}

// wholeBut tells whether nothing is wrong with a table and its indexes beside its gaps.
func (t *table) wholeBut() bool {
	for _, x := range t.indexes {
		if !x.whole {
			return false
		}
	}
	return t.root != 0 && !t.contest && len(t.torn) == 0 && len(t.keyGaps) == 0 && len(t.islands) == 0
}

// blank tells whether a gap is a leaf page that nothing else claims.
func (r *rescue) blank(t *table, g *gap) bool {
	return !strings.HasPrefix(strings.ToLower(t.name), "sqlite_") &&
		len(g.found) == 0 && g.depth > 0 && g.depth == t.profile.depth &&
		g.page > 1 && g.page <= r.g.Count && r.marks.unclaimed(g.page) && !r.g.IsMap(g.page) && g.page != r.g.LockPage()
}

// fillable tells whether what belongs on a lost page is known: rows of the backup, and what the indexes
// have of rows that are lost with it. It is asked before rows are judged one by one, lest all that is done twice.
func (r *rescue) fillable(t *table, g *gap) bool {
	lent, ok := r.lentFor(t, g)
	if !ok {
		return false
	}
	told := map[uint64]int{} // of each row of the page, by how many indexes
	tells, all := 0, true
	for _, tr := range t.trials {
		if tr.void {
			all = false
			continue
		}
		tells++
		for key, list := range tr.entries {
			if g.holds(int64(key)) && (tr.crowded || len(list) != 1) {
				return false
			}
			if g.holds(int64(key)) {
				told[key]++
			}
		}
	}
	for _, x := range t.indexes {
		all = all && x.trial != nil
	}
	gone := false
	for key, indexes := range told {
		if indexes != tells {
			return false
		}
		gone = gone || !lent[int64(key)]
	}
	switch {
	case len(t.indexes) == 0:
		return true
	case len(told) == 0: // no index that can be read knows of it
		return tells == 0 && len(lent) > 0
	case gone: // what comes back is none of it; and all that the indexes have of it has to be known
		return all && !t.covered
	}
	return true
}

// lentFor gives the rowids that the backup has in a gap. It has to have the same definition of the table: then its
// rows are as SQLite writes them today.
func (r *rescue) lentFor(t *table, g *gap) (lent map[int64]bool, ok bool) {
	lent, ok = map[int64]bool{}, true
	if r.base == nil || r.base.byName(t.name) == nil {
		return lent, true
	}
	was := r.base.byName(t.name)
	if was.sql != t.sql {
		return nil, false
	}
	err := r.base.rowsFrom(was, g.lo, func(f *found) error {
		if f.rowid > g.hi || f.what != "" || len(lent) > r.g.PageSize {
			ok = f.rowid > g.hi
			return seen{}
		}
		if f.rowid >= g.lo {
			lent[f.rowid] = true
		}
		return nil
	})
	if _, enough := err.(seen); err != nil && !enough { //nolint:errorlint // it is ours, and not wrapped
		return nil, false
	}
	return lent, ok
}

// allUsed tells whether every page is part of something, or one of the holes: what nothing uses may
// be the rest of a row that is lost.
func (r *rescue) allUsed(holes map[uint32]bool) bool {
	for n := uint32(1); n <= r.g.Count; n++ {
		if r.marks.unclaimed(n) && !holes[n] && !r.g.IsMap(n) && n != r.g.LockPage() {
			return false
		}
	}
	return true
}
