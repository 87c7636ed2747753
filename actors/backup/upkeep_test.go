package backup_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// ground is where the drills of the tests restore to.
type ground struct {
	w     *world
	free  int64
	takes time.Duration
	rules []check.RuleBreak
	swept int
	sick  int // tries that the device fails
}

func drills(g *ground) func(*backup.Config) {
	return func(c *backup.Config) { c.Drill = g }
}

func (g *ground) Free() (int64, error) { return g.free, nil }

func (g *ground) temp(id string) string { return filepath.Join(g.w.home, ".officer-drill-"+id+".tmp") }

func (g *ground) Restore(ctx context.Context, from, id string, progress func(int64, int64)) (string, error) {
	progress(1, 2)
	if err := g.Discard(id); err != nil {
		return "", err
	}
	if g.sick--; g.sick >= 0 {
		return "", fault.New(fault.IO, "copy file", "the device failed")
	}
	if err := fsx.CopyFile(ctx, g.w.fsys, from, g.temp(id), progress); err != nil {
		return "", err
	}
	<-time.After(g.takes)
	return g.temp(id), nil
}

func (g *ground) Check(ctx context.Context, path string, want manifest.Content, _ []check.Rule) (check.Report, error) {
	report, have, err := verifier{}.Verify(ctx, path, want)
	if err == nil && report.Verdict == check.OK && !have.Equal(want) {
		report.Findings = append(report.Findings, check.Finding{Kind: "content", Object: "items", Detail: "differs"})
	}
	report.RuleBreaks = g.rules
	return report, err
}

func (g *ground) Discard(id string) error {
	if err := os.Remove(g.temp(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (g *ground) Sweep() error {
	g.swept++
	return nil
}

func (w *world) newGround() *ground { return &ground{w: w, free: 1 << 40} }

// manifest is what lies on disk.
func (w *world) manifest() manifest.Manifest {
	w.T.Helper()
	data, err := os.ReadFile(filepath.Join(w.home, "backups", "backups.json"))
	if err != nil {
		w.T.Fatal(err)
	}
	m, err := manifest.Parse(data)
	if err != nil {
		w.T.Fatal(err)
	}
	return m
}

func (w *world) entry(id string) manifest.Entry {
	w.T.Helper()
	e, ok := w.manifest().Find(id)
	if !ok {
		w.T.Fatalf("no entry %s", id)
	}
	return e
}

func TestDrillNow_provesMeasuresAndRemoves(t *testing.T) {
	inWorld(t, func(w *world) {
		g := w.newGround()
		g.takes = 1400 * time.Millisecond
		w.start(passive, drills(g))
		if f := w.fails(&messages.GetDrill{}); f.GetCode() != "no_drill" {
			t.Errorf("before the first: %v", f)
		}
		if f := w.fails(&messages.DrillNow{}); f.GetCode() != "no_backup" {
			t.Errorf("without a backup: %v", f)
		}
		b := w.take(&messages.TakeBackup{}).GetBackup()
		w.kinds()
		got := testkit.Ask[*messages.DrillReport](w.Bench, w.pid, &messages.DrillNow{JobId: "d"})
		if !got.GetOk() || got.GetRestoreMs() < 1400 || got.GetBackup().GetId() != b.GetId() || len(got.GetFindings()) != 0 {
			t.Errorf("got %v", got)
		}
		if k := w.kinds(); k != "DrillFinished" || w.up("drill_failed") {
			t.Errorf("events %q, conditions %v", k, w.conditions)
		}
		if _, err := os.Stat(g.temp(b.GetId())); err == nil {
			t.Error("what was restored still lies there")
		}
		if d := w.entry(b.GetId()).Drill; d == nil || !d.OK || d.RestoreMS != got.GetRestoreMs() {
			t.Errorf("the manifest says %+v", d)
		}
		// It is told also when the backup is gone and after a restart.
		for n := range 4 {
			w.commit(n + 2)
			w.Advance(time.Hour)
			w.take(&messages.TakeBackup{})
		}
		w.Stop(w.pid)
		w.start(passive, drills(g))
		last := testkit.Ask[*messages.DrillReport](w.Bench, w.pid, &messages.GetDrill{})
		if last.GetBackup().GetId() != b.GetId() || last.GetRestoreMs() != got.GetRestoreMs() || !last.GetOk() {
			t.Errorf("the last one is %v", last)
		}
		if breaks := w.manifest().VerifyChain(); len(breaks) != 0 {
			t.Errorf("the chain is broken: %v", breaks)
		}
		w.tidy()
	})
}

func TestDrillNow_whatGoesWrong(t *testing.T) {
	red := check.RuleBreak{Rule: check.Rule{Name: "no orphans", Severity: "red"}, Rows: 2}
	yellow := check.RuleBreak{Rule: check.Rule{Name: "tidy", Severity: "yellow"}, Rows: 2}
	cases := []struct {
		name    string
		change  func(g *ground, path string)
		code    string // of the failure; "" = a report
		ok      bool
		verdict string // of the backup afterwards
	}{
		{"no room", func(g *ground, _ string) { g.free = 4096 }, "disk_full", false, "verified"},
		{"torn page", func(_ *ground, p string) { harmFile(t, p, torn) }, "", false, "damaged"},
		{"other content", func(_ *ground, p string) { harmFile(t, p, flipped) }, "", false, "damaged"},
		{"file gone", func(_ *ground, p string) { _ = os.Remove(p) }, "", false, "missing"},
		{"a device that fails once", func(g *ground, _ string) { g.sick = 1 }, "", true, "verified"},
		{"a device that goes on failing", func(g *ground, _ string) { g.sick = 2 }, "", false, "verified"},
		{"broken red rule", func(g *ground, _ string) { g.rules = []check.RuleBreak{red} }, "", false, "verified"},
		{"broken yellow rule", func(g *ground, _ string) { g.rules = []check.RuleBreak{yellow} }, "", true, "verified"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				g := w.newGround()
				w.start(passive, drills(g))
				b := w.take(&messages.TakeBackup{}).GetBackup()
				c.change(g, b.GetPath())
				if c.code != "" {
					if f := w.fails(&messages.DrillNow{}); f.GetCode() != c.code || w.up("drill_failed") {
						t.Errorf("got %v, conditions %v", f, w.conditions)
					}
					return
				}
				got := testkit.Ask[*messages.DrillReport](w.Bench, w.pid, &messages.DrillNow{})
				if got.GetOk() != c.ok || w.up("drill_failed") == c.ok {
					t.Errorf("got %v, conditions %v", got, w.conditions)
				}
				w.Settle()
				if e := w.entry(b.GetId()); e.Verdict != c.verdict {
					t.Errorf("the backup is %q, want %q", e.Verdict, c.verdict)
				}
			})
		})
	}
}

