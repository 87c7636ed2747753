package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/page"
)

// big is a database that a crew is worth.
const big = `CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB, p REFERENCES t); CREATE INDEX i ON t(a);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<6000) INSERT INTO t SELECT i, 'name '||i, randomblob(400), i-1 FROM n;`

func TestCheck_ofEveryKindIsByPages(t *testing.T) {
	for _, kind := range []check.Kind{check.Full, check.Quick, check.ForeignKeys} {
		for name, sql := range map[string]string{"plain": plain, "big": `PRAGMA journal_mode=wal;` + big, "empty": ``} {
			t.Run(string(kind)+"/"+name, func(t *testing.T) {
				path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), sql)
				c := open(t, path, Options{ReadOnly: true})
				for _, alone := range []bool{false, true} {
					got, err := c.Check(t.Context(), CheckOptions{Kind: kind, Alone: alone, OrphansMax: 5})
					if err != nil || got.Verdict != check.OK || got.Engine != check.EnginePage || got.Reason != "" || got.Kind != kind {
						t.Errorf("got %+v, %v, want ok by pages", got, err)
					}
				}
				got, err := c.Check(t.Context(), CheckOptions{Kind: kind, SQLite: true})
				if err != nil || got.Verdict != check.OK || got.Engine != check.EngineSQLite || got.Reason == "" {
					t.Errorf("got %+v, %v, want ok by SQLite with a reason", got, err)
				}
			})
		}
	}
}

func TestCheck_findsOrphansAsSQLiteDoes(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), big+`DELETE FROM t WHERE id IN (7, 4000)`)
	c := open(t, path, Options{ReadOnly: true})
	opts := CheckOptions{Kind: check.ForeignKeys, OrphansMax: 100}
	got, err := c.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.SQLite = true
	want, err := c.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.ForeignKeys, want.ForeignKeys) || len(got.ForeignKeys) != 3 { // 0, 7 and 4000
		t.Errorf("got %v, want %v", got.ForeignKeys, want.ForeignKeys)
	}
}

// A table whose key refers to what cannot be a parent is named by SQLite alone.
func TestCheck_leavesToSQLiteWhatItCannotJudge(t *testing.T) {
	for _, c := range []struct{ name, sql, reason string }{
		{"collation", `CREATE TABLE t(a TEXT COLLATE polish); CREATE INDEX i ON t(a); INSERT INTO t VALUES('a'),('b')`, "polish"},
		{"module", `PRAGMA writable_schema=on; INSERT INTO sqlite_schema VALUES('table','v','v',0,'CREATE VIRTUAL TABLE v USING spatial(x)');`, "spatial"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "app.db")
			db := app(t, path)
			if err := db.CreateCollation("polish", bytes.Compare); err != nil {
				t.Fatal(err)
			}
			run(t, db, c.sql)
			got, err := open(t, path, Options{ReadOnly: true}).Check(t.Context(), CheckOptions{})
			if err != nil || got.Verdict != check.CannotJudge || got.Engine != check.EngineSQLite || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("foreign key", func(t *testing.T) {
		path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `CREATE TABLE p(a); CREATE TABLE c(a REFERENCES p(a)); INSERT INTO c VALUES(1);`)
		got, err := open(t, path, Options{ReadOnly: true}).Check(t.Context(), CheckOptions{Kind: check.ForeignKeys})
		if err != nil || got.Verdict != check.CannotJudge || got.Engine != check.EngineSQLite || got.Reason == "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

func TestCheck_namesTableIndexAndRow(t *testing.T) {
	var path string
	var b []byte
	var err error
	for range 5 { // "name 432" may stand before a random byte that is a 1
		path = makeDB(t, filepath.Join(t.TempDir(), "app.db"), big)
		if b, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if bytes.Count(b, []byte("name 4321")) == 2 {
			break
		}
	}
	at := bytes.Index(b, []byte("name 4321"))
	if bytes.HasPrefix(b[at+9:], []byte{0x10, 0xe1}) { // the rowid: an entry of the index
		at += 9 + bytes.Index(b[at+9:], []byte("name 4321"))
	}
	copy(b[at:], "name 1234")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, path, Options{ReadOnly: true}).Check(t.Context(), CheckOptions{})
	if err != nil || got.Verdict != check.Damaged || got.Engine != check.EnginePage {
		t.Fatalf("got %+v, %v", got, err)
	}
	named := slices.ContainsFunc(got.Findings, func(f check.Finding) bool {
		return f.Kind == kindIndex && f.Object == "i" && f.HasRowid && f.Rowid == 4321
	})
	if !named {
		t.Errorf("got %+v, want row 4321 of index i", got.Findings)
	}
}

// A crash of the engine is no verdict, and does not take the process along.
func TestCheck_survivesACrashOfTheEngine(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), big)
	c := open(t, path, Options{ReadOnly: true})
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, in := range []string{"caller", "crew"} {
		why, err := c.readPages(t.Context(), s, CheckOptions{}, func(_ check.Database, o check.Options) (string, error) {
			if in == "crew" {
				crew(2).Each(2, 9, func(_, unit int) { panic(fmt.Sprint("unit ", unit)) })
			}
			panic("here")
		})
		if err != nil || !strings.HasPrefix(why, kindFault) {
			t.Errorf("got %q, %v", why, err)
		}
	}
}

