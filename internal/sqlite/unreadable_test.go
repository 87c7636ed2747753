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
	eachReadFails(t, 20, func(at int, c *Conn, struck func() bool) bool {
		report, err := c.CheckFull(t.Context())
		switch {
		case err == nil && report.Verdict != check.OK:
			t.Errorf("read %d failed and the verdict is %s: %v", at, report.Verdict, report.Findings)
		case fault.IsDamage(err):
			t.Errorf("read %d failed and that is called damage: %v", at, err)
		}
		return struck()
	})
}

// One read after the other fails, once: that breaks no rule, and one with wrong SQL stays broken.
func TestRunRules_aPageThatCannotBeReadBreaksNoRule(t *testing.T) {
	rules := []check.Rule{{Name: "sum", SQL: `SELECT 1 FROM a GROUP BY b HAVING sum(length(c)) < 0`, Severity: "red"}, {Name: "wrong", SQL: `SELEC 1`}}
	eachReadFails(t, 5, func(at int, c *Conn, struck func() bool) bool {
		report, err := c.RunRules(t.Context(), rules)
		met := struck()
		if err != nil {
			wantCode(t, err, fault.IO)
			report, err = c.RunRules(t.Context(), rules)
		}
		if err != nil || len(report.RuleBreaks) != 1 || report.RuleBreaks[0].Rule.Name != "wrong" || report.RuleBreaks[0].Err == "" {
			t.Errorf("read %d failed: got %+v, %v; want the wrong rule alone", at, report.RuleBreaks, err)
		}
		return met
	})
}

// eachReadFails gives work a connection of which the read with the number at fails, until work tells that none did;
// least is how many there are.
func eachReadFails(t *testing.T, least int, work func(at int, c *Conn, struck func() bool) bool) {
	t.Helper()
	disk := smallDisk(t)
	for at, met := 1, true; met; at++ {
		life := disk.Clone().Boot(simfs.Plan{ShmDir: t.TempDir()})
		c, err := Open(t.Context(), "/app.db", Options{VFS: life.VFS(), ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		life.Arm(simfs.Fault{Kind: simfs.IOError, At: at})
		met = work(at, c, func() bool { return len(life.Struck()) > 0 })
		_ = c.Close()
		life.End()
		if !met && at < least {
			t.Errorf("only %d reads", at)
		}
	}
}

// smallDisk has a database of many pages, /app.db.
func smallDisk(t *testing.T) *simfs.Disk {
	t.Helper()
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
	return disk
}
