package rebuild_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/internal/sqlite/rebuild"
	"github.com/officer-doofy/officer/testkit"
)

// plainCopy gives a database in journal mode DELETE and what it holds.
func plainCopy(t *testing.T) (path string, want manifest.Content) {
	t.Helper()
	path = testkit.Build(t, t.TempDir(), testkit.Delete)
	return path, contentOf(t, path)
}

// alter changes a database that nobody else has open.
func alter(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sqlite3.Open("file:" + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Exec(statements), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func findingsIn(t *testing.T, path string) []check.Finding {
	t.Helper()
	report, _, err := sqlite.VerifyCopy(t.Context(), path, "", manifest.Content{})
	if err != nil {
		t.Fatal(err)
	}
	return report.Findings
}

func TestReindex_ofADamagedIndexKeepsEveryRowAndRowid(t *testing.T) {
	for _, damage := range []string{"zeroed", "root"} {
		t.Run(damage, func(t *testing.T) {
			path, want := plainCopy(t)
			zero(t, path, damage == "root")
			found := findingsIn(t, path)
			if len(found) == 0 {
				t.Fatal("the damage is not found")
			}
			to := filepath.Join(t.TempDir(), "out.db")
			names, _, err := rebuild.Reindex(context.Background(), rebuild.ReindexOrder{FS: fsx.OS(), File: path, To: to})
			if err != nil || len(names) != 1 {
				t.Fatalf("got %q %v for %v", names, err, found)
			}
			report, got, err := sqlite.VerifyCopy(t.Context(), to, "", want)
			if err != nil || report.Verdict != check.OK || !got.Equal(want) {
				t.Errorf("got %v %v", report, err)
			}
			if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("got %v %v, want it private", info.Mode(), err)
			}
		})
	}
}

// Rows that a salvage would doubt, or not take: here the check has found the tables whole.
func TestReindex_doubtsNoRow(t *testing.T) {
	path, _ := plainCopy(t)
	alter(t, path, `CREATE TABLE odd(id INTEGER PRIMARY KEY, v);
		INSERT INTO odd VALUES(1,zeroblob(9000)),(2,CAST(zeroblob(9000) AS TEXT)),(3,CAST(x'ff80' AS TEXT))`)
	want := contentOf(t, path)
	zero(t, path, true)
	to := filepath.Join(t.TempDir(), "out.db")
	if _, _, err := rebuild.Reindex(t.Context(), rebuild.ReindexOrder{FS: fsx.OS(), File: path, To: to}); err != nil {
		t.Fatal(err)
	}
	if report, got, err := sqlite.VerifyCopy(t.Context(), to, "", want); err != nil || report.Verdict != check.OK || !got.Equal(want) {
		t.Errorf("got %v %v", report, err)
	}
}

func TestReindex_whereATableMayBeDamagedIsRefused(t *testing.T) {
	path, _ := plainCopy(t)
	testkit.ZeroPageOf(t, path, "items", 1)
	to := filepath.Join(t.TempDir(), "out.db")
	_, _, err := rebuild.Reindex(context.Background(), rebuild.ReindexOrder{FS: fsx.OS(), File: path, To: to})
	if fault.CodeOf(err) != fault.Refused {
		t.Errorf("got %v, want refused", err)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("a file was left")
	}
}

func TestReindex_ofEntriesWithoutARowIsRefused(t *testing.T) {
	path, _ := plainCopy(t)
	name := indexOf(t, path)
	for _, sql := range []string{ // a row is deleted while its index is not there
		`CREATE TEMP TABLE kept AS SELECT * FROM sqlite_schema WHERE name='` + name + `'; PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name='` + name + `'; PRAGMA writable_schema=RESET;
		DELETE FROM items WHERE id=3; PRAGMA writable_schema=ON; INSERT INTO sqlite_schema SELECT * FROM kept`,
	} {
		alter(t, path, sql)
	}
	to := filepath.Join(t.TempDir(), "out.db")
	if _, _, err := rebuild.Reindex(context.Background(), rebuild.ReindexOrder{FS: fsx.OS(), File: path, To: to}); fault.CodeOf(err) != fault.Refused {
		t.Errorf("got %v, want refused: the row is what is lost", err)
	}
}

// zero overwrites the root of the index, or its rightmost child.
func zero(t *testing.T, path string, itself bool) {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var root, size int64
	err = db.QueryRowContext(t.Context(), "select rootpage, (select page_size from pragma_page_size) from sqlite_schema where name=?", indexOf(t, path)).Scan(&root, &size)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !itself {
		var right [4]byte
		if _, err := f.ReadAt(right[:], (root-1)*size+8); err != nil {
			t.Fatal(err)
		}
		root = int64(binary.BigEndian.Uint32(right[:]))
	}
	if _, err := f.WriteAt(make([]byte, size), (root-1)*size); err != nil {
		t.Fatal(err)
	}
}

func indexOf(t *testing.T, path string) string {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var name string
	if err := db.QueryRowContext(t.Context(), "select name from sqlite_schema where type='index' and tbl_name='items' order by name limit 1").Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}