func TestCheck_stopsWithItsContextAndTellsProgress(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `PRAGMA journal_mode=wal;`+big+`INSERT INTO t SELECT id+10000, a, zeroblob(2000), 1 FROM t`)
	c := open(t, path, Options{ReadOnly: true})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := 0
	_, err := c.Check(ctx, CheckOptions{Progress: func(done, total int64) {
		if told++; done <= 0 || done > total {
			t.Errorf("got %d of %d pages", done, total)
		}
		cancel()
	}})
	wantCode(t, err, fault.Interrupted)
	if told == 0 {
		t.Error("no progress was told")
	}
	if got, err := c.Check(t.Context(), CheckOptions{}); err != nil || got.Verdict != check.OK {
		t.Errorf("the connection does not go on: %+v, %v", got, err)
	}
}

// Digests that pages give are those that SQLite's rows give, also of a database that
// somebody writes.
func TestContent_isThatOfTheRows(t *testing.T) {
	for name, sql := range map[string]string{"plain": plain, "big": `PRAGMA journal_mode=wal;` + big, "utf16": `PRAGMA encoding='UTF-16';` + big} {
		t.Run(name, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), sql)
			for _, opts := range []Options{{}, {ReadOnly: true}} {
				c := open(t, path, opts)
				got, err := c.Content(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				want, err := c.ContentOfRows(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !got.Equal(want) {
					t.Errorf("got %+v, want %+v", got, want)
				}
			}
		})
	}
}

func TestCheck_ofADatabaseThatIsBeingWritten(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `PRAGMA auto_vacuum=incremental; PRAGMA journal_mode=`+mode+`;
				CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB); CREATE INDEX i2 ON t(b,id);
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300) INSERT INTO t SELECT i, randomblob(500) FROM n;`)
			stop, done := make(chan struct{}), make(chan struct{})
			go func() { defer close(done); churn(t, path, 7, mode == "wal", stop) }()
			defer func() { close(stop); <-done }()
			c := open(t, path, Options{ReadOnly: true, BusyTimeout: 10 * time.Second})
			for range snapshotsTaken(t) {
				got, err := c.Check(t.Context(), CheckOptions{})
				if err != nil || got.Verdict != check.OK || got.Engine != check.EnginePage {
					t.Fatalf("got %+v, %v", got, err)
				}
			}
		})
	}
}

func TestSnapshot_givesWhatTheCheckReads(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), plain)
	s, err := open(t, path, Options{ReadOnly: true}).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var _ page.Runs = s
	one, two := make([]byte, s.PageSize()), make([]byte, 2*s.PageSize())
	if err := s.ReadRun(1, two); err != nil {
		t.Fatal(err)
	}
	if err := s.ReadPage(2, one); err != nil || !bytes.Equal(one, two[s.PageSize():]) {
		t.Errorf("page 2 differs, %v", err)
	}
}
