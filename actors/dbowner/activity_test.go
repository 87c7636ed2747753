package dbowner_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/actors/dbowner"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
)

func (w *world) activity() *messages.Activity {
	w.t.Helper()
	a, err := kit.Ask[*messages.Activity](context.Background(), w.system, w.pid, &messages.GetActivity{}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func TestActivity_seesCommitsWithinALook(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		advance(2 * time.Hour)
		if a := w.activity(); a.LastCommitUnixMs != 0 || a.IdleMs < (119*time.Minute).Milliseconds() {
			t.Errorf("got %v, want idle since the start", a)
		}
		db.with(func() { db.commits++ })
		at := time.Now()
		advance(time.Minute + time.Second)
		a := w.activity()
		if late := time.UnixMilli(a.LastCommitUnixMs).Sub(at); late < 0 || late > time.Minute+time.Second {
			t.Errorf("the commit was seen %v late, want within a look", late)
		}
		advance(time.Hour)
		if a := w.activity(); a.IdleMs < (58 * time.Minute).Milliseconds() {
			t.Errorf("got %v, want idle for an hour", a)
		}
	})
}

func TestActivity_answersWhileAJobRunsAndOutlivesARestart(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		advance(time.Minute)
		db.with(func() { db.commits++ })
		w.ask(&messages.InspectDatabase{Job: &messages.Job{}})
		advance(time.Second)
		seen := w.activity().LastCommitUnixMs
		if seen == 0 {
			t.Fatal("no job saw the commit")
		}
		db.with(func() { db.check = lasting(time.Hour) })
		w.ask(runCheck("", background, 0))
		advance(time.Second)
		if got := w.activity().LastCommitUnixMs; got != seen {
			t.Errorf("during a job: got %d, want %d", got, seen)
		}
		w.restart()
		if got := w.activity().LastCommitUnixMs; got != seen {
			t.Errorf("after a restart: got %d, want %d", got, seen)
		}
	})
}

// A connection that read much makes way for a fresh one, which is no commit and misses none.
func TestWorker_opensAfreshAfterALargeJob(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		opened := func() (opened, open int) {
			db.with(func() { opened, open = db.opened[dbowner.ForWork], db.open[dbowner.ForWork] })
			return opened, open
		}
		w.ask(&messages.InspectDatabase{Job: &messages.Job{}})
		advance(time.Minute)
		if n, open := opened(); n != 1 || open != 1 {
			t.Errorf("after a look: %d opened, %d open, want 1", n, open)
		}
		w.ask(&messages.CopyDatabase{Job: &messages.Job{}, ToPath: filepath.Join(t.TempDir(), "copy.db")})
		advance(10 * time.Second)
		if n, open := opened(); n != 2 || open != 1 {
			t.Errorf("after a copy: %d opened, %d open, want 2 and 1", n, open)
		}
		advance(time.Hour)
		if a := w.activity(); a.LastCommitUnixMs != 0 {
			t.Errorf("the fresh connection counts as a commit: %v", a)
		}
		db.with(func() { db.commits++ })
		advance(time.Minute + time.Second)
		if a := w.activity(); a.LastCommitUnixMs == 0 {
			t.Error("a commit was missed")
		}
		db.with(func() { db.openErr = fault.New(fault.Busy, "open", "not now") })
		w.ask(&messages.CopyDatabase{Job: &messages.Job{}, ToPath: filepath.Join(t.TempDir(), "copy.db")})
		advance(10 * time.Second)
		if n, open := opened(); n != 2 || open != 1 {
			t.Errorf("when it cannot be opened: %d opened, %d open, want the old one to stay", n, open)
		}
	})
}

