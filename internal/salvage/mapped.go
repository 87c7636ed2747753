package salvage

import "github.com/officer-doofy/officer/internal/page"

// The pointer map of an auto_vacuum database names the parent of each b-tree page
// (https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages). It may be damaged like any other
// page, and old where others are new. So it decides only between tables that a page fits
// equally well, and what it decides stays in doubt; and where it contradicts it casts doubt.

const (
	placedByMap = "several tables are as likely as this one, and only the pointer map says that its page belongs here"
	notByMap    = "the pointer map has its page elsewhere"
)

// mappedTo gives the table in whose tree the pointer map has a page: that of the first page above
// it that a tree holds or that is a root. told says that it has an opinion: without a table, that the page is in none.
func (r *rescue) mappedTo(n uint32) (t *table, told bool) {
	for range depthMax {
		link, ok := r.backLink(n)
		if !ok {
			return nil, false
		}
		if link.Kind != page.MapRoot && link.Kind != page.MapNode {
			return nil, true
		}
		if link.Kind == page.MapNode {
			n = link.Parent
		}
		if t := r.byOwner(r.marks.owner(n)); t != nil {
			return t, true
		}
		for _, t := range r.tables {
			if t.root == n {
				return t, true
			}
		}
		if link.Kind == page.MapRoot || r.marks.owner(n) != 0 {
			return nil, r.marks.owner(n) != 0
		}
	}
	return nil, false
}

// homeByMap decides between tables that an orphan fits. best is the one that it fits better, nil if
// several are as likely; that one has more rows that look so is no more than a map says.
func (r *rescue) homeByMap(o *orphan, best *table) *table {
	t, _ := r.mappedTo(o.page)
	if t == nil || t == best || t.def.WithoutRowid || !t.wants(o.span) || min(r.likeness(t, o.leaf), r.likeness(t, o.last)) == 0 {
		return best
	}
	if best != nil {
		if r.calls++; r.calls > callsMax || r.witnessed(best, o.leaf) > 0 {
			return best
		}
	}
	o.doubt, t.byMap = placedByMap, true
	return t
}

// hear asks the map about a home that other evidence found. What the map decided before goes on
// deciding: the table looks like these rows now, and their keys are taken.
func (r *rescue) hear(o *orphan, t *table) {
	if o.doubt != "" {
		return
	}
	for _, u := range r.tables {
		if u.byMap && !u.def.WithoutRowid && (u == t || r.likeness(u, o.leaf) > 0) {
			o.doubt = placedByMap
			return
		}
	}
	if u, told := r.mappedTo(o.page); told && u != t {
		o.doubt = notByMap
	}
}