func TestDrill_weeklyAfterTheBackupAndOverdueWhenNone(t *testing.T) {
	inWorld(t, func(w *world) {
		g := w.newGround()
		w.start(drills(g), func(c *backup.Config) { c.DrillEvery = 24 * time.Hour })
		w.copyTakes = time.Minute
		w.Tell(w.pid, &messages.IntegrityChecked{Report: &messages.CheckReport{}})
		w.Advance(time.Second)
		w.Tell(w.pid, &messages.Due{Key: "backup.drill"})
		w.Advance(time.Second)
		if k := w.kinds(); strings.Contains(k, "DrillFinished") {
			t.Errorf("it did not wait for the backup: %q", k)
		}
		w.Advance(2 * time.Minute)
		if k := w.kinds(); k != "BackupTaken DrillFinished" {
			t.Errorf("events %q, want the backup and then the drill", k)
		}
		w.Advance(47 * time.Hour)
		if w.up("drill_overdue") {
			t.Error("overdue too early")
		}
		w.Advance(3 * time.Hour)
		if !w.up("drill_overdue") {
			t.Error("after more than two periods it is not overdue")
		}
		w.Tell(w.pid, &messages.Due{Key: "backup.drill"})
		w.Advance(time.Minute)
		if w.up("drill_overdue") {
			t.Error("it stays overdue after a drill")
		}
		if g.swept == 0 {
			t.Error("the janitor did not look for what killed drills left")
		}
	})
}

func TestScrub_everyBackupWithinAWeekAndRotIsFound(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.Advance(5 * time.Minute)
		for n := range 9 {
			w.commit(n + 2)
			w.take(&messages.TakeBackup{Pin: true})
			w.Advance(time.Hour)
		}
		w.kinds()
		all := w.manifest().Entries
		worst := time.Duration(0)
		for range 14 {
			w.Tell(w.pid, &messages.Due{Key: "backup.scrub"})
			w.Advance(24 * time.Hour)
			for _, e := range w.manifest().Entries {
				worst = max(worst, time.Since(e.Verdicts[len(e.Verdicts)-1].At))
			}
		}
		if worst > 8*24*time.Hour || strings.Contains(w.kinds(), "BackupRotten") {
			t.Errorf("one was left alone for %v", worst)
		}
		scrubs := 0
		for _, e := range w.manifest().Entries {
			for _, v := range e.Verdicts {
				if v.How == "scrub" {
					scrubs++
				}
			}
		}
		if scrubs < 2*len(all) || scrubs > 4*len(all) {
			t.Errorf("%d scrubs of %d backups in two weeks", scrubs, len(all))
		}
		old := all[2]
		harmFile(t, filepath.Join(w.home, "backups", filepath.FromSlash(w.entry(old.ID).File)), torn)
		for range 7 {
			w.Tell(w.pid, &messages.Due{Key: "backup.scrub"})
			w.Advance(24 * time.Hour)
		}
		e := w.entry(old.ID)
		last := e.Verdicts[len(e.Verdicts)-1]
		if last.Verdict != "damaged" || last.How != "scrub" || e.State != manifest.StateQuarantined ||
			!strings.Contains(w.kinds(), "BackupRotten") || !w.up("backup_rotten") {
			t.Errorf("rot: %+v in state %q, conditions %v", last, e.State, w.conditions)
		}
	})
}

