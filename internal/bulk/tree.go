package bulk

import (
	"encoding/binary"
	"errors"

	"github.com/officer-doofy/officer/internal/page"
)

// ErrOrder says that a rowid is not greater than the one before.
var ErrOrder = errors.New("rows do not come in the order of their rowids")

// Tree is a b-tree that is being written from its leaves up. It holds two pages of each
// level.
type Tree struct {
	f      *File
	kind   page.Kind // of its leaves
	root   uint32
	levels []*level // the leaves first
	cell   []byte
	chain  []byte // an overflow page
	last   int64  // rowid
	cells  int64
}

// level is one level of a tree. A page that is full is held until the one after it has a
// cell: SQLite takes no page without one but an empty root.
type level struct {
	now, held, spare *node
	between          []byte // separates held from now
}

// NewTable begins the b-tree of a table with rowids. root is a page that SQLite has made
// for it, 0 = the tree gets one of its own.
func NewTable(f *File, root uint32) *Tree { return newTree(f, page.TableLeaf, root) }

// NewIndex begins the b-tree of an index or of a WITHOUT ROWID table.
func NewIndex(f *File, root uint32) *Tree { return newTree(f, page.IndexLeaf, root) }

func newTree(f *File, kind page.Kind, root uint32) *Tree {
	return &Tree{f: f, kind: kind, root: root, levels: []*level{{now: newNode(&f.g, kind)}}}
}

// Cells gives how many rows or entries it has taken.
func (t *Tree) Cells() int64 { return t.cells }

// Row adds a row to a table: its rowid, which is greater than all before, else ErrOrder,
// and its record.
func (t *Tree) Row(rowid int64, record []byte) error {
	if t.cells > 0 && rowid <= t.last {
		return ErrOrder
	}
	t.cell = page.AppendVarint(t.cell[:0], uint64(len(record)))
	t.cell = page.AppendVarint(t.cell, uint64(rowid))
	if err := t.payload(record); err != nil {
		return err
	}
	leaf := t.levels[0]
	if !leaf.now.fits(len(t.cell)) {
		leaf.turn(&t.f.g, page.AppendVarint(leaf.between[:0], uint64(t.last)))
	}
	leaf.now.add(0, t.cell)
	t.last = rowid
	t.cells++
	return t.release(0)
}

// Entry adds an entry to an index. That entries come in order is the caller's to see to.
func (t *Tree) Entry(record []byte) error {
	t.cell = page.AppendVarint(t.cell[:0], uint64(len(record)))
	if err := t.payload(record); err != nil {
		return err
	}
	t.cells++
	leaf := t.levels[0]
	if !leaf.now.fits(len(t.cell)) {
		leaf.turn(&t.f.g, append(leaf.between[:0], t.cell...)) // it goes between two leaves
		return nil
	}
	leaf.now.add(0, t.cell)
	return t.release(0)
}

// payload appends a record to the cell, as much as belongs on the page, and writes the
// rest to overflow pages (https://sqlite.org/fileformat2.html#cell_payload_overflow_pages).
func (t *Tree) payload(record []byte) error {
	local := t.f.g.Local(t.kind, len(record))
	t.cell = append(t.cell, record[:local]...)
	if local == len(record) {
		return nil
	}
	t.cell = binary.BigEndian.AppendUint32(t.cell, t.f.next)
	if t.chain == nil {
		t.chain = make([]byte, t.f.g.PageSize)
	}
	for rest := record[local:]; len(rest) > 0; {
		n := copy(t.chain[4:t.f.g.Usable], rest)
		rest = rest[n:]
		clear(t.chain[4+n:])
		next := t.f.after(t.f.next)
		if len(rest) == 0 {
			next = 0
		}
		binary.BigEndian.PutUint32(t.chain, next)
		if _, err := t.f.add(t.chain); err != nil {
			return err
		}
	}
	return nil
}

// turn begins a new page; the full one is held.
func (l *level) turn(g *page.Geometry, between []byte) {
	fresh := l.spare
	if fresh == nil {
		fresh = newNode(g, l.now.kind)
	}
	fresh.reset()
	l.held, l.now, l.spare, l.between = l.now, fresh, nil, between
}

// release writes the held page of a level and puts it under the level above.
func (t *Tree) release(i int) error {
	l := t.levels[i]
	if l.held == nil {
		return nil
	}
	n, err := t.f.add(l.held.seal())
	if err != nil {
		return err
	}
	l.spare, l.held = l.held, nil
	return t.up(i+1, n, l.between)
}

// up adds a child to a level of interior pages, and what separates it from the next.
func (t *Tree) up(i int, child uint32, between []byte) error {
	if i == len(t.levels) {
		kind := page.IndexInterior
		if t.kind.Table() {
			kind = page.TableInterior
		}
		t.levels = append(t.levels, &level{now: newNode(&t.f.g, kind)})
	}
	l := t.levels[i]
	if !l.now.fits(childBytes + len(between)) {
		l.now.right = child
		l.turn(&t.f.g, append(l.between[:0], between...))
		return nil
	}
	l.now.add(child, between)
	return t.release(i)
}

// Finish writes what is left and gives the root page.
func (t *Tree) Finish() (root uint32, err error) {
	last := uint32(0) // the last page of the level below
	for i := 0; ; i++ {
		l := t.levels[i]
		if l.held != nil {
			l.even()
			if err := t.release(i); err != nil {
				return 0, err
			}
		}
		l.now.right = last
		b := l.now.seal()
		if i+1 == len(t.levels) && t.root != 0 {
			return t.root, t.f.write(t.root, b)
		}
		if last, err = t.f.add(b); err != nil || i+1 == len(t.levels) {
			return last, err
		}
	}
}

// even moves the last cell of a full page on to the page after it, which has none.
func (l *level) even() {
	child, rest := l.held.pop()
	between := append([]byte(nil), rest...)
	l.now.add(l.held.right, l.between)
	l.held.right, l.between = child, between
}
