//go:build e2e && linux

package e2e

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	powerCutsDefault = 50                    // OFFICER_POWER_CUTS says otherwise
	powerSettle      = 60 * time.Millisecond // until what a stopped process asked the kernel for is done
	powerVolumeBytes = 320 << 20             // xfs wants 300 MB; the file has holes
	powerRoundBytes  = 2 << 20               // and what a round may leave for seven days
)

// TestPower_cutsOfARealKernel cuts the power under backups, restores and repairs on xfs, at
// seeded moments and right after they were acknowledged, beside an app that commits: what
// was acknowledged is there, the list is whole, every backup in it verifies (P1, P2, P6, P7).
func TestPower_cutsOfARealKernel(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	need(t, "xfs_io")
	cuts, seed := fromEnv("OFFICER_POWER_CUTS", powerCutsDefault), fromEnv("OFFICER_SEED", 1)
	p := &powered{random: rand.New(rand.NewPCG(uint64(seed), 0x706f776572)), acked: map[string]int{}}
	t.Logf("seed %d: OFFICER_SEED=%d OFFICER_POWER_CUTS=%d go test -tags e2e -run TestPower ./test/e2e/", seed, seed, cuts)
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			p.volume = newVolume(t, "xfs", filepath.Join(t.TempDir(), "disk"), powerVolumeBytes+int64(cuts)/2*powerRoundBytes)
			p.victim = newVictimIn(t, p.volume.at, mode)
			p.durable = true
			for i := range cuts / 2 {
				p.cut(t, i)
				if i%5 == 4 {
					p.recoverAndSweep(t)
				}
			}
			p.recoverAndSweep(t)
		})
	}
	if p.cuts == 0 {
		t.Skip("power: no cut was possible here, see above")
	}
	t.Logf("power: %d cuts of a real kernel (xfs): %d in the middle, right after the acknowledgement of %d backups, %d restores and %d repairs; %d commits acknowledged beside them; %d cuts lost what was not synced; 0 violations",
		p.cuts, p.middle, p.acked["backup"], p.acked["restore"], p.acked["repair"], p.commits, p.lossy)
	if p.lossy < p.cuts*9/10 {
		t.Errorf("only %d of %d cuts lost a file that was never synced: they prove nothing", p.lossy, p.cuts)
	}
}

// powered is a victim on a disk whose power fails.
type powered struct {
	*victim
	volume *volume
	random *rand.Rand

	cuts, middle, lossy int
	commits             int64
	acked               map[string]int
}

// cut is one point: every other one comes when the verb has been acknowledged.
func (p *powered) cut(t *testing.T, i int) {
	t.Helper()
	newest, ok := p.manifest(t).Newest()
	if !ok {
		t.Fatal("no verified backup is left")
	}
	p.grow(t, 1)
	var alive []*exec.Cmd
	var app *shellWriter
	verb, usual := []string{"backup", p.db, "--json"}, p.backupTime
	switch (i / 2) % 3 {
	case 0: // beside an app that commits
		app = startShellWriter(t, p.db)
		alive = append(alive, app.cmd)
	case 1:
		verb, usual = []string{"restore", p.db, newest.ID, "--yes", "--json"}, p.restoreTime
	case 2:
		p.damage(t)
		verb, usual = []string{"repair", p.db, "--yes", "--json"}, 2*p.restoreTime
	}
	what := verb[0] + " " + strconv.Itoa(i)
	if i%2 == 1 {
		usual = 0
	}
	id, acked, running := p.start(t, what, usual, verb)
	alive = append(alive, running...)
	for _, cmd := range alive {
		_ = cmd.Process.Signal(syscall.SIGSTOP)
	}
	settled := time.NewTimer(powerSettle)
	<-settled.C
	committed := int64(0)
	if app != nil {
		committed = app.acked.Load()
		p.commits += committed
	}
	if p.volume.powerCut(alive...) {
		p.lossy++
	}
	p.cuts++
	if acked {
		p.acked[verb[0]]++
	} else {
		p.middle++
	}
	p.look(t, what, newest.ID, id, acked, committed)
}

// start runs a verb to its end, or for a part of its usual time.
func (p *powered) start(t *testing.T, what string, usual time.Duration, verb []string) (id string, acked bool, running []*exec.Cmd) {
	t.Helper()
	cmd := exec.Command(officerBinary, verb...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	moment := patience
	if usual > 0 {
		moment = time.Duration(p.random.Int64N(int64(usual)))
	}
	select {
	case <-ended:
	case <-time.After(moment):
		if usual == 0 {
			t.Fatalf("%s: it hangs", what)
		}
		t.Cleanup(func() { <-ended })
		return "", false, []*exec.Cmd{cmd}
	}
	if code := cmd.ProcessState.ExitCode(); !slices.Contains([]int{0, 3}, code) {
		t.Fatalf("%s: exit %d: %s%s", what, code, out.String(), errs.String())
	}
	var b backupLine
	if verb[0] == "backup" {
		if (outcome{stdout: out.String()}).last(t, &b); b.Skipped {
			t.Fatalf("%s: skipped: %s", what, out.String())
		}
	}
	return b.Backup.ID, true, nil
}

// damage empties a leaf of the table of which a backup has all rows but the last few.
func (p *powered) damage(t *testing.T) {
	t.Helper()
	must(t, "backup", p.db, "--json")
	p.learn(t)
	p.grow(t, 3)
	p.emptyLeaf(t)
}

// look is the next life.
func (p *powered) look(t *testing.T, what, newestBefore, id string, acked bool, committed int64) {
	t.Helper()
	verb, _, _ := strings.Cut(what, " ")
	if verb == "repair" && !acked {
		if o := officer(t, "repair", p.db, "--yes", "--json"); !slices.Contains([]int{0, 3, 5}, o.code) { // 5: it is healthy already
			t.Fatalf("%s: given again after a power cut: exit %d\n%s%s", what, o.code, o.stdout, o.stderr)
		}
	}
	p.checkWhole(t, what)
	if o := officer(t, "verify", p.db, "--all", "--json"); o.code != 0 {
		t.Fatalf("%s: not all backups verify after a power cut: exit %d\n%s%s", what, o.code, o.stdout, o.stderr)
	}
	listed := map[string]bool{}
	for _, e := range p.manifest(t).Entries {
		listed[e.ID] = e.Verified
	}
	if !listed[newestBefore] || id != "" && !listed[id] {
		t.Fatalf("%s: of the acknowledged backups %s and %q one is not listed as verified: %v", what, newestBefore, id, listed)
	}
	got, restored := p.count(t), p.stored[newestBefore]
	switch {
	case verb == "restore" && (acked || got != p.rows):
		if got != restored {
			t.Fatalf("%s: %d rows, want %d (acknowledged: %v)", what, got, restored, acked)
		}
	case got != p.rows:
		t.Fatalf("%s: %d rows, want %d", what, got, p.rows)
	}
	p.rows = got
	if committed > 0 {
		rows, err := strconv.ParseInt(p.sql(t, "select count(*) from shell_rows"), 10, 64)
		if err != nil || rows < committed {
			t.Fatalf("%s: %d commits of the app are there, %d were acknowledged (%v)", what, rows, committed, err)
		}
		p.sql(t, "drop table shell_rows") // the next app counts from one again
	}
	if s, _ := status(t, p.db); s.has("evidence_tampered") {
		t.Errorf("%s: a power cut looks like tampering: %+v", what, s)
	}
}
