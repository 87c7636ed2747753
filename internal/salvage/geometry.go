package salvage

import (
	"encoding/binary"
	"io"

	"github.com/officer-doofy/officer/internal/page"
)

// vitals is what is known of the database as a whole. The header says it, and is not
// believed where the pages say otherwise.
type vitals struct {
	geometry      page.Geometry
	reserved      int
	userVersion   int32
	applicationID int32
	incremental   bool // auto_vacuum=incremental
	headerGone    bool
	walMode       bool
	changeCounter uint32
	freelist      uint32 // first trunk page
	notes         []string
}

func (v *vitals) note(text string) { v.notes = append(v.notes, text) }

// sampleBytes bounds what is read for one candidate of the page size.
const sampleBytes = 4 << 20

const (
	samplesMin = 64
	samplesMax = 1024
)

// layout is a candidate: a page size and the bytes at the end of pages that are not used.
type layout struct{ pageSize, reserved int }

// examine finds the vitals of a database, by the header where the pages bear it out and
// by the pages where they do not. first is the newest page 1 as far as it is known.
func examine(src *Source, first []byte, walPageSize int) vitals {
	var v vitals
	h, err := page.ParseHeader(first)
	v.headerGone = err != nil
	if v.headerGone {
		h = lenient(first)
	}
	l, sure := electLayout(src, layout{h.PageSize, h.Reserved}, walPageSize)
	if !sure && v.headerGone {
		v.note("no page of the file looks like one of a database")
	}
	if !v.headerGone && l != (layout{h.PageSize, h.Reserved}) {
		v.note("the header names a page size or reserved space that its pages do not have")
	}
	h.PageSize, h.Reserved, v.reserved = l.pageSize, l.reserved, l.reserved
	count := pagesIn(src.FileBytes, h.PageSize)
	g := page.NewGeometry(h, count)
	g.Maps = electMaps(src, &g, h.LargestRoot != 0)
	g.Encoding = electEncoding(src, &g, h.Encoding)
	v.geometry = g
	v.incremental = h.Incremental != 0
	v.userVersion, v.applicationID = h.UserVersion, h.ApplicationID
	v.walMode, v.changeCounter, v.freelist = h.ReadVersion == 2, h.ChangeCounter, h.FreelistFirst
	return v
}

// lenient takes from a header that SQLite refuses what is not absurd. A header without
// its first bytes says nothing that is worth more than zero.
func lenient(b []byte) page.Header {
	if len(b) < page.HeaderBytes || string(b[:15]) != "SQLite format 3" {
		return page.Header{}
	}
	fixed := append([]byte(nil), b[:page.HeaderBytes]...)
	fixed[15], fixed[18], fixed[19], fixed[21], fixed[22], fixed[23] = 0, 1, min(fixed[19], 2), 64, 32, 32
	if size := binary.BigEndian.Uint16(fixed[16:]); size != 1 && (size < page.PageSizeMin || size&(size-1) != 0) {
		binary.BigEndian.PutUint16(fixed[16:], 4096)
	}
	if fixed[20] > 32 {
		fixed[20] = 0
	}
	h, err := page.ParseHeader(fixed)
	if err != nil {
		return page.Header{}
	}
	return h
}

func pagesIn(bytes int64, pageSize int) uint32 {
	return uint32(min((bytes+int64(pageSize)-1)/int64(pageSize), 1<<32-2))
}

// electLayout chooses the layout under which most sampled pages break no rule. That of
// the header stands unless another one has more than twice its votes.
func electLayout(src *Source, said layout, walPageSize int) (best layout, sure bool) {
	sizes := []int{4096, 1024, 8192, 16384, 32768, 65536, 2048, 512}
	best = layout{pageSize: 4096}
	most := 0.0
	if said.pageSize != 0 {
		best, most = said, 2*share(src, said)
	} else if walPageSize != 0 {
		best.pageSize = walPageSize
		most = 2 * share(src, best)
	}
	sure = most > 0
	for _, size := range sizes {
		for _, reserved := range reservedOf(src, size, said.reserved) {
			l := layout{size, reserved}
			if got := share(src, l); got > most {
				best, most, sure = l, got, true
			}
		}
	}
	return best, sure
}

