package recovery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/manifest"
	"github.com/officer-doofy/officer/messages"
)

// inWorld runs a test in a bubble with the actor up, and looks for strays at the end.
func inWorld(t *testing.T, change func(*Config), prepare, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if prepare != nil {
			prepare(w)
		}
		w.boot(change)
		w.settle()
		test(w)
		w.settle()
		w.noStrays()
		w.kill()
	})
}

func wantFailure(t *testing.T, f *messages.Failure, code string, words ...string) {
	t.Helper()
	if f == nil {
		t.Fatalf("got success, want failure %s", code)
	}
	if f.Code != code {
		t.Fatalf("got %s (%s), want %s", f.Code, f.Text, code)
	}
	all := f.Text + " " + f.Did + " " + strings.Join(f.Hints, " ")
	for _, word := range words {
		if !strings.Contains(all, word) {
			t.Errorf("failure says %q, want %q in it", all, word)
		}
	}
	if len(f.Hints) > 2 || f.Did == "" {
		t.Errorf("failure has %d hints and did %q, want at most 2 and something", len(f.Hints), f.Did)
	}
}

func TestRestore_dryRunTellsTheRowsAndWritesNothing(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		old := w.live()
		rep, f := w.ask(&messages.RestoreBackup{DryRun: true})
		if f != nil {
			t.Fatal(f)
		}
		if got, want := rep.Tables[0].RowsBefore, int64(5); got != want {
			t.Errorf("rows before %d, want %d", got, want)
		}
		if got, want := rep.Tables[0].RowsAfter, int64(3); got != want {
			t.Errorf("rows after %d, want %d", got, want)
		}
		if !rep.DryRun || rep.RestoredFrom != "20260101T000000Z" {
			t.Errorf("got %v", rep)
		}
		if w.live() != old || len(w.sets()) != 0 || w.wasAsked("OverwriteDatabase") {
			t.Error("a dry run changed something")
		}
	})
}

func TestRestore_dryRunOfAnUnreadableDatabaseTellsUnknownRows(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.write(noHeaderFile) }, func(w *world) {
		rep, f := w.ask(&messages.RestoreBackup{DryRun: true})
		if f != nil {
			t.Fatal(f)
		}
		if rep.Tables[0].RowsBefore != -1 || rep.Tables[0].RowsAfter != 3 {
			t.Errorf("got %v, want -1 and 3", rep.Tables[0])
		}
	})
}

func TestRestore_healthyDatabaseWithoutOrderIsRefused(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		old := w.live()
		_, f := w.ask(&messages.RestoreBackup{})
		wantFailure(t, f, "refused", "explicit order", "--yes")
		if f.DataChanged || w.live() != old || len(w.sets()) != 0 {
			t.Error("a refused restore changed something")
		}
	})
}

func TestRestore_neverCheckedDatabaseIsCheckedBeforeItIsRefused(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.everChecked = false }, func(w *world) {
		_, f := w.ask(&messages.RestoreBackup{})
		wantFailure(t, f, "refused")
		if !w.wasAsked("CheckNow") {
			t.Error("integrity was not asked")
		}
	})
}

func TestRestore_confirmedBacksUpFirstThenGoesLive(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		want := string(encode(t, content(3, 4)))
		rep, f := w.ask(&messages.RestoreBackup{Confirmed: true})
		if f != nil {
			t.Fatal(f)
		}
		if w.live() != want {
			t.Errorf("live is %s, want %s", w.live(), want)
		}
		w.settle()
		if !slices.Equal(w.asked[1:], []string{"TakeBackup before_restore", "OverwriteDatabase", "LiftFence damage"}) {
			t.Errorf("asked in the order %v", w.asked)
		}
		if !rep.InPlace || rep.UndoId == "" || rep.KeptDir == "" || rep.Tables[1].RowsBefore != 6 || rep.Tables[1].RowsAfter != 4 {
			t.Errorf("report %v", rep)
		}
		if e, n := eventOf[*messages.RestoreFinished](w); n != 1 || e.Undo || e.Report.RestoredFrom != rep.RestoredFrom {
			t.Errorf("%d events RestoreFinished %v, want 1", n, e)
		}
		s := w.sets()[0]
		if s.rec.State != stateVerified || !s.rec.Confirmed || s.rec.Expires.Sub(s.rec.Ended) != undoForDefault {
			t.Errorf("record %+v", s.rec)
		}
		if _, err := os.Stat(s.source()); err == nil {
			t.Error("the private copy stayed behind")
		}
	})
}

func TestRestore_suspectDatabaseNeedsNoOrderAndNoBackup(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.suspect = true; w.fence = true; w.write(damagedFile) }, func(w *world) {
		rep, f := w.ask(&messages.RestoreBackup{})
		if f != nil {
			t.Fatal(f)
		}
		if w.wasAsked("TakeBackup before_restore") {
			t.Error("a damaged database was backed up")
		}
		if w.fence || rep.Tables[0].RowsBefore != -1 {
			t.Errorf("fence %v, report %v", w.fence, rep)
		}
		if data, _ := os.ReadFile(filepath.Join(rep.KeptDir, "app.db")); string(data) != damagedFile {
			t.Errorf("kept %q, want the damaged file", data)
		}
	})
}

