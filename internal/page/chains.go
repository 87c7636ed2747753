package page

import "encoding/binary"

// ParseOverflow reads an overflow page: the next page of its chain, 0 at the end, and
// the bytes it has room for
// (https://sqlite.org/fileformat2.html#cell_payload_overflow_pages).
func ParseOverflow(g *Geometry, n uint32, b []byte) (next uint32, content []byte, err error) {
	if len(b) < g.PageSize {
		return 0, nil, broken(PageBuffer, n, 0, int64(len(b)))
	}
	next = binary.BigEndian.Uint32(b)
	if next != 0 && !g.Holds(next) {
		return 0, nil, broken(OverflowNumber, n, 0, int64(next))
	}
	return next, b[overflowHead:g.Usable], nil
}

// Trunk is a freelist trunk page (https://sqlite.org/fileformat2.html#the_freelist).
type Trunk struct {
	Next   uint32 // trunk page, 0 = last
	Leaves int    // free pages that it names
	b      []byte
}

// ParseTrunk reads a trunk page. What it points to is not looked at but for the range.
func ParseTrunk(g *Geometry, n uint32, b []byte) (Trunk, error) {
	if len(b) < g.PageSize {
		return Trunk{}, broken(PageBuffer, n, 0, int64(len(b)))
	}
	next, leaves := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if leaves > uint32(g.TrunkLeavesMax()) {
		return Trunk{}, broken(TrunkLeaves, n, 4, int64(leaves))
	}
	if next != 0 && !g.Holds(next) {
		return Trunk{}, broken(TrunkNumber, n, 0, int64(next))
	}
	return Trunk{Next: next, Leaves: int(leaves), b: b[8 : 8+4*leaves]}, nil
}

// Leaf gives the number of a free page.
func (t Trunk) Leaf(i int) uint32 { return binary.BigEndian.Uint32(t.b[4*i:]) }

// MapKind is what a pointer map says a page is
// (https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages).
type MapKind byte

// The kinds.
const (
	MapRoot          MapKind = 1
	MapFree          MapKind = 2
	MapOverflowFirst MapKind = 3 // parent is the page of the cell
	MapOverflowNext  MapKind = 4 // parent is the overflow page before
	MapNode          MapKind = 5 // parent is the b-tree page above
)

// BackLink is one entry of a pointer map.
type BackLink struct {
	Kind   MapKind
	Parent uint32
}

// ParseBackLink reads the entry at an offset that [Geometry.MapFor] gave, in the
// pointer-map page number n.
func ParseBackLink(g *Geometry, n uint32, b []byte, offset int) (BackLink, error) {
	if offset < 0 || offset+mapEntry > g.Usable || offset+mapEntry > len(b) {
		return BackLink{}, broken(PageBuffer, n, offset, int64(len(b)))
	}
	link := BackLink{MapKind(b[offset]), binary.BigEndian.Uint32(b[offset+1:])}
	switch {
	case link.Kind < MapRoot || link.Kind > MapNode:
		return link, broken(MapType, n, offset, int64(link.Kind))
	case link.Kind <= MapFree && link.Parent != 0:
		return link, broken(MapParent, n, offset+1, int64(link.Parent))
	}
	return link, nil
}
