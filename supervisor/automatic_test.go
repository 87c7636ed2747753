package supervisor

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// TestRecover_repairsByItselfUnlessItIsToldNotTo runs the whole tree: damage is fenced and
// repaired, with what is newer than any backup; with the setting it waits.
func TestRecover_repairsByItselfUnlessItIsToldNotTo(t *testing.T) {
	for name, waits := range map[string]bool{"repairs": false, "waits": true} {
		t.Run(name, func(t *testing.T) {
			path := testkit.Build(t, t.TempDir(), testkit.WAL)
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{Databases: []Database{{Path: path, Recover: Recover{NotAutomatic: waits}}}, LookEvery: time.Hour}
				r, err := Start(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				testkit.Advance(5 * time.Minute)
				if h := answerOf[*messages.HealthReport](t, r, "", &messages.GetHealth{}); h.GetHealth() != messages.Severity_SEVERITY_GREEN {
					t.Fatalf("before the damage: %v", h)
				}
				app, err := r.Handle("")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := app.ExecContext(t.Context(), "insert into items(id, name) values(1000000, 'newer than the backup')"); err != nil {
					t.Fatal(err)
				}
				answerOf[*messages.CheckpointOutcome](t, r, "", &messages.CheckpointNow{Mode: "truncate"})
				testkit.Advance(time.Second) // who does damage opens the file, as a foreign driver would: nobody may look just then
				testkit.ZeroPageOf(t, path, "items", 3)
				if _, err := r.Ask(t.Context(), "", &messages.CheckNow{}, nil); err != nil {
					t.Fatal(err)
				}
				testkit.Advance(10 * time.Minute)
				h := answerOf[*messages.HealthReport](t, r, "", &messages.GetHealth{})
				if green := h.GetHealth() == messages.Severity_SEVERITY_GREEN; green == waits {
					t.Errorf("after the damage: %v", h)
				}
				if err := errors.Join(app.Close(), r.Stop(t.Context())); err != nil {
					t.Error(err)
				}
				testkit.Advance(time.Second)
			})
			look(t, path, waits)
			if kept, _ := filepath.Glob(filepath.Join(path+"-officer", "quarantine", "*-damage")); len(kept) != 1 {
				t.Errorf("got %q, want the damaged files kept once", kept)
			}
		})
	}
}

func look(t *testing.T, path string, damaged bool) {
	t.Helper()
	c, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	report, err := c.CheckFull(t.Context())
	if err != nil || (report.Verdict == "ok") == damaged {
		t.Errorf("got %v %v", report.Verdict, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if damaged {
		return
	}
	db, err := sqlite.OpenDB(path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var newer, all int
	err = db.QueryRowContext(context.Background(), "select count(*) filter (where id=1000000), count(*) from items").Scan(&newer, &all)
	if err != nil || newer != 1 || all < 2 {
		t.Errorf("%d newer rows of %d, %v; want one", newer, all, err)
	}
}
