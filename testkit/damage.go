package testkit

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
)

// Damage is one way to damage a database file, for tests that try them all. Make
// changes the file at path in place, past SQLite's locks and without fsync, and says
// what it did; the same seed on the same file does the same.
type Damage struct {
	Name string
	// Silent damage leaves a well-formed database: integrity_check says ok, and only
	// comparing content finds it.
	Silent bool
	Make   func(t testing.TB, path string, seed uint64) string
}

// Damages lists every way to damage a database file. table names one with rows and
// text or blob values in no index, for the silent ones.
func Damages(table string) []Damage {
	flip := func(t testing.TB, path string, seed uint64) string { return Flip(t, path, table, seed) }
	half := func(t testing.TB, path string, seed uint64) string {
		return TruncateAt(t, path, int64(len(readImage(t, path).data))/2+int64(seed%512))
	}
	return []Damage{
		{Name: "flip", Silent: true, Make: flip},
		{Name: "zero-page", Make: ZeroPage},
		{Name: "random-page", Make: RandomPage},
		{Name: "swap-pages", Make: SwapPages},
		{Name: "truncate", Make: half},
		{Name: "destroy-header", Make: DestroyHeader},
		{Name: "zero-header", Make: ZeroHeader},
	}
}

// flipBytesMax is how many bytes one Flip changes at most.
const flipBytesMax = 200

// Flip changes up to 200 payload bytes in one leaf page of a table so that the page
// stays well-formed: in each row the lowest bit of the longest text or blob value's
// bytes. Choose a table whose longest value is in no index, else an index tells.
func Flip(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	return FlipPages(t, path, table, 1, seed)
}

// FlipPages is Flip in several leaf pages.
func FlipPages(t testing.TB, path, table string, pages int, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	leaves := m.leaves(table)
	rng.Shuffle(len(leaves), func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
	flipped, touched := 0, []uint32{}
	for _, n := range leaves {
		if len(touched) == pages {
			break
		}
		if k := m.flipLeaf(n); k > 0 {
			flipped += k
			touched = append(touched, n)
			m.write(n)
		}
	}
	if len(touched) < pages {
		t.Fatalf("testkit: flip %s: only %d pages of %q hold text or blobs to flip, want %d", path, len(touched), table, pages)
	}
	slices.Sort(touched)
	return fmt.Sprintf("flipped %d payload bytes in leaf page(s) %v of table %s", flipped, touched, table)
}

// flipLeaf flips bits in one leaf page and says in how many bytes.
func (m *image) flipLeaf(n uint32) (flipped int) {
	kind, cells, _ := m.node(n)
	for _, c := range cells {
		local, _, _ := m.local(m.page(n), c, kind)
		var longest []byte
		for _, f := range record(local) {
			if f.serial >= 12 && len(f.data) > len(longest) {
				longest = f.data
			}
		}
		// In UTF-16 only the low byte of an ASCII unit keeps its meaning; a NUL is left
		// alone, for SQLite may end a text there.
		for i := range longest {
			if flipped < flipBytesMax && longest[i] > 1 {
				longest[i] ^= 1
				flipped++
			}
		}
	}
	return flipped
}

// ZeroPage overwrites one b-tree page, never page 1, with zeros.
func ZeroPage(t testing.TB, path string, seed uint64) string {
	t.Helper()
	m := readImage(t, path)
	o := pick(seeded(seed), m.nodes())
	clear(m.page(o.page))
	m.write(o.page)
	return fmt.Sprintf("overwrote %s with zeros", o)
}

// ZeroPageOf overwrites one leaf page of a table with zeros.
func ZeroPageOf(t testing.TB, path, table string, seed uint64) string {
	t.Helper()
	m := readImage(t, path)
	n := pick(seeded(seed), m.leaves(table))
	clear(m.page(n))
	m.write(n)
	return fmt.Sprintf("overwrote leaf page %d of table %s with zeros", n, table)
}

// RandomPage overwrites one b-tree page, never page 1, with noise.
func RandomPage(t testing.TB, path string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	o := pick(rng, m.nodes())
	fillBytes(rng, m.page(o.page))
	m.write(o.page)
	return fmt.Sprintf("overwrote %s with random bytes", o)
}

// SwapPages exchanges two b-tree pages of different b-trees, never page 1.
func SwapPages(t testing.TB, path string, seed uint64) string {
	t.Helper()
	m, rng := readImage(t, path), seeded(seed)
	nodes := m.nodes()
	a := pick(rng, nodes)
	others := slices.DeleteFunc(slices.Clone(nodes), func(o owner) bool {
		return o.tree == a.tree || bytes.Equal(m.page(o.page), m.page(a.page))
	})
	if len(others) == 0 {
		t.Fatalf("testkit: swap in %s: only one b-tree", path)
	}
	b := pick(rng, others)
	first := slices.Clone(m.page(a.page))
	copy(m.page(a.page), m.page(b.page))
	copy(m.page(b.page), first)
	m.write(a.page)
	m.write(b.page)
	return fmt.Sprintf("exchanged %s and %s", a, b)
}

// TruncateAt cuts a file, of any kind, to sizeBytes.
func TruncateAt(t testing.TB, path string, sizeBytes int64) string {
	t.Helper()
	f, err := disk().OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("testkit: open %s: %v", path, err)
	}
	defer closing(t, f)
	info, err := f.Stat()
	if err != nil || info.Size() <= sizeBytes {
		t.Fatalf("testkit: cut %s to %d bytes: it has %d (%v)", path, sizeBytes, info.Size(), err)
	}
	if err := f.Truncate(sizeBytes); err != nil {
		t.Fatalf("testkit: cut %s: %v", path, err)
	}
	return fmt.Sprintf("cut the file from %d to %d bytes", info.Size(), sizeBytes)
}

// DestroyHeader overwrites the 100 bytes of the database header with noise.
func DestroyHeader(t testing.TB, path string, seed uint64) string {
	t.Helper()
	b := make([]byte, headerBytes)
	fillBytes(seeded(seed), b)
	overwrite(t, path, 0, b)
	return "overwrote the database header with random bytes"
}

// ZeroHeader overwrites the 100 bytes of the database header with zeros. The seed
// changes nothing; it is there to make all damage alike.
func ZeroHeader(t testing.TB, path string, _ uint64) string {
	t.Helper()
	overwrite(t, path, 0, make([]byte, headerBytes))
	return "overwrote the database header with zeros"
}

func seeded(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2)) }

func pick[T any](rng *rand.Rand, from []T) T { return from[rng.IntN(len(from))] }

// write puts a page of the image back into the file.
func (m *image) write(n uint32) {
	m.t.Helper()
	overwrite(m.t, m.path, int64(n-1)*int64(m.pageSize), m.page(n))
}

func overwrite(t testing.TB, path string, at int64, b []byte) {
	t.Helper()
	f, err := disk().OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatalf("testkit: open %s: %v", path, err)
	}
	defer closing(t, f)
	if _, err := f.WriteAt(b, at); err != nil {
		t.Fatalf("testkit: overwrite %s: %v", path, err)
	}
}

func closing(t testing.TB, f interface{ Close() error }) {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Errorf("testkit: close: %v", err)
	}
}
