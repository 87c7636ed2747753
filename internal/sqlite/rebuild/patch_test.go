package rebuild_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// patched recovers a file as a repair does and by writing all of it anew, and holds both to
// be the same: what is said of each table, the rows, and those that are named aside.
func patched(t *testing.T, path, base string) (got *rebuild.Result, to string) {
	t.Helper()
	dir := t.TempDir()
	var results [2]*rebuild.Result
	var names, asides [2]string
	for i, recover := range []func(context.Context, rebuild.Order) (*rebuild.Result, error){rebuild.Recover, rebuild.RecoverByPages} {
		names[i], asides[i] = filepath.Join(dir, fmt.Sprint(i, ".db")), filepath.Join(dir, fmt.Sprint(i, "-aside.db"))
		made, err := recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: names[i], Base: base, Aside: asides[i]})
		if err != nil {
			t.Fatal(err)
		}
		results[i] = made
	}
	if !reflect.DeepEqual(results[0].Tables, results[1].Tables) || !reflect.DeepEqual(results[0].Notes, results[1].Notes) {
		t.Errorf("got %+v %q\nwant %+v %q", results[0].Tables, results[0].Notes, results[1].Tables, results[1].Notes)
	}
	if have, want := contentOf(t, names[0]), contentOf(t, names[1]); !have.Equal(want) {
		t.Errorf("got %+v\nwant %+v", have, want)
	}
	if results[0].Doubts != results[1].Doubts || results[0].LostAndFound != results[1].LostAndFound || results[0].Found != results[1].Found {
		t.Fatalf("doubts in %q, %d rows in %q, want %q, %d in %q", results[0].Doubts, results[0].Found, results[0].LostAndFound,
			results[1].Doubts, results[1].Found, results[1].LostAndFound)
	}
	if f := results[0].LostAndFound; f != "" {
		for _, sql := range []string{`SELECT * FROM ` + f, `SELECT * FROM ` + f + `_why`} {
			if have, want := lines(t, asides[0], sql), lines(t, asides[1], sql); have != want {
				t.Errorf("set aside:\n%s\nwant\n%s", have, want)
			}
		}
	}
	if results[0].Doubts != "" {
		const sql = `SELECT "table", id, key||page||origin, reason FROM lost_and_found_doubts`
		if have, want := lines(t, asides[0], sql), lines(t, asides[1], sql); have != want {
			t.Errorf("named aside:\n%s\nwant\n%s", have, want)
		}
	}
	testkit.CheckDatabase(t, names[0])
	return results[0], names[0]
}

// otherPages counts the pages that differ.
func otherPages(t *testing.T, one, other string, size int) (n int) {
	t.Helper()
	a, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(other)
	if err != nil || len(a) != len(b) {
		t.Fatalf("%d bytes, want %d; %v", len(a), len(b), err)
	}
	for at := 0; at < len(a); at += size {
		if !bytes.Equal(a[at:at+size], b[at:at+size]) {
			n++
		}
	}
	return n
}

// Where pages are lost of which the backup has the rows, they are all that is written, and
// the report is the same.
func TestRecover_patchesPagesWhereThatIsAllItTakes(t *testing.T) {
	for _, kind := range []testkit.Kind{testkit.Page512, testkit.Page1024, testkit.UTF16be, testkit.AutoVacuumFull, testkit.ForeignKeys} {
		healthy := testkit.Build(t, t.TempDir(), kind)
		execSQL(t, healthy, "PRAGMA journal_mode=DELETE")
		base := copiedTo(t, healthy, "base.db")
		execSQL(t, healthy, "DELETE FROM items WHERE id IN (2,3)", "INSERT INTO items(id, name) VALUES(5000, 'new')")
		times := 0
		for seed := range uint64(4) {
			path := copiedTo(t, healthy, "damaged.db")
			did := testkit.ZeroPageOf(t, path, "items", seed)
			got, to := patched(t, path, base)
			if got.Patched == 0 {
				continue // a root, an interior page, or rows that were changed since
			}
			times++
			if n := otherPages(t, path, to, got.PageSize); n > 2 || got.Patched != 1 {
				t.Errorf("%s: %s: %d pages differ, %d patched", kind, did, n, got.Patched)
			}
			if have, want := contentOf(t, to), contentOf(t, healthy); !have.Equal(want) {
				t.Errorf("%s: %s: got %+v\nwant %+v", kind, did, have, want)
			}
		}
		if times == 0 {
			t.Errorf("%s: no page was patched", kind)
		}
	}
}