func TestRestore_stopsWhenTheBackupBeforeFails(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.mode = "fail" }, func(w *world) {
		old := w.live()
		_, f := w.ask(&messages.RestoreBackup{Confirmed: true})
		wantFailure(t, f, "disk_full", "could not be backed up", "nothing was changed")
		if w.live() != old || len(w.sets()) != 0 {
			t.Error("something was left or changed")
		}
	})
}

func TestRestore_waitsForABackupThatRuns(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.mode = "busy once" }, func(w *world) {
		if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
			t.Fatal(f)
		}
	})
}

func TestRestore_survivesExpiryOfItsBackup(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.mode = "expire" }, func(w *world) {
		want := string(encode(t, content(3, 4)))
		if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
			t.Fatal(f)
		}
		if w.live() != want {
			t.Errorf("live is %s, want %s", w.live(), want)
		}
	})
}

func TestRestore_findsABackupThatMovedSinceItWasChosen(t *testing.T) {
	for _, mode := range []string{"move", "move at once"} {
		t.Run(mode, func(t *testing.T) {
			inWorld(t, nil, func(w *world) { w.mode = mode }, func(w *world) {
				want := string(encode(t, content(3, 4)))
				if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
					t.Fatal(f)
				}
				if w.live() != want || slices.Contains(w.asked, "VerifyBackups") {
					t.Errorf("live is %s after %v, want %s", w.live(), w.asked, want)
				}
			})
		})
	}
}

func TestPlainName_isAboutSeparatorsNotLooks(t *testing.T) {
	for name, want := range map[string]bool{
		"app.db": true, "..db": true, "a b?#%00.db": true, "": false, ".": false, "..": false, "a/b": false,
		"../app.db": false, "a\x00b": false, strings.Repeat("a", 256): false,
	} {
		if got := plainName(name); got != want {
			t.Errorf("plainName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestRestore_confirmedBringsAMissingDatabaseBack(t *testing.T) {
	inWorld(t, nil, func(w *world) { _ = os.Remove(w.database) }, func(w *world) {
		if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
			t.Fatal(f)
		}
	})
}

func TestRestore_refusesBackupsThatProveNothing(t *testing.T) {
	cases := []struct {
		name    string
		prepare func(w *world)
		ask     *messages.RestoreBackup
		code    string
		word    string
	}{
		{"none", func(w *world) { w.backups = nil }, &messages.RestoreBackup{Confirmed: true}, "nothing_to_restore", "officer list"},
		{"unknown id", nil, &messages.RestoreBackup{Id: "x", Confirmed: true}, "nothing_to_restore", "no backup x"},
		{"unverified", func(w *world) { w.addBackup("20260103T000000Z", content(1)).Verified = false },
			&messages.RestoreBackup{Id: "20260103T000000Z", Confirmed: true}, "nothing_to_restore", "never verified"},
		{"bytes changed", func(w *world) {
			b := w.addBackup("20260103T000000Z", content(1))
			if err := os.WriteFile(b.Path, []byte("rot"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, &messages.RestoreBackup{Confirmed: true}, "backup_rotten", "officer restore"},
		{"file gone", func(w *world) { _ = os.Remove(w.addBackup("20260103T000000Z", content(1)).Path) },
			&messages.RestoreBackup{Confirmed: true}, "backup_rotten", "20260101T000000Z"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, c.prepare, func(w *world) {
				old := w.live()
				_, f := w.ask(c.ask)
				wantFailure(t, f, c.code, c.word)
				if c.code == "backup_rotten" && !w.wasAsked("VerifyBackups 20260103T000000Z") {
					t.Error("the rotten backup was not marked")
				}
				if w.live() != old || len(w.sets()) != 0 {
					t.Error("something was left or changed")
				}
			})
		})
	}
}

func TestRestore_ownerThatRefusesLeavesNothing(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.set(only("asked", "refuse")) }, func(w *world) {
		old := w.live()
		_, f := w.ask(&messages.RestoreBackup{Confirmed: true})
		wantFailure(t, f, "busy", "Nothing was changed")
		if f.DataChanged || w.live() != old || len(w.sets()) != 0 || w.wasAsked("LiftFence damage") {
			t.Error("something was left or changed")
		}
		if _, n := eventOf[*messages.RestoreFailed](w); n != 1 {
			t.Errorf("%d events RestoreFailed, want 1", n)
		}
	})
}

func TestRestore_contentThatDiffersIsSaidAndCanBeUndone(t *testing.T) {
	inWorld(t, func(c *Config) { c.Passive = true }, func(w *world) { w.set(only("written", "spoil")) }, func(w *world) {
		old := w.live()
		_, f := w.ask(&messages.RestoreBackup{Confirmed: true})
		wantFailure(t, f, "content_differs", "was changed", "officer undo")
		if !f.DataChanged {
			t.Error("the failure hides that data changed")
		}
		if _, up := w.condition(restoreUnfinished); !up {
			t.Error("restore_unfinished is not raised")
		}
		w.set(nil)
		if _, f := w.ask(&messages.UndoRestore{}); f != nil {
			t.Fatal(f)
		}
		if w.live() != old {
			t.Errorf("undo gave %s, want %s", w.live(), old)
		}
		if _, up := w.condition(restoreUnfinished); up {
			t.Error("restore_unfinished is still raised")
		}
	})
}

func only(stage, what string) func(string) string {
	return func(s string) string {
		if s == stage {
			return what
		}
		return ""
	}
}

func TestRestore_whileOneRunsIsRefused(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.set(only("backup", "hang")) }, func(w *world) {
		w.system.Root.Send(w.pid, &messages.RestoreBackup{Confirmed: true})
		w.settle()
		_, f := w.ask(&messages.RestoreBackup{Confirmed: true})
		wantFailure(t, f, "already_running")
		<-time.After(8 * time.Hour) // the hanging backup runs out of time
	})
}

