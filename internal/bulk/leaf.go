package bulk

import (
	"slices"

	"github.com/officer-doofy/officer/internal/page"
)

// Leaf is a single leaf page of a table.
type Leaf struct {
	g    *page.Geometry
	n    *node
	cell []byte
	ids  []int64
}

// NewLeaf begins a page without rows.
func NewLeaf(g *page.Geometry) *Leaf { return &Leaf{g: g, n: newNode(g, page.TableLeaf)} }

// Row adds a row, unless the page has no room for all of it or has a row of that rowid.
func (l *Leaf) Row(rowid int64, record []byte) (added bool) {
	l.cell = page.AppendVarint(l.cell[:0], uint64(len(record)))
	l.cell = page.AppendVarint(l.cell, uint64(rowid))
	l.cell = append(l.cell, record...)
	at, twice := slices.BinarySearch(l.ids, rowid)
	if twice || l.g.Local(page.TableLeaf, len(record)) < len(record) || !l.n.fits(len(l.cell)) {
		return false
	}
	l.n.add(0, l.cell)
	l.n.moveLast(at)
	l.ids = slices.Insert(l.ids, at, rowid)
	return true
}

// Rows gives how many rows it has.
func (l *Leaf) Rows() int { return l.n.cells }

// Bytes gives the page.
func (l *Leaf) Bytes() []byte { return l.n.seal() }