// The newest state is patched, also where it stands in the log.
func TestRecover_patchesWhatTheLogHas(t *testing.T) {
	base := testkit.Build(t, t.TempDir(), testkit.WAL)
	path := logged(t, "INSERT INTO items(id, name) SELECT 10000+id, 'new' FROM items", "UPDATE items SET note='rewritten' WHERE id=1")
	want, times := contentOf(t, path), 0
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for page := 2; page < len(whole)/4096 && times < 2; page++ {
		b := bytes.Clone(whole)
		clear(b[page*4096:][:4096])
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, to := patched(t, path, base)
		if got.Patched == 0 {
			continue
		}
		times++
		if have := contentOf(t, to); !have.Equal(want) || got.WALBytes == 0 {
			t.Errorf("page %d: got %+v\nwant %+v", page+1, have, want)
		}
	}
	if times == 0 {
		t.Error("no page was patched")
	}
}

// Whatever else is wrong, all of it is written anew, as ever.
func TestRecover_patchesNothingWhereMoreIsWrong(t *testing.T) {
	healthy := testkit.Build(t, t.TempDir(), testkit.Page512)
	execSQL(t, healthy, "PRAGMA journal_mode=DELETE")
	for name, damage := range map[string]func(t testing.TB, path string, seed uint64) string{
		"values": func(t testing.TB, path string, seed uint64) string {
			return testkit.FlipPages(t, path, "items", 6, seed)
		},
		"index":  testkit.ZeroIndex,
		"child":  func(t testing.TB, path string, seed uint64) string { return testkit.WrongChild(t, path, "items", seed) },
		"row":    func(t testing.TB, path string, seed uint64) string { return testkit.RemoveRow(t, path, "items", seed) },
		"header": testkit.DestroyHeader,
	} {
		for seed := range uint64(2) {
			path := copiedTo(t, healthy, "damaged.db")
			did := testkit.ZeroPageOf(t, path, "items", seed) + "; " + damage(t, path, seed+7)
			got, _ := patched(t, path, healthy)
			if got.Patched != 0 || got.Verdict.Verdict != check.OK {
				t.Errorf("%s: %s: %d pages patched, %v", name, did, got.Patched, got.Verdict.Verdict)
			}
		}
	}
}

// Rows that the backup does not have are lost with their page, and rows that were changed since come back
// with what the indexes have of them: that takes a patch, too.
func TestRecover_patchesPagesThatAreNewerThanTheBackup(t *testing.T) {
	for _, c := range []struct {
		kind testkit.Kind
		sql  string
	}{
		{testkit.Page512, "INSERT INTO items(id, name, note) SELECT 10000+id, 'new '||id, note FROM items WHERE body IS NULL OR length(body)<50"},
		{testkit.Page512, "UPDATE items SET name='rewritten '||name, amount=id"},
		{testkit.UTF16be, "UPDATE items SET name='rewritten '||name WHERE id%3=0"},
		{testkit.AutoVacuumFull, "INSERT INTO items(id, name, note) SELECT 10000+id, 'new '||id, note FROM items WHERE body IS NULL OR length(body)<50"},
	} {
		base := testkit.Build(t, t.TempDir(), c.kind)
		execSQL(t, base, "PRAGMA journal_mode=DELETE", "CREATE INDEX by_two ON items(name, amount)", "CREATE INDEX by_amount ON items(amount DESC)")
		whole := copiedTo(t, base, "whole.db")
		execSQL(t, whole, c.sql)
		times := 0
		const kept = "SELECT id, name, amount FROM items ORDER BY id" // an index has these, and the backup note and body
		for seed := range uint64(6) {
			path := copiedTo(t, whole, "damaged.db")
			did := testkit.ZeroPageOf(t, path, "items", seed)
			got, to := patched(t, path, base)
			if got.Patched == 0 || got.LostAndFound == "" && got.Doubts == "" {
				continue
			}
			times++
			if have, want := lines(t, to, kept), lines(t, whole, kept); got.Patched != 1 || !subset(have, want) {
				t.Errorf("%s: %s: %s: %d pages patched; got %s\nwant of %s", c.kind, c.sql, did, got.Patched, have, want)
			}
		}
		if times == 0 {
			t.Errorf("%s: %s: no page was patched", c.kind, c.sql)
		}
	}
}