func TestRestore_toFile(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		old := w.live()
		to := filepath.Join(w.dir, "new.db")
		stray := to + tempHead + "20250101T000000Z" + tempTail
		if err := os.WriteFile(stray, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		rep, f := w.ask(&messages.RestoreBackup{ToFile: to})
		if f != nil {
			t.Fatal(f)
		}
		data, err := os.ReadFile(to)
		if err != nil || string(data) != string(encode(t, content(3, 4))) || rep.ToFile != to || rep.InPlace {
			t.Errorf("got %q %v, report %v", data, err, rep)
		}
		if w.live() != old || w.wasAsked("OverwriteDatabase") || len(w.sets()) != 0 {
			t.Error("the live database was touched")
		}
		if left, _ := filepath.Glob(filepath.Join(w.dir, "*.tmp")); len(left) != 0 {
			t.Errorf("strays %v", left)
		}
		if _, n := eventOf[*messages.RestoreFinished](w); n != 0 {
			t.Error("a new file is not a restore of the database")
		}
	})
}

func TestRestore_toFileRefusesBadPlaces(t *testing.T) {
	cases := map[string]string{
		"exists":               "app.db",
		"name of live -wal":    "app.db-wal",
		"name of live journal": "app.db-journal",
		"inside home":          "app.db-officer/backups/x.db",
		"no directory":         "nowhere/x.db",
		"stale wal beside":     "stale.db",
	}
	for name, to := range cases {
		t.Run(name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				if err := os.WriteFile(filepath.Join(w.dir, "stale.db-wal"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}, func(w *world) {
				_, f := w.ask(&messages.RestoreBackup{ToFile: filepath.Join(w.dir, to)})
				wantFailure(t, f, "invalid", "Nothing was written")
			})
		})
	}
	inWorld(t, nil, nil, func(w *world) {
		_, f := w.ask(&messages.RestoreBackup{ToFile: "relative.db"})
		wantFailure(t, f, "invalid", "absolute")
	})
}

func TestUndo_bringsTheReplacedDatabaseBackAndForth(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		old := w.live()
		if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
			t.Fatal(f)
		}
		restored := w.live()
		<-time.After(time.Hour)
		rep, f := w.ask(&messages.UndoRestore{DryRun: true})
		if f != nil || w.live() != restored || rep.Tables[0].RowsAfter != 5 {
			t.Fatalf("dry run: %v %v", rep, f)
		}
		if rep, f = w.ask(&messages.UndoRestore{}); f != nil {
			t.Fatal(f)
		}
		if w.live() != old || rep.UndoId == "" {
			t.Errorf("undo gave %s, want %s", w.live(), old)
		}
		if e, n := eventOf[*messages.RestoreFinished](w); n != 2 || !e.Undo {
			t.Errorf("%d events, the last %v", n, e)
		}
		if _, f = w.ask(&messages.UndoRestore{}); f != nil {
			t.Fatal(f)
		}
		if w.live() != restored {
			t.Error("an undo could not be taken back")
		}
	})
}

func TestUndo_bringsADamagedDatabaseBackButKeepsTheFence(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.suspect = true; w.write(damagedFile) }, func(w *world) {
		if _, f := w.ask(&messages.RestoreBackup{}); f != nil {
			t.Fatal(f)
		}
		w.asked = nil
		w.suspect = false
		rep, f := w.ask(&messages.UndoRestore{})
		if f != nil {
			t.Fatal(f)
		}
		if w.live() != damagedFile || rep.Tables[0].RowsAfter != -1 {
			t.Errorf("live %s, report %v", w.live(), rep)
		}
		if w.wasAsked("LiftFence damage") {
			t.Error("the fence was lifted over a damaged database")
		}
	})
}

