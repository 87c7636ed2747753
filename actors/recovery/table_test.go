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
