package page

import "encoding/binary"

// Coverage tells which bytes of a page are taken, so that none is taken twice and none
// is lost. Its memory is that of the greatest page; use it again for every page.
type Coverage struct {
	words [PageSizeMax / 64]uint64
	used  int
}

// Reset begins a page.
func (c *Coverage) Reset(g *Geometry) {
	clear(c.words[:g.PageSize/64])
	c.used = 0
}

// Take takes size > 0 bytes at an offset, both within a page, and tells whether all of
// them were free.
func (c *Coverage) Take(offset, size int) bool {
	c.used += size
	first, last := offset>>6, (offset+size-1)>>6
	head := ^uint64(0) << (offset & 63)
	tail := ^uint64(0) >> (63 - (offset+size-1)&63)
	if first == last {
		head &= tail
		free := c.words[first]&head == 0
		c.words[first] |= head
		return free
	}
	taken := c.words[first]&head | c.words[last]&tail
	c.words[first] |= head
	c.words[last] |= tail
	for i := first + 1; i < last; i++ {
		taken |= c.words[i]
		c.words[i] = ^uint64(0)
	}
	return taken == 0
}

// Freeblocks takes the freeblocks of a page whose cells have been taken, and compares
// what is left with the fragments that the page header counts. It holds exactly what
// PRAGMA integrity_check holds of free space.
func (d *Node) Freeblocks(c *Coverage) error {
	if d.FirstFree != 0 {
		if err := d.takeFreeblocks(c); err != nil {
			return err
		}
	}
	if lost := len(d.b) - d.Content - c.used; lost != d.Fragments {
		return broken(NodeFragments, d.Page, d.head()+7, int64(d.Fragments))
	}
	return nil
}

func (d *Node) takeFreeblocks(c *Coverage) error {
	at := d.FirstFree
	if at < d.Content {
		return broken(NodeFirstFree, d.Page, d.head()+1, int64(at))
	}
	for {
		if at > len(d.b)-cellMin {
			return broken(NodeFreeEnd, d.Page, at, int64(at))
		}
		next := int(binary.BigEndian.Uint16(d.b[at:]))
		size := int(binary.BigEndian.Uint16(d.b[at+2:]))
		switch {
		case size < cellMin:
			return broken(NodeFreeSize, d.Page, at+2, int64(size))
		case at+size > len(d.b):
			return broken(NodeFreeEnd, d.Page, at+2, int64(size))
		case !c.Take(at, size):
			return broken(NodeOverlap, d.Page, at, int64(size))
		case next == 0:
			return nil
		case next < at+size+cellMin: // at least one cell lies between them, else they were one
			return broken(NodeFreeOrder, d.Page, at, int64(next))
		}
		at = next
	}
}

// Validate holds everything that a b-tree page can break by itself: header, cells,
// freeblocks, fragments. It is for those who have the time; a walk does the same beside
// its own work.
func (d *Node) Validate(c *Coverage) error {
	c.Reset(d.g)
	if d.Cells == 0 && d.Content != len(d.b) { // some old versions left fragments behind
		return broken(NodeEmpty, d.Page, d.head()+5, int64(d.Content))
	}
	if !d.Kind.Leaf() && d.Cells == 0 && d.Page != 1 {
		return broken(NodeNoCells, d.Page, d.head()+3, 0)
	}
	for i := range d.Cells {
		var cell Cell
		if err := d.Cell(i, &cell); err != nil {
			return err
		}
		if !c.Take(cell.Offset, cell.Size) {
			return broken(NodeOverlap, d.Page, cell.Offset, int64(cell.Size))
		}
		if !d.Kind.Leaf() && !d.g.Holds(cell.Left) {
			return broken(ChildNumber, d.Page, cell.Offset, int64(cell.Left))
		}
		if cell.Local < cell.Total && !d.g.Holds(cell.Overflow) {
			return broken(OverflowNumber, d.Page, cell.Offset+cell.Size-4, int64(cell.Overflow))
		}
	}
	if !d.Kind.Leaf() && !d.g.Holds(d.Right) {
		return broken(ChildNumber, d.Page, d.head()+8, int64(d.Right))
	}
	return d.Freeblocks(c)
}