func TestUndo_ofADestroyedHeaderSaysWhereTheFilesLie(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.suspect = true; w.write(noHeaderFile) }, func(w *world) {
		rep, f := w.ask(&messages.RestoreBackup{})
		if f != nil {
			t.Fatal(f)
		}
		now := w.live()
		_, f = w.ask(&messages.UndoRestore{})
		wantFailure(t, f, "undo_unreadable", rep.KeptDir, "Nothing was changed")
		if w.live() != now || len(w.sets()) != 1 {
			t.Error("something was left or changed")
		}
	})
}

func TestUndo_withoutAnUndoPoint(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		_, f := w.ask(&messages.UndoRestore{})
		wantFailure(t, f, "nothing_to_restore")
		if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
			t.Fatal(f)
		}
		<-time.After(undoForDefault + time.Hour)
		_, f = w.ask(&messages.UndoRestore{})
		wantFailure(t, f, "nothing_to_restore", "7 days", "quarantine")
	})
}

func TestDamage_evidenceIsKeptOnceForEachDamage(t *testing.T) {
	found := func(detail string) *messages.DamageFound {
		return &messages.DamageFound{Report: &messages.CheckReport{Findings: []*messages.Finding{{Detail: detail}}}}
	}
	inWorld(t, nil, func(w *world) { w.write(damagedFile) }, func(w *world) {
		tell := func(msg any) { w.system.Root.Send(w.pid, msg); <-time.After(2 * time.Second) }
		tell(found("page 3"))
		tell(found("page 3"))
		tell(found("page 4"))
		if w.timesKept() != 1 {
			t.Fatalf("evidence kept %d times, want 1", w.timesKept())
		}
		if args, up := w.condition(evidenceKept); !up || !strings.Contains(args, damageTail) || !strings.Contains(args, "database="+w.database) {
			t.Errorf("condition %v %s", up, args)
		}
		w.kill()
		w.boot(nil)
		tell(found("page 3"))
		if _, up := w.condition(evidenceKept); !up || w.timesKept() != 1 {
			t.Errorf("after a restart: condition %v, kept %d times", up, w.timesKept())
		}
		tell(&messages.DamageGone{})
		if _, up := w.condition(evidenceKept); up {
			t.Error("the condition outlives the damage")
		}
		tell(found("page 3"))
		if w.timesKept() != 2 {
			t.Errorf("a new damage was kept %d times in all, want 2", w.timesKept())
		}
		if w.wasAsked("OverwriteDatabase") {
			t.Error("a restore began by itself")
		}
	})
}

func TestDamage_evidenceIsTriedAgainAndBounded(t *testing.T) {
	inWorld(t, func(c *Config) { c.KeepSets = 2 }, func(w *world) { w.set(only("evidence", "fail")) }, func(w *world) {
		w.system.Root.Send(w.pid, &messages.DamageFound{})
		w.settle()
		if len(w.sets()) != 0 {
			t.Errorf("a failed try left %d sets", len(w.sets()))
		}
		w.set(nil)
		<-time.After(evidenceAgain + time.Second)
		for range 4 {
			w.system.Root.Send(w.pid, &messages.DamageGone{})
			w.settle()
			<-time.After(time.Minute)
			w.system.Root.Send(w.pid, &messages.DamageFound{})
			w.settle()
		}
		if got := len(w.sets()); got != 2 || w.timesKept() != 6 {
			t.Errorf("%d sets after %d times, want 2 after 6", got, w.timesKept())
		}
	})
}

// After an hour of a full disk neither the evidence nor the repair that waits for it was tried again before the next start.
func TestDamage_evidenceIsKeptAfterADayOfAFullDisk(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.set(only("evidence", "fail")) }, func(w *world) {
		w.system.Root.Send(w.pid, &messages.DamageFound{})
		<-time.After(24 * time.Hour)
		if got := w.timesKept(); got < 20 || got > 30 {
			t.Errorf("tried %d times in a day, want about once an hour", got)
		}
		w.set(nil)
		<-time.After(evidenceSeldom + time.Second)
		w.settle()
		if got := len(w.sets()); got != 1 {
			t.Errorf("%d sets, want the evidence an hour after there is room", got)
		}
	})
}

func TestPassive_doesNothingByItself(t *testing.T) {
	inWorld(t, func(c *Config) { c.Passive = true }, nil, func(w *world) {
		w.system.Root.Send(w.pid, &messages.DamageFound{})
		w.settle()
		if len(w.asked) != 0 || w.timesKept() != 0 {
			t.Errorf("asked %v", w.asked)
		}
	})
}

func TestReceive_unknownMessageIsAnswered(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		_, f := w.ask(&messages.GetLogs{})
		if f == nil || f.Code != "unhandled" {
			t.Errorf("got %v, want unhandled", f)
		}
	})
}

