package page

import "encoding/binary"

// Kind is the type of a b-tree page (https://sqlite.org/fileformat2.html#b_tree_pages).
type Kind byte

// The types.
const (
	IndexInterior Kind = 2
	TableInterior Kind = 5
	IndexLeaf     Kind = 10
	TableLeaf     Kind = 13
)

// Leaf tells whether pages of the kind have no children.
func (k Kind) Leaf() bool { return k >= IndexLeaf }

// Table tells whether the page is of a table b-tree: its keys are rowids.
func (k Kind) Table() bool { return k == TableInterior || k == TableLeaf }

const (
	leafHead     = 8
	interiorHead = 12
	cellMin      = 4 // bytes: a freed cell must hold a freeblock
)

// Node is a b-tree page. It refers to the bytes it was parsed from.
type Node struct {
	Kind      Kind
	Page      uint32
	Cells     int
	Content   int    // offset of the cell content area
	FirstFree int    // offset of the first freeblock, 0 = none
	Fragments int    // bytes, as the header says
	Right     uint32 // right-most child of an interior page
	g         *Geometry
	b         []byte // the page up to its reserved bytes
	array     int    // offset of the cell pointer array
	most      int    // bytes of payload that a cell keeps without overflow
}

// Parse reads the page header of page number n from the page b. Cells and freeblocks
// are looked at one by one: [Node.Cell], [Coverage].
func (d *Node) Parse(g *Geometry, n uint32, b []byte) error {
	if len(b) < g.PageSize {
		return broken(PageBuffer, n, 0, int64(len(b)))
	}
	head := 0
	if n == 1 {
		head = HeaderBytes
	}
	h := b[head : head+interiorHead]
	d.g, d.b, d.Page = g, b[:g.Usable], n
	d.Kind = Kind(h[0])
	d.FirstFree = int(binary.BigEndian.Uint16(h[1:]))
	d.Cells = int(binary.BigEndian.Uint16(h[3:]))
	d.Content = int(binary.BigEndian.Uint16(h[5:]))
	d.Fragments = int(h[7])
	if d.Content == 0 {
		d.Content = 65536
	}
	switch d.Kind {
	case TableLeaf:
		d.array, d.Right, d.most = head+leafHead, 0, g.tableMax
	case IndexLeaf:
		d.array, d.Right, d.most = head+leafHead, 0, g.indexMax
	case TableInterior, IndexInterior:
		d.array, d.Right, d.most = head+interiorHead, binary.BigEndian.Uint32(h[8:]), g.indexMax
	default:
		return broken(NodeKind, n, head, int64(h[0]))
	}
	switch {
	case d.Cells > g.CellsMax():
		return broken(NodeCells, n, head+3, int64(d.Cells))
	case d.Content > g.Usable || d.Content < d.array+2*d.Cells:
		return broken(NodeContent, n, head+5, int64(d.Content))
	}
	return nil
}

// Cell is one cell of a b-tree page, and where its payload lies on the page.
type Cell struct {
	Offset   int    // of the cell
	Size     int    // bytes of the page that it takes
	Left     uint32 // child of an interior page whose keys are not greater
	Rowid    int64  // key in a table b-tree
	Total    int    // bytes of payload in all
	Start    int    // offset of the payload's first byte
	Local    int    // bytes of payload on this page
	Overflow uint32 // first page of the chain with the rest, 0 = none
}

// Cell reads the cell at position i, counted from 0 in key order. Page numbers in it
// are not looked at.
func (d *Node) Cell(i int, c *Cell) error {
	at := d.array + 2*i
	off := int(binary.BigEndian.Uint16(d.b[at:]))
	if off < d.Content {
		return broken(CellOffset, d.Page, at, int64(off))
	}
	return d.CellAt(off, c)
}

// CellAt reads what stands at an offset as a cell, whether a cell pointer leads there
// or not.
func (d *Node) CellAt(off int, c *Cell) error {
	b := d.b
	if off > len(b)-cellMin {
		return broken(CellOffset, d.Page, off, int64(off))
	}
	c.Offset, c.Left, c.Rowid, c.Overflow = off, 0, 0, 0
	p := off
	if !d.Kind.Leaf() {
		c.Left = binary.BigEndian.Uint32(b[p:])
		p += 4
	}
	if d.Kind == TableInterior {
		key, n := Varint(b[p:])
		if n == 0 {
			return broken(CellEnd, d.Page, off, int64(p))
		}
		c.Rowid, c.Total, c.Start, c.Local, c.Size = int64(key), 0, p+n, 0, p+n-off
		return nil
	}
	if p == len(b) {
		return broken(CellEnd, d.Page, off, int64(p))
	}
	total, n := uint64(b[p]), 1
	if total >= 0x80 {
		total, n = longVarint(b[p:])
	}
	if total > payloadMax {
		return broken(CellPayload, d.Page, p, int64(total))
	}
	p += n
	if d.Kind == TableLeaf {
		key, m := Varint(b[p:])
		if m == 0 {
			n = 0
		}
		c.Rowid = int64(key)
		p += m
	}
	if n == 0 {
		return broken(CellEnd, d.Page, off, int64(p))
	}
	if end := p + int(total); int(total) <= d.most && end <= len(b) && end >= off+cellMin {
		c.Total, c.Start, c.Local, c.Size = int(total), p, int(total), end-off
		return nil
	}
	return d.place(c, p, int(total))
}

// place tells how much of a payload that starts at p lies on the page.
func (d *Node) place(c *Cell, p, total int) error {
	local := total
	if total > d.most {
		local = d.g.Local(d.Kind, total)
	}
	end := p + local
	if local < total {
		if end+4 > len(d.b) {
			return broken(CellEnd, d.Page, c.Offset, int64(end+4))
		}
		c.Overflow = binary.BigEndian.Uint32(d.b[end:])
		end += 4
	}
	if end < c.Offset+cellMin {
		end = c.Offset + cellMin
	}
	if end > len(d.b) {
		return broken(CellEnd, d.Page, c.Offset, int64(end))
	}
	c.Total, c.Start, c.Local, c.Size = total, p, local, end-c.Offset
	return nil
}

// Payload gives the part of a cell's payload that lies on the page.
func (d *Node) Payload(c *Cell) []byte { return d.b[c.Start : c.Start+c.Local] }

// Child gives child i of an interior page, 0 ≤ i ≤ Cells, without a look at the rest of
// its cell. A cell pointer that leads nowhere gives 0, which is no page.
func (d *Node) Child(i int) uint32 {
	if i == d.Cells {
		return d.Right
	}
	off := int(binary.BigEndian.Uint16(d.b[d.array+2*i:]))
	if off < d.Content || off > len(d.b)-cellMin {
		return 0
	}
	return binary.BigEndian.Uint32(d.b[off:])
}

// head gives the offset of the page header, for findings.
func (d *Node) head() int {
	if d.Kind.Leaf() {
		return d.array - leafHead
	}
	return d.array - interiorHead
}
