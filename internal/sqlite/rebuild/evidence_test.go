package rebuild_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

func recovered(t *testing.T, path string) (*rebuild.Result, string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "out.db")
	got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: to})
	if err != nil {
		t.Fatal(err)
	}
	if got.Verdict.Verdict != check.OK {
		t.Errorf("the new database does not pass its check: %+v", got.Verdict)
	}
	return got, to
}

// A row whose page is gone is put together from an index that has all its columns.
func TestRecover_putsRowsTogetherFromAnIndex(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	execSQL(t, path, "CREATE TABLE words(id INTEGER PRIMARY KEY, word TEXT, n REAL)", "CREATE INDEX by_word ON words(word, n)",
		"INSERT INTO words SELECT id*3, name, id FROM items")
	want := contentOf(t, path)
	did := testkit.ZeroPageOf(t, path, "words", 1)
	got, to := recovered(t, path)
	if have := contentOf(t, to); !have.Equal(want) {
		t.Errorf("%s: got %+v\nwant %+v", did, have, want)
	}
	i := slices.IndexFunc(got.Tables, func(r salvage.TableReport) bool { return r.Name == "words" })
	if table := got.Tables[i]; table.FromIndex == 0 || table.Lost+table.Doubted != 0 || table.ByIndex == 0 || table.ByIndex+table.FromIndex != 300 {
		t.Errorf("%s: got %+v, want some rows from the index and none lost", did, table)
	}
}

// Rowids may be negative: pages that hold no others are part of their tables.
func TestRecover_keepsNegativeRowids(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Page512)
	execSQL(t, path, "PRAGMA journal_mode=DELETE", "CREATE TABLE below(id INTEGER PRIMARY KEY, note TEXT)",
		"INSERT INTO below SELECT id-600, 'the note of '||id FROM items", "CREATE TABLE under(a INTEGER PRIMARY KEY, b)", "INSERT INTO under VALUES(-9223372036854775808, 1), (-1, 2)")
	base := copiedTo(t, path, "base.db")
	want := contentOf(t, path)
	did := testkit.ZeroIndex(t, path, 1)
	to := filepath.Join(t.TempDir(), "out.db")
	got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, To: to, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	if have := contentOf(t, to); !have.Equal(want) {
		t.Errorf("%s: got %+v\nwant %+v", did, have, want)
	}
	for i := range got.Tables {
		if table := &got.Tables[i]; table.Kept != table.ByBase || table.Lost != 0 {
			t.Errorf("%s: got %+v, want all of it confirmed", did, table)
		}
	}
}

// logged is a database whose last statements stand in its log alone, until the test ends.
func logged(t *testing.T, statements ...string) string {
	t.Helper()
	path := testkit.Build(t, t.TempDir(), testkit.WAL)
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	for _, s := range append([]string{"PRAGMA wal_autocheckpoint=0"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// The -shm tells whether the log beside it is all that was committed.
func TestRecover_asksTheSharedMemoryWhetherTheLogIsWhole(t *testing.T) {
	path := logged(t, "UPDATE items SET note = 'once' WHERE id < 100", "UPDATE items SET note = 'twice' WHERE id = 300")
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		suffixes []string
		cut      int64 // bytes off the log
		undated  bool
	}{
		{"whole", []string{"", "-wal", "-shm"}, 0, false},
		{"less one commit", []string{"", "-wal", "-shm"}, 4096 + 24, true},
		{"lost", []string{"", "-shm"}, 0, true},
		{"lost without a trace", []string{""}, 0, true},
		{"cut in a frame", []string{"", "-wal"}, 100, true},
	} {
		to := filepath.Join(t.TempDir(), "in.db")
		for _, s := range c.suffixes {
			if err := fsx.CopyFile(context.Background(), fsx.OS(), path+s, to+s, nil); err != nil {
				t.Fatal(err)
			}
		}
		if c.cut > 0 {
			testkit.TruncateAt(t, to+"-wal", info.Size()-c.cut)
		}
		got, _ := recovered(t, to)
		if undated := got.Undated != ""; undated != c.undated || undated != (got.Tables[0].Undated == 300) {
			t.Errorf("%s: undated %q, %d rows so, want %v", c.name, got.Undated, got.Tables[0].Undated, c.undated)
		}
	}
}

// Tables of modules pass their own check after pages of theirs were lost.
func TestRecover_makesModuleTablesAnew(t *testing.T) {
	for kind, tables := range map[testkit.Kind][]string{
		testkit.FTS5:  {"words_data", "outer_words_data", "words_idx"},
		testkit.RTree: {"places_node", "places_rowid"},
	} {
		for _, table := range tables {
			path := testkit.Build(t, t.TempDir(), kind)
			did := testkit.ZeroPageOf(t, path, table, 3)
			got, _ := recovered(t, path)
			if !slices.ContainsFunc(got.Notes, func(n string) bool { return strings.Contains(n, "made anew") }) {
				t.Errorf("%s: %s: no note says that it was made anew: %q", kind, did, got.Notes)
			}
		}
	}
}

// One flipped bit in the head of a page costs nothing.
func TestRecover_findsTheFlippedBitOfAPageHead(t *testing.T) {
	healthy := testkit.Build(t, t.TempDir(), testkit.Page1024)
	want := contentOf(t, healthy)
	pages, err := os.ReadFile(healthy)
	if err != nil {
		t.Fatal(err)
	}
	flipped := 0
	for n := 2; n*1024 < len(pages) && flipped < 6; n++ {
		at := n * 1024
		if pages[at] != 13 { // a leaf page of a table
			continue
		}
		flipped++
		b := slices.Clone(pages)
		b[at+[]int{0, 0, 4, 9, 8, 3}[flipped-1]] ^= 1 << (2 + flipped%2)
		path := filepath.Join(t.TempDir(), "in.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, to := recovered(t, path); !contentOf(t, to).Equal(want) {
			t.Errorf("page %d: a bit of its head was flipped, and not all rows are back", n+1)
		}
	}
}