// TestKill_atEveryStepEndsInOldOrNew is promise P7.
func TestKill_atEveryStepEndsInOldOrNew(t *testing.T) {
	old, restored := content(5, 6), content(3, 4)
	cases := []struct {
		name    string
		stage   string
		what    string
		damaged string // what the live file holds instead of old
		undo    bool
		want    string // "old", "new"
	}{
		{"while backing up", "backup", "hang", "", false, "old"},
		{"before the owner began", "asked", "hang", "", false, "old"},
		{"after the files were kept", "kept", "hang", "", false, "old"},
		{"after the content was written", "written", "hang", "", false, "new"},
		{"torn", "reset", "torn", "", false, "new"},
		{"damaged, before the owner began", "asked", "hang", damagedFile, false, "new"},
		{"damaged, after the files were kept", "kept", "hang", damagedFile, false, "new"},
		{"header gone and reset", "reset", "hang", noHeaderFile, false, "new"},
		{"damaged, after the content was written", "written", "hang", damagedFile, false, "new"},
		{"undo, before the owner began", "asked", "hang", "", true, "new"},
		{"undo, after the content was written", "written", "hang", "", true, "old"},
		{"undo of a damaged one, after the content was written", "written", "hang", damagedFile, true, "damaged"},
		{"undo of a damaged one, before the owner began", "asked", "hang", damagedFile, true, "new"},
		{"undo, torn", "reset", "torn", "", true, "old"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				if c.damaged != "" {
					w.suspect = true
					w.write(c.damaged)
				}
			}, func(w *world) {
				var order any = &messages.RestoreBackup{Confirmed: c.damaged == ""}
				if c.undo {
					if _, f := w.ask(order); f != nil {
						t.Fatal(f)
					}
					<-time.After(time.Minute)
					order = &messages.UndoRestore{}
				}
				w.set(only(c.stage, c.what))
				answered := make(chan *messages.Failure, 1)
				go func() {
					_, f := w.ask(order)
					answered <- f
				}()
				w.settle()
				w.kill()
				w.suspect = false
				if f := <-answered; f == nil {
					t.Error("a killed order was answered with success")
				}
				w.boot(nil)
				<-time.After(2 * time.Hour)
				w.settle()
				want := map[string]string{"old": string(encode(t, old)), "new": string(encode(t, restored)), "damaged": damagedFile}[c.want]
				if w.live() != want {
					t.Errorf("live is %s, want %s %s", w.live(), c.want, want)
				}
				if args, up := w.condition(restoreUnfinished); up {
					t.Errorf("restore_unfinished is still up: %s", args)
				}
				for _, s := range w.sets() {
					if s.open() {
						t.Errorf("set %s is still %s", s.id, s.rec.State)
					}
				}
			})
		})
	}
}

func TestKill_undoAfterARepeatedRestoreBringsTheFirstStateBack(t *testing.T) {
	inWorld(t, nil, func(w *world) {
		w.suspect = true
		w.write(damagedFile + " original, and longer than an empty database, as any database is")
	}, func(w *world) {
		original := w.live()
		w.set(only("reset", "hang"))
		go w.askAndForget(&messages.RestoreBackup{})
		w.settle()
		w.kill()
		w.boot(nil)
		<-time.After(time.Hour)
		if got, want := w.live(), string(encode(t, content(3, 4))); got != want {
			t.Fatalf("live %s, want %s", got, want)
		}
		if _, f := w.ask(&messages.UndoRestore{}); f != nil {
			t.Fatal(f)
		}
		if w.live() != original {
			t.Errorf("undo gave %s, want %s", w.live(), original)
		}
	})
}

func TestResume_tellsOldFromNewAlthoughTheAppWroteOn(t *testing.T) {
	cases := []struct {
		name string
		now  string
		up   bool   // the condition stays
		word string // in it
		end  string // state of the set
	}{
		{"old and written on", string(encode(t, content(5, 7))), false, "", stateAborted},
		{"new and written on", string(encode(t, content(3, 9))), false, "", stateVerified},
		{"nobody can tell", string(encode(t, content(8, 9))), true, "cannot be told", stateBegun},
		{"cannot be looked at", "BUSY", true, "cannot be read", stateBegun},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, nil, func(w *world) {
				w.set(only("kept", "hang"))
				go w.askAndForget(&messages.RestoreBackup{Confirmed: true})
				w.settle()
				w.kill()
				w.write(c.now)
				inTheMaking := filepath.Join(w.sets()[0].dir, intentFile+".tmp")
				if err := os.WriteFile(inTheMaking, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				w.boot(nil)
				<-time.After(time.Minute)
				w.settle()
				if w.live() != c.now {
					t.Errorf("a healthy database was overwritten: %s", w.live())
				}
				if _, err := os.Lstat(inTheMaking); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the record in the making: %v, want none, whether the set is open or not", err)
				}
				args, up := w.condition(restoreUnfinished)
				if up != c.up || !strings.Contains(args, c.word) {
					t.Errorf("condition %v %q, want %v with %q", up, args, c.up, c.word)
				}
				if got := w.sets()[0].rec.State; got != c.end {
					t.Errorf("state %s, want %s", got, c.end)
				}
				if c.up { // an explicit order settles it; an undo must not guess
					_, f := w.ask(&messages.UndoRestore{})
					wantFailure(t, f, "restore_unfinished")
					w.write(string(encode(t, content(8, 9))))
					if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
						t.Fatal(f)
					}
					if _, up := w.condition(restoreUnfinished); up {
						t.Error("the condition outlives the next restore")
					}
				}
			})
		})
	}
}

