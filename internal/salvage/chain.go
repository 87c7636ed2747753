package salvage

import (
	"bytes"

	"github.com/officer-doofy/officer/internal/page"
)

// chainPagesMax bounds a chain that is followed: SQLite's own limit of a row.
const chainPagesMax = 1 << 22

// chain follows the overflow chain of a cell and tells whether it is exact: as long as
// the payload wants, ending in 0, and of pages that are no b-tree's. pages is used again.
func (r *rescue) chain(c *page.Cell, pages []uint32) (list []uint32, exact bool) {
	list = pages[:0]
	want := r.g.ChainPages(c.Total - c.Local)
	if want > chainPagesMax || int64(want) > int64(r.g.Count) {
		return list, false
	}
	for n := c.Overflow; ; {
		if len(list) == want {
			return list, n == 0
		}
		if !r.marks.holds(n) || r.marks.owner(n) != 0 || r.g.IsMap(n) || n == r.g.LockPage() {
			return list, false
		}
		list = append(list, n)
		next, ok := r.next(n)
		if !ok || len(list) < want && next == n {
			return list, false
		}
		n = next
	}
}

// claimChain marks the pages of an exact chain. A page on two of them speaks against
// both.
func (r *rescue) claimChain(list []uint32) {
	for _, n := range list {
		if r.marks.has(n, flagChain) {
			r.marks.set(n, flagRivals)
		}
		r.marks.set(n, flagChain)
	}
}

// chained claims the chain of a cell, if it is exact.
func (r *rescue) chained(c *page.Cell) {
	if c.Local == c.Total {
		return
	}
	list, exact := r.chain(c, r.pages)
	r.pages = list
	switch {
	case exact:
		r.claimChain(list)
	case r.marks.holds(c.Overflow):
		r.marks.set(c.Overflow, flagNamed)
	}
}

// chainOf gives the pages of a cell's chain, put together again where it is broken. why says
// what disproves it, "" = nothing; what speaks against it is in r.joint.
func (r *rescue) chainOf(d *page.Node, c *page.Cell) (list []uint32, exact bool, why string) {
	list, exact = r.chain(c, r.pages)
	defer func() { r.pages = list }()
	rivals := false
	for _, n := range list {
		rivals = rivals || r.marks.has(n, flagRivals)
	}
	foreign := false // it is another row's
	if exact && rivals && r.charted {
		link, ok := r.backLink(c.Overflow)
		told := ok && link.Kind == page.MapOverflowFirst
		foreign = told && link.Parent != d.Page
		// Where nothing tells, one of the rows is right, and both in what lies before the chain; but
		// the backup's is better than that.
		if !foreign && (r.base == nil || told && !namedTwice(d, c.Overflow)) {
			r.joint = claimedTwice
			return list, true, ""
		}
	}
	if !exact || foreign {
		if whole, ok := r.rejoin(d, c, list); ok {
			r.joint = rejoined
			return whole, true, ""
		}
	}
	if rivals {
		why = claimedTwice
	}
	return list, exact, why
}

const claimedTwice = "its overflow pages are claimed by another row, too"

// namedTwice tells whether two cells of a page name one chain: then its pointer-map entry,
// which has the page, is that of both.
func namedTwice(d *page.Node, first uint32) bool {
	n := 0
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) == nil && c.Local < c.Total && c.Overflow == first {
			n++
		}
	}
	return n > 1
}

// payload puts the payload of a cell together. what says why it is not proven, "" if it
// is; then the payload may be short.
func (r *rescue) payload(d *page.Node, c *page.Cell) (payload []byte, what string) {
	r.doubt, r.joint, r.logged = "", "", r.vouched(d.Page)
	if c.Offset+c.Size > r.present(d.Page) {
		what = cutOff
	}
	if c.Local == c.Total {
		return d.Payload(c), what
	}
	if c.Total > payloadMax {
		return nil, "the row is larger than can be carried"
	}
	list, exact, why := r.chainOf(d, c)
	if why != "" {
		what = why
	}
	r.joined = append(r.joined[:0], d.Payload(c)...)
	if r.overflow == nil {
		r.overflow = make([]byte, r.g.PageSize)
	}
	for _, n := range list {
		r.logged = r.logged && r.vouched(n)
		if !r.read(n, r.overflow) {
			return r.joined, "an overflow page cannot be read"
		}
		_, content, _ := page.ParseOverflow(&r.g, n, r.overflow)
		content = content[:min(len(content), c.Total-len(r.joined))]
		if 4+len(content) > r.present(n) {
			what = cutOff
		}
		r.joined = append(r.joined, content...)
		// A page that was wiped ends its chain like a good last one.
		if r.doubt = ""; len(bytes.Trim(content, "\x00")) == 0 {
			r.doubt = "its last overflow page holds only zeros"
		}
	}
	if !exact {
		what = "its overflow chain is broken"
	}
	return r.joined, what
}

const cutOff = "the file ends in the middle of it"

// payloadMax bounds a row in memory.
const payloadMax = 64 << 20
