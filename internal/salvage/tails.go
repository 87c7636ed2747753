package salvage

import (
	"bytes"

	"github.com/officer-doofy/officer/internal/page"
)

// A tail is the end of an overflow chain that nothing leads to any more: what is left where a
// chain was cut, or where a row was led to the chain of another. A row whose chain breaks
// gets one back only if it has just the pages that are missing, and no other one is as
// likely; the row stays in doubt. Where there is a pointer map it says what came before a
// page, and so which tail it is; alone it gives no row a page.
type tails struct {
	heads map[int][]uint32 // first pages, by the number of pages
	given map[cellPlace]join
}

// cellPlace is where a cell stands.
type cellPlace struct {
	page   uint32
	offset int
}

// join is a chain that was put together: so many of its own pages, then a tail.
type join struct {
	kept int
	head uint32
}

// tailsMax bounds the tails that are told apart.
const tailsMax = 1 << 16

// rejoined is what speaks against a row whose chain was put together.
const rejoined = "its overflow chain was broken; it goes on with the pages that were left over"

// findTails lists the chains that no row and no page leads to.
func (r *rescue) findTails() {
	r.tails = &tails{heads: map[int][]uint32{}, given: map[cellPlace]join{}}
	for n := uint32(2); n <= r.g.Count; n++ {
		if next, ok := r.next(n); r.lost(n) && ok && next != n && r.lost(next) {
			r.marks.set(next, flagNamed)
		}
	}
	b := make([]byte, r.g.PageSize)
	steps, listed := int64(0), 0
	for n := uint32(2); n <= r.g.Count && listed < tailsMax && steps <= 4*int64(r.g.Count); n++ {
		if !r.lost(n) || r.marks.has(n, flagNamed) {
			continue
		}
		last, pages := n, 1
		next, ok := r.next(n)
		for ok && next != 0 && r.lost(next) && pages <= int(r.g.Count) {
			last, pages = next, pages+1
			next, ok = r.next(last)
		}
		steps += int64(pages)
		// A page that was wiped looks like the end of a chain.
		if ok && next == 0 && r.read(last, b) && len(bytes.Trim(b, "\x00")) > 0 {
			r.tails.heads[pages] = append(r.tails.heads[pages], n)
			listed++
		}
	}
}

// rejoin puts the chain of a cell together whose pages list break off, or lead into the
// chain of another row.
func (r *rescue) rejoin(d *page.Node, c *page.Cell, list []uint32) (whole []uint32, ok bool) {
	if !r.charted {
		return list, false
	}
	if r.tails == nil {
		r.findTails()
	}
	at := cellPlace{d.Page, c.Offset}
	j, known := r.tails.given[at]
	if !known {
		j = r.joinFor(d, c, list)
		r.tails.given[at] = j
	}
	if j.head == 0 {
		return list, false
	}
	want := r.g.ChainPages(c.Total - c.Local)
	list = list[:j.kept]
	for n := j.head; len(list) < want; n, _ = r.next(n) {
		list = append(list, n)
	}
	if !known {
		r.claimChain(list)
	}
	return list, true
}

// joinFor finds the tail for a chain, and tells how many of its pages it keeps: those
// before the first one that another row owns.
func (r *rescue) joinFor(d *page.Node, c *page.Cell, list []uint32) (j join) {
	for j.kept < len(list) && !r.marks.has(list[j.kept], flagChain) {
		j.kept++
	}
	before, kind := d.Page, page.MapOverflowFirst
	if j.kept > 0 {
		before, kind = list[j.kept-1], page.MapOverflowNext
		if !r.merelyCut(before) {
			return j
		}
	}
	var likely []uint32
	for _, head := range r.tails.heads[r.g.ChainPages(c.Total-c.Local)-j.kept] {
		if !r.lost(head) || j.kept > 0 && head == list[0] {
			continue
		}
		link, ok := r.backLink(head)
		if ok && link == (page.BackLink{Kind: kind, Parent: before}) {
			j.head = head
			return j
		}
		if !ok {
			likely = append(likely, head)
		}
		if j.kept > 0 && head == before+1 && !ok {
			j.head = head // SQLite mostly gives out pages in order
		}
	}
	if len(likely) == 1 {
		j.head = likely[0]
	}
	return j
}

// merelyCut tells whether a page on which a chain breaks off has only lost the number of the
// next one: it ends the chain, leads to itself or into the chain of another row. A page that was
// wiped or overwritten has lost its part of the row, too.
func (r *rescue) merelyCut(n uint32) bool {
	next, ok := r.next(n)
	if !ok || next != 0 && next != n && !r.marks.has(next, flagChain) {
		return false
	}
	b := make([]byte, r.g.PageSize)
	return r.read(n, b) && len(bytes.Trim(b[4:], "\x00")) > 0
}

// backLink gives what the pointer map says of a page. It may be as damaged as anything
// else (https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages).
func (r *rescue) backLink(n uint32) (page.BackLink, bool) {
	m, at := r.g.MapFor(n)
	if !r.g.Maps || m == 0 {
		return page.BackLink{}, false
	}
	if r.mapPage == nil {
		r.mapPage = make([]byte, r.g.PageSize)
	}
	if r.mapped != m {
		if r.mapped = 0; !r.read(m, r.mapPage) {
			return page.BackLink{}, false
		}
		r.mapped = m
	}
	link, err := page.ParseBackLink(&r.g, m, r.mapPage, at)
	return link, err == nil
}
