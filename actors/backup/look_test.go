package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/officer-doofy/officer/actors/backup"
	"github.com/officer-doofy/officer/internal/kit"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/internal/retention"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func TestListBackups_seesAtOnceWhatWasDeletedByHand(t *testing.T) {
	cases := []struct {
		name    string
		change  func(*backup.Config)
		all     bool // both backups are deleted, not only the newest
		events  string
		written bool // the verdict is in the manifest
	}{
		{"running, newest gone", func(*backup.Config) {}, false, "BackupRotten", true},
		{"running, all gone", func(*backup.Config) {}, true, "BackupRotten BackupRotten", true},
		{"passive, newest gone", passive, false, "", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.start(c.change)
				old := w.take(&messages.TakeBackup{}).GetBackup()
				w.Advance(time.Minute)
				w.commit(2)
				newest := w.take(&messages.TakeBackup{}).GetBackup()
				w.kinds()
				for _, b := range w.list().GetBackups() { // the older one moved meanwhile
					if b.GetId() == newest.GetId() || c.all {
						if err := os.Remove(b.GetPath()); err != nil {
							t.Fatal(err)
						}
					}
				}
				list := w.list().GetBackups()
				if got := list[0]; got.GetId() != newest.GetId() || got.GetVerdict() != "missing" || got.GetVerified() {
					t.Errorf("listed as %q, verified %v; want missing", got.GetVerdict(), got.GetVerified())
				}
				if strings.Contains(list[0].GetKeepReason(), "newest verified") {
					t.Errorf("the missing one is kept as %q", list[0].GetKeepReason())
				}
				if !w.up("backup_rotten") || w.up("no_verified_backup") != c.all {
					t.Errorf("conditions %v", w.conditions)
				}
				if c.all {
					if f := w.fails(&messages.FindBackup{}); f.GetCode() != "no_backup" {
						t.Errorf("the proof is %v, want no_backup", f)
					}
				} else if found := testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.FindBackup{}); found.GetId() != old.GetId() {
					t.Errorf("the proof is %s, want the older %s", found.GetId(), old.GetId())
				}
				if k := w.kinds(); k != c.events {
					t.Errorf("events %q, want %q", k, c.events)
				}
				data, err := os.ReadFile(filepath.Join(w.home, "backups", "backups.json"))
				if err != nil || strings.Contains(string(data), `"missing"`) != c.written {
					t.Errorf("verdict in the manifest: %v, want %v (%v)", !c.written, c.written, err)
				}
			})
		})
	}
}

func TestListBackups_fileThatCameBackIsVerifiedAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		b := w.take(&messages.TakeBackup{}).GetBackup()
		aside := filepath.Join(w.T.TempDir(), "aside")
		if err := os.Rename(b.GetPath(), aside); err != nil {
			t.Fatal(err)
		}
		if w.list(); !w.up("no_verified_backup") {
			t.Errorf("conditions %v, want no_verified_backup", w.conditions)
		}
		if err := os.Rename(aside, b.GetPath()); err != nil {
			t.Fatal(err)
		}
		w.list()
		if w.up("no_verified_backup") || !w.list().GetBackups()[0].GetVerified() {
			t.Errorf("listed as %v; want verified", w.list())
		}
	})
}

// TestFindBackup_hangingVolumeIsAnsweredWithWhatIsKnown: the proof is asked for with a
// limit of a second.
func TestFindBackup_hangingVolumeIsAnsweredWithWhatIsKnown(t *testing.T) {
	inWorld(t, func(w *world) {
		stuck := make(chan struct{})
		hangs := false
		w.start(passive, func(c *backup.Config) { c.Shelf = slowShelf{c.Shelf, w, &hangs, stuck} })
		b := w.take(&messages.TakeBackup{}).GetBackup()
		w.locked(func() { hangs = true })
		for range 3 {
			began := time.Now()
			found := testkit.Ask[*messages.Backup](w.Bench, w.pid, &messages.FindBackup{})
			if took := time.Since(began); found.GetId() != b.GetId() || took >= time.Second {
				t.Errorf("got %s after %v; want %s within a second", found.GetId(), took, b.GetId())
			}
		}
		close(stuck)
		w.Settle()
	})
}

// slowShelf is a shelf on a volume that does not answer.
type slowShelf struct {
	backup.Shelf
	w     *world
	hangs *bool
	stuck chan struct{}
}

func (s slowShelf) Size(rel string) (int64, error) {
	var hangs bool
	s.w.locked(func() { hangs = *s.hangs })
	if hangs {
		<-s.stuck
	}
	return s.Shelf.Size(rel)
}

