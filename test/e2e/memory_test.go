//go:build e2e && linux

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

const memoryLimitMB = 64 // OFFICER_MEMORY_MB says otherwise

// memoryGroup is a control group whose processes get so much memory, of either version
// (https://docs.kernel.org/admin-guide/cgroup-v1/memory.html, …/cgroup-v2.html).
type memoryGroup struct{ dir, limit, peak string }

func newMemoryGroup(t *testing.T, limitBytes int64) memoryGroup {
	t.Helper()
	var tried []error
	for _, g := range []memoryGroup{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes"},
		{"/sys/fs/cgroup", "memory.max", "memory.peak"},
	} {
		g.dir = filepath.Join(g.dir, fmt.Sprintf("officer-test-%d", os.Getpid()))
		if err := os.Mkdir(g.dir, 0o755); err != nil {
			tried = append(tried, err)
			continue
		}
		t.Cleanup(func() { _ = os.Remove(g.dir) })
		err := os.WriteFile(filepath.Join(g.dir, g.limit), []byte(strconv.FormatInt(limitBytes, 10)), 0o644)
		if err == nil {
			var out []byte // a container may own the group and still move nobody into it
			if out, err = exec.Command("sh", "-c", "echo $$ > "+g.dir+"/cgroup.procs").CombinedOutput(); err == nil {
				return g
			}
			err = fmt.Errorf("%w: %s", err, out)
		}
		tried = append(tried, err)
	}
	t.Skipf("no control group of memory can be made here: %v", errors.Join(tried...))
	return memoryGroup{}
}

// run runs Officer in the group and gives the most memory that anything in it took, with the pages of files.
func (g memoryGroup) run(t *testing.T, args ...string) (outcome, int64) {
	t.Helper()
	_ = os.WriteFile(filepath.Join(g.dir, g.peak), []byte("0"), 0o644) // where the kernel lets it be set back
	into := fmt.Sprintf(`echo $$ > %s/cgroup.procs && exec "$@"`, g.dir)
	o := ended(t, args[0], "sh", append([]string{"-c", into, "sh", officerBinary}, args...)...)
	data, err := os.ReadFile(filepath.Join(g.dir, g.peak))
	if err != nil {
		return o, 0 // Linux before 5.19 does not tell
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return o, n
}

// TestMemory_littleOfItInAControlGroup: 100 MB are checked, backed up, repaired and restored by a program that may have
// 64 MB, its pages of files included, as in a small container. The kernel ends who wants more (P8, P11).
func TestMemory_littleOfItInAControlGroup(t *testing.T) {
	t.Parallel()
	g := newMemoryGroup(t, int64(fromEnv("OFFICER_MEMORY_MB", memoryLimitMB))<<20)
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, archiveLocations)
	for _, verb := range [][]string{{"check"}, {"backup"}, {"verify"}, {"repair", "--yes"}, {"restore", "--yes"}} {
		if verb[0] == "repair" {
			t.Log(testkit.ZeroPageOf(t, db, "locations", 1))
		}
		began := time.Now()
		o, peak := g.run(t, append([]string{verb[0], db, "--json"}, verb[1:]...)...)
		t.Logf("sick: %s of %d MB in %d MB of memory: exit %d after %v, %d MB at most", verb[0], sizeOf(t, db)>>20,
			fromEnv("OFFICER_MEMORY_MB", memoryLimitMB), o.code, time.Since(began).Round(time.Millisecond), peak>>20)
		if !slices.Contains([]int{0, 3}, o.code) {
			t.Errorf("%s: exit %d: %s%s", verb[0], o.code, lastLine(o.stdout), o.stderr)
		}
		if got := testkit.Integrity(t, db); len(got) > 0 {
			t.Errorf("after %s: %q", verb[0], got)
		}
	}
}
