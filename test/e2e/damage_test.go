//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// TestDamage_inTheLiveFileWithTheAppConnected: requirement by requirement, damage →
// found at start, fenced, kept out of the rotation, restored in place, taken back.
func TestDamage_inTheLiveFileWithTheAppConnected(t *testing.T) {
	cli := need(t, "sqlite3")
	t.Setenv("OFFICER_RECOVER_AUTOMATIC", "false") // what happens by order is the subject here
	for _, mode := range []string{"wal", "delete"} {
		for _, damage := range []struct {
			name   string
			make   func(t testing.TB, db string) string
			header bool
		}{
			{"zeroed_page", func(t testing.TB, db string) string { return testkit.ZeroPageOf(t, db, "locations", 1) }, false},
			{"header_destroyed", func(t testing.TB, db string) string { return testkit.DestroyHeader(t, db, 1) }, true},
		} {
			t.Run(mode+"/"+damage.name, func(t *testing.T) {
				c := &patient{t: t, cli: cli, db: filepath.Join(t.TempDir(), "p.db")}
				testkit.BuildArchive(t, c.db, 2000)
				c.sql("pragma journal_mode=" + mode)
				c.app = testkit.StartWriter(t, c.db, testkit.WriterOptions{PerSecond: 20, BusyTimeout: 200 * time.Millisecond})
				var b backupLine
				must(t, "backup", c.db, "--json").last(t, &b)
				if damage.header {
					c.app.Pause() // its next commit writes page 1 anew, from its memory: then nothing is damaged
				}
				c.sql("pragma wal_checkpoint(truncate)")
				t.Log(damage.make(t, c.db))
				officerRun := c.findsDamage(damage.header)
				c.restores(b.Backup.ID)
				c.undoes(damage.header)
				officerRun.stop()
				r := c.app.Stop()
				t.Logf("app: %d commits acknowledged, %d times BUSY, %d failed (%s), %d reads, %d failed", r.Acknowledged, r.Busy, r.Failed, r.LastError, r.Reads, r.ReadsFailed)
			})
		}
	}
}

type patient struct {
	t   *testing.T
	cli string
	db  string
	app *testkit.ForeignWriter
}

