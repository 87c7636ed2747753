package backup_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/condition"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func TestTakeBackup_isVerifiedListedAndTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		if !w.up("no_verified_backup") {
			t.Error("without a backup no_verified_backup is not up")
		}
		var stages []string
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		got, err := kit.Ask[*messages.BackupReport](ctx, w.System(), w.pid, &messages.TakeBackup{Reason: "manual", JobId: "j1",
			Priority: messages.Priority_PRIORITY_INTERACTIVE}, func(p *messages.Progress) {
			if p.GetJobId() == "j1" && (len(stages) == 0 || stages[len(stages)-1] != p.GetStage()) {
				stages = append(stages, p.GetStage())
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		b := got.GetBackup()
		if !b.GetVerified() || b.GetVerdict() != "verified" || b.GetTier() != "recent" || got.GetSkipped() || got.GetTries() != 1 {
			t.Errorf("got %v", got)
		}
		if info, err := os.Stat(b.GetPath()); err != nil || info.Mode().Perm() != 0o600 || len(b.GetSha256()) != 64 {
			t.Errorf("the file: %v, %v, sha %q", info, err, b.GetSha256())
		}
		if s := strings.Join(stages, " "); s != "copy verify" {
			t.Errorf("progress of stages %q, want copy verify", s)
		}
		if k := w.kinds(); k != "BackupTaken" || w.done != 1 || w.up("no_verified_backup") {
			t.Errorf("events %q, %d times done, conditions %v", k, w.done, w.conditions)
		}
		if w.copies[0].GetPaceBytesPerSecond() != 0 {
			t.Errorf("paced to %d while somebody waits", w.copies[0].GetPaceBytesPerSecond())
		}
		found := testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.FindBackup{})
		if found.GetId() != b.GetId() {
			t.Errorf("found %s, want %s", found.GetId(), b.GetId())
		}
		if f := w.fails(&messages.FindBackup{BeforeUnixMs: b.GetTakenAtUnixMs()}); f.GetCode() != "no_backup" || !strings.Contains(f.GetText(), "no verified backup from before 20") {
			t.Errorf("before the first: %v, want no_backup", f)
		}
		w.tidy()
	})
}

const waitMost = 16 // behind the one under way

func TestTakeBackup_whileOneRunsWaits(t *testing.T) {
	inWorld(t, func(w *world) {
		w.copyTakes = time.Minute
		w.start(passive)
		var asked []*testkit.Probe
		for n := range waitMost + 1 {
			p := w.Probe(fmt.Sprint("probe-", n))
			p.Request(w.pid, &messages.TakeBackup{JobId: fmt.Sprint("job-", n), Pin: n == 1})
			asked = append(asked, p)
		}
		w.Advance(time.Second)
		if f := w.fails(&messages.TakeBackup{}); f.GetCode() != "already_running" {
			t.Errorf("behind %d others: got %v, want already_running", waitMost, f)
		}
		w.System().Root.Send(w.pid, &messages.CancelJob{Id: "job-2"})
		if f := testkit.Await[*messages.Failure](asked[2]); f.GetCode() != "interrupted" {
			t.Errorf("cancelled: got %v, want interrupted", f)
		}
		w.commit(2) // after the copy under way was begun: the next has to hold it
		w.Advance(2 * time.Minute)
		first := testkit.Await[*messages.BackupReport](asked[0])
		second := testkit.Await[*messages.BackupReport](asked[1])
		if second.GetSkipped() || second.GetBackup().GetId() == first.GetBackup().GetId() || !second.GetBackup().GetPinned() {
			t.Errorf("the second gave %v after %v, want another backup, pinned", second, first)
		}
		for n, p := range asked[3:] {
			if r := testkit.Await[*messages.BackupReport](p); !r.GetSkipped() || r.GetBackup().GetId() != second.GetBackup().GetId() {
				t.Errorf("number %d: got %v, want the second, which holds everything", n+3, r)
			}
		}
		w.tidy()
	})
}

