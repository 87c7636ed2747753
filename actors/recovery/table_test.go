package recovery

import (
	"slices"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/messages"
)

func TestRestoreTable_backsUpFirstAndNamesOrphans(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.mode = "move" }, func(w *world) {
		rep, f := w.ask(&messages.RestoreTable{Table: "a", Confirmed: true})
		if f != nil {
			t.Fatal(f)
		}
		w.settle()
		if got, want := w.asked[1:], []string{"CheckNow", "try table a", "TakeBackup before_restore", "ReplaceTable a"}; !slices.Equal(got, want) {
			t.Errorf("asked %v, want %v", got, want)
		}
		if rep.Layer != "table" || rep.Tables[0].RowsAfter != 3 || len(rep.ForeignKeys) != 1 || !strings.Contains(rep.Notes[0], "--table a") {
			t.Errorf("got %v", rep)
		}
		if e, n := eventOf[*messages.RestoreFinished](w); n != 1 || e.Report.Layer != "table" {
			t.Errorf("%d events %v", n, e)
		}
	})
}

func TestRestoreTable_onlyTriesWithoutAnOrder(t *testing.T) {
	for _, c := range []struct {
		msg  *messages.RestoreTable
		code string
	}{{&messages.RestoreTable{Table: "a", DryRun: true}, ""}, {&messages.RestoreTable{Table: "a"}, "refused"}} {
		inWorld(t, nil, nil, func(w *world) {
			rep, f := w.ask(c.msg)
			if c.code == "" && (f != nil || !rep.DryRun) {
				t.Errorf("got %v %v", rep, f)
			}
			if c.code != "" {
				wantFailure(t, f, c.code, "--yes")
			}
			if w.wasAsked("ReplaceTable a") || w.wasAsked("TakeBackup before_restore") {
				t.Errorf("asked %v", w.asked)
			}
		})
	}
}

func TestRestoreTable_ofADamagedDatabaseIsRefused(t *testing.T) {
	inWorld(t, nil, damaged, func(w *world) {
		_, f := w.ask(&messages.RestoreTable{Table: "a", Confirmed: true})
		wantFailure(t, f, "refused", "officer repair")
	})
}

// That the last check said ok says nothing of now.
func TestRestoreTable_ofADatabaseDamagedSinceItsLastCheckIsRefused(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.write(damagedFile) }, func(w *world) {
		_, f := w.ask(&messages.RestoreTable{Table: "a", Confirmed: true})
		wantFailure(t, f, "refused", "officer repair")
		if w.wasAsked("ReplaceTable a") {
			t.Errorf("asked %v", w.asked)
		}
	})
}

func TestRestoreTable_withoutABackupBeforeIsStopped(t *testing.T) {
	inWorld(t, nil, func(w *world) { w.mode = "fail" }, func(w *world) {
		_, f := w.ask(&messages.RestoreTable{Table: "a", Confirmed: true})
		wantFailure(t, f, "disk_full")
		if w.wasAsked("ReplaceTable a") || f.DataChanged {
			t.Errorf("asked %v", w.asked)
		}
	})
}

// Where Officer is used by verbs only, the process is gone when the order is answered.
func TestPassive_keepsTheNewestUndoPointsOnly(t *testing.T) {
	inWorld(t, func(c *Config) { c.Passive, c.KeepSets = true, 2 }, nil, func(w *world) {
		for i := range 5 {
			w.write(string(encode(t, content(int64(20+i)))))
			if _, f := w.ask(&messages.RestoreBackup{Confirmed: true}); f != nil {
				t.Fatal(f)
			}
			if got := len(w.sets()); got > 2 {
				t.Errorf("%d undo points are there when restore %d is answered, want 2", got, i+1)
			}
			w.settle()
		}
		if len(w.sets()) != 2 {
			t.Errorf("%d undo points at last, want 2", len(w.sets()))
		}
	})
}
