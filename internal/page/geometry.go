package page

// lockByte is where every VFS places its locks
// (https://sqlite.org/fileformat2.html#the_lock_byte_page).
const lockByte = 1 << 30

// Payload bounds (https://sqlite.org/fileformat2.html#cell_payload_overflow_pages).
const (
	payloadMax   = 1<<31 - 1
	mapEntry     = 5
	overflowHead = 4
)

// Geometry is what the sizes of a database say about the place of things.
type Geometry struct {
	PageSize int    // bytes
	Usable   int    // bytes of a page less the reserved ones
	Count    uint32 // pages
	Maps     bool   // there are pointer-map pages
	Encoding Encoding

	tableMax, indexMax, least int // payload bytes kept on a page
}

// NewGeometry computes the geometry of a database of count pages.
func NewGeometry(h Header, count uint32) Geometry {
	u := h.PageSize - h.Reserved
	encoding := h.Encoding & 3 // as SQLite reads it
	if encoding == 0 {
		encoding = UTF8
	}
	return Geometry{
		PageSize: h.PageSize, Usable: u, Count: count, Maps: h.LargestRoot != 0, Encoding: encoding,
		tableMax: u - 35, indexMax: (u-12)*64/255 - 23, least: (u-12)*32/255 - 23,
	}
}

// Holds tells whether n is the number of a page of the file.
func (g *Geometry) Holds(n uint32) bool { return n != 0 && n <= g.Count }

// LockPage gives the number of the lock-byte page, which need not be in the file.
func (g *Geometry) LockPage() uint32 { return uint32(lockByte/g.PageSize) + 1 }

// MapFor gives the pointer-map page of page n, and where in it its entry stands. Page
// 1, pointer maps themselves and a lock-byte page in a map's place have none: 0
// (https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages).
func (g *Geometry) MapFor(n uint32) (mapPage uint32, offset int) {
	if n < 2 {
		return 0, 0
	}
	mapPage = g.mapOf(n)
	if mapPage >= n {
		return 0, 0
	}
	return mapPage, mapEntry * int(n-mapPage-1)
}

// IsMap tells whether page n is in the place of a pointer map.
func (g *Geometry) IsMap(n uint32) bool { return g.Maps && n >= 2 && g.mapOf(n) == n }

func (g *Geometry) mapOf(n uint32) uint32 {
	each := uint32(g.Usable/mapEntry) + 1
	m := (n-2)/each*each + 2
	if m == g.LockPage() {
		m++
	}
	return m
}

// CellsMax is how many cells fit on a page at most.
func (g *Geometry) CellsMax() int { return (g.PageSize - 8) / 6 }

// Local gives how many bytes of a payload of total bytes are kept on a page of the kind.
func (g *Geometry) Local(kind Kind, total int) int {
	most := g.indexMax
	if kind.Table() {
		most = g.tableMax
	}
	if total <= most {
		return total
	}
	if keep := g.least + (total-g.least)%(g.Usable-overflowHead); keep <= most {
		return keep
	}
	return g.least
}

// ChainPages gives the length of the overflow chain for so many bytes of payload.
func (g *Geometry) ChainPages(bytes int) int {
	each := g.Usable - overflowHead
	return (bytes + each - 1) / each
}

// TrunkLeavesMax is how many leaf pointers fit on a freelist trunk page.
func (g *Geometry) TrunkLeavesMax() int { return g.Usable/4 - 2 }
