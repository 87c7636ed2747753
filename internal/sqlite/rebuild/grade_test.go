package rebuild_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// gradedTable recovers a database and gives what is said of the rows of a table.
func gradedTable(t *testing.T, path, base, table string) salvage.TableReport {
	t.Helper()
	got, err := rebuild.Recover(context.Background(), rebuild.Order{FS: fsx.OS(), File: path, Base: base, To: filepath.Join(t.TempDir(), "out.db")})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(got.Tables, func(r salvage.TableReport) bool { return r.Name == table })
	if i < 0 {
		t.Fatalf("there is no table %s: %+v", table, got.Tables)
	}
	return got.Tables[i]
}

func copiedTo(t *testing.T, from, name string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), name)
	if err := fsx.CopyFile(context.Background(), fsx.OS(), from, to, nil); err != nil {
		t.Fatal(err)
	}
	return to
}

// Rows that were found outside their tree are compared, too, in whatever order they come;
// what changed since, or is new, is not confirmed.
func TestRecover_confirmsWhatTheOlderCopyHasJustSo(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Page512)
	execSQL(t, path, "PRAGMA journal_mode=DELETE") // a log that is not there would put the age of all rows in doubt
	base := copiedTo(t, path, "base.db")
	execSQL(t, path, "UPDATE items SET note = 'rewritten' WHERE id IN (10, 11, 250)", "INSERT INTO items(id, name, note) VALUES(5000, 'new', 'new')")
	for seed := range uint64(4) {
		damaged := copiedTo(t, path, "damaged.db")
		did := testkit.WrongChild(t, damaged, "items", seed)
		got := gradedTable(t, damaged, base, "items")
		if got.Unconfirmed() != 4 || got.ByBase != got.Rows()-4 || got.Salvaged == 0 {
			t.Errorf("%s: got %+v, want 4 rows unconfirmed", did, got)
		}
		rows := int64(0)
		for _, x := range got.Loose {
			rows += x.Rows
			if !slices.Contains([]int64{10, 250, 5000}, x.First) || x.Last-x.First != x.Rows-1 {
				t.Errorf("%s: rows %d to %d are called unconfirmed", did, x.First, x.Last)
			}
		}
		if rows != 4 {
			t.Errorf("%s: %d rows are named: %v", did, rows, got.Loose)
		}
	}
}

func TestRecover_confirmsRowsOfATableWithoutRowids(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	execSQL(t, path, "CREATE TABLE k(a TEXT, b INT, c, PRIMARY KEY(b DESC, a)) WITHOUT ROWID", "INSERT INTO k SELECT name, id, note FROM items")
	base := copiedTo(t, path, "base.db")
	execSQL(t, path, "UPDATE k SET c = 'x' WHERE b = 7", "DELETE FROM k WHERE b = 8", "INSERT INTO k VALUES('new', 9999, 1)")
	if got := gradedTable(t, path, base, "k"); got.ByBase != got.Rows()-2 || got.Unconfirmed() != 2 || got.Doubted != 0 {
		t.Errorf("got %+v, want all but two rows confirmed", got)
	}
}

// A column that no index has leaves a row unconfirmed, and so does an index that does not
// agree.
func TestRecover_isConfirmedByIndexesOnlyWhereTheyHaveEveryColumn(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Delete)
	execSQL(t, path, "CREATE TABLE w(id INTEGER PRIMARY KEY, a TEXT, b REAL, c INT)", "CREATE INDEX wa ON w(a)", "CREATE INDEX wcb ON w(c, b)",
		"INSERT INTO w SELECT id, name, id/2.0, id*3 FROM items")
	if got := gradedTable(t, path, "", "w"); got.ByIndex != 300 {
		t.Errorf("got %+v, want 300 rows confirmed by indexes", got)
	}
	execSQL(t, path, "PRAGMA writable_schema=ON", "DELETE FROM sqlite_schema WHERE name='wa'")
	if got := gradedTable(t, path, "", "w"); got.Confirmed() != 0 || got.Unconfirmed() != 300 {
		t.Errorf("got %+v, want nothing confirmed when no index has column a", got)
	}
}

// The log confirms what it holds, as long as it is shown to be newer than its file.
func TestRecover_isConfirmedByALogThatBelongsToItsFile(t *testing.T) {
	path := logged(t, "CREATE TABLE n(x)", "INSERT INTO n VALUES('a'),('b'),('c')")
	copied := copiedTo(t, path, "copy.db")
	if err := fsx.CopyFile(context.Background(), fsx.OS(), path+"-wal", copied+"-wal", nil); err != nil {
		t.Fatal(err)
	}
	if got := gradedTable(t, copied, "", "n"); got.ByLog != 3 {
		t.Errorf("got %+v, want 3 rows confirmed by the log", got)
	}
	if got := gradedTable(t, copied, "", "items"); got.ByLog != 0 || got.Unconfirmed() != got.Rows() {
		t.Errorf("got %+v, want nothing confirmed that is only in the file", got)
	}
}
