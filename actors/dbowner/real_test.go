package dbowner_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/actors/dbowner"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
)

// engine is the least that makes internal/sqlite an Opener.
type engine struct {
	path string
	held sqlite.Descriptors
	// beforeRestore runs when the fence is down and the restore has no lock yet.
	beforeRestore func()
	// beforeFence runs when the fence is to be taken.
	beforeFence func()
}

func (e *engine) Open(ctx context.Context, p dbowner.Purpose) (dbowner.Database, error) {
	if p == dbowner.ForFence && e.beforeFence != nil {
		e.beforeFence()
	}
	c, err := sqlite.Open(ctx, e.path, sqlite.Options{ReadOnly: p == dbowner.ForCheck, Descriptors: &e.held})
	if err != nil {
		return nil, err
	}
	return real{c, e}, nil
}

func (e *engine) Guard(context.Context) error {
	_, err := sqlite.ForeignDriverGuard([]string{e.path}, &e.held)
	return err
}

func (e *engine) MatchPageSize(ctx context.Context, src, tmp string, pageSize int) error {
	return sqlite.MatchPageSize(ctx, src, tmp, "", pageSize)
}

type real struct {
	c *sqlite.Conn
	e *engine
}

func (d real) Facts(ctx context.Context) (dbowner.Facts, error) {
	f, err := d.c.Facts(ctx)
	return dbowner.Facts(f), err
}
func (d real) SameAs(ctx context.Context, path string) (bool, error) { return d.c.SameAs(ctx, path) }
func (d real) Content(ctx context.Context) (manifest.Content, error) { return d.c.Content(ctx) }
func (d real) Preview(ctx context.Context) ([]manifest.Table, error) { return d.c.Preview(ctx) }
func (d real) Copy(ctx context.Context, dst string, o dbowner.CopyOptions) (dbowner.CopyResult, error) {
	r, err := d.c.Copy(ctx, dst, sqlite.CopyOptions(o))
	return dbowner.CopyResult(r), err
}
func (d real) Check(ctx context.Context, o dbowner.CheckOptions) (check.Report, error) {
	return d.c.Check(ctx, sqlite.CheckOptions(o))
}
func (d real) RunRules(ctx context.Context, r []check.Rule) (check.Report, error) {
	return d.c.RunRules(ctx, r)
}
func (d real) Checkpoint(ctx context.Context, mode string) (int, int, error) {
	return d.c.Checkpoint(ctx, sqlite.CheckpointMode(mode))
}
func (d real) WALIndex(ctx context.Context) (dbowner.WALIndex, error) {
	w, err := d.c.WALIndex(ctx)
	return dbowner.WALIndex(w), err
}
func (d real) Vacuum(ctx context.Context, busy time.Duration) error { return d.c.Vacuum(ctx, busy) }
func (d real) IncrementalVacuum(ctx context.Context, busy time.Duration) (int64, bool, error) {
	return d.c.IncrementalVacuum(ctx, busy)
}
func (d real) Analyze(ctx context.Context, busy time.Duration, full bool) error {
	if full {
		return d.c.Analyze(ctx, busy)
	}
	return d.c.Optimize(ctx, busy)
}
func (d real) DataVersion(ctx context.Context) (int64, error) { return d.c.DataVersion(ctx) }
func (d real) HasMoved() (bool, error)                        { return d.c.HasMoved() }
func (d real) Identity() (dbowner.Identity, error) {
	id, err := d.c.Identity()
	return dbowner.Identity(id), err
}
func (d real) MainFile() (io.ReaderAt, int64, error)    { return d.c.MainFile() }
func (d real) JournalFile() (io.ReaderAt, int64, error) { return d.c.JournalFile() }
func (d real) BeginFence(ctx context.Context) error     { return d.c.BeginFence(ctx) }
func (d real) EndFence() error                          { return d.c.EndFence() }
func (d real) ReplaceTable(ctx context.Context, src, table string, dry bool, most int) (dbowner.Replaced, error) {
	r, err := d.c.ReplaceTable(ctx, src, table, dry, most)
	return dbowner.Replaced(r), err
}