// subset tells whether each line is one of the others.
func subset(lines, of string) bool {
	all := strings.Split(of, "\n")
	return !slices.ContainsFunc(strings.Split(lines, "\n"), func(line string) bool { return !slices.Contains(all, line) })
}

// Rows that come back from an index alone, and those with overflow pages, take more than a patch: that is
// known before anything is done twice.
func TestRecover_doesNotTryToPatchWhatTakesMore(t *testing.T) {
	for _, sql := range []string{
		"CREATE INDEX all_of_it ON items(name, amount, note, body); INSERT INTO items(id, name, note) SELECT 10000+id, 'new '||id, note FROM items",
		"INSERT INTO items(id, name, body) SELECT 10000+id, 'new '||id, printf('%.2000c', 'x') FROM items",
		"CREATE INDEX of_some ON items(name) WHERE amount > 1; INSERT INTO items(id, name, note) SELECT 10000+id, 'new '||id, note FROM items",
	} {
		base := testkit.Build(t, t.TempDir(), testkit.Page512)
		execSQL(t, base, "PRAGMA journal_mode=DELETE")
		whole, tried := copiedTo(t, base, "whole.db"), 0
		execSQL(t, whole, sql)
		for seed := range uint64(12) {
			path := copiedTo(t, whole, "damaged.db")
			testkit.ZeroPageOf(t, path, "items", seed)
			placed, dir := int64(0), t.TempDir()
			got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, Base: base,
				To: filepath.Join(dir, "out.db"), Aside: filepath.Join(dir, "aside.db"), Placed: func(string, string, *salvage.Row) { placed++ }})
			if err != nil {
				t.Fatal(err)
			}
			if got.Patched > 0 {
				continue // a page of rows from before
			}
			tried++
			rows := int64(0)
			for i := range got.Tables {
				rows += got.Tables[i].Rows()
			}
			if placed != rows {
				t.Errorf("%s: %d rows were told of, want %d", sql, placed, rows)
			}
		}
		if tried == 0 {
			t.Errorf("%s: each page could be patched", sql)
		}
	}
}

// Whichever leaf pages of a tree are lost, as long as one is left: what is patched holds all rows that did not
// stand on them and no others, and SQLite and the way that writes everything anew say the same.
func TestRecover_deletesWhatIsLostWithItsPages(t *testing.T) {
	for _, size := range []int{512, 4096, 65536} {
		for _, form := range []string{"", "PRAGMA auto_vacuum=FULL;", "PRAGMA auto_vacuum=INCREMENTAL;"} {
			for _, index := range []string{"", "CREATE UNIQUE INDEX by_a ON t(a, b); CREATE INDEX by_b ON t(b COLLATE NOCASE DESC)"} {
				path := empty(t)
				rows, filling := 40, size/6 // a root with a few leaves, and with 512 bytes two levels above them
				if size == 512 {
					rows, filling = 2000, 10
				}
				execSQL(t, path, fmt.Sprintf("PRAGMA page_size=%d; %s CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT, c); %s", size, form, index),
					fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+3 FROM n WHERE i<%d) INSERT INTO t SELECT i, i*0.5, 'b'||i%%977, printf('%%.*c', %d+i%%23, 'x') FROM n", 3*rows, filling))
				leaves := leavesOf(t, path)
				if len(leaves) < 4 {
					t.Fatalf("%d leaves", len(leaves))
				}
				n := len(leaves)
				for _, lost := range [][]int{{0}, {n - 1}, {0, 1, 2}, {1, n / 2, n - 2}} {
					lose(t, path, leaves, lost)
				}
			}
		}
	}
}

