package backup_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func harmFile(t *testing.T, path string, harm func([]byte) []byte) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, harm(data), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerifyBackups_judgesWhatLiesThere(t *testing.T) {
	cases := []struct {
		name     string
		harm     func(t *testing.T, path string)
		want     string
		finding  string
		tier     string
		verified bool
	}{
		{"untouched", func(*testing.T, string) {}, "verified", "", "recent", true},
		{"flipped payload", func(t *testing.T, p string) { harmFile(t, p, flipped) }, "damaged", "items", "quarantined", false},
		{"torn page", func(t *testing.T, p string) { harmFile(t, p, torn) }, "damaged", "cannot be read", "quarantined", false},
		{"other bytes, same content", func(t *testing.T, p string) {
			harmFile(t, p, func(d []byte) []byte { d[99] = 1; return d })
		}, "changed", "bytes", "quarantined", false},
		{"gone", func(t *testing.T, p string) { _ = os.Remove(p) }, "missing", "gone", "recent", false},
		{"a symbolic link", func(t *testing.T, p string) {
			_ = os.Remove(p)
			if err := os.Symlink(os.DevNull, p); err != nil {
				t.Skip("no symbolic links here:", err)
			}
		}, "changed", "regular", "recent", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.start(passive)
				b := w.take(&messages.TakeBackup{}).GetBackup()
				w.kinds()
				c.harm(t, b.GetPath())
				got := testkit.Ask[*messages.VerifyReport](w.Bench, w.pid, &messages.VerifyBackups{}).GetVerdicts()
				if len(got) != 1 || got[0].GetVerdict() != c.want || got[0].GetBackup().GetTier() != c.tier ||
					got[0].GetBackup().GetVerified() != c.verified {
					t.Fatalf("got %v, want %s in %s", got, c.want, c.tier)
				}
				if c.want == "verified" {
					if w.up("backup_rotten") || w.kinds() != "" {
						t.Error("a good one alarms")
					}
					return
				}
				if f := got[0].GetFindings(); len(f) == 0 || !strings.Contains(f[0].GetObject()+f[0].GetDetail(), c.finding) {
					t.Errorf("findings %v, want %q named", f, c.finding)
				}
				if k := w.kinds(); k != "BackupRotten" || !w.up("backup_rotten") || !w.up("no_verified_backup") {
					t.Errorf("events %q, conditions %v", k, w.conditions)
				}
				// Known by now: no second alarm; and it is no proof, so nothing is skipped.
				testkit.Ask[*messages.VerifyReport](w.Bench, w.pid, &messages.VerifyBackups{All: true})
				w.Advance(time.Minute)
				next := w.take(&messages.TakeBackup{})
				if k := w.kinds(); next.GetSkipped() || strings.Contains(k, "BackupRotten") || w.up("no_verified_backup") {
					t.Errorf("events %q, then %v", k, next)
				}
				w.tidy() // a missing one left the list
			})
		})
	}
}

func TestVerifyBackups_idsAndAll(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		if f := w.fails(&messages.VerifyBackups{}); f.GetCode() != "no_backup" {
			t.Errorf("empty shelf: %v, want no_backup", f)
		}
		old := w.take(&messages.TakeBackup{}).GetBackup()
		w.commit(2)
		w.Advance(time.Minute)
		w.take(&messages.TakeBackup{})
		if f := w.fails(&messages.VerifyBackups{Id: "../x"}); f.GetCode() != "no_backup" {
			t.Errorf("unknown id: %v, want no_backup", f)
		}
		one := testkit.Ask[*messages.VerifyReport](w.Bench, w.pid, &messages.VerifyBackups{Id: old.GetId()}).GetVerdicts()
		if len(one) != 1 || one[0].GetBackup().GetId() != old.GetId() {
			t.Errorf("by id: %v", one)
		}
		if all := testkit.Ask[*messages.VerifyReport](w.Bench, w.pid, &messages.VerifyBackups{All: true}).GetVerdicts(); len(all) != 2 {
			t.Errorf("all: %d verdicts, want 2", len(all))
		}
	})
}

func TestPinBackup_keepsItOutsideTheCount(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		b := w.take(&messages.TakeBackup{}).GetBackup()
		got := testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.PinBackup{Id: b.GetId()})
		if !got.GetPinned() || got.GetTier() != "pinned" {
			t.Errorf("pinned: %v", got)
		}
		for n := range 5 {
			w.commit(n + 2)
			w.Advance(time.Hour)
			w.take(&messages.TakeBackup{})
		}
		w.tidy()
		if _, err := os.Stat(got.GetPath()); err != nil {
			t.Errorf("the pinned one: %v", err)
		}
		if got = testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.UnpinBackup{Id: b.GetId()}); got.GetPinned() || got.GetTier() == "pinned" {
			t.Errorf("unpinned: %v", got)
		}
		if f := w.fails(&messages.PinBackup{Id: "x"}); f.GetCode() != "no_backup" {
			t.Errorf("unknown id: %v", f)
		}
	})
}

