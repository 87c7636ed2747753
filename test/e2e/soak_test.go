//go:build e2e && linux

package e2e

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

const (
	soakDefault = 20 // seconds; OFFICER_SOAK_SECONDS=300 by hand, 86400 for a day and a night
	soakWarm    = 6  // rounds until everything that is made once is made
	soakRounds  = 12 // at least
)

// TestSoak_nothingGrows: an Officer that is asked all the time beside an app that writes all
// the time. Goroutines and heap (by its own metrics), descriptors, threads, memory, the WAL
// and the number of files are at the end what they were after a few rounds, and no file lies around.
func TestSoak_nothingGrows(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	lasting := time.Duration(fromEnv("OFFICER_SOAK_SECONDS", soakDefault)) * time.Second
	v := newVictim(t, "wal")
	r := run(t, v.db)
	r.await(patience, "Your data is safe")
	app := testkit.StartWriter(t, v.db, testkit.WriterOptions{PerSecond: 50})
	pid := r.cmd.Process.Pid
	var all []soaked
	for began := time.Now(); len(all) < soakRounds || time.Since(began) < lasting; {
		v.grow(t, 5)
		for _, verb := range []string{"backup", "check", "checkpoint", "status", "verify", "metrics", "events", "explain"} {
			if o := officer(t, verb, v.db, "--json"); o.code != 0 && o.code != 3 {
				t.Fatalf("round %d, %s: exit %d: %s%s", len(all), verb, o.code, o.stdout, o.stderr)
			}
		}
		all = append(all, soak(t, pid, v))
	}
	report := app.Stop()
	base, last := best(all[:soakWarm], soaked.worse), best(all[len(all)-soakWarm:], soaked.better)
	t.Logf("soak: %d rounds of 8 verbs in %v beside %d commits: goroutines %d → %d, heap %.1f → %.1f MB, descriptors %d → %d, threads %d → %d, resident %.1f → %.1f MB, WAL %d → %d bytes, files %d → %d",
		len(all), report.Duration.Round(time.Second), report.Acknowledged, base.goroutines, last.goroutines, float64(base.heap)/1e6, float64(last.heap)/1e6,
		base.descriptors, last.descriptors, base.threads, last.threads, float64(base.resident)/1e6, float64(last.resident)/1e6,
		base.wal, last.wal, base.files, last.files)
	if last.goroutines > base.goroutines+4 || last.heap > base.heap+8<<20 || last.descriptors > base.descriptors+4 || last.threads > base.threads+8 ||
		last.resident > base.resident+16<<20 || last.wal > 10_000_000 || last.files > base.files+8 {
		t.Errorf("it grows: %+v after %+v", last, base)
	}
	if report.Failed > 0 {
		t.Errorf("%d commits of the app failed: %s", report.Failed, report.LastError)
	}
	v.recoverAndSweep(t)
	if code := r.stop(); code != 0 && code != 3 {
		t.Errorf("stopped with %d", code)
	}
	v.checkWhole(t, "soak")
	if left := testkit.Strays(t, v.db, v.home); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// soaked is what an Officer holds at one moment.
type soaked struct {
	goroutines, descriptors, threads, files int
	heap, resident, wal                     int64
}

// better and worse take each number for itself: a collection of garbage or a backup under way is no growth.
func (s soaked) better(o soaked) soaked {
	return soaked{min(s.goroutines, o.goroutines), min(s.descriptors, o.descriptors), min(s.threads, o.threads), min(s.files, o.files),
		min(s.heap, o.heap), min(s.resident, o.resident), min(s.wal, o.wal)}
}

func (s soaked) worse(o soaked) soaked {
	return soaked{max(s.goroutines, o.goroutines), max(s.descriptors, o.descriptors), max(s.threads, o.threads), max(s.files, o.files),
		max(s.heap, o.heap), max(s.resident, o.resident), max(s.wal, o.wal)}
}

func best(all []soaked, of func(soaked, soaked) soaked) soaked {
	b := all[0]
	for _, s := range all[1:] {
		b = of(b, s)
	}
	return b
}

func soak(t *testing.T, pid int, v *victim) soaked {
	t.Helper()
	count := func(folder string) int {
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/%s", pid, folder))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s := soaked{descriptors: count("fd"), threads: count("task"), resident: residentBytes(t, pid), wal: walBytes(v.db)}
	text := must(t, "metrics", v.db, "--prometheus").stdout
	s.goroutines, s.heap = int(gauge(t, text, "officer_goroutines")), int64(gauge(t, text, "officer_heap_bytes"))
	err := filepath.WalkDir(filepath.Dir(v.db), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			s.files++
		}
		return nil // it may be gone again
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// gauge gives the number of a series that is told once.
func gauge(t *testing.T, text, name string) float64 {
	t.Helper()
	lines := strings.Split(text, "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+"{") })
	if i < 0 {
		t.Fatalf("there is no %s in\n%s", name, text)
	}
	n, err := strconv.ParseFloat(lines[i][strings.LastIndexByte(lines[i], ' ')+1:], 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
