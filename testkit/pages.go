package testkit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"unicode/utf16"

	"github.com/officer-doofy/officer/internal/fsx"
)

// Types of b-tree pages (https://sqlite.org/fileformat2.html#b_tree_pages).
const (
	indexInterior = 0x02
	tableInterior = 0x05
	indexLeaf     = 0x0a
	tableLeaf     = 0x0d
)

const (
	headerBytes   = 100
	fileMaxBytes  = 4 << 30 // a damage maker reads the whole file
	encodingUTF16 = 2       // le; 3 is be
)

// image is a database file in memory, read without SQLite: the damage makers must not
// depend on the code whose eyes they test. What stands only in a -wal is not seen.
type image struct {
	t        testing.TB
	path     string
	data     []byte
	pageSize int
	usable   int // page size less the reserved bytes
	encoding uint32
}

// tree is the b-tree of a table or index.
type tree struct {
	kind, name string // "table" or "index"
	root       uint32
}

// readImage reads a healthy database file.
func readImage(t testing.TB, path string) *image {
	t.Helper()
	data, err := fsx.ReadLimited(disk(), path, fileMaxBytes)
	if err != nil {
		t.Fatalf("testkit: read %s: %v", path, err)
	}
	if len(data) < headerBytes || !bytes.HasPrefix(data, []byte("SQLite format 3\x00")) {
		t.Fatalf("testkit: %s is not a SQLite database (any more)", path)
	}
	m := &image{t: t, path: path, data: data, encoding: binary.BigEndian.Uint32(data[56:])}
	m.pageSize = int(binary.BigEndian.Uint16(data[16:]))
	if m.pageSize == 1 {
		m.pageSize = 65536
	}
	m.usable = m.pageSize - int(data[20])
	return m
}

// page gives page n, counted from 1, as a slice of the image.
func (m *image) page(n uint32) []byte {
	end := int(n) * m.pageSize
	if n == 0 || end > len(m.data) {
		m.t.Fatalf("testkit: %s has no page %d", m.path, n)
	}
	return m.data[end-m.pageSize : end]
}

// node gives type, cell offsets and right-most child of a b-tree page.
func (m *image) node(n uint32) (kind byte, cells []int, right uint32) {
	p := m.page(n)
	h := 0
	if n == 1 {
		h = headerBytes
	}
	kind, array := p[h], h+8
	if kind == indexInterior || kind == tableInterior {
		right, array = binary.BigEndian.Uint32(p[h+8:]), h+12
	}
	for i := range int(binary.BigEndian.Uint16(p[h+3:])) {
		cells = append(cells, int(binary.BigEndian.Uint16(p[array+2*i:])))
	}
	return kind, cells, right
}

// walk visits all pages of a b-tree, without overflow pages.
func (m *image) walk(root uint32, visit func(n uint32, kind byte, cells []int)) {
	kind, cells, right := m.node(root)
	visit(root, kind, cells)
	if right == 0 {
		return
	}
	for _, c := range cells {
		m.walk(binary.BigEndian.Uint32(m.page(root)[c:]), visit)
	}
	m.walk(right, visit)
}

// field is one value of a record: its serial type and the bytes that lie on the page
// itself, or in the payload when it was put together.
type field struct {
	serial uint64
	data   []byte
}

// record splits a payload (https://sqlite.org/fileformat2.html#record_format). A
// payload cut short by an overflow chain gives only the fields that start in it.
func record(payload []byte) (fields []field) {
	size, n := varint(payload)
	if size > uint64(len(payload)) {
		return nil
	}
	header, body := payload[n:size], payload[size:]
	for len(header) > 0 {
		serial, n := varint(header)
		header = header[n:]
		want := serialBytes(serial)
		have := min(want, len(body))
		fields = append(fields, field{serial, body[:have]})
		body = body[have:]
		if have < want {
			return fields
		}
	}
	return fields
}