func TestLoad_damagedManifestIsRebuiltAndVerifiedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		w.take(&messages.TakeBackup{})
		w.commit(2)
		w.Advance(time.Hour)
		w.take(&messages.TakeBackup{})
		w.Stop(w.pid)
		if err := os.WriteFile(filepath.Join(w.home, "backups", "backups.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.Advance(time.Second)
		list := w.list().GetBackups()
		if len(list) != 2 || !list[0].GetVerified() || !list[1].GetVerified() || list[0].GetContent().GetSchemaDigest() == "" {
			t.Errorf("got %v, want both verified again with their content", list)
		}
		w.Advance(time.Hour)
		if w.up("manifest_rebuilt") {
			t.Error("manifest_rebuilt stays up though all is verified again")
		}
	})
}

func TestLoad_newerManifestIsLeftAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		name := filepath.Join(w.home, "backups", "backups.json")
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(`{"version":99}`), 0o600); err != nil {
			t.Fatal(err)
		}
		w.start()
		if f := w.fails(&messages.TakeBackup{}); f.GetCode() != string(manifest.Newer) || !w.up("manifest_unwritable") {
			t.Errorf("got %v, conditions %v", f, w.conditions)
		}
		w.Advance(time.Hour)
		if data, _ := os.ReadFile(name); string(data) != `{"version":99}` {
			t.Error("it was overwritten")
		}
	})
}

func TestDamage_foundDuringABackupMakesItSuspect(t *testing.T) {
	inWorld(t, func(w *world) {
		w.copyTakes = time.Minute
		w.start(passive)
		asker := w.Probe("asker")
		asker.Request(w.pid, &messages.TakeBackup{})
		w.Advance(time.Second)
		w.Tell(w.pid, &messages.DamageFound{})
		w.Advance(2 * time.Minute)
		got := testkit.Await[*messages.BackupReport](asker).GetBackup()
		if got.GetTier() != "suspect" || got.GetVerified() || strings.Contains(w.kinds(), "BackupTaken") {
			t.Errorf("got %v, want it among the suspect ones and not told as taken", got)
		}
		w.tidy()
	})
}

func TestRestart_inTheMiddleOfABackup(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.Advance(5 * time.Minute)
		w.kinds()
		w.commit(2)
		w.locked(func() { w.copyTakes = time.Minute })
		asker, lister := w.Probe("asker"), w.Probe("lister")
		asker.Request(w.pid, &messages.TakeBackup{Force: true})
		w.Advance(10 * time.Second)
		w.locked(func() { w.panicOnDir = true })
		lister.Request(w.pid, &messages.ListBackups{})
		w.Advance(5 * time.Minute)
		for name, p := range map[string]*testkit.Probe{"asker": asker, "lister": lister} {
			answers := 0
			for _, h := range p.Heard() {
				if _, is := h.Message.(*messages.Progress); !is {
					answers++
				}
			}
			if answers != 1 {
				t.Errorf("the %s heard %d answers, want one: %v", name, answers, p.Heard())
			}
		}
		if f := testkit.Await[*messages.Failure](asker); f.GetCode() != "actor_gone" {
			t.Errorf("the asker got %v", f)
		}
		if w.cancelled != 1 {
			t.Errorf("the copy was cancelled %d times, want once", w.cancelled)
		}
		// The fake owner cannot be cancelled: its late copy is a stray for the janitor.
		w.Tell(w.pid, &messages.Due{Key: "backup.janitor"})
		w.Advance(time.Second)
		w.tidy()
		if got := w.take(&messages.TakeBackup{}); !got.GetBackup().GetVerified() || got.GetSkipped() {
			t.Errorf("afterwards: %v", got)
		}
		w.tidy()
	})
}