func TestTakeBackup_unchangedIsSkipped(t *testing.T) {
	wal := func(w *world, frames uint32) {
		w.locked(func() {
			w.source = &messages.Source{Device: 1, Inode: 2, ChangeCounter: 1, JournalMode: "wal", WalFrames: frames}
			if frames > 0 {
				w.source.WalSalt = 7
			}
		})
	}
	cases := []struct {
		name    string
		before  func(w *world)
		between func(w *world, first *messages.Backup)
		msg     *messages.TakeBackup
		skipped bool
		copies  int // that the owner was asked for the second time
	}{
		{"same source", nil, nil, &messages.TakeBackup{}, true, 0},
		{"same content under another source", nil, func(w *world, _ *messages.Backup) { w.commit(1) }, &messages.TakeBackup{}, true, 1},
		{"other content", nil, func(w *world, _ *messages.Backup) { w.commit(2) }, &messages.TakeBackup{}, false, 1},
		{"WAL with the same frames", func(w *world) { wal(w, 3) }, nil, &messages.TakeBackup{}, true, 0},
		{"WAL without frames proves nothing", func(w *world) { wal(w, 0) }, func(w *world, _ *messages.Backup) {
			old := w.source
			w.commit(2)
			w.locked(func() { w.source = old })
		}, &messages.TakeBackup{}, false, 1},
		{"force", nil, nil, &messages.TakeBackup{Force: true}, false, 1},
		{"pin", nil, nil, &messages.TakeBackup{Pin: true}, false, 1},
		{"standing file gone", nil, func(_ *world, b *messages.Backup) { _ = os.Remove(b.GetPath()) }, &messages.TakeBackup{}, false, 1},
		{"standing file cut", nil, func(_ *world, b *messages.Backup) { _ = os.Truncate(b.GetPath(), 100) }, &messages.TakeBackup{}, false, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				if c.before != nil {
					c.before(w)
				}
				w.start(passive)
				first := w.take(&messages.TakeBackup{}).GetBackup()
				if c.between != nil {
					c.between(w, first)
				}
				w.Advance(time.Minute)
				w.kinds()
				copies := len(w.copies)
				got := w.take(c.msg)
				if got.GetSkipped() != c.skipped || len(w.copies)-copies != c.copies {
					t.Errorf("skipped %v (%s) after %d copies; want %v after %d", got.GetSkipped(), got.GetSkippedBecause(),
						len(w.copies)-copies, c.skipped, c.copies)
				}
				if c.skipped && (got.GetBackup().GetId() != first.GetId() || w.kinds() != "BackupSkipped") {
					t.Errorf("the standing one is not given: %v", got)
				}
				if c.msg.GetPin() && got.GetBackup().GetTier() != "pinned" {
					t.Errorf("pinned into %s", got.GetBackup().GetTier())
				}
			})
		})
	}
}

func TestTakeBackup_diskFullSaysTheNumbers(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive, func(c *backup.Config) { c.FreeMarginBytes = 1 << 50 })
		f := w.fails(&messages.TakeBackup{})
		if f.GetCode() != "disk_full" || !strings.Contains(f.GetText(), "4 kB") || len(f.GetHints()) != 1 {
			t.Errorf("got %v, want disk_full with numbers and a way out", f)
		}
		if len(w.copies) != 0 || len(w.files()) != 0 {
			t.Errorf("%d copies, files %v; want none", len(w.copies), w.files())
		}
		if !w.up("backup_failed") {
			t.Error("backup_failed is not up")
		}
	})
}

func TestTakeBackup_copyThatDiffersIsDeletedAndRetried(t *testing.T) {
	const always = 3
	cases := []struct {
		name     string
		harm     func([]byte) []byte
		times    int
		wantCode string
		names    string
		checks   int
		waits    time.Duration
	}{
		{"flipped payload once", flipped, 1, "", "", 0, time.Second},
		{"flipped payload twice", flipped, 2, "", "", 0, 5 * time.Second},
		{"flipped payload always", flipped, always, "content_differs", "items", 0, 5 * time.Second},
		{"damage always", torn, always, "content_differs", "a page cannot be read", 1, 5 * time.Second},
		{"no header always", func([]byte) []byte { return make([]byte, 4096) }, always, "content_differs", "header", 1, 5 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				for range c.times {
					w.harm = append(w.harm, c.harm)
				}
				w.start(passive)
				began := time.Now()
				if c.wantCode == "" {
					got := w.take(&messages.TakeBackup{})
					if int(got.GetTries()) != c.times+1 || !got.GetBackup().GetVerified() {
						t.Errorf("got %v, want verified at try %d", got, c.times+1)
					}
				} else {
					f := w.fails(&messages.TakeBackup{})
					if f.GetCode() != c.wantCode || !strings.Contains(f.GetText(), c.names) {
						t.Errorf("got %v, want %s that names %s", f, c.wantCode, c.names)
					}
					if len(w.files()) != 0 {
						t.Errorf("left %v", w.files())
					}
					if k := w.kinds(); k != "BackupFailed" || !w.up("backup_failed") {
						t.Errorf("events %q, conditions %v", k, w.conditions)
					}
				}
				if took := time.Since(began); took < c.waits || took > c.waits+time.Second {
					t.Errorf("took %v, want back-off of %v", took, c.waits)
				}
				if w.Settle(); w.checks != c.checks {
					t.Errorf("integrity was asked %d times, want %d", w.checks, c.checks)
				}
				w.tidy()
			})
		})
	}
}

