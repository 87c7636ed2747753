package testkit

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// FlipBit flips one bit anywhere behind page 1, whatever lies there.
func FlipBit(t testing.TB, path string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	at := m.pageSize + rng.IntN(len(m.data)-m.pageSize)
	bit := rng.IntN(8)
	overwrite(t, path, int64(at), []byte{m.data[at] ^ 1<<bit})
	return fmt.Sprintf("flipped bit %d of byte %d, on page %d", bit, at, at/m.pageSize+1)
}

// ZeroPages overwrites a share of all pages but page 1, at least two, with zeros.
func ZeroPages(t testing.TB, path string, share float64, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	count := len(m.data) / m.pageSize
	var zeroed []uint32
	for range max(2, int(float64(count)*share)) {
		n := uint32(2 + rng.IntN(count-1))
		clear(m.page(n))
		m.write(n)
		zeroed = append(zeroed, n)
	}
	slices.Sort(zeroed)
	return fmt.Sprintf("overwrote pages %v with zeros", slices.Compact(zeroed))
}

// ZeroFirstPage overwrites page 1, header and schema, with zeros. The seed changes
// nothing.
func ZeroFirstPage(t testing.TB, path string, _ uint64) string {
	t.Helper()
	m := readImage(t, path)
	clear(m.page(1))
	m.write(1)
	return "overwrote page 1 with zeros"
}

// StalePage puts one b-tree page back as it stands in an older state of the database,
// which has the same pages: what a lost write leaves.
func StalePage(t testing.TB, path, older string, seed uint64) string {
	t.Helper()
	m, old, n := differing(t, path, older, seed)
	copy(m.page(n), old)
	m.write(n)
	return fmt.Sprintf("put page %d back to an older state", n)
}

// TearPage puts a part of one b-tree page back as StalePage does: what a write leaves
// that the power was cut under.
func TearPage(t testing.TB, path, older string, seed uint64) string {
	t.Helper()
	m, old, n := differing(t, path, older, seed)
	rng := seeded(seed + 1)
	sector := min(512, m.pageSize/2)
	cut := sector * (1 + rng.IntN(m.pageSize/sector-1))
	if rng.IntN(2) == 0 {
		copy(m.page(n)[:cut], old[:cut])
	} else {
		copy(m.page(n)[cut:], old[cut:])
	}
	m.write(n)
	return fmt.Sprintf("tore page %d at byte %d", n, cut)
}

// differing chooses a b-tree page of which an older state has another image.
func differing(t testing.TB, path, older string, seed uint64) (m *image, old []byte, n uint32) {
	t.Helper()
	m = readImage(t, path)
	was := readImage(t, older)
	var pages []owner
	for _, o := range m.nodes() {
		end := int(o.page) * m.pageSize
		if end > len(was.data) || bytes.Equal(was.page(o.page), m.page(o.page)) || was.page(o.page)[0] != m.page(o.page)[0] {
			continue
		}
		pages = append(pages, o)
	}
	if len(pages) == 0 {
		t.Fatalf("testkit: no page of %s has another image in %s", path, older)
	}
	o := pick(seeded(seed), pages)
	return m, was.page(o.page), o.page
}

// GarbleCells overwrites the cell pointers of a leaf page of a table with noise.
func GarbleCells(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	n := pick(rng, m.leaves(table))
	_, cells, _ := m.node(n)
	at := 8
	if n == 1 {
		at += headerBytes
	}
	fillBytes(rng, m.page(n)[at:at+2*len(cells)])
	m.write(n)
	return fmt.Sprintf("garbled the %d cell pointers of page %d of table %s", len(cells), n, table)
}