// OFFICER_YEAR_DAYS makes it shorter for the race detector.
func TestYear_atMostSixteenAndEveryDropForetold(t *testing.T) {
	days := 366
	if v := os.Getenv("OFFICER_YEAR_DAYS"); v != "" {
		var err error
		if days, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	inWorld(t, func(w *world) {
		w.fsys = unsynced{fsx.OS()}
		const every = 8 * time.Hour
		w.start(func(c *backup.Config) { c.Every = every })
		w.Advance(5 * time.Minute)
		most, drops := 0, 0
		for tick := 0; tick < days*3; tick++ {
			if tick%50 < 6 { // two days off now and then
				w.Advance(every)
				continue
			}
			before := map[string]*messages.Backup{}
			counted, verified := 0, 0
			for _, b := range testkit.Ask[*messages.RetentionReport](w.Bench, w.pid, &messages.ExplainRetention{}).GetKept() {
				before[b.GetId()] = b
				if b.GetVerified() {
					verified++
				}
				if retention.Tier(b.GetTier()).Counted() {
					counted++
				}
			}
			most = max(most, counted)
			if counted > 16 || verified < 1 {
				t.Fatalf("tick %d: %d counted, %d verified", tick, counted, verified)
			}
			w.commit(tick + 10)
			w.Tell(w.pid, &messages.Due{Key: "backup"})
			w.Advance(every)
			w.Settle()
			w.locked(func() {
				for _, e := range w.events {
					p, ok := e.(*messages.BackupPruned)
					if !ok {
						continue
					}
					drops++
					b := before[p.GetDropped().GetId()]
					if goes := b.GetExpiresBecause(); b == nil || p.GetDropped().GetReason() == "" ||
						!strings.HasPrefix(goes, "replaced") && !strings.HasPrefix(goes, "with the next") {
						t.Errorf("tick %d: %s went (%s), but it was foretold %q", tick, p.GetDropped().GetId(), p.GetDropped().GetReason(), goes)
					}
				}
				w.events = nil
			})
		}
		w.tidy()
		r := testkit.Ask[*messages.RetentionReport](w.Bench, w.pid, &messages.ExplainRetention{})
		t.Logf("at most %d counted, %d drops, %d of them still told", most, drops, len(r.GetDropped()))
		if days < 366 {
			return
		}
		if most < 14 || drops < 800 || len(r.GetDropped()) != 200 {
			t.Errorf("at most %d counted, %d drops, %d told; want a full year of them", most, drops, len(r.GetDropped()))
		}
	})
}

// A copy of a damaged database is kept as evidence: damaged, as it was taken. Only when its
// bytes change it went bad.
func TestVerify_ofASuspectBackupTellsOnlyOfOtherBytes(t *testing.T) {
	inWorld(t, func(w *world) {
		w.suspect, w.sick, w.since = true, torn, time.Now()
		w.start(passive)
		b := w.take(&messages.TakeBackup{}).GetBackup()
		if b.GetVerified() || b.GetVerdict() != "suspect" {
			t.Fatalf("got %v, want a suspect backup", b)
		}
		w.kinds()
		verify := func() string {
			return testkit.Ask[*messages.VerifyReport](w.Bench, w.pid, &messages.VerifyBackups{Id: b.GetId()}).GetVerdicts()[0].GetVerdict()
		}
		if verdict, told := verify(), w.kinds(); verdict != "damaged" || told != "" {
			t.Errorf("as taken: got %s and events %q, want damaged and none", verdict, told)
		}
		harmFile(t, b.GetPath(), func(p []byte) []byte { p[len(p)-1]++; return p })
		if verdict, told := verify(), w.kinds(); verdict != "damaged" || told != "BackupRotten" {
			t.Errorf("changed: got %s and events %q, want damaged and BackupRotten", verdict, told)
		}
	})
}

// The backup that somebody restores must not go for the one that is taken before: a restore
// can still fail, and then it is wanted once more.
func TestTakeBackup_forARestoreDropsNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		for range 6 {
			testkit.Advance(time.Minute)
			w.take(&messages.TakeBackup{Force: true})
		}
		before := len(w.manifest().Entries)
		testkit.Advance(time.Minute)
		w.take(&messages.TakeBackup{Force: true, Reason: "before_restore"})
		if got := len(w.manifest().Entries); got != before+1 {
			t.Errorf("%d backups, want %d and the one before the restore", got, before)
		}
		testkit.Advance(time.Minute)
		w.take(&messages.TakeBackup{Force: true})
		if got := len(w.manifest().Entries); got != before {
			t.Errorf("%d backups after the next one, want %d", got, before)
		}
	})
}

// Without `run` nobody else clears away what a killed drill left.
func TestPassive_drillAndBackupClearAwayWhatAKilledDrillLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		g := w.newGround()
		w.start(passive, drills(g))
		w.take(&messages.TakeBackup{})
		if g.swept != 1 {
			t.Errorf("swept %d times by the first backup, want once", g.swept)
		}
		testkit.Ask[*messages.DrillReport](w.Bench, w.pid, &messages.DrillNow{JobId: "d"})
		if g.swept != 2 {
			t.Errorf("swept %d times after a drill, want twice", g.swept)
		}
	})
}