func (d real) ResetDatabase(ctx context.Context, pageSize int) error {
	return d.c.ResetDatabase(ctx, pageSize)
}
func (d real) Close() error { return d.c.Close() }
func (d real) Restore(ctx context.Context, src string, o dbowner.RestoreOptions) error {
	letGo := o.BeforeLock
	o.BeforeLock = func() error {
		err := letGo()
		if d.e.beforeRestore != nil {
			d.e.beforeRestore() // between the fence and the write lock
		}
		return err
	}
	return d.c.Restore(ctx, src, sqlite.RestoreOptions(o))
}

// app is a program that has the database open: a connection of its own.
func app(t *testing.T, path string, setup ...string) *sql.DB {
	t.Helper()
	return appKnown(t, nil, path, setup...)
}

// appKnown is an app in this very process, which uses the handle that Officer gives.
func appKnown(t *testing.T, held *sqlite.Descriptors, path string, setup ...string) *sql.DB {
	t.Helper()
	if _, err := os.Stat(path); os.IsNotExist(err) {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sqlite.OpenDB(path, sqlite.Options{BusyTimeout: 20 * time.Millisecond, Descriptors: held})
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, s := range setup {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return db
}

func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRow(`SELECT count(*) FROM ` + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// live is a world around a real database in a journal mode, with the app connected.
type live struct {
	*world
	*engine
	dir, source, undo string
	app               *sql.DB
}

// inBothModes runs a test on a live database with 100 rows in t, and a backup of it that
// was taken when there were 10.
func inBothModes(t *testing.T, sourcePageSize int, f func(t *testing.T, l *live)) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				l := &live{dir: dir, engine: &engine{path: filepath.Join(dir, "app.db")},
					source: filepath.Join(dir, "backup.db"), undo: filepath.Join(dir, "quarantine", "undo")}
				rows := func(n int) string {
					return fmt.Sprintf(`WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM s WHERE i<%d) INSERT INTO t(v) SELECT hex(randomblob(500)) FROM s`, n)
				}
				const table = `CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)`
				old := app(t, l.source, fmt.Sprintf(`PRAGMA page_size=%d`, sourcePageSize), table, rows(10))
				old.Close()
				l.app = appKnown(t, &l.engine.held, l.engine.path, `PRAGMA page_size=4096`, `PRAGMA journal_mode=`+mode, table, rows(100))
				defer l.app.Close()
				l.world = newWorld(t, dbowner.Config{Opener: l.engine, Path: l.engine.path, Files: fsx.OS()})
				defer l.end()
				synctest.Wait() // what a test opens by itself the guard would take for a foreign driver
				f(t, l)
			})
		})
	}
}

func ask[R any](l *live, msg any) (R, error) {
	return kit.Ask[R](context.Background(), l.system, l.pid, msg, nil)
}