// Where only SQLite can copy, the content of its snapshot is what the copy must hold.
func TestTakeBackup_bySQLiteIsComparedByContent(t *testing.T) {
	inWorld(t, func(w *world) {
		w.bySQLite = true
		w.start(passive)
		if b := w.take(&messages.TakeBackup{}).GetBackup(); !b.GetVerified() || b.GetContent().GetTables()[0].GetName() != "items" {
			t.Errorf("got %v", b)
		}
		w.commit(2)
		w.harm = append(w.harm, flipped, flipped, flipped)
		if f := w.fails(&messages.TakeBackup{}); f.GetCode() != "content_differs" || !strings.Contains(f.GetText(), "items") {
			t.Errorf("got %v, want content_differs that names items", f)
		}
	})
}

// The same bytes may be those of a damaged database, and content nobody knows is no proof.
func TestTakeBackup_equalBytesAloneAreNoProof(t *testing.T) {
	cases := []struct {
		name, names string
		prepare     func(w *world)
	}{
		{"damage in the database", "a page cannot be read", func(w *world) { w.sick = torn }},
		{"neither hash nor content", "it is not known", func(w *world) { w.silent = true }},
	}
	for _, c := range cases {
		inWorld(t, func(w *world) {
			c.prepare(w)
			w.start(passive)
			if f := w.fails(&messages.TakeBackup{}); f.GetCode() != "content_differs" || !strings.Contains(f.GetText(), c.names) {
				t.Errorf("%s: got %v, want content_differs that says %q", c.name, f, c.names)
			}
			if len(w.files()) != 0 {
				t.Errorf("%s: left %v", c.name, w.files())
			}
			w.tidy()
		})
	}
}

// Somebody waits for the answer.
func TestTakeBackup_ofADestroyedHeaderIsRefusedWithinTwoSeconds(t *testing.T) {
	for _, code := range []fault.Code{fault.NotADatabase, fault.Corrupt} {
		inWorld(t, func(w *world) {
			w.inspectErr = messages.NewFailure(string(code), "inspect database", "its header is destroyed")
			w.start(passive)
			began := time.Now()
			if f := w.fails(&messages.TakeBackup{}); f.GetCode() != string(code) {
				t.Errorf("got %v, want %s", f, code)
			}
			if took := time.Since(began); took < time.Second || took > 2*time.Second {
				t.Errorf("%s: took %v, want one more look after a second", code, took)
			}
		})
	}
}

// blind is a verifier that understands nothing of the file, as of a schema format of the future.
type blind struct{}

func (blind) Verify(context.Context, string, manifest.Content) (check.Report, manifest.Content, error) {
	unknown := check.Finding{Kind: "module", Object: "sqlite_schema", Detail: "unsupported file format"}
	return check.Report{Verdict: check.CannotJudge, Findings: []check.Finding{unknown}}, manifest.Content{}, nil
}

func TestTakeBackup_ofWhatNobodyCanReadIsNotVerified(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive, func(c *backup.Config) { c.Verifier = blind{} })
		f := w.fails(&messages.TakeBackup{Reason: "manual"})
		if f.GetCode() != string(fault.CannotJudge) || !strings.Contains(f.GetText(), "unsupported file format") {
			t.Errorf("got %v, want cannot_judge and why", f)
		}
		if all := w.list().GetBackups(); len(all) > 0 {
			t.Errorf("got %d backups, want none", len(all))
		}
	})
}

func TestTakeBackup_ownFailureIsRetriedSoon(t *testing.T) {
	inWorld(t, func(w *world) {
		w.inspectErr = messages.NewFailure("missing", "inspect database", "no such file")
		w.start()
		w.Advance(3 * time.Minute)
		if k := w.kinds(); k != "BackupFailed" || !w.up("backup_failed") {
			t.Fatalf("events %q, conditions %v", k, w.conditions)
		}
		w.locked(func() { w.inspectErr = nil })
		w.Advance(16 * time.Minute)
		if k := w.kinds(); k != "BackupTaken" || w.up("backup_failed") {
			t.Errorf("events %q, conditions %v; want a backup within 15 minutes", k, w.conditions)
		}
	})
}

