package salvage

import "github.com/officer-doofy/officer/internal/page"

// The pointer map of an auto_vacuum database names the parent of each b-tree page
// (https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages). It may be damaged like any other
// page, and old where others are new. So it decides only between tables that a page fits
// equally well, and what it decides stays in doubt. That it has a page in another tree says nothing: a page
// that was written to a wrong place has the entry of that place.

const (
	placedByMap = "several tables are as likely as this one, and only the pointer map says that its page belongs here"
	freeByMap   = "the pointer map says that its page was free"
)

// mappedTo gives the table in whose tree the pointer map has a page: that of the first page above
// it that a tree holds or that is a root. nil = it does not say.
func (r *rescue) mappedTo(n uint32) *table {
	for range depthMax {
		link, ok := r.backLink(n)
		if !ok || link.Kind != page.MapRoot && link.Kind != page.MapNode {
			return nil
		}
		if link.Kind == page.MapNode {
			n = link.Parent
		}
		if t := r.byOwner(r.marks.owner(n)); t != nil {
			return t
		}
		for _, t := range r.tables {
			if t.root == n {
				return t
			}
		}
		if link.Kind == page.MapRoot || r.marks.owner(n) != 0 {
			return nil
		}
	}
	return nil
}

// homeByMap decides between tables that an orphan fits. best is the one that it fits better, nil if
// several are as likely; that one has more rows that look so is no more than a map says.
func (r *rescue) homeByMap(o *orphan, best *table) *table {
	t := r.mappedTo(o.page)
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

// hear asks the map about a home that other evidence found: whether the page was free. What the map decided before goes on
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
	if link, ok := r.backLink(o.page); ok && link.Kind == page.MapFree {
		o.doubt = freeByMap
	}
}