func (l *live) want(t *testing.T) *messages.Content {
	t.Helper()
	c, err := sqlite.Open(t.Context(), l.source, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	content, err := c.Content(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := &messages.Content{SchemaDigest: content.SchemaDigest}
	for _, table := range content.Tables {
		out.Tables = append(out.Tables, &messages.Table{Name: table.Name, Rows: table.Rows, Digest: table.Digest})
	}
	return out
}

func (l *live) overwrite(t *testing.T) (*messages.OverwriteReport, error) {
	t.Helper()
	return ask[*messages.OverwriteReport](l, &messages.OverwriteDatabase{
		Job: &messages.Job{Priority: urgent}, FromPath: l.source, UndoDir: l.undo, Want: l.want(t)})
}

// kept opens the undo copy and counts its rows.
func (l *live) kept(t *testing.T) int {
	t.Helper()
	db := app(t, filepath.Join(l.undo, "app.db"))
	defer db.Close()
	return count(t, db, "t")
}

func TestFence_onARealFileWritesAreBusyAndReadsGoOn(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		s, err := ask[*messages.FenceState](l, &messages.RaiseFence{Reason: "damage"})
		if err != nil || !s.Held {
			t.Fatalf("got %v %v, want held", s, err)
		}
		if _, err := l.app.Exec(`INSERT INTO t(v) VALUES('x')`); err == nil || !strings.Contains(err.Error(), "locked") {
			t.Errorf("a write under the fence gave %v, want BUSY", err)
		}
		if got := count(t, l.app, "t"); got != 100 {
			t.Errorf("the app reads %d rows, want 100", got)
		}
		if r, err := ask[*messages.CheckReport](l, runCheck("", background, 0)); err != nil || r.Verdict != "ok" {
			t.Errorf("a check under the fence gave %v %v", r, err)
		}
		copied := filepath.Join(l.dir, "copy.db")
		if r, err := ask[*messages.CopyReport](l, &messages.CopyDatabase{Job: &messages.Job{}, ToPath: copied}); err != nil || r.Content.Tables[0].Rows != 100 {
			t.Errorf("a copy under the fence gave %v %v", r, err)
		}
		if s, err := ask[*messages.FenceState](l, &messages.LiftFence{Reason: "damage"}); err != nil || s.Held || s.Active {
			t.Errorf("got %v %v, want lifted", s, err)
		}
		if _, err := l.app.Exec(`INSERT INTO t(v) VALUES('x')`); err != nil {
			t.Errorf("a write after the fence gave %v", err)
		}
	})
}

func TestCopyDatabase_unchangedOrFailedLeavesNoFile(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		first, second := filepath.Join(l.dir, "1.db"), filepath.Join(l.dir, "2.db")
		r, err := ask[*messages.CopyReport](l, &messages.CopyDatabase{Job: &messages.Job{}, ToPath: first})
		if err != nil {
			t.Fatal(err)
		}
		again, err := ask[*messages.CopyReport](l, &messages.CopyDatabase{Job: &messages.Job{}, ToPath: second, UnlessContent: r.Content})
		if err != nil || !again.Skipped {
			t.Errorf("got %v %v, want skipped", again, err)
		}
		if strays, _ := filepath.Glob(second + "*"); len(strays) != 0 {
			t.Errorf("a skipped copy left %v", strays)
		}
		if _, err := ask[*messages.CopyReport](l, &messages.CopyDatabase{Job: &messages.Job{}, ToPath: first}); err == nil {
			t.Error("a copy replaced a file that was there")
		}
		if _, err := os.Stat(first); err != nil {
			t.Errorf("the file that was in the way: %v", err)
		}
	})
}

func TestOverwrite_inPlaceIsSeenByTheOpenAppAndCanBeUndone(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		count(t, l.app, "t")
		r, err := l.overwrite(t)
		if err != nil {
			t.Fatal(err)
		}
		if !r.InPlace || r.HeaderWasReset || r.PageSizeMatched || r.AppWroteSince || len(r.KeptFiles) == 0 {
			t.Errorf("got %v", r)
		}
		if got := count(t, l.app, "t"); got != 10 {
			t.Errorf("the app sees %d rows, want the 10 restored", got)
		}
		if _, err := l.app.Exec(`INSERT INTO t(v) VALUES('x')`); err != nil {
			t.Errorf("the app cannot write after the restore: %v", err)
		}
		if got := l.kept(t); got != 100 {
			t.Errorf("the undo copy has %d rows, want 100", got)
		}
		if s := l.status(); s.Fence.Active {
			t.Errorf("got fence %v after the restore, want none", s.Fence)
		}
		if report, err := ask[*messages.CheckReport](l, runCheck("", background, 0)); err != nil || report.Verdict != "ok" {
			t.Errorf("check after the restore: %v %v", report, err)
		}
	})
}

