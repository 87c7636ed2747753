//go:build e2e && linux

package e2e

import (
	"fmt"
	"os/exec"
	"testing"
)

// TestClock_ofAnotherBoot runs verbs in time namespaces whose monotonic clock and time since the boot are days or a
// year away from those of the life before (https://man7.org/linux/man-pages/man7/time_namespaces.7.html), as after a
// boot or in a machine that was moved. The clock on the wall belongs to the whole machine and cannot be set for one
// process: that it jumps is tried in virtual time (actors/backup, internal/retention).
func TestClock_ofAnotherBoot(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	unshare := need(t, "unshare")
	if out, err := exec.Command(unshare, "--time", "--boottime", "10", "true").CombinedOutput(); err != nil {
		t.Skipf("no time namespaces here: %v: %s", err, out)
	}
	v := newVictim(t, "wal")
	for _, seconds := range []int{365 * 24 * 3600, 3600, 30 * 24 * 3600} {
		for _, verb := range [][]string{{"backup"}, {"check"}, {"verify", "--all"}, {"restore", "--yes"}, {"status"}} {
			if verb[0] == "backup" {
				v.grow(t, 1)
			}
			what := fmt.Sprintf("%s %d s after another boot", verb[0], seconds)
			args := []string{"--time", "--monotonic", fmt.Sprint(seconds), "--boottime", fmt.Sprint(seconds), officerBinary, verb[0], v.db, "--json"}
			if o := ended(t, what, unshare, append(args, verb[1:]...)...); o.code != 0 && o.code != 3 {
				t.Errorf("%s: exit %d %s%s", what, o.code, lastLine(o.stdout), o.stderr)
			}
			v.checkWhole(t, what)
		}
	}
	v.rows = v.count(t)
	v.recoverAndSweep(t)
}
