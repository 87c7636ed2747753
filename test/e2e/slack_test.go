//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// usualTime is what slowness takes for one look where nobody else needs the machine.
const usualTime = 60 * time.Millisecond

// slowness tells how many times as long as usual this machine takes for what every promise needs, at least 1:
// it starts the program and makes a small file durable, three times, and takes the longest.
func slowness(t *testing.T) float64 {
	t.Helper()
	var worst time.Duration
	for range 3 {
		begun := time.Now()
		officer(t, "version")
		f, err := os.Create(filepath.Join(t.TempDir(), "durable"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(begun))
	}
	return max(1, float64(worst)/float64(usualTime))
}

// punctual fails the test where something took longer than is promised and the machine is no excuse:
// a promise is of a machine that has time for it.
func punctual(t *testing.T, what string, took, promised time.Duration) {
	t.Helper()
	if took <= promised {
		return
	}
	slow := slowness(t)
	t.Logf("%s took %v; the machine is %.1f times as slow as usual", what, took, slow)
	if took > time.Duration(slow*float64(promised)) {
		t.Errorf("%s took %v, want at most %v", what, took, promised)
	}
}
