package salvage

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/officer-doofy/officer/internal/page"
)

// An older image of a page is what the log and the file still have of it from before: frames that
// a later commit superseded, what the file has where the log has the page newer, frames
// behind the last commit, and those of an earlier generation, which SQLite leaves in the log
// when it begins at its start again (https://sqlite.org/fileformat2.html#wal_reset). Its rows
// may have been changed or deleted since. So they only go where the newest image is lost, and
// stay in doubt: docs/decisions/0040-older-images-fill-gaps.md.

// past is what of the log is not part of the newest state. 12 bytes a frame.
type past struct {
	log
	frames []pastFrame // by page, the best first
	ends   []uint32    // the last commit of each generation, by age
	before uint64      // the salts of the generation of age 1
}

type pastFrame struct {
	page, number uint32
	age          uint32 // 0 = of the newest generation, behind its last commit; then one more for each
}

// pastFramesMax bounds the frames that are told apart.
const pastFramesMax = 1 << 20

// readPast lists the frames of a log that are whole and not part of the newest state. A frame
// is believed only by its checksum, which starts from the sum in the frame before.
func readPast(src *Source, current *log, pageSize int) *past {
	p := &past{log: log{src: src, header: page.WALHeader{PageSize: pageSize}}}
	if src.WAL == nil {
		return p
	}
	var head [page.WALHeaderBytes]byte
	_, _ = src.WAL.ReadAt(head[:], 0) // what cannot be read is no header
	known := false
	if h, err := page.ParseWALHeader(head[:]); err == nil && h.PageSize == pageSize {
		p.header, known = h, true
	} else if current != nil {
		p.header = current.header
	}
	b := make([]byte, page.FrameHeaderBytes+pageSize)
	h, age := p.header, uint32(0)
	sum := h.Sum
	p.ends = []uint32{0}
	for n := uint32(1); n != 0 && len(p.frames) < pastFramesMax && p.read(n, b); n++ {
		if salt := binary.BigEndian.Uint64(b[8:]); salt != h.Salt {
			h.Salt, known = salt, false
			p.ends = append(p.ends, 0)
			if age++; age == 1 {
				p.before = salt
			}
		}
		f, err := h.ParseFrame(b, &sum)
		if err == nil && known && (current == nil || n > current.last) {
			p.frames = append(p.frames, pastFrame{f.Page, n, age})
			if f.Commit != 0 {
				p.ends[age] = n
			}
		}
		known = true
	}
	slices.SortFunc(p.frames, func(a, b pastFrame) int {
		return cmp.Or(cmp.Compare(a.page, b.page), cmp.Compare(a.age, b.age), cmp.Compare(b.number, a.number))
	})
	return p
}

// of gives the frames of a page, the best first.
func (p *past) of(n uint32) []pastFrame {
	from, _ := slices.BinarySearchFunc(p.frames, n, func(f pastFrame, n uint32) int { return cmp.Compare(f.page, n) })
	to := from
	for to < len(p.frames) && p.frames[to].page == n {
		to++
	}
	return p.frames[from:to]
}

// lastOf tells whether a frame has its page as it was when SQLite began at the start of the log
// again, and the log has no newer one: then all of it was in the file, and that is what the file
// has lost. Each generation's first salt is one more than that of the one before.
func (r *rescue) lastOf(f pastFrame) bool {
	p := r.past
	return r.log != nil && r.undated == "" && f.age == 1 && f.number <= p.ends[1] && uint32(p.before>>32)+1 == uint32(p.header.Salt>>32) &&
		len(r.log.of(f.page)) == 0 && !r.suspicious(f.page)
}

// olderImages gives the older images of a page until see has seen enough: those that were
// committed, the newest first, then the file's, then the rest of the log. last says that there was
// no newer one.
func (r *rescue) olderImages(n uint32, b []byte, see func(last bool) (enough bool)) {
	if r.past == nil {
		r.past = readPast(r.src, r.log, r.g.PageSize)
	}
	if r.log != nil && r.undo == nil {
		now := r.log.newest(n)
		for _, f := range r.log.of(n) {
			if f.number != now && r.log.readFrame(f.number, b) && see(false) {
				return
			}
		}
		if now != 0 && int64(n)*int64(r.g.PageSize) <= r.src.FileBytes && r.readFile(n, b) && see(false) {
			return
		}
	}
	for _, f := range r.past.of(n) {
		if r.past.readFrame(f.number, b) && see(r.lastOf(f)) {
			return
		}
	}
}

// gone tells whether the newest image of a page is lost: nothing owns the page, and what it
// has is no b-tree page, or fails its checksum in the log.
func (r *rescue) gone(n uint32) bool {
	return r.lost(n) && (r.suspicious(n) || !r.looksSound(n)) || n == 1 && r.marks.owner(1) == 0 && !r.looksSound(1)
}