// A VACUUM on Officer's own account is refused when the app committed a moment ago, and
// taken back when it holds the lock for too long.
func TestVacuum_givesWay(t *testing.T) {
	inWorld(t, dbowner.Config{}, func(t *testing.T, w *world, db *fake) {
		order := &messages.VacuumDatabase{Job: &messages.Job{}, HoldMs: 4000}
		db.with(func() { db.commits++ })
		p := w.ask(order)
		advance(time.Second)
		p.failed(t, "busy")
		db.with(func() {
			db.vacuum = func(ctx context.Context) error {
				<-ctx.Done()
				return fault.Wrap(fault.Interrupted, "vacuum", "stopped before the end", ctx.Err())
			}
		})
		p = w.ask(order)
		advance(3 * time.Second)
		if p.count() != 0 {
			t.Fatalf("got %v before its time was over", p.answers)
		}
		advance(2 * time.Second)
		if f := p.failed(t, "busy"); !strings.Contains(f.Text, "4s") {
			t.Errorf("got %q, want the limit named", f.Text)
		}
		if s := w.status(); s.Running != "" {
			t.Errorf("still running: %v", s)
		}
	})
}

// With real files, in both journal modes: commits of another connection count, reads
// and Officer's own checkpoints and copies do not, its VACUUM does.
func TestActivity_ofRealFiles(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "app.db")
			synctest.Test(t, func(t *testing.T) {
				e := &engine{path: path}
				app, leave := appOf(t, &e.held, path, mode)
				defer leave()
				w := newWorld(t, dbowner.Config{Path: path, Opener: e})
				defer w.end()
				do := func(msg any) any {
					t.Helper()
					p := w.ask(msg)
					advance(time.Second)
					return p.only(t)
				}
				quiet := func(what string) {
					t.Helper()
					if a := w.activity(); a.LastCommitUnixMs != 0 {
						t.Errorf("%s counts as a commit", what)
					}
				}
				advance(5 * time.Minute)
				quiet("nothing")
				do(&messages.CheckpointDatabase{Job: &messages.Job{}, Mode: "truncate"})
				do(&messages.InspectDatabase{Job: &messages.Job{}})
				quiet("a checkpoint of Officer's own")
				do(runCheck("", background, 0))
				do(&messages.CopyDatabase{Job: &messages.Job{}, ToPath: filepath.Join(dir, "copy.db")})
				advance(2 * time.Minute)
				quiet("a check or copy")
				app("insert into filler(v) values('a commit')")
				advance(time.Minute + time.Second)
				if a := w.activity(); a.LastCommitUnixMs == 0 || a.IdleMs > time.Minute.Milliseconds() {
					t.Errorf("a foreign commit was not seen: %v", a)
				}
				advance(time.Hour)
				app("delete from filler")
				advance(time.Hour)
				before := w.activity().LastCommitUnixMs
				r, ok := do(&messages.VacuumDatabase{Job: &messages.Job{}, HoldMs: 60_000}).(*messages.VacuumReport)
				if !ok || r.AfterBytes >= r.BeforeBytes/2 {
					t.Errorf("got %v, want a file half as large", r)
				}
				if info, err := os.Stat(path); err != nil || info.Size() != r.GetAfterBytes() {
					t.Errorf("the file has %d bytes, the report says %d", info.Size(), r.GetAfterBytes())
				}
				if w.activity().LastCommitUnixMs == before {
					t.Error("a VACUUM does not count as a commit")
				}
				if _, ok := do(&messages.AnalyzeDatabase{Job: &messages.Job{}}).(*messages.AnalyzeReport); !ok {
					t.Error("no report of ANALYZE")
				}
			})
		})
	}
}

// appOf makes a database of about a megabyte and gives a way to work on it as the app
// does, over a connection that stays open.
func appOf(t *testing.T, held *sqlite.Descriptors, path, mode string) (work func(statement string), leave func()) {
	t.Helper()
	db := appKnown(t, held, path, "pragma journal_mode="+mode, "create table filler(id integer primary key, v)",
		`with recursive n(i) as (select 1 union all select i+1 from n where i<2000)
			insert into filler select i, hex(randomblob(250)) from n`)
	work = func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return work, func() { _ = db.Close() }
}