func TestTakeBackup_ofSuspectDatabaseNeverCounts(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		good := w.take(&messages.TakeBackup{}).GetBackup()
		w.locked(func() { w.suspect, w.since = true, time.Now() })
		w.Tell(w.pid, &messages.DamageFound{})
		w.commit(2)
		w.locked(func() { w.harm = append(w.harm, torn) })
		w.Advance(5 * time.Minute) // the backup at start
		list := w.list()
		if len(list.GetBackups()) != 2 || list.GetBackups()[0].GetTier() != "suspect" || list.GetBackups()[0].GetVerified() ||
			list.GetBackups()[0].GetVerdict() != "suspect" || list.GetHeld() == "" {
			t.Fatalf("got %v, want a suspect one beside the good one, expiry held", list)
		}
		if w.copies[1].GetPaceBytesPerSecond() != 0 {
			t.Error("a database that is being damaged is copied slowly")
		}
		w.Tell(w.pid, &messages.Due{Key: "backup"})
		w.Advance(time.Minute)
		if n := len(w.list().GetBackups()); n != 2 {
			t.Errorf("%d backups after another period, want still 2: one picture of the damage is enough", n)
		}
		if f := testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.FindBackup{}); f.GetId() != good.GetId() {
			t.Errorf("found %s, want the good one", f.GetId())
		}
		w.locked(func() { w.suspect = false })
		w.Tell(w.pid, &messages.DamageGone{})
		w.Advance(time.Minute)
		if b := w.list().GetBackups(); len(b) != 3 || b[0].GetReason() != "after_repair" || !b[0].GetVerified() {
			t.Errorf("after the repair: %v, want a fresh verified one", b)
		}
		w.tidy()
	})
}

func TestTakeBackup_clockThatJumpedDeletesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive, func(c *backup.Config) {
			start := time.Now()
			c.Elapsed = func() time.Duration { return time.Since(start) + time.Second }
		})
		for n := range 3 {
			w.commit(n + 10)
			w.Advance(time.Hour)
			w.take(&messages.TakeBackup{})
		}
		w.kinds()
		jump := func(d time.Duration, n int) *messages.Backup {
			w.locked(func() { w.skew += d })
			w.commit(n)
			w.Advance(time.Hour)
			return w.take(&messages.TakeBackup{}).GetBackup()
		}
		future := jump(24*365*time.Hour, 20)
		if k := w.kinds(); k != "BackupTaken" {
			t.Errorf("clock set forward: events %q, want nothing pruned", k)
		}
		jump(-24*365*time.Hour, 21)
		if k := w.kinds(); k != "BackupTaken" {
			t.Errorf("clock set back: events %q, want nothing pruned", k)
		}
		got := testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.FindBackup{Id: future.GetId()})
		if got.GetTier() != "quarantined" {
			t.Errorf("the one from the future lies in %s, want quarantined", got.GetTier())
		}
		w.tidy()
	})
}

func TestBackup_atStartWaitsForTheFirstFullCheck(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.Advance(time.Minute)
		if len(w.copies) != 0 {
			t.Fatal("it did not wait")
		}
		w.Tell(w.pid, &messages.IntegrityChecked{Report: &messages.CheckReport{Kind: messages.CheckKind_CHECK_KIND_QUICK}})
		w.Advance(time.Second)
		w.Tell(w.pid, &messages.Due{Key: "backup"}) // the one at start serves the period
		w.Advance(time.Second)
		if len(w.copies) != 0 {
			t.Fatal("it did not wait for a full check")
		}
		w.Tell(w.pid, &messages.IntegrityChecked{Report: &messages.CheckReport{Kind: messages.CheckKind_CHECK_KIND_FULL}})
		w.Advance(time.Second)
		if b := w.list().GetBackups(); len(b) != 1 || b[0].GetReason() != "start" {
			t.Errorf("got %v, want the backup at start", b)
		}
		if p := w.copies[0].GetPaceBytesPerSecond(); p != 0 {
			t.Errorf("the first backup of all was paced to %d", p)
		}
		w.Advance(5 * time.Minute)
		if len(w.copies) != 1 {
			t.Error("it was taken twice")
		}
		w.commit(2)
		w.Tell(w.pid, &messages.Due{Key: "backup"})
		w.Advance(time.Second)
		if b := w.list().GetBackups(); b[0].GetReason() != "scheduled" {
			t.Errorf("got %v, want a scheduled one", b[0])
		}
		if p := w.copies[1].GetPaceBytesPerSecond(); p != 10_000_000 {
			t.Errorf("paced to %d, want 10 MB/s", p)
		}
	})
}