// reservedOf gives what may be reserved under a page size: nothing, what the header
// says, and what the ends of the pages say.
func reservedOf(src *Source, size, said int) []int {
	list := []int{0}
	if said != 0 {
		list = append(list, said)
	}
	counts := map[int]int{}
	best := 0
	sample(src, size, func(n uint32, b []byte) {
		if end := contentEnd(b, n); end > 0 && end <= size && size-end <= 255 {
			counts[size-end]++
			if counts[size-end] > counts[best] {
				best = size - end
			}
		}
	})
	if best != 0 && best != said {
		list = append(list, best)
	}
	return list
}

// contentEnd gives where the last cell of a table leaf page with small cells ends.
func contentEnd(b []byte, n uint32) int {
	h := b
	if n == 1 {
		h = b[page.HeaderBytes:]
	}
	cells := int(binary.BigEndian.Uint16(h[3:]))
	if page.Kind(h[0]) != page.TableLeaf || cells == 0 || 8+2*cells > len(h) {
		return 0
	}
	end := 0
	for i := range cells {
		at := int(binary.BigEndian.Uint16(h[8+2*i:]))
		if at+2 > len(b) {
			return 0
		}
		size, k := page.Varint(b[at:])
		_, m := page.Varint(b[min(at+k, len(b)):])
		if k == 0 || m == 0 || size > uint64(len(b)) {
			return 0
		}
		end = max(end, at+k+m+int(size))
	}
	return end
}

// share gives which part of the sampled pages break no rule under a layout.
func share(src *Source, l layout) float64 {
	if l.pageSize-l.reserved < 480 {
		return 0
	}
	g := page.NewGeometry(page.Header{PageSize: l.pageSize, Reserved: l.reserved}, 2*pagesIn(src.FileBytes, l.pageSize))
	var cover page.Coverage
	good, all := 0, 0
	sample(src, l.pageSize, func(n uint32, b []byte) {
		all++
		var d page.Node
		if d.Parse(&g, n, b) == nil && d.Cells > 0 && d.Validate(&cover) == nil {
			good++
		}
	})
	if all == 0 {
		return 0
	}
	return float64(good) / float64(all)
}

// sample reads pages from all over the file.
func sample(src *Source, pageSize int, see func(n uint32, b []byte)) {
	pages := src.FileBytes / int64(pageSize)
	want := min(max(sampleBytes/int64(pageSize), samplesMin), samplesMax, pages)
	b := make([]byte, pageSize)
	for i := range want {
		n := i * pages / want
		if got, _ := src.File.ReadAt(b, n*int64(pageSize)); got == len(b) {
			see(uint32(n)+1, b)
		}
	}
}

// electMaps tells whether page 2 is a pointer map: if it is full of valid back-links to
// pages before the end of the file, it is, whatever the header says.
func electMaps(src *Source, g *page.Geometry, said bool) bool {
	b := make([]byte, g.PageSize)
	if n, err := src.File.ReadAt(b, int64(g.PageSize)); n < len(b) && err != nil {
		return said
	}
	var d page.Node
	var cover page.Coverage
	if d.Parse(g, 2, b) == nil && d.Cells > 0 && d.Validate(&cover) == nil {
		return false
	}
	good, all := 0, 0
	for at := 0; at+5 <= g.Usable && all+3 <= int(g.Count); at += 5 {
		all++
		if link, err := page.ParseBackLink(g, 2, b, at); err == nil && link.Parent <= g.Count {
			good++
		}
	}
	if all == 0 || 20*good < 19*all && 2*good > all {
		return said
	}
	return good > all/2
}

// newestFirst reads page 1 as far as the file has it.
func newestFirst(src *Source) []byte {
	b := make([]byte, page.PageSizeMax)
	n, err := src.File.ReadAt(b, 0)
	if err != nil && err != io.EOF && n == 0 {
		return nil
	}
	return b[:n]
}
