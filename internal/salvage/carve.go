package salvage

import (
	"cmp"
	"slices"

	"github.com/officer-doofy/officer/internal/page"
)

// candidate is something on a damaged leaf page that may be a row.
type candidate struct {
	page.Cell
	pointed bool // a cell pointer leads there
}

// weight says how much speaks for a candidate: the bytes that it explains, and more for
// a pointer to it.
func (c *candidate) weight() int {
	if c.pointed {
		return c.Size + 256
	}
	return c.Size
}

// credible gives the rows on a damaged leaf page that are whole: records by every byte
// of their headers, in range, of the table's kind, and none of them in another's place.
// Where cell pointers are lost it looks at every offset.
func (r *rescue) credible(t *table, d *page.Node, b []byte, s span) []candidate {
	var again page.Node
	broken := again.Parse(&r.g, d.Page, b)
	lead, cells := 8, d.Cells
	if d.Page == 1 {
		lead += page.HeaderBytes
	}
	cells = min(cells, (r.g.Usable-lead)/2)
	var list []candidate
	pointed := map[int]bool{}
	for i := range cells {
		off := int(b[lead+2*i])<<8 | int(b[lead+2*i+1])
		if c, ok := r.tryCell(t, d, off, s); ok && !pointed[off] && off >= lead {
			list = append(list, candidate{c, true})
			pointed[off] = true
		}
	}
	if broken != nil || len(list) < cells {
		from := lead
		if broken == nil {
			from = d.Content
		}
		for off := from; off+4 <= r.g.Usable; off++ {
			if pointed[off] {
				continue
			}
			if c, ok := r.tryCell(t, d, off, s); ok {
				list = append(list, candidate{Cell: c})
			}
		}
	}
	return oneEach(tile(list))
}

// tryCell reads what stands at an offset and tells whether it can be a row.
func (r *rescue) tryCell(t *table, d *page.Node, off int, s span) (c page.Cell, ok bool) {
	if off < 8 || d.CellAt(off, &c) != nil || !s.holds(c.Rowid) || c.Total < 2 || !plausible(d, &c) {
		return c, false
	}
	if c.Local < c.Total && !r.g.Holds(c.Overflow) {
		return c, false
	}
	values, err := r.head(d, &c)
	if err != nil || !fits(t.def, values, r.g.Encoding) || !t.profile.admits(values) {
		return c, false
	}
	for _, v := range values {
		if v.Bytes != nil && v.Class == classText && !wellFormed(v.Bytes, r.g.Encoding) {
			return c, false
		}
	}
	return c, true
}

// tile chooses candidates that do not overlap and together explain most of the page.
func tile(list []candidate) []candidate {
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.Offset+a.Size, b.Offset+b.Size) })
	best := make([]int, len(list)+1) // weight of the best choice among the first i
	take := make([]int, len(list))   // how many candidates end before this one begins
	for i := range list {
		take[i], _ = slices.BinarySearchFunc(list[:i], list[i].Offset, func(c candidate, off int) int {
			if c.Offset+c.Size <= off {
				return -1
			}
			return 1
		})
		best[i+1] = max(best[i], best[take[i]]+list[i].weight())
	}
	var chosen []candidate
	for i := len(list); i > 0; {
		if best[i] == best[i-1] {
			i--
			continue
		}
		chosen = append(chosen, list[i-1])
		i = take[i-1]
	}
	return chosen
}

// oneEach sorts by rowid. Two candidates for one row speak against each other, unless a
// pointer leads to just one of them.
func oneEach(list []candidate) []candidate {
	slices.SortFunc(list, func(a, b candidate) int {
		if x := cmp.Compare(a.Rowid, b.Rowid); x != 0 {
			return x
		}
		return cmp.Compare(b.weight(), a.weight())
	})
	kept := list[:0]
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].Rowid == list[i].Rowid {
			j++
		}
		if j == i+1 || list[i].pointed && !list[i+1].pointed {
			kept = append(kept, list[i])
		}
		i = j
	}
	return kept
}

// admits tells whether values are like the rows seen so far: as many, of classes that
// were seen in their places. With few rows seen it takes everything.
func (p *profile) admits(values []Value) bool {
	if p.rows < 20 {
		return true
	}
	if len(values) < p.fewest || len(values) > p.most {
		return false
	}
	for i, v := range values {
		if !p.classes[i].has(v.Class) {
			return false
		}
	}
	return true
}

// complete tells whether rows fill their page from the first one to its end, so that no
// other can have been there.
func (r *rescue) complete(rows []candidate) bool {
	first, bytes := r.g.Usable, 0
	for i := range rows {
		first = min(first, rows[i].Offset)
		bytes += rows[i].Size
	}
	return r.g.Usable-first-bytes <= fragmentsMax
}

// fragmentsMax is how many bytes of a page may be lost in fragments
// (https://sqlite.org/fileformat2.html#b_tree_pages).
const fragmentsMax = 60