func (c *patient) try(sql string) (string, error) {
	out, err := exec.Command(c.cli, "-cmd", ".timeout 200", c.db, sql).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (c *patient) sql(sql string) string {
	c.t.Helper()
	for range 50 {
		if out, err := c.try(sql); err == nil {
			return out
		}
	}
	out, err := c.try(sql)
	c.t.Fatalf("sqlite3 %q: %v\n%s", sql, err, out)
	return ""
}

func (c *patient) findsDamage(header bool) *running {
	c.t.Helper()
	r := run(c.t, c.db)
	r.await(patience, "damage")
	s, code := status(c.t, c.db)
	if code != 4 || s.Health != "red" || !s.has("damage_found") {
		c.t.Fatalf("exit %d, status %+v; want 4, red, damage_found", code, s)
	}
	c.t.Logf("headline: %s", s.Headline)
	if header {
		c.app.Resume()
	} else {
		if !s.Fence.Active {
			c.t.Errorf("no fence: %+v", s)
		}
		if out, err := c.try("insert into tags(name) values('late')"); err == nil || !strings.Contains(out, "locked") {
			c.t.Errorf("a write went through the fence: %v %s", err, out)
		}
		if out, err := c.try("select count(*) from tags"); err != nil || out != "500" {
			c.t.Errorf("a read was kept out: %v %s", err, out)
		}
	}
	o := officer(c.t, "backup", c.db, "--json")
	c.t.Logf("a backup of the damaged database: exit %d", o.code)
	var list struct {
		Backups []struct {
			Tier     string `json:"tier"`
			Verified bool   `json:"verified"`
		} `json:"backups"`
	}
	must(c.t, "list", c.db, "--json").last(c.t, &list)
	counted := 0
	for _, b := range list.Backups {
		if b.Tier != "suspect" {
			counted++
		}
	}
	if counted != 1 || o.code == 0 {
		c.t.Errorf("exit %d and %d counted backups after a backup of damage: %+v", o.code, counted, list)
	}
	return r
}

func (c *patient) restores(id string) {
	c.t.Helper()
	start := time.Now()
	o := must(c.t, "restore", c.db, "--yes", "--json")
	if !contains(o.stdout, id) {
		c.t.Errorf("restored from something else than %s: %s", id, o.stdout)
	}
	if got := c.sql("pragma integrity_check"); got != "ok" {
		c.t.Errorf("after the restore: %s", got)
	}
	if got := c.sql("select count(*) from locations"); got != "2000" {
		c.t.Errorf("%s locations after the restore, want 2000", got)
	}
	c.sql("insert into tags(name) values('after')")
	c.t.Logf("restored in %v", time.Since(start).Round(time.Millisecond))
	before := c.app.Acknowledged()
	deadline := time.After(patience)
	for c.app.Acknowledged() <= before {
		select {
		case <-deadline:
			c.t.Fatal("the app that stayed connected cannot write after the restore")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *patient) undoes(header bool) {
	c.t.Helper()
	o := officer(c.t, "undo", c.db, "--yes", "--json")
	if header && o.code != 0 {
		if !contains(o.stdout, "quarantine") {
			c.t.Errorf("undo of a database without a header: exit %d, %s", o.code, o.stdout)
		}
		if got := c.sql("pragma integrity_check"); got != "ok" {
			c.t.Errorf("the refused undo changed the database: %s", got)
		}
		return
	}
	if header { // the app, which holds page 1 in memory, committed it into the log before the restore: there is a header again
		if got := c.sql("pragma integrity_check"); got != "ok" {
			c.t.Errorf("after an undo that was done: %s", got)
		}
		if got := c.sql("select count(*) from tags where name='after'"); got != "0" {
			c.t.Errorf("undo kept a row that was written after the restore")
		}
		return
	}
	if o.code != 0 {
		c.t.Fatalf("undo: exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
	if got, _ := c.try("pragma integrity_check"); got == "ok" {
		c.t.Error("undo did not take the restore back: integrity_check says ok")
	}
	if got := c.sql("select count(*) from tags where name='after'"); got != "0" {
		c.t.Errorf("undo kept a row that was written after the restore")
	}
}

// TestRestore_underAnAppThatNeverRests: the app tries to commit hundreds of times a
// second and waits for the lock; the restore still gets its turn, nothing that was
// acknowledged before it is missing from the undo copy, and the app goes on.
func TestRestore_underAnAppThatNeverRests(t *testing.T) {
	cli := need(t, "sqlite3")
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			c := &patient{t: t, cli: cli, db: filepath.Join(t.TempDir(), "p.db")}
			testkit.BuildArchive(t, c.db, 5000)
			c.sql("pragma journal_mode=" + mode)
			must(t, "backup", c.db, "--json")
			c.app = testkit.StartWriter(t, c.db, testkit.WriterOptions{PerSecond: 300})
			before := c.app.Acknowledged()
			start := time.Now()
			o := must(t, "restore", c.db, "--yes", "--json")
			took := time.Since(start)
			if got := c.sql("pragma integrity_check"); got != "ok" {
				t.Errorf("after the restore: %s", got)
			}
			var r struct {
				UndoID string `json:"undo_id"`
			}
			o.last(t, &r)
			kept := filepath.Join(c.db+"-officer", "quarantine", r.UndoID, "p.db")
			if rows := testkit.WriterRows(t, kept); rows < before {
				t.Errorf("the undo copy holds commit %d, but %d was acknowledged before", rows, before)
			}
			c.sql("insert into tags(name) values('after')")
			rep := c.app.Stop()
			t.Logf("%s: restored under %.0f commits/s in %v; worst commit %v, %d busy, %d failed",
				mode, float64(rep.Acknowledged)/rep.Duration.Seconds(), took.Round(time.Millisecond), rep.Worst.Round(time.Millisecond), rep.Busy, rep.Failed)
		})
	}
}
