package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/fault"
)

// twoStates gives a live database and a backup of an older state of it.
func twoStates(t *testing.T) (live *Conn, src string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "live.db")
	src = filepath.Join(dir, "backup.db")
	db, err := sqlite3.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Exec(`PRAGMA foreign_keys=OFF; CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(a, b, p REFERENCES parent, twice GENERATED ALWAYS AS (b*2) STORED);
		CREATE UNIQUE INDEX child_a ON child(a); CREATE TRIGGER no_delete BEFORE DELETE ON child BEGIN SELECT raise(abort, 'fired'); END;
		CREATE TABLE gone(x UNIQUE); CREATE INDEX gone_x ON gone(x, x+1); INSERT INTO gone VALUES(1),(2); CREATE TABLE other(x);
		INSERT INTO parent VALUES(1),(2); INSERT INTO child(rowid,a,b,p) VALUES(5,'x',1,1),(9,'y',2,2);
		VACUUM INTO '` + src + `';
		DELETE FROM parent WHERE id=2; DROP TRIGGER no_delete; UPDATE child SET a='other' WHERE rowid=5; DELETE FROM child WHERE rowid=9; INSERT INTO child(a,b,p) VALUES('y',3,1);
		CREATE TRIGGER no_delete BEFORE DELETE ON child BEGIN SELECT raise(abort, 'fired'); END;
		DROP TABLE gone; ALTER TABLE other ADD COLUMN y; PRAGMA journal_mode=WAL`); err != nil {
		t.Fatal(err)
	}
	live, err = Open(t.Context(), path, Options{BusyTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = live.Close() })
	return live, src
}

func (c *Conn) text(t *testing.T, sql string) string {
	t.Helper()
	s, _, err := c.db.Prepare(sql)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Step()
	return s.ColumnText(0)
}

const childRows = `SELECT group_concat(rowid||a||b||p||twice) FROM (SELECT rowid,* FROM child ORDER BY rowid)`

func TestReplaceTable_bringsRowsAndRowidsBackAndNamesOrphans(t *testing.T) {
	live, src := twoStates(t)
	before := live.text(t, childRows)
	dry, err := live.ReplaceTable(t.Context(), src, "child", true, 100)
	if err != nil || live.text(t, childRows) != before {
		t.Fatalf("a dry run: %v, %s", err, live.text(t, childRows))
	}
	out, err := live.ReplaceTable(t.Context(), src, "child", false, 100)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := live.text(t, childRows), "5x112,9y224"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if out.RowsBefore != 2 || out.RowsAfter != 2 || len(out.ForeignKeys) != 1 || out.ForeignKeys[0].Rowid != 9 || len(dry.ForeignKeys) != 1 {
		t.Errorf("got %+v, dry %+v", out, dry)
	}
	report, err := live.CheckFull(t.Context())
	if err != nil || report.Verdict != "ok" {
		t.Errorf("got %v %v", report, err)
	}
}

func TestReplaceTable_thatIsGoneIsMadeWithItsIndexes(t *testing.T) {
	live, src := twoStates(t)
	out, err := live.ReplaceTable(t.Context(), src, "gone", false, 100)
	if err != nil || out.RowsBefore != -1 || out.RowsAfter != 2 {
		t.Fatalf("got %+v %v", out, err)
	}
	if got := live.text(t, `SELECT count(*) FROM sqlite_schema WHERE tbl_name='gone'`); got != "3" {
		t.Errorf("%s objects, want the table and two indexes", got)
	}
}

func TestReplaceTable_whatDoesNotFitIsRefusedAndChangesNothing(t *testing.T) {
	live, src := twoStates(t)
	for _, name := range []string{"other", "missing", "sqlite_schema", `x"; DROP TABLE parent; --`} {
		if _, err := live.ReplaceTable(t.Context(), src, name, false, 100); fault.CodeOf(err) != fault.Refused {
			t.Errorf("%s: got %v, want refused", name, err)
		}
	}
	if got := live.text(t, `SELECT count(*) FROM parent`); got != "1" {
		t.Errorf("%s parents", got)
	}
	other, err := Open(t.Context(), live.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.BeginFence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := live.ReplaceTable(t.Context(), src, "child", false, 100); fault.CodeOf(err) != fault.Busy {
		t.Errorf("under a fence: got %v, want busy", err)
	}
	if err := other.EndFence(); err != nil {
		t.Fatal(err)
	}
	if _, err := live.ReplaceTable(t.Context(), src, "child", false, 100); err != nil {
		t.Errorf("after it: %v", err)
	}
}