// A table of two leaf pages, whose root then has one cell.
func TestRecover_deletesTheOnlyCellOfARoot(t *testing.T) {
	path := empty(t)
	execSQL(t, path, "PRAGMA page_size=512; CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
		"WITH RECURSIVE n(i) AS (SELECT -20 UNION ALL SELECT i+1 FROM n WHERE i<8) INSERT INTO t SELECT i, 'twenty bytes of text' FROM n")
	leaves := leavesOf(t, path)
	if len(leaves) != 2 {
		t.Fatalf("%d leaves, want 2", len(leaves))
	}
	lose(t, path, leaves, []int{0})
	lose(t, path, leaves, []int{1})
}

func empty(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "whole.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// leafPage is a leaf page of table t, and its rowids.
type leafPage struct {
	page   uint32
	rowids []int64
}

// imageOf reads a database.
func imageOf(t *testing.T, path string) ([]byte, page.Geometry) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := page.ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	return b, page.NewGeometry(h, h.PageCount)
}

// leavesOf gives the leaf pages of the only table, in key order.
func leavesOf(t *testing.T, path string) (list []leafPage) {
	t.Helper()
	b, g := imageOf(t, path)
	for n := uint32(2); n <= g.Count; n++ {
		var d page.Node
		if g.IsMap(n) || d.Parse(&g, n, b[int(n-1)*g.PageSize:][:g.PageSize]) != nil || d.Kind != page.TableLeaf {
			continue
		}
		leaf := leafPage{page: n}
		for i := range d.Cells {
			var c page.Cell
			if err := d.Cell(i, &c); err != nil {
				t.Fatal(err)
			}
			leaf.rowids = append(leaf.rowids, c.Rowid)
		}
		list = append(list, leaf)
	}
	slices.SortFunc(list, func(a, b leafPage) int { return cmp.Compare(a.rowids[0], b.rowids[0]) })
	return list
}

// lose zeroes leaf pages of a copy, and holds what is recovered to be what is left.
func lose(t *testing.T, whole string, leaves []leafPage, lost []int) {
	t.Helper()
	path := copiedTo(t, whole, "damaged.db")
	want := copiedTo(t, whole, "want.db")
	b, g := imageOf(t, path)
	rows := int64(0)
	for _, i := range lost {
		clear(b[int(leaves[i].page-1)*g.PageSize:][:g.PageSize])
		ids := leaves[i].rowids
		rows += int64(len(ids))
		execSQL(t, want, fmt.Sprintf("DELETE FROM t WHERE id BETWEEN %d AND %d", ids[0], ids[len(ids)-1]))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	got, to := patched(t, path, "")
	if got.Patched != len(lost) || got.Tables[0].Lost == 0 || got.Tables[0].Whole() {
		t.Errorf("%s: pages %v of %d: %d patched, %+v", whole, lost, len(leaves), got.Patched, got.Tables[0])
	}
	if have := contentOf(t, to); !have.Equal(contentOf(t, want)) {
		t.Errorf("pages %v of %d: got %+v\nwant %+v", lost, len(leaves), have, contentOf(t, want))
	}
	// As found as it would be by who writes all of it anew.
	if indexed := got.Found > 0; indexed && (got.Found != rows || got.Tables[0].Lost != rows) {
		t.Errorf("pages %v: %d rows set aside, %d lost, want %d", lost, got.Found, got.Tables[0].Lost, rows)
	}
}