func TestTakeBackup_emptiesTheWALBeforeTheCopy(t *testing.T) {
	cases := []struct {
		name    string
		answer  any // nil = none ever
		absent  bool
		suspect bool
		mode    string
		bytes   int64
		asked   int
		waits   time.Duration
	}{
		{name: "emptied", answer: &messages.CheckpointOutcome{Complete: true}, mode: "wal", bytes: 9000, asked: 1},
		{name: "refused", answer: messages.NewFailure("busy", "checkpoint", "no"), mode: "wal", bytes: 9000, asked: 1},
		{name: "no answer", mode: "wal", bytes: 9000, asked: 1, waits: 2 * time.Second},
		{name: "no wal system", absent: true, mode: "wal", bytes: 9000},
		{name: "suspect", suspect: true, answer: &messages.CheckpointOutcome{}, mode: "wal", bytes: 9000},
		{name: "nothing in the WAL", answer: &messages.CheckpointOutcome{}, mode: "wal"},
		{name: "rollback journal", answer: &messages.CheckpointOutcome{}, mode: "delete", bytes: 9000},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.locked(func() {
					w.source = &messages.Source{Device: 1, Inode: 2, ChangeCounter: 1, JournalMode: c.mode, WalSalt: 7, WalFrames: 2}
					w.walBytes, w.suspect, w.since = c.bytes, c.suspect, time.Now()
				})
				var asked []*messages.CheckpointNow
				if !c.absent {
					w.play("/wal", func(p *player, ctx actor.Context) {
						order, ok := ctx.Message().(*messages.CheckpointNow)
						if !ok {
							return
						}
						w.locked(func() {
							if asked = append(asked, order); len(w.copies) > 0 {
								w.T.Error("asked after the copy was ordered")
							}
						})
						if c.answer == nil {
							p.Accept(ctx)
							return
						}
						kit.Reply(ctx, c.answer)
					})
				}
				w.start(passive)
				began := time.Now()
				if r := w.take(&messages.TakeBackup{}); r.GetBackup().GetVerified() == c.suspect || r.GetTries() != 1 {
					t.Errorf("got %v, want a backup at the first try", r)
				}
				if took := time.Since(began); took < c.waits || took > c.waits+time.Second {
					t.Errorf("took %v, want %v", took, c.waits)
				}
				if len(asked) != c.asked || c.asked == 1 && (asked[0].GetMode() != "truncate" || asked[0].GetReason() != "backup") {
					t.Errorf("asked %v, want %d", asked, c.asked)
				}
			})
		})
	}
}

// TestTakeBackup_idleWALIsSkippedWithoutCheckpoint: the frames tell that nothing changed,
// also when the first comparison of content came after a checkpoint that left some.
func TestTakeBackup_idleWALIsSkippedWithoutCheckpoint(t *testing.T) {
	inWorld(t, func(w *world) {
		asked := 0
		w.play("/wal", func(_ *player, ctx actor.Context) {
			if _, ok := ctx.Message().(*messages.CheckpointNow); !ok {
				return
			}
			w.locked(func() {
				asked++
				// A reader is in the way: the log begins again behind it.
				w.source = &messages.Source{Device: 1, Inode: 2, ChangeCounter: 1, JournalMode: "wal", WalSalt: w.source.GetWalSalt() + 1, WalFrames: 1}
			})
			kit.Reply(ctx, &messages.CheckpointOutcome{})
		})
		live := func() {
			w.locked(func() {
				w.source = &messages.Source{Device: 1, Inode: 2, ChangeCounter: 1, JournalMode: "wal", WalSalt: 20, WalFrames: 5}
				w.walBytes = 9000
			})
		}
		live()
		w.start(passive)
		w.take(&messages.TakeBackup{})
		live() // the same content under other frames
		for i, want := range []struct{ asked, copies int }{{2, 2}, {2, 2}, {2, 2}} {
			w.Advance(time.Minute)
			r := w.take(&messages.TakeBackup{})
			if !r.GetSkipped() || asked != want.asked || len(w.copies) != want.copies {
				t.Errorf("round %d: skipped %v after %d checkpoints and %d copies in all; want %v", i, r.GetSkipped(), asked, len(w.copies), want)
			}
		}
	})
}

// TestTakeBackup_idOfThisSecondIsTakenByAKilledRun: the passive sweep lists what was
// published but never listed, and the new backup must not want the same name.
func TestTakeBackup_idOfThisSecondIsTakenByAKilledRun(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		w.list() // the list is loaded, and empty
		id := manifest.NewID(time.Now(), nil)
		left := filepath.Join(w.home, "backups", filepath.FromSlash(manifest.FileName("app", id, retention.Recent)))
		if err := errors.Join(os.MkdirAll(filepath.Dir(left), 0o700), os.WriteFile(left, file(w.content), 0o600)); err != nil {
			t.Fatal(err)
		}
		w.commit(2)
		r := w.take(&messages.TakeBackup{})
		if got := r.GetBackup().GetId(); got != id+"-2" || r.GetTries() != 1 {
			t.Errorf("the backup is %s at try %d, want %s-2 at the first", got, r.GetTries(), id)
		}
		if n := len(w.list().GetBackups()); n != 2 {
			t.Errorf("%d backups listed, want the one of the killed run too", n)
		}
		w.tidy()
	})
}
