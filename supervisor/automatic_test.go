package supervisor

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/testkit"
)

// TestRecover_automaticIsAnOrderOfTheConfiguration runs the whole tree: without the
// setting damage is fenced and waits, with it the newest verified backup goes in place.
func TestRecover_automaticIsAnOrderOfTheConfiguration(t *testing.T) {
	for _, automatic := range []bool{false, true} {
		name := map[bool]string{false: "waits", true: "restores"}[automatic]
		t.Run(name, func(t *testing.T) {
			path := testkit.Build(t, t.TempDir(), testkit.WAL)
			synctest.Test(t, func(t *testing.T) {
				cfg := Config{Databases: []Database{{Path: path, Recover: Recover{Automatic: automatic}}}, lookEvery: time.Hour}
				r, err := Start(t.Context(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				testkit.Advance(5 * time.Minute)
				if h := answerOf[*messages.HealthReport](t, r, "", &messages.GetHealth{}); h.GetHealth() != messages.Severity_SEVERITY_GREEN {
					t.Fatalf("before the damage: %v", h)
				}
				testkit.ZeroPageOf(t, path, "items", 3)
				if _, err := r.Ask(t.Context(), "", &messages.CheckNow{}, nil); err != nil {
					t.Fatal(err)
				}
				testkit.Advance(10 * time.Minute)
				h := answerOf[*messages.HealthReport](t, r, "", &messages.GetHealth{})
				if green := h.GetHealth() == messages.Severity_SEVERITY_GREEN; green != automatic {
					t.Errorf("after the damage: %v", h)
				}
				if err := r.Stop(t.Context()); err != nil {
					t.Error(err)
				}
				testkit.Advance(time.Second)
			})
			c, err := sqlite.Open(t.Context(), path, sqlite.Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			report, err := c.CheckFull(t.Context())
			if err != nil || (report.Verdict == "ok") != automatic {
				t.Errorf("got %v %v", report.Verdict, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if kept, _ := filepath.Glob(filepath.Join(path+"-officer", "quarantine", "*-damage")); len(kept) != 1 {
				t.Errorf("got %q, want the damaged files kept once", kept)
			}
		})
	}
}
