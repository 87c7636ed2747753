package sqlite

import (
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
