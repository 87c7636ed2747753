package rebuild_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
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
	if results[0].Doubts != results[1].Doubts {
		t.Fatalf("doubts in %q, want %q", results[0].Doubts, results[1].Doubts)
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

// Rows that the backup does not have are known to be lost before anything is done twice.
func TestRecover_doesNotTryToPatchWhatTheBackupLacks(t *testing.T) {
	for _, sql := range []string{
		"INSERT INTO items(id, name, note) SELECT 10000+id, 'new', note FROM items",
		"UPDATE items SET name='rewritten '||name", // an index has it
	} {
		base := testkit.Build(t, t.TempDir(), testkit.Page512)
		execSQL(t, base, "PRAGMA journal_mode=DELETE", "DROP INDEX IF EXISTS by_name", "CREATE INDEX by_name ON items(name)")
		path := copiedTo(t, base, "damaged.db")
		execSQL(t, path, sql)
		whole, tried := copiedTo(t, path, "whole.db"), 0
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
