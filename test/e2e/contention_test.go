//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

const (
	contentionSeconds = 25 // OFFICER_CONTENTION_SECONDS says otherwise
	contentionPause   = time.Second
	appPatience       = 200 * time.Millisecond // the busy timeout of the app
	// contentionLocations make a database of about 20 MB.
	contentionLocations = 6_800
)

// maintenanceLine is what officer vacuum says.
type maintenanceLine struct {
	OK      bool   `json:"ok"`
	Skipped bool   `json:"skipped"`
	Because string `json:"because"`
	Before  int64  `json:"before_bytes"`
	After   int64  `json:"after_bytes"`
	Took    int64  `json:"duration_ms"`
}

// TestContention_withABusyApp: a foreign process commits 50 times a second for 25 s
// and waits 200 ms for a lock, while Officer backs up, checkpoints and is told to vacuum.
// In WAL mode the app never sees BUSY, and waits less than 200 ms longer than a writer whom nobody disturbs. In rollback mode a reader keeps the writer from
// committing (https://sqlite.org/lockingv3.html), so there the stall is measured and shown.
// A VACUUM that was not ordered by force is skipped; afterwards a forced one shrinks the file.
func TestContention_withABusyApp(t *testing.T) {
	t.Parallel() // beside tests that wait, which costs the app little
	cli := need(t, "sqlite3")
	seconds := contentionSeconds
	if v := os.Getenv("OFFICER_CONTENTION_SECONDS"); v != "" {
		var err error
		if seconds, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "app.db")
			testkit.BuildArchive(t, db, contentionLocations)
			emptied := "delete from image_tags where image_id > 4000; delete from images where id > 4000;"
			if out, err := exec.Command(cli, db, emptied+"pragma journal_mode="+mode).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			before := sizeOf(t, db)
			officerRuns := run(t, db)
			officerRuns.await(patience, "Your data is safe")
			w := testkit.StartWriter(t, db, testkit.WriterOptions{PerSecond: 50, BusyTimeout: appPatience})
			// The same writer at the same time on a database of its own: what the machine costs.
			control := testkit.StartWriter(t, filepath.Join(t.TempDir(), "control.db"), testkit.WriterOptions{PerSecond: 50, BusyTimeout: appPatience})
			c := contend(t, db, time.Duration(seconds)*time.Second)
			r, alone := w.Stop(), control.Stop()
			t.Logf("%s: %d MB, %.0f s: %d commits, %d backups, %d checkpoints, %d vacuums skipped; the app: BUSY %d, worst %v, p99 %v, p50 %v (a writer whom nobody disturbs meanwhile: worst %v); Officer says it held writers up for at most %d ms",
				mode, before>>20, r.Duration.Seconds(), r.Acknowledged, c.backups, c.checkpoints, c.skipped, r.Busy,
				r.Worst.Round(100*time.Microsecond), r.P99.Round(100*time.Microsecond), r.P50.Round(10*time.Microsecond),
				alone.Worst.Round(100*time.Microsecond), c.stallMS)
			if r.Failed > 0 {
				t.Errorf("%d commits of the app failed: %s", r.Failed, r.LastError)
			}
			if mode == "wal" {
				punctual(t, "the app's slowest commit", r.Worst, appPatience+alone.Worst)
				undisturbed(t, r.Busy, r.Duration)
			}
			if c.backups == 0 || c.checkpoints == 0 || c.skipped == 0 {
				t.Error("nothing contended with the app")
			}
			var v maintenanceLine
			must(t, "vacuum", db, "--force", "--json").last(t, &v)
			after := sizeOf(t, db)
			t.Logf("%s: forced vacuum: %d kB → %d kB in %d ms (file %d kB → %d kB)", mode, v.Before>>10, v.After>>10, v.Took, before>>10, after>>10)
			if v.Skipped || after >= before*9/10 || after != v.After {
				t.Errorf("the file has %d bytes after %d; the report says %+v", after, before, v)
			}
			if rows := testkit.WriterRows(t, db); rows < r.Acknowledged {
				t.Errorf("%d rows of %d acknowledged ones", rows, r.Acknowledged)
			}
			if c := testkit.Integrity(t, db); len(c) > 0 {
				t.Errorf("damaged: %q", c)
			}
		})
	}
}

// contended counts what Officer did beside the app.
type contended struct {
	backups, checkpoints, skipped int
	stallMS                       int64
}

func contend(t *testing.T, db string, d time.Duration) (c contended) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		var b backupLine
		must(t, "backup", db, "--json").last(t, &b)
		if !b.Skipped {
			c.backups++
			c.stallMS = max(c.stallMS, b.Backup.StallMS)
		}
		if o := officer(t, "checkpoint", db, "--json"); o.code != 0 && o.code != 3 {
			t.Errorf("checkpoint: exit %d: %s%s", o.code, o.stdout, o.stderr)
		}
		c.checkpoints++
		var v maintenanceLine
		o := officer(t, "vacuum", db, "--json")
		if o.last(t, &v); o.code != 3 || !v.Skipped || !strings.Contains(v.Because, "the app is busy") {
			t.Errorf("a VACUUM beside a busy app was not skipped: exit %d, %+v", o.code, v)
		}
		c.skipped++
		pause := time.NewTimer(contentionPause)
		<-pause.C
	}
	return c
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
