package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

// backup copies a database the way backups are made.
func backup(t *testing.T, src, dst string) string {
	t.Helper()
	c := open(t, src, Options{ReadOnly: true})
	defer c.Close()
	if _, err := c.Copy(t.Context(), empty(t, dst), CopyOptions{}); err != nil {
		t.Fatal(err)
	}
	return dst
}

func wantHealthy(t *testing.T, path string) {
	t.Helper()
	report, err := open(t, path, Options{ReadOnly: true}).CheckFull(t.Context())
	if err != nil || report.Verdict != check.OK {
		t.Errorf("got %s %+v %v, want ok", report.Verdict, report.Findings, err)
	}
}

func TestRestore_intoALiveDatabaseWithTheAppConnected(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		for _, backupMode := range []string{"wal", "delete"} {
			t.Run(mode+" from "+backupMode, func(t *testing.T) {
				dir := t.TempDir()
				stored := backup(t, makeDB(t, filepath.Join(dir, "old.db"), `PRAGMA journal_mode=`+backupMode+`;`+plain), filepath.Join(dir, "backup.db"))
				want := content(t, stored)
				live := makeDB(t, filepath.Join(dir, "live.db"), `PRAGMA journal_mode=`+mode+`; CREATE TABLE other(x); INSERT INTO other VALUES(randomblob(300000));`)
				db := app(t, live)
				run(t, db, `SELECT * FROM other`)
				c := open(t, live, Options{})
				if err := c.BeginFence(t.Context()); err != nil {
					t.Fatal(err)
				}
				before, err := c.Facts(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				called := 0
				err = c.Restore(t.Context(), stored, RestoreOptions{BeforeWrite: func() error {
					called++
					if err := db.Exec(`PRAGMA busy_timeout=0; INSERT INTO other VALUES(1)`); err == nil {
						t.Error("the app can write while BeforeWrite runs")
					}
					return nil
				}})
				if err != nil || called != 1 {
					t.Fatalf("got %v, BeforeWrite called %d times", err, called)
				}
				wantSame(t, content(t, live), want)
				facts, err := c.Facts(t.Context())
				if err != nil || facts.JournalMode != mode {
					t.Errorf("got journal mode %q %v, want %q", facts.JournalMode, err, mode)
				}
				run(t, db, `UPDATE a SET v=1`) // the app goes on
				// By this number recovery tells the restored database although the app wrote into all of its tables.
				if facts, err = c.Facts(t.Context()); err != nil || facts.Source.SchemaCookie != before.Source.SchemaCookie+1 {
					t.Errorf("schema cookie %d (%v), want one more than %d", facts.Source.SchemaCookie, err, before.Source.SchemaCookie)
				}
				wantHealthy(t, live)
			})
		}
	}
}

func TestRestore_thatBeforeWriteStopsChangesNothing(t *testing.T) {
	dir := t.TempDir()
	stored := backup(t, makeDB(t, filepath.Join(dir, "old.db"), plain), filepath.Join(dir, "backup.db"))
	for _, mode := range []string{"wal", "delete"} {
		live := makeDB(t, filepath.Join(dir, mode+".db"), `PRAGMA journal_mode=`+mode+`; CREATE TABLE other(x);`)
		want := content(t, live)
		c := open(t, live, Options{})
		stop := errors.New("somebody committed")
		err := c.Restore(t.Context(), stored, RestoreOptions{BeforeWrite: func() error { return stop }})
		if !errors.Is(err, stop) {
			t.Errorf("got %v, want %v", err, stop)
		}
		wantSame(t, content(t, live), want)
		run(t, app(t, live), `INSERT INTO other VALUES(1)`)
	}
}