// olderRows gives the rows that older images have of what a table has lost.
func (r *rescue) olderRows(t *table, take func(*found) error) error {
	o := &olderReader{rescue: r, t: t, holes: t.holes(), take: take, seen: map[uint32]bool{}}
	for _, list := range [][]gap{t.gaps, t.worn} {
		for i := range list {
			g := &list[i]
			o.gap, o.last = g, true
			if err := o.under(g.page, g.span, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// olderReader reads the rows of a table in older images of its pages.
type olderReader struct {
	*rescue
	t     *table
	holes []span
	take  func(*found) error
	seen  map[uint32]bool // a page is looked at once
	gap   *gap            // that is being filled
	last  bool            // all images on the way were the last ones
}

// under reads the best older image of a page that is lost, whose keys lie in s, and of an
// interior page those of its children that are lost, too.
func (o *olderReader) under(n uint32, s span, depth int) error {
	worn := o.marks.owner(n) == o.t.owner && !o.marks.has(n, flagSound)
	if depth == depthMax || s.empty() || o.seen[n] || !worn && !o.gone(n) || o.elsewhere(n) {
		return nil
	}
	o.seen[n] = true
	if err := o.tick(); err != nil {
		return err
	}
	b := make([]byte, o.g.PageSize)
	var d page.Node
	usable, was := false, o.last
	defer func() { o.last = was }()
	o.olderImages(n, b, func(last bool) bool {
		o.last = was && last
		usable = d.Parse(&o.g, n, b) == nil && d.Cells > 0 && o.proper(&d, everything()) && (!d.Kind.Leaf() || o.likeness(o.t, &d) > 0)
		return usable
	})
	switch {
	case !usable:
		return nil
	case d.Kind.Leaf():
		return o.leaf(&d, s)
	}
	lo := s.lo
	for i := 0; i <= d.Cells && lo <= s.hi; i++ {
		hi := s.hi
		if key, ok := keyOf(&d, i); i < d.Cells && ok {
			hi = min(hi, key)
		}
		if err := o.under(d.Child(i), span{lo, hi}, depth+1); err != nil || hi == s.hi {
			return err
		}
		lo = max(lo, hi+1)
	}
	return nil
}

// elsewhere tells whether the backup has a page in another table: then an older image of it
// may be of that table.
func (o *olderReader) elsewhere(n uint32) bool {
	if o.base == nil {
		return false
	}
	was := o.base.byOwner(o.base.marks.owner(n))
	return was != nil && was.name != o.t.name
}

func (o *olderReader) leaf(d *page.Node, s span) error {
	var c page.Cell
	all := true
	for i := range d.Cells {
		if d.Cell(i, &c) != nil || !s.holds(c.Rowid) || !inHole(o.holes, c.Rowid) {
			continue
		}
		values, ok := o.olderRow(o.t, d, &c)
		if !ok {
			all = false
			continue
		}
		if err := o.take(&found{rowid: c.Rowid, keyed: true, values: values, from: FromOlder, page: d.Page, doubt: fromOlder}); err != nil {
			return err
		}
	}
	if o.last && all {
		o.gap.found = append(o.gap.found, filler{span: s}) // nothing else was there
		o.t.rooms = nil
	}
	return nil
}

// olderVitals takes from an older image of page 1 what stands in no other page.
func (r *rescue) olderVitals() {
	b := make([]byte, r.g.PageSize)
	r.olderImages(1, b, func(bool) bool {
		h, err := page.ParseHeader(b)
		if err == nil {
			r.vitals.userVersion, r.vitals.applicationID, r.vitals.incremental = h.UserVersion, h.ApplicationID, h.Incremental != 0
		}
		return err == nil
	})
}

// fromOlder is what speaks against a row of an older image.
const fromOlder = "from an older image of its page, whose newest is lost: it may have been changed or deleted since"

// olderRow reads a row of an older image. An overflow chain has to be whole and nobody else's
// by now.
func (r *rescue) olderRow(t *table, d *page.Node, c *page.Cell) ([]Value, bool) {
	if c.Local < c.Total {
		list, exact := r.chain(c, r.pages)
		r.pages = list
		if !exact || slices.ContainsFunc(list, func(n uint32) bool { return r.marks.has(n, flagChain) }) {
			return nil, false
		}
	}
	values, what, _ := r.record(d, c)
	return values, what == "" && r.joint == "" && r.doubt == "" && fits(t.def, values, r.g.Encoding)
}

// writeOlderKeyed does so for a table without rowids, whose rows lie on interior pages, too.
func (r *rescue) writeOlderKeyed(t *table) error {
	b := make([]byte, r.g.PageSize)
	seen := map[uint32]bool{}
	filled := map[uint32]bool{}
	for i := range t.keyGaps {
		for _, n := range t.keyGaps[i].pages {
			var d page.Node
			usable := false
			if seen[n] || !r.gone(n) {
				continue
			}
			seen[n] = true
			r.olderImages(n, b, func(last bool) bool {
				filled[n] = last
				usable = d.Parse(&r.g, n, b) == nil && !d.Kind.Table() && d.Validate(&r.cover) == nil
				return usable
			})
			if filled[n] = filled[n] && usable && d.Kind.Leaf(); !usable {
				continue
			}
			if err := r.olderKeys(t, &d, t.keyGaps[i:i+1]); err != nil {
				return err
			}
		}
	}
	t.keyGaps = slices.DeleteFunc(t.keyGaps, func(g keyGap) bool { return len(g.pages) == 1 && filled[g.pages[0]] })
	return nil
}

func (r *rescue) olderKeys(t *table, d *page.Node, in []keyGap) error {
	parts := t.def.Primary().Parts
	if r.indexed(d) {
		return nil
	}
	for i := range d.Cells {
		var c page.Cell
		if d.Cell(i, &c) != nil {
			continue
		}
		values, ok := r.olderRow(t, d, &c)
		if !ok || len(values) < len(parts) || !within(in, values, parts, r) {
			continue
		}
		if err := r.lend(t, &found{values: values, from: FromOlder, page: d.Page, doubt: fromOlder}); err != nil {
			return err
		}
	}
	return r.tick()
}

// writeOlder gives the sink what older images have of a table's gaps, except what an index
// tells was deleted since.
func (r *rescue) writeOlder(t *table) error {
	if len(t.gaps)+len(t.worn) == 0 {
		return nil
	}
	return r.olderRows(t, func(f *found) error { return r.lend(t, f) })
}
