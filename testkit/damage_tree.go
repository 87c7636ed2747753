package testkit

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// WrongChild gives one cell of an interior page of a table another child: a page behind
// the end of the file, or the child of its neighbour.
func WrongChild(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	var interior []uint32
	for _, tr := range m.trees() {
		if tr.kind == "table" && tr.name == table {
			m.walk(tr.root, func(n uint32, kind byte, cells []int) {
				if (kind == tableInterior || kind == indexInterior) && len(cells) > 1 {
					interior = append(interior, n)
				}
			})
		}
	}
	if len(interior) == 0 {
		t.Fatalf("testkit: table %s of %s has no interior page", table, path)
	}
	n := pick(rng, interior)
	_, cells, _ := m.node(n)
	i := rng.IntN(len(cells))
	child := binary.BigEndian.Uint32(m.page(n)[cells[(i+1)%len(cells)]:])
	if rng.IntN(2) == 0 {
		child = uint32(len(m.data)/m.pageSize + 1 + rng.IntN(1<<20))
	}
	binary.BigEndian.PutUint32(m.page(n)[cells[i]:], child)
	m.write(n)
	return fmt.Sprintf("gave cell %d of interior page %d the child %d", i, n, child)
}

// chainOf is where the first page of an overflow chain is named.
type chainOf struct {
	page  uint32
	at    int // on the page
	first uint32
}

// chains lists the overflow chains of a table.
func (m *image) chains(table string) (all []chainOf) {
	for _, n := range m.leaves(table) {
		kind, cells, _ := m.node(n)
		for _, c := range cells {
			local, _, first := m.local(m.page(n), c, kind)
			if first == 0 {
				continue
			}
			_, size := varint(m.page(n)[c:])
			at := c + size
			if kind == tableLeaf {
				_, size = varint(m.page(n)[at:])
				at += size
			}
			all = append(all, chainOf{n, at + len(local), first})
		}
	}
	if len(all) == 0 {
		m.t.Fatalf("testkit: table %s of %s has no overflow chain", table, m.path)
	}
	return all
}

// CutChain cuts an overflow chain of a table: a page of it ends the chain too early,
// leads to itself, or is wiped.
func CutChain(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	var pages []uint32
	for n := pick(rng, m.chains(table)).first; n != 0; n = binary.BigEndian.Uint32(m.page(n)) {
		pages = append(pages, n)
	}
	n := pick(rng, pages)
	b := m.page(n)
	how := "ended"
	switch next := binary.BigEndian.Uint32(b); {
	case next == 0:
		how = "wiped"
		clear(b)
	case rng.IntN(2) == 0:
		binary.BigEndian.PutUint32(b, 0)
	default:
		how = "looped"
		binary.BigEndian.PutUint32(b, n)
	}
	m.write(n)
	return fmt.Sprintf("%s an overflow chain of %d pages of table %s on page %d", how, len(pages), table, n)
}

// CrossChains lets two rows of a table name the same overflow chain.
func CrossChains(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	all := m.chains(table)
	if len(all) < 2 {
		t.Fatalf("testkit: table %s of %s has only one overflow chain", table, path)
	}
	i := rng.IntN(len(all))
	a, b := all[i], all[(i+1+rng.IntN(len(all)-1))%len(all)]
	binary.BigEndian.PutUint32(m.page(a.page)[a.at:], b.first)
	m.write(a.page)
	return fmt.Sprintf("let a row on page %d name the overflow chain of one on page %d", a.page, b.page)
}

// LoopFreelist lets the last trunk page of the freelist lead to the first. The seed
// changes nothing.
func LoopFreelist(t testing.TB, path string, _ uint64) string {
	t.Helper()
	m := readImage(t, path)
	first := binary.BigEndian.Uint32(m.data[32:])
	if first == 0 {
		t.Fatalf("testkit: %s has no freelist", path)
	}
	last := first
	for next := first; next != 0; next = binary.BigEndian.Uint32(m.page(next)) {
		last = next
	}
	binary.BigEndian.PutUint32(m.page(last), first)
	m.write(last)
	return fmt.Sprintf("let trunk page %d of the freelist lead to %d", last, first)
}