func TestScrub_givesWayToABackup(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(func(c *backup.Config) { c.PaceBytesPerSecond = 1 }) // more than an hour a backup
		w.Advance(5 * time.Minute)
		w.commit(2)
		w.Advance(25 * time.Hour)
		w.kinds()
		w.Tell(w.pid, &messages.Due{Key: "backup.scrub"})
		w.Advance(time.Minute)
		got := w.take(&messages.TakeBackup{Priority: messages.Priority_PRIORITY_INTERACTIVE})
		if !got.GetBackup().GetVerified() {
			t.Errorf("got %v", got)
		}
		w.Advance(3 * time.Hour)
		found := false
		for _, e := range w.manifest().Entries {
			found = found || e.Verdicts[len(e.Verdicts)-1].How == "scrub"
		}
		if !found {
			t.Error("the scrub did not go on after the backup")
		}
	})
}

func TestSchemaChange_pinsTheBackupBeforeForAMonth(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.Advance(5 * time.Minute)
		before := w.list().GetBackups()[0]
		w.Advance(time.Hour)
		w.commit(2)
		w.locked(func() { w.content.SchemaDigest = "s2" })
		w.kinds()
		w.take(&messages.TakeBackup{})
		if k := w.kinds(); k != "BackupTaken SchemaChanged" {
			t.Errorf("events %q", k)
		}
		find := func() *messages.Backup {
			for _, b := range w.list().GetBackups() {
				if b.GetId() == before.GetId() {
					return b
				}
			}
			return nil
		}
		got := find()
		if !got.GetPinned() || got.GetPinnedUntilUnixMs() == 0 ||
			!strings.Contains(got.GetKeepReason(), "before the schema changed") {
			t.Errorf("got %v", got)
		}
		day := func(n int) {
			for range n {
				w.commit(time.Now().YearDay() + 100)
				w.locked(func() { w.content.SchemaDigest = "s2" })
				w.Tell(w.pid, &messages.Due{Key: "backup"})
				w.Advance(12 * time.Hour)
				w.Tell(w.pid, &messages.Due{Key: "backup.janitor"})
				w.Advance(12 * time.Hour)
			}
		}
		day(29)
		if got := find(); got == nil || !got.GetPinned() {
			t.Fatalf("within the month: %v", got)
		}
		day(3)
		if got := find(); got.GetPinned() || got.GetPinnedUntilUnixMs() != 0 {
			t.Errorf("after the month: %v", got)
		}
		if breaks := w.manifest().VerifyChain(); len(breaks) != 0 {
			t.Errorf("the chain is broken: %v", breaks)
		}
		w.tidy()
	})
}

func TestExplain_saysWhetherTheChainHolds(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		w.take(&messages.TakeBackup{})
		w.commit(2)
		w.Advance(time.Minute)
		w.take(&messages.TakeBackup{})
		r := testkit.Ask[*messages.RetentionReport](w.Bench, w.pid, &messages.ExplainRetention{})
		if r.GetChainHead() != w.manifest().Head() || len(r.GetChainBreaks()) != 0 {
			t.Errorf("whole: head %q, breaks %v", r.GetChainHead(), r.GetChainBreaks())
		}
		w.Stop(w.pid)
		harmFile(t, filepath.Join(w.home, "backups", "backups.json"), func(d []byte) []byte {
			return []byte(strings.Replace(string(d), `"rows": 1,`, `"rows": 9,`, 1))
		})
		w.start(passive)
		r = testkit.Ask[*messages.RetentionReport](w.Bench, w.pid, &messages.ExplainRetention{})
		if len(r.GetChainBreaks()) != 1 || !strings.Contains(r.GetChainBreaks()[0], "was changed after it was written") {
			t.Errorf("edited: %v", r.GetChainBreaks())
		}
	})
}