func TestOverwrite_leavesTheDamageFenceUp(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		if _, err := ask[*messages.FenceState](l, &messages.RaiseFence{Reason: "damage"}); err != nil {
			t.Fatal(err)
		}
		if _, err := l.overwrite(t); err != nil {
			t.Fatal(err)
		}
		s := l.status().Fence
		if !s.Held || len(s.Reasons) != 1 || s.Reasons[0] != "damage" {
			t.Errorf("got %v, want held for damage alone", s)
		}
	})
}

func TestOverwrite_anotherPageSizeIsMatchedFirst(t *testing.T) {
	inBothModes(t, 8192, func(t *testing.T, l *live) {
		r, err := l.overwrite(t)
		if err != nil {
			t.Fatal(err)
		}
		if !r.PageSizeMatched || count(t, l.app, "t") != 10 {
			t.Errorf("got %v and %d rows, want a matched source and 10 rows", r, count(t, l.app, "t"))
		}
		entries, _ := os.ReadDir(l.undo)
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), "app.db") {
				t.Errorf("%s was left in the undo copy", e.Name())
			}
		}
	})
}

func TestOverwrite_commitBetweenUndoCopyAndWriteIsDetected(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		sneaked := 0
		l.beforeRestore = func() {
			if sneaked < 2 {
				sneaked++
				if _, err := l.app.Exec(`INSERT INTO t(v) VALUES('sneaked')`); err != nil {
					t.Errorf("the app could not commit: %v", err)
				}
			}
		}
		if _, err := l.overwrite(t); err != nil {
			t.Fatal(err)
		}
		if sneaked != 2 {
			t.Fatalf("sneaked %d commits in, want 2", sneaked)
		}
		if got := l.kept(t); got != 102 {
			t.Errorf("the undo copy has %d rows, want 100 and the 2 that were acknowledged meanwhile", got)
		}
		if got := count(t, l.app, "t"); got != 10 {
			t.Errorf("the app sees %d rows, want 10", got)
		}
	})
}

func TestOverwrite_appThatNeverRestsIsLeftAlone(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		commits := 0
		l.beforeRestore = func() {
			commits++
			if _, err := l.app.Exec(`INSERT INTO t(v) VALUES('again')`); err != nil {
				t.Errorf("the app could not commit: %v", err)
			}
		}
		_, err := l.overwrite(t)
		f, ok := err.(*messages.Failure)
		if !ok || f.Code != "busy" || f.DataChanged {
			t.Fatalf("got %v, want busy with nothing changed", err)
		}
		if got := count(t, l.app, "t"); got != 100+commits {
			t.Errorf("the app sees %d rows, want all its %d", got, 100+commits)
		}
		if entries, _ := os.ReadDir(l.undo); len(entries) != 0 {
			t.Errorf("undo copies of what was not replaced were left: %v", entries)
		}
		if s := l.status(); s.Fence.Active {
			t.Errorf("got fence %v after the failure, want none", s.Fence)
		}
	})
}

func TestOverwrite_destroyedHeaderWithTheAppOpen(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		count(t, l.app, "t")
		f, err := os.OpenFile(l.engine.path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.app.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, 100), 0); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if report, err := ask[*messages.CheckReport](l, runCheck("", background, 0)); err != nil || report.Verdict != "damaged" {
			t.Fatalf("check: got %v %v, want damaged", report, err)
		}
		s, err := ask[*messages.FenceState](l, &messages.RaiseFence{Reason: "damage"})
		if err != nil || s.Held || s.Text == "" {
			t.Errorf("got %v %v, want a fence that says why it is not held", s, err)
		}
		r, err := l.overwrite(t)
		if err != nil {
			t.Fatal(err)
		}
		if !r.HeaderWasReset {
			t.Errorf("got %v, want the header reset", r)
		}
		if got := count(t, l.app, "t"); got != 10 {
			t.Errorf("the app sees %d rows, want 10", got)
		}
		advance(10 * time.Second)
		if s := l.status().Fence; !s.Held {
			t.Errorf("got %v, want the damage fence held once there is a header", s)
		}
		kept, err := os.ReadFile(filepath.Join(l.undo, "app.db"))
		if err != nil || len(kept) < 4096 || string(kept[:15]) == "SQLite format 3" {
			t.Errorf("the undo copy is not the damaged file as it was: %v", err)
		}
	})
}