// ZeroIndex overwrites the root page of an index with zeros.
func ZeroIndex(t testing.TB, path string, seed uint64) string {
	t.Helper()
	m := readImage(t, path)
	var roots []tree
	for _, tr := range m.trees() {
		if tr.kind == "index" {
			roots = append(roots, tr)
		}
	}
	if len(roots) == 0 {
		t.Fatalf("testkit: %s has no index", path)
	}
	tr := pick(seeded(seed), roots)
	clear(m.page(tr.root))
	m.write(tr.root)
	return fmt.Sprintf("overwrote root page %d of index %s with zeros", tr.root, tr.name)
}

// RemoveRow takes one row out of a leaf page of a table, as its page alone would tell it,
// and leaves the indexes as they are.
func RemoveRow(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	n := pick(rng, m.leaves(table))
	_, cells, _ := m.node(n)
	lead := 0
	if n == 1 {
		lead = headerBytes
	}
	i := rng.IntN(len(cells))
	b := m.page(n)
	pointers := b[lead+8 : lead+8+2*len(cells)]
	copy(pointers[2*i:], pointers[2*i+2:])
	binary.BigEndian.PutUint16(b[lead+3:], uint16(len(cells)-1))
	m.write(n)
	return fmt.Sprintf("took row %d of %d out of page %d of table %s", i+1, len(cells), n, table)
}

// schemaCell gives where the body of a row of sqlite_schema lies on page 1, and its
// fields.
func (m *image) schemaCell(kind, name string) (at int, fields []field) {
	_, cells, right := m.node(1)
	if right != 0 {
		m.t.Fatalf("testkit: the schema of %s has more than one page", m.path)
	}
	for _, c := range cells {
		local, _, overflow := m.local(m.page(1), c, tableLeaf)
		f := record(local)
		if overflow != 0 || len(f) != 5 || m.text(f[0].data) != kind || m.text(f[1].data) != name {
			continue
		}
		_, n := varint(m.page(1)[c:])
		_, k := varint(m.page(1)[c+n:])
		head, _ := varint(local)
		return c + n + k + int(head), f
	}
	m.t.Fatalf("testkit: the schema of %s has no %s %s on page 1", m.path, kind, name)
	return 0, nil
}

// WrongRoot lets the schema name another b-tree's root page for that of a table.
func WrongRoot(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m := readImage(t, path)
	at, f := m.schemaCell("table", table)
	var others []tree
	for _, tr := range m.trees() {
		if tr.name != table && tr.root != integer(f[3]) && tr.root < 128 {
			others = append(others, tr)
		}
	}
	if len(others) == 0 || len(f[3].data) == 0 {
		t.Fatalf("testkit: %s has no other root than that of %s", path, table)
	}
	tr := pick(seeded(seed), others)
	at += len(f[0].data) + len(f[1].data) + len(f[2].data)
	b := make([]byte, len(f[3].data))
	b[len(b)-1] = byte(tr.root)
	overwrite(t, path, int64(at), b)
	return fmt.Sprintf("let the schema name page %d, of %s %s, for the root of table %s", tr.root, tr.kind, tr.name, table)
}

// GarbleSQL overwrites six bytes in the middle of a table's CREATE statement with noise.
func GarbleSQL(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m := readImage(t, path)
	at, f := m.schemaCell("table", table)
	for _, field := range f[:4] {
		at += len(field.data)
	}
	b := make([]byte, 6)
	fillBytes(seeded(seed), b)
	overwrite(t, path, int64(at+len(f[4].data)/2), b)
	return fmt.Sprintf("garbled the statement that makes table %s", table)
}
