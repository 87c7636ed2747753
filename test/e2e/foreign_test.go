//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// archiveLocations make a database of about 100 MB.
const archiveLocations = 34_000

// backupLine is what the acceptance checks read of a backup.
type backupLine struct {
	OK      bool `json:"ok"`
	Skipped bool `json:"skipped"`
	Backup  struct {
		ID       string `json:"id"`
		File     string `json:"file"`
		Verified bool   `json:"verified"`
		Size     int64  `json:"size_bytes"`
		CopyMS   int64  `json:"copy_ms"`
		VerifyMS int64  `json:"verify_ms"`
		StallMS  int64  `json:"worst_writer_stall_ms"`
		Tables   []struct {
			Name string `json:"name"`
			Rows int64  `json:"rows"`
		} `json:"tables"`
	} `json:"backup"`
}

func stored(db string, b backupLine) string {
	return filepath.Join(db+"-officer", "backups", filepath.FromSlash(b.Backup.File))
}

// TestBackup_ofADatabaseThatIsWrittenAllTheTime: a foreign process commits more than a
// hundred times a second; Officer's backup ends and is one committed state, while the
// stepwise copy of the C command line is restarted by every commit.
func TestBackup_ofADatabaseThatIsWrittenAllTheTime(t *testing.T) {
	cli := need(t, "sqlite3")
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			db := filepath.Join(t.TempDir(), "busy.db")
			testkit.BuildArchive(t, db, archiveLocations)
			if out, err := exec.Command(cli, db, "pragma journal_mode="+mode).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			idle := writerAlone(t, db)
			w := testkit.StartWriter(t, db, testkit.WriterOptions{PerSecond: 300})
			before := w.Acknowledged()
			start := time.Now()
			var b backupLine
			must(t, "backup", db, "--json").last(t, &b)
			took := time.Since(start)
			after := w.Acknowledged()
			if !b.Backup.Verified || b.Skipped {
				t.Fatalf("not a verified new backup: %+v", b)
			}
			rows := testkit.WriterRows(t, stored(db, b))
			if rows < before || rows > after {
				t.Errorf("the backup holds commit %d; it was taken between %d and %d", rows, before, after)
			}
			control, ended := stepwiseBackup(t, cli, db)
			for i := 0; ended && i < 2; i++ { // where the writer itself was held up for a moment
				control, ended = stepwiseBackup(t, cli, db)
			}
			r := w.Stop()
			rate := float64(r.Acknowledged) / r.Duration.Seconds()
			t.Logf("%s: %d MB under %.0f commits/s: backup %v (copy %d ms, verify %d ms); worst commit %v (p99 %v; idle worst %v); Officer says it held writers up for %d ms; control: sqlite3 .backup %s",
				mode, b.Backup.Size>>20, rate, took.Round(time.Millisecond), b.Backup.CopyMS, b.Backup.VerifyMS,
				r.Worst.Round(time.Millisecond), r.P99.Round(100*time.Microsecond), idle.Worst.Round(time.Millisecond), b.Backup.StallMS, control)
			// Few seconds of a rollback journal are mostly the lock of the control; a slow disk makes fewer commits as well.
			if atLeast := min(100, float64(idle.Acknowledged)/idle.Duration.Seconds()/10); rate < atLeast {
				t.Errorf("the writer reached only %.0f commits/s, want %.0f", rate, atLeast)
			}
			if ended && rate >= 100 {
				t.Error("the stepwise control ended under this load: it proves nothing here")
			}
			if r.Failed > 0 {
				t.Errorf("%d commits of the app failed: %s", r.Failed, r.LastError)
			}
		})
	}
}

// writerAlone is what the writer reaches with nobody else there.
func writerAlone(t *testing.T, db string) testkit.WriterReport {
	t.Helper()
	w := testkit.StartWriter(t, db, testkit.WriterOptions{PerSecond: 300})
	deadline := time.NewTimer(2 * time.Second)
	<-deadline.C
	return w.Stop()
}

// stepwiseBackup gives the C command line ten seconds for its own .backup.
func stepwiseBackup(t *testing.T, cli, db string) (what string, ended bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	start := time.Now()
	out, err := exec.CommandContext(ctx, cli, db, ".backup "+filepath.Join(t.TempDir(), "control.db")).CombinedOutput()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "did not end within 10 s", false
	}
	if err != nil {
		return "failed: " + string(out), false
	}
	return "ended after " + time.Since(start).String(), true
}

func TestVerify_flippedBytesInAStoredBackup(t *testing.T) {
	db := filepath.Join(t.TempDir(), "rot.db")
	testkit.BuildArchive(t, db, 300)
	var b backupLine
	must(t, "backup", db, "--json").last(t, &b)
	must(t, "verify", db, "--json")
	done := testkit.Flip(t, stored(db, b), "images", 1)
	if got := testkit.Integrity(t, stored(db, b)); len(got) > 0 {
		t.Fatalf("the damage shows in integrity_check (%v): it should be silent", got)
	}
	o := officer(t, "verify", db, b.Backup.ID, "--json")
	t.Logf("%s → exit %d: %s", done, o.code, o.stdout)
	if o.code != 4 {
		t.Errorf("exit %d, want 4\n%s%s", o.code, o.stdout, o.stderr)
	}
	if !contains(o.stdout, `"damaged"`, "images") {
		t.Errorf("the verdict does not say damaged and name the table: %s", o.stdout)
	}
	if again := officer(t, "list", db, "--json"); !contains(again.stdout, `"damaged"`) {
		t.Errorf("the list does not tell: %s", again.stdout)
	}
}
