//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// checkLine is what officer check says.
type checkLine struct {
	Verdict string `json:"verdict"`
	Engine  string `json:"engine"`
	Took    int64  `json:"duration_ms"`
}

const (
	liveChecks    = 5
	liveLocations = 6_800 // 20 MB; OFFICER_LOCATIONS=34000 makes the 98 MB of docs/benchmarks.md
)

// TestCheck_ofALiveDatabase: a foreign process commits 200 times a second while Officer
// checks its database, again and again. Each check is by pages and sound; in WAL mode the app never
// sees BUSY, and waits no longer than a writer whom nobody disturbs, within its patience. In rollback mode a
// reader holds up the writer (https://sqlite.org/lockingv3.html): there it is shown.
func TestCheck_ofALiveDatabase(t *testing.T) {
	cli, locations := need(t, "sqlite3"), liveLocations
	if v := os.Getenv("OFFICER_LOCATIONS"); v != "" {
		var err error
		if locations, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "app.db")
			testkit.BuildArchive(t, db, locations)
			if out, err := exec.Command(cli, db, "pragma journal_mode="+mode).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			run(t, db).await(patience, "Your data is safe")
			options := testkit.WriterOptions{PerSecond: 200, BusyTimeout: appPatience}
			w := testkit.StartWriter(t, db, options)
			control := testkit.StartWriter(t, filepath.Join(t.TempDir(), "control.db"), options)
			var longest int64
			for range liveChecks {
				var c checkLine
				must(t, "check", db, "--json").last(t, &c)
				if c.Verdict != "ok" || c.Engine != "page" {
					t.Errorf("got %+v", c)
				}
				longest = max(longest, c.Took)
			}
			r, alone := w.Stop(), control.Stop()
			t.Logf("%s: %d checks of %d MB, the longest %d ms, beside %d commits (%.0f a second): BUSY %d, worst %v, p99 %v; a writer whom nobody disturbs: worst %v, p99 %v",
				mode, liveChecks, sizeOf(t, db)>>20, longest, r.Acknowledged, float64(r.Acknowledged)/r.Duration.Seconds(), r.Busy,
				r.Worst.Round(time.Millisecond/10), r.P99.Round(time.Millisecond/10), alone.Worst.Round(time.Millisecond/10), alone.P99.Round(time.Millisecond/10))
			if r.Failed > 0 {
				t.Errorf("%d commits of the app failed: %s", r.Failed, r.LastError)
			}
			if mode == "wal" {
				punctual(t, "the app's slowest commit", r.Worst, appPatience+alone.Worst)
				undisturbed(t, r.Busy, r.Duration)
			}
			if rows := testkit.WriterRows(t, db); rows < r.Acknowledged {
				t.Errorf("%d rows of %d acknowledged ones", rows, r.Acknowledged)
			}
		})
	}
}
