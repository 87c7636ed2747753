package bulk

import (
	"encoding/binary"

	"github.com/officer-doofy/officer/internal/page"
)

// Sizes of a b-tree page (https://sqlite.org/fileformat2.html#b_tree_pages).
const (
	leafHead     = 8
	interiorHead = 12
	cellMin      = 4 // bytes: a freed cell must hold a freeblock
	childBytes   = 4
)

// node is a b-tree page that is being filled: cells lie without gaps from its end
// downwards, in key order.
type node struct {
	kind    page.Kind
	b       []byte
	usable  int
	head    int
	cells   int
	content int // offset of the last cell
	right   uint32
}

func newNode(g *page.Geometry, kind page.Kind) *node {
	n := &node{kind: kind, b: make([]byte, g.PageSize), usable: g.Usable, head: interiorHead}
	if kind.Leaf() {
		n.head = leafHead
	}
	n.reset()
	return n
}

func (n *node) reset() {
	n.cells, n.content, n.right = 0, n.usable, 0
}

// fits tells whether one more cell of so many bytes has room.
func (n *node) fits(size int) bool {
	return n.content-max(size, cellMin) >= n.head+2*(n.cells+1)
}

// add puts a cell after the others: a child, which a leaf has not, and the rest.
func (n *node) add(child uint32, rest []byte) {
	size := len(rest)
	if !n.kind.Leaf() {
		size += childBytes
	}
	n.content -= max(size, cellMin)
	at := n.content
	if size < cellMin {
		clear(n.b[at : at+cellMin])
	}
	if !n.kind.Leaf() {
		binary.BigEndian.PutUint32(n.b[at:], child)
		at += childBytes
	}
	copy(n.b[at:], rest)
	binary.BigEndian.PutUint16(n.b[n.head+2*n.cells:], uint16(n.content))
	n.cells++
}

// moveLast puts the last cell before the one at a place.
func (n *node) moveLast(at int) {
	pointers := n.b[n.head+2*at : n.head+2*n.cells]
	last := [2]byte(pointers[len(pointers)-2:])
	copy(pointers[2:], pointers[:len(pointers)-2])
	copy(pointers, last[:])
}

// pop takes the last cell away again. The bytes hold until the next add.
func (n *node) pop() (child uint32, rest []byte) {
	end := n.usable
	if n.cells > 1 {
		end = int(binary.BigEndian.Uint16(n.b[n.head+2*(n.cells-2):]))
	}
	rest = n.b[n.content:end]
	n.cells--
	n.content = end
	if !n.kind.Leaf() {
		return binary.BigEndian.Uint32(rest), rest[childBytes:]
	}
	if len(rest) == cellMin { // it may be padded
		rest = rest[:min(cellMin, 1+int(rest[0]))]
	}
	return 0, rest
}

// seal writes the page header and gives the page.
func (n *node) seal() []byte {
	b := n.b
	b[0] = byte(n.kind)
	binary.BigEndian.PutUint16(b[1:], 0) // no freeblock
	binary.BigEndian.PutUint16(b[3:], uint16(n.cells))
	binary.BigEndian.PutUint16(b[5:], uint16(n.content)) // 65536 is written as 0
	b[7] = 0
	if !n.kind.Leaf() {
		binary.BigEndian.PutUint32(b[8:], n.right)
	}
	clear(b[n.head+2*n.cells : n.content])
	clear(b[n.usable:])
	return b
}
