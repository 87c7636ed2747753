package check

import (
	"encoding/binary"
	"errors"

	"github.com/officer-doofy/officer/internal/page"
)

// Bounds of a worker's memory.
const (
	depthMax     = 20 // of a b-tree, as SQLite has it
	wholeMax     = 1 << 20
	mapsKept     = 8
	longStride   = 64 // one in so many pages of a long chain is remembered
	pagesPerStop = 256
	marksMax     = 1024
)

// worker is one of a crew, with all that it needs to itself.
type worker struct {
	v        *verifier
	g        *page.Geometry
	o        *Options
	k        *keys
	used     pageSet
	light    bool     // it walks one tree after the other, anew each time,
	marks    []uint32 // and remembers so many of the pages that it used
	tallies  []tally
	findings findings
	unjudged []Finding
	err      error // operational: it stops

	tree     *tree
	tally    *tally
	frames   [depthMax]frame
	cover    page.Coverage
	chain    []byte // a page of an overflow chain
	bodies   [2][]byte
	turn     int
	hashes   []hash
	row      fields
	shown    record // to whoever wants each row
	keys     [2]key
	flip     int
	cell     page.Cell
	text     scratch
	maps     [mapsKept]heldMap
	read     int
	lastRead uint32
	sequence []sequence
	orphans  []ForeignKey
	looked   []lookedUp
	ids      idSet  // of a parent
	doubt    string // why rows could not be compared
	window   window
	runs     page.Runs // nil: pages are read one by one
	trace    *trace    // nil unless rows are searched for
	above    []byte    // a page that is read again for a key on it
}

// heldMap is a pointer-map page that is kept.
type heldMap struct {
	n uint32
	b []byte
}

func newWorker(v *verifier) *worker {
	w := &worker{v: v, g: &v.g, o: &v.o, k: v.keys, used: newPageSet(v.g.Count), tallies: make([]tally, len(v.trees))}
	w.findings.max = v.o.FindingsMax
	w.chain = make([]byte, v.g.PageSize)
	w.runs, _ = v.db.Pages.(page.Runs)
	return w
}

// anew makes a worker of an earlier pass one of another, with the buffers that it has.
func (w *worker) anew(v *verifier) {
	w.v, w.g, w.o = v, &v.g, &v.o
	if len(w.marks) < marksMax {
		for _, n := range w.marks {
			w.used.drop(n)
		}
	} else {
		clear(w.used)
	}
	w.marks = w.marks[:0]
	w.tallies = append(w.tallies[:0], make([]tally, len(v.trees))...)
	w.findings, w.unjudged = findings{max: v.o.FindingsMax}, nil
	w.tree, w.tally = nil, nil
	w.sequence, w.orphans, w.looked, w.ids, w.doubt = nil, nil, nil, idSet{}, ""
}

// take marks a page as used and tells whether it was not before.
func (w *worker) take(n uint32) bool {
	if !w.used.add(n) {
		return false
	}
	if w.light && len(w.marks) < marksMax {
		w.marks = append(w.marks, n)
	}
	return true
}

// find adds a finding about the tree at hand.
func (w *worker) find(f Finding) {
	if w.tree != nil {
		if f.Object == "" {
			f.Object = w.tree.name
		}
		w.tally.broken = true
	}
	w.findings.add(f)
}

// broken adds what a parser said of a page.
func (w *worker) broken(err error) {
	f := Finding{Kind: kindStructure, Detail: err.Error()}
	var e *page.Error
	if errors.As(err, &e) {
		f.Page = int64(e.Page)
	}
	w.find(f)
}

// breaks adds a sentence that a page breaks.
func (w *worker) breaks(rule page.Rule, n uint32, got int64) {
	w.broken(&page.Error{Rule: rule, Page: n, Got: got})
}

// stopped tells whether the check is over: an operational error, or nobody wants it.
func (w *worker) stopped() bool {
	if w.err == nil && w.read >= pagesPerStop {
		w.read = 0
		w.err = w.v.ctx.Err()
	}
	return w.err != nil
}

// readPage reads a page. What cannot be read because it is not there is a finding;
// any other error is no verdict.
func (w *worker) readPage(n uint32, into []byte) bool {
	if w.stopped() {
		return false
	}
	w.read++
	err := w.v.db.Pages.ReadPage(n, into)
	if err == nil {
		return true
	}
	var e *page.Error
	if errors.As(err, &e) {
		w.broken(err)
	} else {
		w.err = err
	}
	return false
}

