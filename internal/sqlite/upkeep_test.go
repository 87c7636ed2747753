package sqlite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/manifest"
)

const busyBudget = 200 * time.Millisecond

func sizeOf(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// emptied is a database whose rows were mostly deleted.
const emptied = `CREATE TABLE a(id INTEGER PRIMARY KEY, b); CREATE INDEX ab ON a(b);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<3000) INSERT INTO a SELECT i, hex(randomblob(300)) FROM n;
DELETE FROM a WHERE id>100;`

func TestVacuum_shrinksAndKeepsTheContent(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), "PRAGMA journal_mode="+mode+";"+emptied)
			want, before := content(t, path), sizeOf(t, path)
			c := open(t, path, Options{})
			if err := c.Vacuum(t.Context(), busyBudget); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.Checkpoint(t.Context(), Truncate); err != nil {
				t.Fatal(err)
			}
			wantSame(t, content(t, path), want)
			if after := sizeOf(t, path); after > before/5 {
				t.Errorf("got %d bytes after %d, want most of it gone", after, before)
			}
		})
	}
}

// Every kind of database comes out with the same content.
func TestVacuum_keepsEveryKind(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), k.sql)
			want := content(t, path)
			c := open(t, path, Options{})
			if err := c.Vacuum(t.Context(), busyBudget); err != nil {
				t.Fatal(err)
			}
			wantSame(t, content(t, path), want)
		})
	}
}

func TestVacuum_givesUpWithinItsBusyBudget(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), "PRAGMA journal_mode=wal;"+emptied)
	db := app(t, path)
	run(t, db, "BEGIN IMMEDIATE; DELETE FROM a WHERE id=1")
	c := open(t, path, Options{BusyTimeout: 2 * time.Minute})
	begun := time.Now()
	err := c.Vacuum(t.Context(), busyBudget)
	wantCode(t, err, fault.Busy)
	if took := time.Since(begun); took > time.Minute { // half of the connection's own timeout
		t.Errorf("gave up after %v, want about %v", took, busyBudget)
	}
	run(t, db, "COMMIT")
	if err := c.Vacuum(t.Context(), busyBudget); err != nil {
		t.Errorf("after the app's commit: %v", err)
	}
}

func TestVacuum_interruptedChangesNothing(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), emptied)
	want := content(t, path)
	c := open(t, path, Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Millisecond)
	defer cancel()
	if err := c.Vacuum(ctx, busyBudget); err != nil {
		wantCode(t, err, fault.Interrupted)
	}
	wantSame(t, content(t, path), want)
	if err := c.Vacuum(t.Context(), busyBudget); err != nil {
		t.Errorf("the connection is of no use after an interruption: %v", err)
	}
}

func TestVacuum_refusesWhatItCannotRebuild(t *testing.T) {
	t.Run("collation", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.db")
		db := app(t, path)
		if err := db.CreateCollation("finnish", bytes.Compare); err != nil {
			t.Fatal(err)
		}
		run(t, db, `CREATE TABLE a(n TEXT COLLATE finnish); CREATE INDEX an ON a(n); INSERT INTO a VALUES('x'),('y')`)
		c := open(t, path, Options{})
		wantCode(t, c.Vacuum(t.Context(), busyBudget), fault.CannotJudge)
		wantCode(t, c.Analyze(t.Context(), busyBudget), fault.CannotJudge)
	})
	t.Run("full-text index over rowids that would change", func(t *testing.T) {
		path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `CREATE TABLE doc(body); CREATE VIRTUAL TABLE f USING fts5(body, content='doc');
			INSERT INTO doc VALUES('a'),('b'),('c'); DELETE FROM doc WHERE body='a'; INSERT INTO f(f) VALUES('rebuild')`)
		c := open(t, path, Options{})
		wantCode(t, c.Vacuum(t.Context(), busyBudget), fault.Refused)
	})
	t.Run("full-text index over fixed rowids is rebuilt", func(t *testing.T) {
		path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `CREATE TABLE doc(id INTEGER PRIMARY KEY, body);
			CREATE VIRTUAL TABLE f USING fts5(body, content=doc, content_rowid=id); CREATE VIRTUAL TABLE g USING fts5(body, content='')`)
		c := open(t, path, Options{})
		if err := c.Vacuum(t.Context(), busyBudget); err != nil {
			t.Error(err)
		}
	})
}

func TestIncrementalVacuum_letsWritersThrough(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), "PRAGMA auto_vacuum=incremental; PRAGMA journal_mode=wal;"+emptied)
	c := open(t, path, Options{})
	freed, done, err := c.IncrementalVacuum(t.Context(), busyBudget)
	if err != nil || !done || freed == 0 {
		t.Fatalf("got %d pages, done %v, %v, want all free pages out", freed, done, err)
	}
	if facts, err := c.Facts(t.Context()); err != nil || facts.FreePages != 0 {
		t.Errorf("got %d free pages (%v), want none", facts.FreePages, err)
	}
	db := app(t, path)
	run(t, db, "DELETE FROM a WHERE id>50; BEGIN IMMEDIATE")
	if freed, done, err := c.IncrementalVacuum(t.Context(), busyBudget); err != nil || done || freed != 0 {
		t.Errorf("beside a writer: got %d, %v, %v, want it to give way without an error", freed, done, err)
	}
	run(t, db, "COMMIT")
}

func TestIncrementalVacuum_ofAFileWithoutPointerMapEnds(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), emptied)
	c := open(t, path, Options{})
	if freed, done, err := c.IncrementalVacuum(t.Context(), busyBudget); err != nil || done || freed != 0 {
		t.Errorf("got %d, %v, %v, want nothing done", freed, done, err)
	}
}

func TestAnalyze_andOptimizeWriteStatistics(t *testing.T) {
	for name, renew := range map[string]func(*Conn) error{
		"analyze":  func(c *Conn) error { return c.Analyze(t.Context(), busyBudget) },
		"optimize": func(c *Conn) error { return c.Optimize(t.Context(), busyBudget) },
	} {
		t.Run(name, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), emptied)
			c := open(t, path, Options{})
			if err := renew(c); err != nil {
				t.Fatal(err)
			}
			if n, err := c.value(`SELECT count(*) FROM sqlite_stat1`); err != nil || n == 0 {
				t.Errorf("got %d rows of statistics (%v)", n, err)
			}
		})
	}
}

// The first statistics make a table. It is content, but the app's schema is as it was:
// else each first ANALYZE would look like a migration.
func TestAnalyze_isNoChangeOfTheSchema(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), emptied)
	before := content(t, path)
	c := open(t, path, Options{})
	if err := c.Analyze(t.Context(), busyBudget); err != nil {
		t.Fatal(err)
	}
	after := content(t, path)
	if after.SchemaDigest != before.SchemaDigest {
		t.Error("ANALYZE changed the schema digest")
	}
	if !slices.ContainsFunc(after.Tables, func(t manifest.Table) bool { return t.Name == "sqlite_stat1" && t.Rows > 0 }) {
		t.Errorf("got %v, want the statistics among them", after.Tables)
	}
}
