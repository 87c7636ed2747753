package rebuild_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// indexed is a database of one table with three indexes, one of them with overflow pages, and with a freelist.
func indexed(t *testing.T, size int, form string) string {
	t.Helper()
	path := empty(t)
	execSQL(t, path, fmt.Sprintf("PRAGMA page_size=%d; %s CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT UNIQUE, c); CREATE INDEX by_a ON t(a DESC, c COLLATE NOCASE); CREATE INDEX by_c ON t(c) WHERE c LIKE 'b%%'", size, form),
		fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<900) INSERT INTO t SELECT i*3, i%%7, printf('%%.*c%%d', iif(i%%40=39, %d/3, i%%20), 'x', i), char(97+i%%26)||i FROM n", size),
		"DELETE FROM t WHERE id BETWEEN 300 AND 900")
	return path
}

// damagedAt gives a copy with one page changed.
func damagedAt(t *testing.T, path string, g *page.Geometry, n uint32, change func(b []byte)) string {
	t.Helper()
	path = copiedTo(t, path, "damaged.db")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	change(b[int(n-1)*g.PageSize:][:g.PageSize])
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever page of an index is lost or leads elsewhere: its table keeps every row, all indexes are whole, and
// where it can be done in place no page of the table is written.
func TestReindex_makesIndexesAnewInPlace(t *testing.T) {
	for _, size := range []int{512, 4096, 65536} {
		whole := indexed(t, size, "")
		want := contentOf(t, whole)
		b, g := imageOf(t, whole)
		tables, indexes, chain := []uint32{}, []uint32{}, uint32(0) // a page of the first overflow chain, which is the table's
		for n := uint32(2); n <= g.Count; n++ {
			var d page.Node
			if d.Parse(&g, n, b[int(n-1)*size:][:size]) == nil && d.Kind.Table() {
				tables = append(tables, n)
			} else if d.Kind == page.IndexLeaf || d.Kind == page.IndexInterior {
				indexes = append(indexes, n)
			} else if chain == 0 && bytes.HasPrefix(b[int(n-1)*size+4:], []byte("xxxxxxxx")) {
				chain = n
			}
		}
		if chain == 0 && size < 65536 {
			t.Fatal("no row has an overflow page")
		}
		inPlace, tries := 0, 0
		for i := 0; i < len(indexes); i += max(1, len(indexes)/8) {
			for how, change := range map[string]func(b []byte){
				"zeroed":               func(b []byte) { clear(b) },
				"garbled":              func(b []byte) { copy(b[len(b)/2:], "what nobody wrote, in the middle of it") },
				"leads into a table":   func(b []byte) { binary.BigEndian.PutUint32(b[8:], tables[i%len(tables)]) },
				"leads into a chain":   func(b []byte) { binary.BigEndian.PutUint32(b[8:], chain) },
				"leads to a neighbour": func(b []byte) { binary.BigEndian.PutUint32(b[8:], indexes[(i+1)%len(indexes)]) },
			} {
				path := damagedAt(t, whole, &g, indexes[i], change)
				if len(findingsIn(t, path)) == 0 {
					continue // no word of this page means anything
				}
				tries++
				if reindexed(t, path, func(to string) {
					if have := contentOf(t, to); !have.Equal(want) {
						t.Errorf("%d bytes, page %d %s: got %+v\nwant %+v", size, indexes[i], how, have, want)
					}
					testkit.CheckDatabase(t, to)
				}, tables, size) {
					inPlace++
				}
			}
		}
		if 2*inPlace < tries || tries < 3 {
			t.Errorf("%d bytes: %d of %d in place", size, inPlace, tries)
		}
	}
}

// reindexed makes the indexes of a database anew, if need be of another copy, and tells whether it was
// done in place. whole looks at the outcome.
func reindexed(t *testing.T, path string, whole func(to string), tables []uint32, size int) (inPlace bool) {
	t.Helper()
	damaged := copiedTo(t, path, "again.db")
	dir := t.TempDir()
	to := filepath.Join(dir, "out.db")
	_, made, err := rebuild.Reindex(t.Context(), rebuild.ReindexOrder{FS: fsx.OS(), File: path, To: to})
	if inPlace = err == nil; inPlace {
		was, _ := os.ReadFile(damaged)
		is, err := os.ReadFile(to)
		if err != nil || made.Patched == 0 {
			t.Fatalf("%d pages patched, %v", made.Patched, err)
		}
		for _, n := range tables {
			if at := int(n-1) * size; string(was[at:at+size]) != string(is[at:at+size]) {
				t.Errorf("page %d of the table was written", n)
			}
		}
	}
	if errors.Is(err, rebuild.ErrSpoiled) {
		_, _, err = rebuild.Reindex(t.Context(), rebuild.ReindexOrder{FS: fsx.OS(), File: damaged, To: to, Anew: true})
	}
	if fault.CodeOf(err) == fault.Refused {
		if _, err := os.Lstat(to); err == nil {
			t.Error("a file was left")
		}
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	whole(to)
	return inPlace
}

// Each page of a database with pointer maps has its entry there: all of it is written anew.
func TestReindex_writesAnewWherePointerMapsAre(t *testing.T) {
	whole := indexed(t, 1024, "PRAGMA auto_vacuum=FULL;")
	want, path := contentOf(t, whole), copiedTo(t, whole, "damaged.db")
	testkit.ZeroIndex(t, path, 1)
	seen := false
	if reindexed(t, path, func(to string) {
		seen = true
		if have := contentOf(t, to); !have.Equal(want) {
			t.Errorf("got %+v\nwant %+v", have, want)
		}
	}, nil, 1024) || !seen {
		t.Errorf("it was done in place, or not at all")
	}
}
