package officer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	officer "github.com/officer-doofy/officer"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// start is the smoke test's Officer: outside a bubble, because a bubble would hide a
// Start that returns too early.
func start(t *testing.T, cfg officer.Config) *officer.Officer {
	t.Helper()
	o, err := officer.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return o
}

func codeOf(err error) string {
	var f *messages.Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return fmt.Sprint(err)
}

func TestStart_everyPartAnswersAndADatabaseIsProtected(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Kinds()[0])
	o := start(t, officer.Config{Databases: []officer.Database{{Path: path}}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	events, err := o.Subscribe(ctx, &messages.WatchRequest{Replay: true})
	if err != nil {
		t.Fatal(err)
	}
	var checked, backed bool
	var last uint64
	for !checked || !backed {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatal("the events ended")
			}
			if e.Sequence != 0 && e.Sequence != last+1 {
				t.Fatalf("event %d follows %d", e.Sequence, last)
			}
			last = max(last, e.Sequence)
			checked = checked || e.GetIntegrityChecked().GetReport().GetVerdict() == "ok"
			backed = backed || e.GetBackupTaken().GetBackup().GetVerified()
		case <-ctx.Done():
			t.Fatalf("no first check (%v) or backup (%v) in a minute", checked, backed)
		}
	}
	st, err := o.Status(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if st.LastVerifiedBackup == nil || st.Owner == nil || st.Integrity == nil || len(st.Actors) == 0 {
		t.Errorf("the status lacks a part: %v", st)
	}
	for _, a := range st.Actors {
		if a.State != "running" || a.Restarts != 0 {
			t.Errorf("%s is %s after %d restarts: %s", a.Name, a.State, a.Restarts, a.LastFailure)
		}
	}
	if err := o.Close(); err != nil { // a file that is being written is no stray
		t.Error(err)
	}
	testkit.CheckDatabase(t, path, officer.HomeOf(path))
}

func TestDB_writesOfTheHostAreBackedUpAndRestored(t *testing.T) {
	path := testkit.Build(t, t.TempDir(), testkit.Kinds()[0])
	o := start(t, officer.Config{Databases: []officer.Database{{Path: path}}, Passive: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	db, err := o.DB("")
	if err != nil {
		t.Fatal(err)
	}
	var synchronous int
	if err := db.QueryRowContext(ctx, `PRAGMA synchronous`).Scan(&synchronous); err != nil || synchronous != 2 {
		t.Errorf("synchronous is %d, %v; want 2 (FULL)", synchronous, err)
	}
	if _, err := db.ExecContext(ctx, `CREATE TABLE host(x); INSERT INTO host VALUES(1),(2)`); err != nil {
		t.Fatal(err)
	}
	backup, err := o.Backup(ctx, "", "by the host")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(ctx, `DELETE FROM host`); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Restore(ctx, "", &messages.RestoreBackup{Id: backup.Id, Confirmed: true}); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM host`).Scan(&rows); err != nil || rows != 2 {
		t.Errorf("the host sees %d rows, %v; want the 2 of the backup", rows, err)
	}
	if _, err := o.Undo(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM host`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("after the undo the host sees %d rows, %v; want none", rows, err)
	}
}

func TestStart_twiceIsRefusedAndNeighboursGoOn(t *testing.T) {
	one := testkit.Build(t, t.TempDir(), testkit.Kinds()[0])
	two := testkit.Build(t, t.TempDir(), testkit.Kinds()[1])
	start(t, officer.Config{Databases: []officer.Database{{Path: one}}, Passive: true})
	_, err := officer.Start(t.Context(), officer.Config{Databases: []officer.Database{{Path: one}}})
	if got := codeOf(err); got != "locked" {
		t.Errorf("got %s, want locked", got)
	}
	o := start(t, officer.Config{Databases: []officer.Database{{Path: one}, {Path: two}}, Passive: true})
	if p := o.Problems(); len(p) != 1 || p[0].Failure.Code != "locked" {
		t.Errorf("got problems %v, want the locked one", p)
	}
	if _, err := o.Status(t.Context(), two); err != nil {
		t.Errorf("the neighbour does not answer: %v", err)
	}
}

func TestStart_neverMakesAnEmptyDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	_, err := officer.Start(t.Context(), officer.Config{Databases: []officer.Database{{Path: path}}})
	if got := codeOf(err); got != "missing" {
		t.Errorf("got %s, want missing", got)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a file now: %v", err)
	}
}

func ExampleStart() {
	ctx := context.Background()
	o, err := officer.Start(ctx, officer.Config{
		Databases: []officer.Database{{Path: "app.db"}},
	})
	if err != nil {
		fmt.Println(err) // take backup: what happened (code)
		return
	}
	defer o.Close()
	db, err := o.DB("app")
	if err != nil {
		return
	}
	_, _ = db.ExecContext(ctx, "INSERT INTO notes(text) VALUES(?)", "safe")
	if b, err := o.Backup(ctx, "app", "after import"); err == nil {
		fmt.Println(b.Verified)
	}
}