func serialBytes(serial uint64) int {
	switch {
	case serial >= 12:
		return int(serial-12) / 2
	case serial == 7:
		return 8
	case serial == 6:
		return 8
	case serial == 5:
		return 6
	case serial <= 4:
		return int(serial)
	}
	return 0 // the constants 0 and 1
}

// varint reads a variable-length integer of 1 to 9 bytes.
func varint(b []byte) (v uint64, n int) {
	for n < 8 {
		v = v<<7 | uint64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	return v<<8 | uint64(b[8]), 9
}

// local gives the part of a leaf cell's payload that lies on the page, and the first
// page of its overflow chain (https://sqlite.org/fileformat2.html#b_tree_pages).
func (m *image) local(page []byte, cell int, kind byte) (payload []byte, total int, overflow uint32) {
	size, n := varint(page[cell:])
	at := cell + n
	limit := (m.usable-12)*64/255 - 23
	if kind == tableLeaf {
		_, n = varint(page[at:])
		at += n
		limit = m.usable - 35
	}
	total = int(size)
	if total <= limit {
		return page[at : at+total], total, 0
	}
	least := (m.usable-12)*32/255 - 23
	keep := least + (total-least)%(m.usable-4)
	if keep > limit {
		keep = least
	}
	return page[at : at+keep], total, binary.BigEndian.Uint32(page[at+keep:])
}

// payload gives the whole payload of a leaf cell.
func (m *image) payload(page []byte, cell int, kind byte) []byte {
	local, total, next := m.local(page, cell, kind)
	whole := slices.Clone(local)
	for next != 0 && len(whole) < total {
		p := m.page(next)
		whole = append(whole, p[4:4+min(m.usable-4, total-len(whole))]...)
		next = binary.BigEndian.Uint32(p)
	}
	return whole
}

// trees lists the b-trees of the schema in the order of sqlite_schema.
func (m *image) trees() (all []tree) {
	m.walk(1, func(n uint32, kind byte, cells []int) {
		if kind != tableLeaf {
			return
		}
		for _, c := range cells {
			f := record(m.payload(m.page(n), c, kind))
			if len(f) < 4 {
				m.t.Fatalf("testkit: %s: row of sqlite_schema with %d columns", m.path, len(f))
			}
			if root := integer(f[3]); root > 0 {
				all = append(all, tree{kind: m.text(f[0].data), name: m.text(f[1].data), root: root})
			}
		}
	})
	return all
}

func integer(f field) (v uint32) {
	if f.serial == 9 {
		return 1
	}
	for _, b := range f.data {
		v = v<<8 | uint32(b)
	}
	return v
}

func (m *image) text(b []byte) string {
	if m.encoding < encodingUTF16 {
		return string(b)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if m.encoding > encodingUTF16 {
		order = binary.BigEndian
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

// leaves lists the leaf pages with at least one row of a table.
func (m *image) leaves(table string) (pages []uint32) {
	for _, tr := range m.trees() {
		if tr.kind != "table" || tr.name != table {
			continue
		}
		m.walk(tr.root, func(n uint32, kind byte, cells []int) {
			if (kind == tableLeaf || kind == indexLeaf) && len(cells) > 0 {
				pages = append(pages, n)
			}
		})
	}
	if len(pages) == 0 {
		m.t.Fatalf("testkit: %s has no table %q with rows in the database file", m.path, table)
	}
	return pages
}

// owner is a page and the b-tree it belongs to.
type owner struct {
	page uint32
	tree tree
}

func (o owner) String() string {
	return fmt.Sprintf("page %d (%s %s)", o.page, o.tree.kind, o.tree.name)
}

// nodes lists all b-tree pages but page 1.
func (m *image) nodes() (all []owner) {
	for _, tr := range m.trees() {
		m.walk(tr.root, func(n uint32, _ byte, _ []int) { all = append(all, owner{n, tr}) })
	}
	if len(all) == 0 {
		m.t.Fatalf("testkit: %s has no tables", m.path)
	}
	return all
}