func TestKeepEvidence_copiesFilesAsTheyAre(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		dir := filepath.Join(l.dir, "evidence")
		r, err := ask[*messages.EvidenceKept](l, &messages.KeepEvidence{Job: &messages.Job{}, ToDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range r.Files {
			kept, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			now, err := os.ReadFile(filepath.Join(l.dir, name))
			if err != nil || string(kept) != string(now) {
				t.Errorf("%s is not kept as it is: %v", name, err)
			}
		}
		if _, err := ask[*messages.EvidenceKept](l, &messages.KeepEvidence{Job: &messages.Job{}, ToDir: dir}); err == nil {
			t.Error("evidence was written over earlier evidence")
		}
		if entries, _ := os.ReadDir(dir); len(entries) != len(r.Files) {
			t.Errorf("the refused second time changed the folder: %v", entries)
		}
	})
}

// narrow is a file system without room.
type narrow struct{ fsx.FS }

func (n narrow) Space(path string) (fsx.Space, error) {
	s, err := n.FS.Space(path)
	s.FreeBytes = 1 << 10
	return s, err
}

func TestOverwrite_withoutRoomForTheUndoCopyStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		e := &engine{path: filepath.Join(dir, "app.db")}
		l := &live{dir: dir, engine: e, source: filepath.Join(dir, "backup.db"), undo: filepath.Join(dir, "undo")}
		app(t, l.source, `CREATE TABLE t(x)`).Close()
		app(t, e.path, `CREATE TABLE t(x)`, `INSERT INTO t VALUES(1)`).Close()
		l.world = newWorld(t, dbowner.Config{Opener: e, Path: e.path, Files: narrow{fsx.OS()}})
		defer l.end()
		_, err := l.overwrite(t)
		f, ok := err.(*messages.Failure)
		if !ok || f.Code != "disk_full" || f.DataChanged {
			t.Errorf("got %v, want disk_full with nothing changed", err)
		}
		if s := l.status(); s.Fence.Active {
			t.Errorf("got fence %v, want none", s.Fence)
		}
	})
}

func TestMovedFile_onARealFile(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		if _, err := ask[*messages.DatabaseFacts](l, &messages.InspectDatabase{}); err != nil {
			t.Fatal(err)
		}
		elsewhere := filepath.Join(l.dir, "elsewhere.db")
		if err := os.Rename(l.engine.path, elsewhere); err != nil {
			t.Fatal(err)
		}
		_, err := ask[*messages.DatabaseFacts](l, &messages.InspectDatabase{})
		if f, ok := err.(*messages.Failure); !ok || f.Code != "missing" {
			t.Errorf("file gone: got %v, want missing", err)
		}
		if err := os.WriteFile(l.engine.path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		advance(2 * time.Minute)
		_, err = ask[*messages.DatabaseFacts](l, &messages.InspectDatabase{})
		if f, ok := err.(*messages.Failure); !ok || f.Code != "database_moved" {
			t.Errorf("another file in its place: got %v, want database_moved", err)
		}
		if err := os.Rename(elsewhere, l.engine.path); err != nil {
			t.Fatal(err)
		}
		advance(2 * time.Minute)
		if facts, err := ask[*messages.DatabaseFacts](l, &messages.InspectDatabase{}); err != nil || facts.PageSize != 4096 {
			t.Errorf("the file is back: got %v %v", facts, err)
		}
	})
}