func TestBackup_atStartDoesNotWaitForACheckThatIsOver(t *testing.T) {
	inWorld(t, func(w *world) {
		w.lastFull = &messages.CheckReport{Verdict: "ok"}
		w.start()
		w.Advance(time.Second)
		if b := w.list().GetBackups(); len(b) != 1 || b[0].GetReason() != "start" {
			t.Errorf("got %v, want the backup at start", b)
		}
	})
}

func TestBackup_passiveDoesNothingOnItsOwn(t *testing.T) {
	inWorld(t, func(w *world) {
		stray := filepath.Join(w.home, "backups", "2000", "recent", ".officer-20000101T000000Z.tmp")
		if err := os.MkdirAll(filepath.Dir(stray), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(stray, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.start(passive)
		w.Tell(w.pid, &messages.Due{Key: "backup"})
		w.Tell(w.pid, &messages.RestoreFinished{})
		w.Advance(24 * time.Hour)
		if len(w.copies)+len(w.schedules) != 0 {
			t.Errorf("%d copies, %d schedules; want none", len(w.copies), len(w.schedules))
		}
		w.take(&messages.TakeBackup{})
		w.tidy() // what a killed run left went with the first backup
	})
}

// All that calls for the backup at start came while an ordered one was under way, and no schedule counts before it: there
// was none until the next full check, a day or two weeks away.
func TestStart_theBackupFollowsAnOrderedOneThatTakesLong(t *testing.T) {
	inWorld(t, func(w *world) {
		w.copyTakes = 5 * time.Minute
		w.start()
		go func() {
			_, _ = w.System().Root.RequestFuture(w.pid, &messages.TakeBackup{Reason: "ordered"}, time.Hour).Result()
		}()
		w.Advance(6 * time.Minute) // the wait for the first check is over, and the ordered one
		w.locked(func() { w.copyTakes = 0 })
		w.commit(2)
		w.Tell(w.pid, &messages.Due{Key: "backup"})
		w.Advance(time.Minute)
		if m := w.manifest(); len(m.Entries) != 2 {
			t.Errorf("%d backups, want the ordered one and that which was due", len(m.Entries))
		}
		w.tidy()
	})
}

// It was red until the next period, a day or a week away.
func TestTakeBackup_anOrderedOneThatFailedIsMadeUpForSoon(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.Advance(3 * time.Minute)
		w.commit(2)
		w.locked(func() { w.inspectErr = messages.NewFailure("timeout", "inspect database", "its turn did not come") })
		w.fails(&messages.TakeBackup{})
		if !w.up("backup_failed") {
			t.Fatal("a backup that failed was not told")
		}
		w.locked(func() { w.inspectErr = nil })
		w.Advance(16 * time.Minute)
		if w.up("backup_failed") {
			t.Error("still red a quarter of an hour after the database answered again")
		}
		w.tidy()
	})
}

func TestBackup_overdueIsSeenWithoutTheSchedule(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		w.Advance(3 * time.Minute)
		w.Advance(7 * time.Hour)
		if w.up("backup_overdue") {
			t.Error("overdue after 7 hours")
		}
		w.Advance(3 * time.Hour)
		if !w.up("backup_overdue") {
			t.Error("not overdue after 10 hours")
		}
		w.take(&messages.TakeBackup{}) // skipped: proof enough
		if w.up("backup_overdue") {
			t.Error("still overdue after the standing one was found to be proof")
		}
	})
}

func TestConditions_areDeclaredSoundly(t *testing.T) {
	if _, err := condition.NewRegistry(backup.Conditions()...); err != nil {
		t.Error(err)
	}
}

func TestTakeBackup_ofADatabaseThatLostAllItsTablesIsRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		kept := w.take(&messages.TakeBackup{}).GetBackup()
		w.commit(2)
		w.locked(func() { w.content = manifest.Content{SchemaDigest: "none"} })
		// To be pinned it is copied without a look at its content before.
		for _, order := range []*messages.TakeBackup{{}, {Pin: true}} {
			if f := w.fails(order); f.GetCode() != "database_emptied" {
				t.Errorf("%v: got %v, want database_emptied", order, f)
			}
		}
		if found := testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.FindBackup{}); found.GetId() != kept.GetId() {
			t.Errorf("a restore would take %s, want %s", found.GetId(), kept.GetId())
		}
		if b := w.take(&messages.TakeBackup{Force: true}).GetBackup(); !b.GetVerified() {
			t.Errorf("by force: %v", b)
		}
		w.tidy()
	})
}
