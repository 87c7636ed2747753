package sqlite

import (
	"errors"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// A VACUUM makes the file smaller after its journal is gone. The power may go then, and
// the disk may have kept the one and lost the other.
func TestVacuum_outlivesAPowerCutRightAfterIt(t *testing.T) {
	for _, mode := range []string{"delete", "truncate", "persist", "wal"} {
		shm := t.TempDir()
		start := simfs.New(0)
		life := start.Boot(simfs.Plan{ShmDir: shm})
		f, err := life.Create("/app.db")
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		db, err := OpenDB("/app.db", Options{VFS: life.VFS()})
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		for _, s := range []string{"pragma page_size=512", "pragma journal_mode=" + mode, "create table a(b)", "create table gone(b)",
			"with recursive n(x) as (values(1) union all select x+1 from n where x < 40) insert into gone select zeroblob(400) from n",
			"insert into a values(1)", "drop table gone"} {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		life.End()
		start.SyncAll()
		for seed := range uint64(40) {
			disk := start.Clone()
			life := disk.Boot(simfs.Plan{ShmDir: shm})
			c, err := Open(t.Context(), "/app.db", Options{VFS: life.VFS()})
			if err == nil {
				err = c.Vacuum(t.Context(), time.Second)
			}
			if err != nil {
				t.Fatal(err)
			}
			disk.PowerCut(seed)
			_ = c.Close() // of a machine that is off
			life.End()
			life = disk.Boot(simfs.Plan{ShmDir: shm})
			if c, err = Open(t.Context(), "/app.db", Options{VFS: life.VFS()}); err != nil {
				t.Fatal(err)
			}
			if r, err := c.CheckFull(t.Context()); err != nil || r.Verdict != check.OK {
				t.Errorf("%s, seed %d: %s with %d findings (%v)", mode, seed, r.Verdict, len(r.Findings), err)
			}
			_ = c.Close()
			life.End()
		}
	}
}

// A schema that cannot be parsed keeps the restore's own connection from syncing the end
// of its journal. The restore is durable all the same; and an error that is no damage
// ends it, in place of making it weaker.
func TestRestore_overADamagedSchemaOutlivesAPowerCut(t *testing.T) {
	shm := t.TempDir()
	start := simfs.New(0)
	life := start.Boot(simfs.Plan{ShmDir: shm})
	for _, name := range []string{"/app.db", "/copy.db"} {
		f, err := life.Create(name)
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(statements ...string) {
		t.Helper()
		db, err := OpenDB("/app.db", Options{VFS: life.VFS()})
		if err != nil {
			t.Fatal(err)
		}
		db.SetMaxOpenConns(1)
		for _, s := range statements {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	run("pragma page_size=512", "create table a(b)", "insert into a values(1)")
	c, err := Open(t.Context(), "/app.db", Options{VFS: life.VFS()})
	if err == nil {
		_, err = c.Copy(t.Context(), "/copy.db", CopyOptions{})
	}
	if err := errors.Join(err, c.Close()); err != nil {
		t.Fatal(err)
	}
	run("insert into a values(2)", "pragma writable_schema=on", "update sqlite_schema set sql='garbage'")
	life.End()
	start.SyncAll()
	for seed := range uint64(60) {
		disk := start.Clone()
		life := disk.Boot(simfs.Plan{ShmDir: shm})
		c, err := Open(t.Context(), "/app.db", Options{VFS: life.VFS()})
		if err == nil {
			err = c.Restore(t.Context(), "/copy.db", RestoreOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		disk.PowerCut(seed)
		_ = c.Close() // of a machine that is off
		life.End()
		life = disk.Boot(simfs.Plan{ShmDir: shm})
		if c, err = Open(t.Context(), "/app.db", Options{VFS: life.VFS()}); err != nil {
			t.Fatal(err)
		}
		if content, err := c.Content(t.Context()); err != nil || len(content.Tables) != 1 || content.Tables[0].Rows != 1 {
			t.Errorf("seed %d: the restore was answered, and the database holds %v (%v)", seed, content, err)
		}
		_ = c.Close()
		life.End()
	}
}