func TestOverwrite_appThatWritesRightAfterIsTold(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		restored := false
		l.beforeRestore = func() { restored = true }
		l.beforeFence = func() {
			if restored {
				if _, err := l.app.Exec(`INSERT INTO t(v) VALUES('at once')`); err != nil {
					t.Errorf("the app could not commit: %v", err)
				}
			}
		}
		r, err := l.overwrite(t)
		if err != nil || !r.AppWroteSince {
			t.Fatalf("got %v %v, want it told that the app wrote", r, err)
		}
		if got := count(t, l.app, "t"); got != 11 {
			t.Errorf("the app sees %d rows, want the 10 restored and its own", got)
		}
	})
}

func TestOverwrite_aSourceWithOtherContentThanWantedIsNotWritten(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		want := l.want(t)
		want.Tables[0].Digest = strings.Repeat("0", 32)
		_, err := ask[*messages.OverwriteReport](l, &messages.OverwriteDatabase{FromPath: l.source, UndoDir: l.undo, Want: want})
		f, ok := err.(*messages.Failure)
		if !ok || f.Code != "refused" || f.DataChanged {
			t.Errorf("got %v, want it refused with nothing changed", err)
		}
		if got := count(t, l.app, "t"); got != 100 {
			t.Errorf("the app sees %d rows, want its 100", got)
		}
	})
}

func TestOverwrite_aSourceWithOtherBytesThanVerifiedIsNotWritten(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		_, err := ask[*messages.OverwriteReport](l, &messages.OverwriteDatabase{
			FromPath: l.source, UndoDir: l.undo, Want: l.want(t), FromSha256: strings.Repeat("0", 64)})
		f, ok := err.(*messages.Failure)
		if !ok || f.Code != "refused" || f.DataChanged {
			t.Errorf("got %v, want it refused with nothing changed", err)
		}
		if got := count(t, l.app, "t"); got != 100 {
			t.Errorf("the app sees %d rows, want its 100", got)
		}
	})
}

// copied is a backup of the live database as it is now.
func (l *live) copied(t *testing.T) string {
	t.Helper()
	path := filepath.Join(l.dir, "now.db")
	if _, err := ask[*messages.CopyReport](l, &messages.CopyDatabase{Job: &messages.Job{}, ToPath: path}); err != nil {
		t.Fatal(err)
	}
	return path
}

func (l *live) overwriteKept(t *testing.T, as string) {
	t.Helper()
	r, err := ask[*messages.OverwriteReport](l, &messages.OverwriteDatabase{
		Job: &messages.Job{Priority: urgent}, FromPath: l.source, UndoDir: l.undo, Want: l.want(t), KeptAs: as})
	if err != nil || r.AppWroteSince || len(r.KeptFiles) == 0 {
		t.Fatalf("got %v %v, want it restored", r, err)
	}
	if got := count(t, l.app, "t"); got != 10 {
		t.Errorf("the app sees %d rows, want the 10 of the backup", got)
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.Stat(a)
	other, oerr := os.Stat(b)
	if err := errors.Join(err, oerr); err != nil {
		t.Fatal(err)
	}
	return os.SameFile(one, other)
}

func TestOverwrite_aBackupOfWhatIsLiveIsKeptWithoutACopy(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		now := l.copied(t)
		l.overwriteKept(t, now)
		if got := l.kept(t); got != 100 || !sameFile(t, now, filepath.Join(l.undo, "app.db")) {
			t.Errorf("kept are %d rows, want the backup with its 100 under a second name", got)
		}
	})
}

// TestOverwrite_keepsWhatIsLiveAndNotAnOlderBackup: P5.
func TestOverwrite_keepsWhatIsLiveAndNotAnOlderBackup(t *testing.T) {
	inBothModes(t, 4096, func(t *testing.T, l *live) {
		now := l.copied(t)
		if _, err := l.app.Exec(`UPDATE t SET v='' WHERE id=7; INSERT INTO t(id, v) VALUES(101, 'newer')`); err != nil {
			t.Fatal(err)
		}
		l.overwriteKept(t, now)
		if got := l.kept(t); got != 101 || sameFile(t, now, filepath.Join(l.undo, "app.db")) {
			t.Errorf("kept are %d rows, want the 101 that were live", got)
		}
	})
}