// use takes a page for the tree at hand, and looks up what the pointer map says of it.
func (w *worker) use(n uint32, rule page.Rule, from uint32, kind page.MapKind, parent uint32) bool {
	if !w.g.Holds(n) {
		w.breaks(rule, from, int64(n))
		return false
	}
	if !w.take(n) {
		w.breaks(page.PageUsedOnce, n, int64(from))
		return false
	}
	if w.g.Maps {
		w.checkMap(n, kind, parent)
	}
	return true
}

// checkMap compares the entry of a page with what the page is.
func (w *worker) checkMap(n uint32, kind page.MapKind, parent uint32) {
	m, at := w.g.MapFor(n)
	if m == 0 {
		if n != 1 {
			w.breaks(page.PageMapPlace, n, int64(n))
		}
		return
	}
	held := &w.maps[m%mapsKept]
	if held.n != m {
		if held.b == nil {
			held.b = make([]byte, w.g.PageSize)
		}
		held.n = 0
		if !w.readPage(m, held.b) {
			return
		}
		held.n = m
	}
	link, err := page.ParseBackLink(w.g, m, held.b, at)
	switch {
	case err != nil:
		w.broken(err)
	case link.Kind != kind || link.Parent != parent:
		w.breaks(page.MapBack, n, int64(link.Parent))
	}
}

// long is a payload that is too long to be put together.
type long struct {
	local []byte
	first []uint32 // every longStride-th page of the chain
	at    uint32   // the page at hand,
	index int      // and its place in the chain, -1 = none
}

// payload gives the payload of a cell: its bytes, or, beyond wholeMax, how to get at
// them. Unless the chain has been taken before, its pages are taken. A chain that is not
// what it should be has been reported when ok is false.
func (w *worker) payload(d *page.Node, c *page.Cell, take bool) (body []byte, l *long, ok bool) {
	local := d.Payload(c)
	if c.Local == c.Total {
		return local, nil, true
	}
	count := w.g.ChainPages(c.Total - c.Local)
	if c.Total > wholeMax {
		l = &long{local: append([]byte(nil), local...), index: -1}
	} else {
		w.turn ^= 1
		if need := c.Total + w.g.PageSize; cap(w.bodies[w.turn]) < need {
			w.bodies[w.turn] = make([]byte, need)
		}
		body = w.bodies[w.turn][:c.Total+w.g.PageSize]
		copy(body, local)
	}
	n, from, kind, rule := c.Overflow, d.Page, page.MapOverflowFirst, page.OverflowNumber
	for i, at := 0, c.Local; i < count; i++ {
		if n == 0 {
			w.breaks(page.OverflowLength, from, int64(i))
			return nil, nil, false
		}
		if take && !w.use(n, rule, from, kind, from) {
			return nil, nil, false
		}
		into := w.chain
		var kept [4]byte
		if l == nil { // the page goes where its content belongs, the link over what is there
			into = body[at-4 : at-4+w.g.PageSize]
			copy(kept[:], into)
		} else if w.lastRead = 0; i%longStride == 0 {
			l.first = append(l.first, n)
		}
		if !w.readPage(n, into) {
			return nil, nil, false
		}
		from, kind, n = n, page.MapOverflowNext, binary.BigEndian.Uint32(into)
		if l == nil {
			copy(into, kept[:])
		}
		at += w.g.Usable - 4
	}
	if n != 0 {
		w.breaks(page.OverflowLength, from, int64(n))
		return nil, nil, false
	}
	if l != nil {
		return nil, l, true
	}
	return body[:c.Total], nil, true
}

// readLong reads bytes of a long payload whose chain has been walked before.
func (w *worker) readLong(l *long, at int, into []byte) bool {
	for len(into) > 0 {
		if at < len(l.local) {
			n := copy(into, l.local[at:])
			into, at = into[n:], at+n
			continue
		}
		each := w.g.Usable - 4
		index, off := (at-len(l.local))/each, (at-len(l.local))%each
		if !w.seekLong(l, index) {
			return false
		}
		n := copy(into, w.chain[4+off:w.g.Usable])
		into, at = into[n:], at+n
	}
	return true
}

// seekLong brings a page of a chain into w.chain.
func (w *worker) seekLong(l *long, index int) bool {
	switch {
	case l.index == index && w.lastRead == l.at:
		return true
	case l.index < 0 || index < l.index || index/longStride != l.index/longStride || w.lastRead != l.at:
		l.index, l.at = index/longStride*longStride, l.first[index/longStride]
		if !w.readPage(l.at, w.chain) {
			return false
		}
	}
	for l.index < index {
		l.index, l.at = l.index+1, binary.BigEndian.Uint32(w.chain)
		if !w.readPage(l.at, w.chain) {
			return false
		}
	}
	w.lastRead = l.at
	return true
}