func TestRestore_ofAnotherPageSizeNeedsMatchPageSize(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		for i, kind := range kinds {
			if mode == "wal" && i%4 != 0 {
				continue // the rewriting does not depend on the live mode
			}
			t.Run(mode+" "+kind.name, func(t *testing.T) {
				dir := t.TempDir()
				stored := backup(t, makeDB(t, filepath.Join(dir, "old.db"), kind.sql), filepath.Join(dir, "backup.db"))
				want := content(t, stored)
				live := makeDB(t, filepath.Join(dir, "live.db"), `PRAGMA page_size=2048; PRAGMA journal_mode=`+mode+`; CREATE TABLE other(x);`)
				before := content(t, live)
				c := open(t, live, Options{})
				wantCode(t, c.Restore(t.Context(), stored, RestoreOptions{}), fault.Invalid)
				wantSame(t, content(t, live), before)
				tmp := empty(t, filepath.Join(dir, "tmp.db"))
				if err := MatchPageSize(t.Context(), stored, tmp, "", 2048); err != nil {
					t.Fatal(err)
				}
				wantNoStrays(t, tmp)
				if err := c.Restore(t.Context(), tmp, RestoreOptions{}); err != nil {
					t.Fatal(err)
				}
				wantSame(t, content(t, live), want)
				wantHealthy(t, live)
			})
		}
	}
}

func TestRestore_ofADatabaseWhoseSchemaIsDamaged(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		dir := t.TempDir()
		live := makeDB(t, filepath.Join(dir, "live.db"), `PRAGMA journal_mode=`+mode+`;`+plain)
		stored := backup(t, live, filepath.Join(dir, "backup.db"))
		want := content(t, stored)
		run(t, app(t, live), `PRAGMA writable_schema=on; UPDATE sqlite_schema SET sql='CREATE TABLE garbage((('`)
		c := open(t, live, Options{})
		if _, err := c.Content(t.Context()); !fault.IsDamage(err) {
			t.Fatalf("%s: got %v, want damage", mode, err)
		}
		if err := c.BeginFence(t.Context()); err != nil {
			t.Errorf("%s: fence: %v", mode, err)
		}
		stop := errors.New("somebody committed")
		err := c.Restore(t.Context(), stored, RestoreOptions{BeforeWrite: func() error { return stop }})
		if !errors.Is(err, stop) || !c.Fenced() {
			t.Errorf("%s: got %v, fenced %v, want the fence back", mode, err, c.Fenced())
		}
		if err := c.Restore(t.Context(), stored, RestoreOptions{}); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		wantSame(t, content(t, live), want)
		wantHealthy(t, live)
	}
}

func TestRestore_refusesABackupInWALMode(t *testing.T) {
	dir := t.TempDir()
	stored := makeDB(t, filepath.Join(dir, "backup.db"), `PRAGMA journal_mode=wal;`+plain)
	live := makeDB(t, filepath.Join(dir, "live.db"), `CREATE TABLE other(x);`)
	wantCode(t, open(t, live, Options{}).Restore(t.Context(), stored, RestoreOptions{}), fault.Invalid)
	wantCode(t, open(t, live, Options{ReadOnly: true}).Restore(t.Context(), backup(t, stored, filepath.Join(dir, "b.db")), RestoreOptions{}), fault.ReadOnly)
}

func TestResetDatabase_bringsBackADestroyedHeaderWithTheAppOpen(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		for _, appOpen := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, app open %v", mode, appOpen), func(t *testing.T) {
				dir := t.TempDir()
				live := makeDB(t, filepath.Join(dir, "live.db"), `PRAGMA journal_mode=`+mode+`;`+plain)
				stored := backup(t, live, filepath.Join(dir, "backup.db"))
				want := content(t, stored)
				c := open(t, live, Options{})
				wantCode(t, c.ResetDatabase(t.Context(), 4096), fault.Refused)
				c.Close()
				if appOpen {
					run(t, app(t, live), `SELECT * FROM a; UPDATE a SET v=2 WHERE id=1;`)
				}
				f, err := os.OpenFile(live, os.O_RDWR, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := f.WriteAt(make([]byte, 100), 0); err != nil {
					t.Fatal(err)
				}
				f.Close()
				c = open(t, live, Options{})
				if _, err := c.Content(t.Context()); !fault.IsDamage(err) {
					t.Skipf("page 1 is in the WAL and still read from there: %v", err)
				}
				if err := c.ResetDatabase(t.Context(), 4096); err != nil {
					t.Fatal(err)
				}
				if err := c.Restore(t.Context(), stored, RestoreOptions{}); err != nil {
					t.Fatal(err)
				}
				wantSame(t, content(t, live), want)
				wantHealthy(t, live)
			})
		}
	}
}
