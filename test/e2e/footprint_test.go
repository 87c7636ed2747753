//go:build e2e && linux

package e2e

import (
	"fmt"
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
	// Idle, one database of 98 MB. This program has its symbols, of which no page is ever read.
	idleBytesBudget = 30_000_000
	idleBytesMax    = 34_000_000 // what a machine under load still needs
	idleFor         = 30 * time.Second
	idleShareMax    = 0.005 // of a core; the budget is 0.001, and on a loaded machine a wake-up costs more
)

// TestFootprint_binary looks at what is linked. A reflect.Value.Method anywhere would make the
// linker keep every exported method of every type. The size of a release is held by TestRelease in packaging.
func TestFootprint_binary(t *testing.T) {
	flags, err := os.ReadFile("../../packaging/build.flags")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"build"}
	for line := range strings.Lines(string(flags)) { // as a release is: what .ci/run compiled for that is not compiled again
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "-") {
			args = append(args, line)
		}
	}
	build := exec.Command("go", append(args, "-ldflags=-s -w -dumpdep", "-o", filepath.Join(t.TempDir(), "officer"), "../../cmd/officer")...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%.2000s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "<ReflectMethod>") {
			t.Errorf("in the link: %s", line)
		}
	}
}

// TestFootprint_idle measures an Officer that has nothing to do, by its process times.
func TestFootprint_idle(t *testing.T) {
	t.Parallel() // a minute and a half of waiting, of which its own process times tell
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, archiveLocations)
	r := run(t, db)
	r.await(patience, "Your data is safe")
	pid := r.cmd.Process.Pid
	<-time.After(time.Minute) // the first minute's work, and giving its memory back, is over
	before := ticksOf(t, pid)
	<-time.After(idleFor)                                              // the time that is measured
	share := float64(ticksOf(t, pid)-before) / 100 / idleFor.Seconds() // a tick is 10 ms
	rss, anon := memoryOf(t, pid)
	t.Logf("idle for %v: %.2f %% of a core, RSS %.1f MB, of it anonymous %.1f MB", idleFor, 100*share, float64(rss)/1e6, float64(anon)/1e6)
	if share > idleShareMax {
		t.Errorf("%.2f %% of a core, want at most %.2f %%", 100*share, 100*idleShareMax)
	}
	if rss > idleBytesMax {
		t.Errorf("RSS is %d bytes, want at most %d (budget %d)", rss, idleBytesMax, idleBytesBudget)
	}
	r.stop()
}

// ticksOf is user and system time of a process (proc_pid_stat(5), fields 14 and 15).
func ticksOf(t *testing.T, pid int) int64 {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	var sum int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// memoryOf gives VmRSS and RssAnon in bytes.
func memoryOf(t *testing.T, pid int) (rss, anon int64) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &rss)
		_, _ = fmt.Sscanf(line, "RssAnon: %d kB", &anon)
	}
	return rss * 1024, anon * 1024
}