func TestResume_ofAnOldOrderIsNotCarriedOutAgain(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		w.set(only("kept", "hang"))
		go w.askAndForget(&messages.RestoreBackup{Confirmed: true})
		w.settle()
		w.kill()
		w.write(damagedFile)
		<-time.After(2 * againWithin)
		w.boot(nil)
		args, up := w.condition(restoreUnfinished)
		if w.live() != damagedFile || !up || !strings.Contains(args, "too old") {
			t.Errorf("live %s, condition %v %s", w.live(), up, args)
		}
		w.suspect = true
		if _, f := w.ask(&messages.RestoreBackup{}); f != nil {
			t.Fatal(f)
		}
	})
}

func TestResume_ofAnUnreadableJournalIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		dir := filepath.Join(w.home, "quarantine", "20260101T000000Z")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, intentFile), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.boot(nil)
		w.settle()
		if args, up := w.condition(restoreUnfinished); !up || !strings.Contains(args, "journal") {
			t.Errorf("condition %v %s", up, args)
		}
		w.kill()
	})
}

func TestExpire_keepsWhatIsNeeded(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(days int, kind, state string) *set {
		began := now.AddDate(0, 0, -days)
		rec := record{Version: 1, Kind: kind, State: state, Began: began, Database: "app.db"}
		if state == stateVerified {
			rec.Expires = began.Add(undoForDefault)
		}
		id := began.Format(setLayout)
		if kind == kindDamage {
			id += damageTail
		}
		return &set{id: id, rec: rec}
	}
	unreadable := at(90, kindRestore, stateVerified)
	unreadable.err = fault.New(fault.Invalid, "", "")
	cases := []struct {
		name string
		sets []*set
		want []int // days of the dropped
	}{
		{"newest undo point stays though expired", []*set{at(40, kindRestore, stateVerified), at(30, kindUndo, stateVerified)}, []int{40}},
		{"within its time it stays", []*set{at(6, kindRestore, stateVerified), at(1, kindRestore, stateVerified)}, nil},
		{"too many undo points", []*set{at(4, kindRestore, stateVerified), at(3, kindRestore, stateVerified), at(2, kindRestore, stateVerified), at(1, kindRestore, stateVerified)}, []int{4}},
		{"too much evidence", []*set{at(9, kindDamage, stateKept), at(8, kindDamage, stateKept), at(7, kindDamage, stateKept), at(6, kindDamage, stateKept)}, []int{9}},
		{"open outcomes stay", []*set{at(99, kindRestore, stateBegun), at(98, kindRestore, stateDoubtful), at(97, kindRestore, stateStaging), at(1, kindRestore, stateVerified)}, nil},
		{"aborted go", []*set{at(1, kindRestore, stateAborted)}, []int{1}},
		{"unfinished evidence goes", []*set{at(1, kindDamage, stateKeeping)}, []int{1}},
		{"future stays and counts for nothing", []*set{at(20, kindRestore, stateVerified), at(-5, kindRestore, stateVerified)}, nil},
		{"unreadable stays", []*set{unreadable, at(1, kindRestore, stateVerified)}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sortSets(c.sets)
			var got []int
			for _, d := range expire(now, c.sets, 3) {
				got = append(got, int(now.Sub(d.set.rec.Began).Hours()/24))
				if d.reason == "" {
					t.Error("a drop without a reason")
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("dropped %v, want %v", got, c.want)
			}
		})
	}
}

