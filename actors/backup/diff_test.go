package backup_test

import (
	"testing"
	"time"

	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

func TestDiffBackups_comparesWithNowAndWithAnother(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		first := w.take(&messages.TakeBackup{}).GetBackup().GetId()
		diff := func(id, other string) *messages.DiffReport {
			return testkit.Ask[*messages.DiffReport](w.Bench, w.pid, &messages.DiffBackups{Id: id, OtherId: other})
		}
		if r := diff("", ""); !r.GetEqual() || r.GetSchemaChanged() || r.GetFrom().GetId() != first || r.GetTo() != nil {
			t.Errorf("nothing changed: got %v", r)
		}
		w.commit(7)
		r := diff(first, "")
		if r.GetEqual() || len(r.GetTables()) != 2 {
			t.Fatalf("got %v, want two tables that are not all equal", r)
		}
		if d := r.Tables[0]; d.GetName() != "items" || d.GetChange() != "changed" || d.GetRowsFrom() != 1 || d.GetRowsTo() != 7 {
			t.Errorf("got %v, want items from 1 to 7 rows", d)
		}
		if d := r.Tables[1]; d.GetName() != "users" || d.GetChange() != "same" {
			t.Errorf("got %v, want users the same", d)
		}
		w.Advance(2 * time.Second)
		second := w.take(&messages.TakeBackup{}).GetBackup().GetId()
		if r := diff(second, first); r.GetEqual() || r.GetTo().GetId() != first || r.Tables[0].GetRowsTo() != 1 {
			t.Errorf("got %v, want the way back", r)
		}
	})
}

func TestDiffBackups_withoutBackupOrDatabaseSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start(passive)
		if f := w.fails(&messages.DiffBackups{}); f.GetCode() != "no_backup" {
			t.Errorf("got %v, want no_backup", f)
		}
		id := w.take(&messages.TakeBackup{}).GetBackup().GetId()
		if f := w.fails(&messages.DiffBackups{Id: id, OtherId: "nope"}); f.GetCode() != "no_backup" {
			t.Errorf("got %v, want no_backup", f)
		}
		w.locked(func() { w.inspectErr = messages.NewFailure("io_error", "read", "the disk is gone") })
		if f := w.fails(&messages.DiffBackups{Id: id}); f.GetCode() != "io_error" {
			t.Errorf("got %v, want the owner's failure", f)
		}
	})
}
