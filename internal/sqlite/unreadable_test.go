package sqlite

import (
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/testkit/simfs"
)

// One read after the other fails, once: whatever integrity_check makes of it, a device
// that fails is no damage (promise P4).
func TestCheckFull_aPageThatCannotBeReadIsNoDamage(t *testing.T) {
	disk := simfs.New(0)
	life := disk.Boot(simfs.Plan{ShmDir: t.TempDir()})
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
	for _, s := range []string{"pragma page_size=512", "pragma auto_vacuum=incremental", "create table a(id integer primary key, b, c)", "create index a_b on a(b)",
		"with recursive n(x) as (values(1) union all select x+1 from n where x < 60) insert into a select x, x%9, zeroblob(20*x) from n",
		"delete from a where id > 50"} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	life.End()
	for at := 1; ; at++ {
		life := disk.Clone().Boot(simfs.Plan{ShmDir: t.TempDir()})
		c, err := Open(t.Context(), "/app.db", Options{VFS: life.VFS(), ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		life.Arm(simfs.Fault{Kind: simfs.IOError, At: at})
		report, err := c.CheckFull(t.Context())
		struck := len(life.Struck()) > 0
		switch {
		case err == nil && report.Verdict != check.OK:
			t.Errorf("read %d failed and the verdict is %s: %v", at, report.Verdict, report.Findings)
		case fault.IsDamage(err):
			t.Errorf("read %d failed and that is called damage: %v", at, err)
		}
		_ = c.Close()
		life.End()
		if !struck {
			if at < 20 {
				t.Errorf("only %d reads", at)
			}
			return
		}
	}
}