func TestRemove_leavesWhatSomebodyElsePutThere(t *testing.T) {
	q := quarantine{fs: fsx.OS(), dir: filepath.Join(t.TempDir(), "quarantine"), mine: &madeSets{}}
	s, err := q.create(record{Version: 1, Kind: kindRestore, State: stateStaging, Began: time.Unix(1e9, 0), Database: "app.db"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"app.db", "app.db-wal", sourceFile, sourceFile + "-journal", sourceFile + ".tmp-wal", matchFile, intentFile + ".tmp2", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(s.dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.remove(s); err != nil {
		t.Fatal(err)
	}
	left, _ := os.ReadDir(s.dir)
	if len(left) != 1 || left[0].Name() != "notes.txt" {
		t.Errorf("left %v, want notes.txt alone", left)
	}
}

func TestRecord_keepsAFileNameThatIsNoText(t *testing.T) {
	const name = "a\xff\x80.db"
	q := quarantine{fs: fsx.OS(), dir: filepath.Join(t.TempDir(), "q"), mine: &madeSets{}}
	s, err := q.create(record{Version: recordVersion, Kind: kindRestore, State: stateVerified, Began: time.Now(), Database: name, KeptFiles: []string{name, name + "-wal"}})
	if err != nil {
		t.Fatal(err)
	}
	got := q.load(s.id)
	if got == nil || got.err != nil || got.rec.Database != name || got.database() != filepath.Join(s.dir, name) || s.rec.Database != name {
		t.Errorf("got %+v, want the set of %q", got, name)
	}
	for _, bad := range []string{"\\u0000zz", "\\u00002f2e2e2f61", "\\u0000"} { // no bytes, "/../a", nothing
		_, err := parseRecord([]byte(`{"version":1,"kind":"restore","state":"begun","began_at":"2026-01-01T00:00:00Z","database":"` + bad + `"}`))
		if fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%q: got %v, want it refused", bad, err)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `null`, `[]`, "\ufeff{}", `{"version":2}`,
		`{"version":1,"kind":"restore","state":"begun","began_at":"2026-01-01T00:00:00Z","database":"app.db"}`,
		`{"version":1,"kind":"restore","state":"begun","began_at":"2026-01-01T00:00:00Z","database":"../app.db"}`,
		`{"version":1,"kind":"restore","state":"begun","began_at":"2026-01-01T00:00:00Z","database":"a","kept_files":["../../etc/passwd"]}`,
		`{"version":1,"kind":"damage","state":"begun","began_at":"2026-01-01T00:00:00Z","database":"a"}`,
		`{"version":1,"kind":"undo","state":"verified","began_at":"2026-01-01T00:00:00Z","database":"a","repeats":"../.."}`,
		`{"version":1,"kind":"undo","state":"verified","began_at":"2026-01-01T00:00:00Z","database":"a"}{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(data)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid {
				t.Errorf("code %s, want invalid", fault.CodeOf(err))
			}
			return
		}
		s := &set{id: "20260101T000000Z", dir: "/q/20260101T000000Z", rec: r}
		for _, name := range append([]string{r.Database}, r.KeptFiles...) {
			if filepath.Dir(filepath.Join(s.dir, name)) != s.dir {
				t.Errorf("%q leaves the set", name)
			}
		}
		if filepath.Dir(s.database()) != s.dir {
			t.Errorf("the kept database %q leaves the set", s.database())
		}
		if r.RestoredFrom == "" && r.After != nil {
			_ = changes(r.Before, r.After)
		}
	})
}

func TestResembles_neverOverwritesWhatCouldBeOld(t *testing.T) {
	a, b := content(1, 2, 3), content(1, 5, 6)
	empty := manifest.Content{SchemaDigest: "e"}
	other := func(c manifest.Content, schema string) manifest.Content { c.SchemaDigest = schema; return c }
	ptr := func(c manifest.Content) *manifest.Content { return &c }
	cases := []struct {
		name          string
		now           manifest.Content
		before, after *manifest.Content
		want          ending
	}{
		{"empty was the old one", empty, &empty, &a, endedUnclear},
		{"empty, the old one had tables", empty, &b, &a, endedAgain},
		{"empty, the old one could not be read", empty, nil, &a, endedAgain},
		{"empty is what was wanted", empty, &a, &empty, endedUnclear},
		{"only tables that both have", content(1, 8, 9), &b, &a, endedUnclear},
		{"more of the new", content(1, 2, 9), &b, &a, endedNew},
		{"more of the old", content(1, 5, 9), &b, &a, endedOld},
		{"nothing known", content(1), nil, nil, endedUnclear},
		{"the schema of the new, all rows written to", other(content(7), "s2"), &b, ptr(other(a, "s2")), endedNew},
		{"the schema of the old, all rows written to", content(7), &b, ptr(other(a, "s2")), endedOld},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := resembles(&c.now, nil, &record{Before: c.before, After: c.after}); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestStart_tidiesWhatKillsLeftInTheQuarantine(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
			t.Fatal(f)
		}
		<-time.After(time.Minute)
		w.kill()
		sealed := w.sets()[0].dir
		quarantine := filepath.Dir(sealed)
		for _, name := range []string{
			filepath.Join(sealed, "intent.json.tmp"), filepath.Join(sealed, sourceFile), filepath.Join(sealed, sourceFile+".tmp-wal"),
			filepath.Join(quarantine, "19991231T000000Z", "intent.json.tmp"), filepath.Join(quarantine, "19991231T000001Z-damage", "damage.json.tmp2"),
			filepath.Join(quarantine, "19991231T000002Z", "somebody's"),
			filepath.Join(quarantine, time.Now().UTC().Format(setLayout), "intent.json.tmp"), // killed in the second of the start
		} {
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		w.boot(nil)
		<-time.After(time.Minute)
		w.settle()
		var left []string
		for _, dir := range []string{quarantine, sealed} {
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				left = append(left, e.Name())
			}
		}
		if want := []string{"19991231T000002Z", filepath.Base(sealed), "app.db", "intent.json"}; !slices.Equal(left, want) {
			t.Errorf("left %q, want %q", left, want)
		}
		if err := os.RemoveAll(filepath.Join(quarantine, "19991231T000002Z")); err != nil {
			t.Fatal(err)
		}
	})
}

// The first kill leaves an empty database; the second one comes while the restore is
// carried out again. What is then in place is neither a state of the app's nor one that
// was wanted.
func TestKill_twiceOverADestroyedHeaderEndsInTheRestored(t *testing.T) {
	for _, stage := range []string{"asked", "kept", "reset", "written"} {
		t.Run(stage, func(t *testing.T) {
			inWorld(t, nil, func(w *world) {
				w.suspect = true
				w.write(noHeaderFile)
			}, func(w *world) {
				w.set(only("reset", "hang"))
				go w.askAndForget(&messages.RestoreBackup{Confirmed: true})
				w.settle()
				w.kill()
				w.suspect = false
				w.set(only(stage, "hang"))
				w.boot(nil)
				w.settle()
				w.kill()
				w.set(nil)
				w.boot(nil)
				<-time.After(2 * time.Hour)
				w.settle()
				if got, want := w.live(), string(encode(t, content(3, 4))); got != want {
					t.Errorf("live is %s, want %s", got, want)
				}
				if args, up := w.condition(restoreUnfinished); up {
					t.Errorf("restore_unfinished is still up: %s", args)
				}
			})
		})
	}
}

// A database that had been damaged and is healthy is the repaired one, also when the app has
// written into its only table since.
func TestResembles_whatIsHealthyWasNotTheDamagedOne(t *testing.T) {
	before, after, now := content(1), content(2), content(3)
	for damaged, want := range map[bool]ending{true: endedNew, false: endedUnclear} {
		if got, found := resembles(&now, nil, &record{Before: &before, After: &after, Damaged: damaged}); got != want {
			t.Errorf("damaged %v: got %s (%s), want %s", damaged, got, found, want)
		}
	}
}

// The app wrote into the only table, of which therefore no digest is known: the number of
// the schema, noted before the restore, tells which database it wrote into.
func TestResume_theNumberOfTheSchemaTellsWhenAllTablesWereWrittenTo(t *testing.T) {
	cases := []struct {
		name, stage string
		cookie      uint32 // right before
		moved       uint32 // what the app did to it since
		end, word   string // state of the set; what is told while it is open
	}{
		{"killed before it was written", "kept", 7, 0, stateAborted, ""},
		{"killed after it was written", "written", 7, 0, stateVerified, ""},
		{"the app changed its schema, too", "written", 7, 1, stateBegun, "cannot be told"},
		{"no number is known", "written", 0, 0, stateBegun, "cannot be told"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, nil, func(w *world) { w.cookie = c.cookie }, func(w *world) {
				w.set(only(c.stage, "hang"))
				go w.askAndForget(&messages.RestoreBackup{Confirmed: true})
				w.settle()
				w.kill()
				w.cookie += c.moved
				written := string(encode(t, content(8, 9)))
				w.write(written)
				w.boot(nil)
				<-time.After(time.Minute)
				w.settle()
				if got := w.sets()[0].rec.State; got != c.end || w.live() != written {
					t.Errorf("state %s, want %s; live %s", got, c.end, w.live())
				}
				args, up := w.condition(restoreUnfinished)
				if up != (c.word != "") || !strings.Contains(args, c.word) {
					t.Errorf("condition %v %q, want %q in it", up, args, c.word)
				}
				if c.word == "" {
					return
				}
				kept := w.backups[len(w.backups)-1]
				if !strings.Contains(args, kept.Id) || kept.GetContent().GetTables()[0].GetRows() != 8 || !kept.GetPinned() {
					t.Errorf("the condition %q does not name a pinned backup of what is there now: %v", args, kept)
				}
				backups := len(w.backups)
				w.system.Root.Send(w.pid, &messages.Due{})
				w.settle()
				if len(w.backups) != backups {
					t.Error("the second look backed the same up again")
				}
				// To keep what is there: the backup of it is restored. That settles it, also for the next life.
				if _, f := w.ask(&messages.RestoreBackup{Id: kept.Id, Confirmed: true}); f != nil {
					t.Fatal(f)
				}
				w.kill()
				w.boot(nil)
				<-time.After(time.Minute)
				w.settle()
				if args, up := w.condition(restoreUnfinished); up || w.live() != written {
					t.Errorf("condition %v %q, live %s, want none and %s", up, args, w.live(), written)
				}
			})
		})
	}
}

// A name with a space in it counts as no operation of its own, and has no budget.
func TestOrders_areMeasuredUnderNamesOfOperations(t *testing.T) {
	inWorld(t, nil, nil, func(w *world) {
		for _, order := range []any{&messages.RestoreBackup{Confirmed: true}, &messages.UndoRestore{},
			&messages.RestoreTable{Table: "a", Confirmed: true}, &messages.RestoreBackup{DryRun: true}} {
			if _, f := w.ask(order); f != nil {
				t.Fatal(f)
			}
			<-time.After(time.Minute)
		}
		w.settle()
		if want := []string{"recovery.restore", "recovery.undo", "recovery.restore_table"}; !slices.Equal(w.measured, want) {
			t.Errorf("measured were %q, want %q", w.measured, want)
		}
	})
}
