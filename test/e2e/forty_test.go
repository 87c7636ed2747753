//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/testkit"
)

// smallVolume mounts a tmpfs of the given size; it needs root.
func smallVolume(t *testing.T, sizeBytes int64) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", sizeBytes)); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// TestRun_fortyDatabasesOfWhichThreeAreSick: one corrupt, one on a full volume, one
// deleted while Officer runs: the other thirty-seven stay green.
func TestRun_fortyDatabasesOfWhichThreeAreSick(t *testing.T) {
	t.Parallel()
	const healthy, kinds = 37, 3
	dir, full := t.TempDir(), smallVolume(t, 2<<20)
	var paths []string
	for i := range healthy + kinds {
		at := dir
		if i == healthy+1 {
			at = full
		}
		db := filepath.Join(at, fmt.Sprintf("db%02d.db", i))
		testkit.BuildArchive(t, db, 40)
		paths = append(paths, db)
	}
	corrupt, fullUp, deleted := paths[healthy], paths[healthy+1], paths[healthy+2]
	t.Log(testkit.ZeroPageOf(t, corrupt, "images", 1))
	filler, err := os.Create(filepath.Join(full, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 64<<10); ; {
		if _, err := filler.Write(chunk); err != nil {
			break // the volume is full
		}
	}
	if err := filler.Close(); err != nil {
		t.Log(err)
	}
	start := time.Now()
	r := run(t, paths...)
	for _, db := range paths[:healthy] {
		awaitHealth(t, r, db, "green")
	}
	awaitHealth(t, r, deleted, "green")
	t.Logf("%d databases green after %v", healthy+1, time.Since(start).Round(time.Millisecond))
	awaitHealth(t, r, corrupt, "red")
	for _, end := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(deleted + end)
	}
	awaitHealth(t, r, deleted, "red")
	if s, code := status(t, fullUp); s.Health == "green" || code == 0 {
		t.Errorf("the database on the full volume: exit %d, %+v; it cannot be green", code, s)
	} else {
		t.Logf("full volume: %s: %s", s.Health, s.Headline)
	}
	for _, db := range paths[:healthy] {
		if s, code := status(t, db); s.Health != "green" || code != 0 {
			t.Errorf("%s: exit %d, %s: %s", filepath.Base(db), code, s.Health, s.Headline)
		}
	}
	r.stop()
}

// awaitHealth polls the status until it has the colour.
func awaitHealth(t *testing.T, r *running, db, colour string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		s, _ := status(t, db)
		if s.Health == colour {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("%s is %s and not %s after %v: %s %+v\n%s", filepath.Base(db), s.Health, colour, patience, s.Headline, s.Conditions, r.text())
		case <-time.After(200 * time.Millisecond):
		}
	}
}
