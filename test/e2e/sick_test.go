//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	sickWithin    = patience
	sickBackups   = 30
	sickFiles     = 20 // the most open files that are tried
	frozenFor     = 3 * time.Second
	frozenAnswers = 25 * time.Second // a status while the volume is frozen, on a machine that is busy
)

// ended runs a program that may be Officer behind something else, and holds what every end of Officer must be: a
// documented code, a word when it is not 0, no panic, no hang.
func ended(t *testing.T, what, program string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sickWithin)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, time.Minute
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && ctx.Err() == nil {
		t.Fatalf("%s: %v", what, err)
	}
	o := outcome{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
	switch said := o.stdout + o.stderr; {
	case ctx.Err() != nil:
		t.Errorf("%s: it hangs", what)
	case panicked.MatchString(said):
		t.Errorf("%s: it panicked:\n%s", what, said)
	case !slices.Contains([]int{0, 1, 2, 3, 4, 5, 6, 7, 10}, o.code):
		t.Errorf("%s: exit %d (%v), which is not documented:\n%s", what, o.code, cmd.ProcessState, said)
	case o.code != 0 && strings.TrimSpace(said) == "":
		t.Errorf("%s: exit %d without a word", what, o.code)
	}
	return o
}

// TestSick_diskWhoseSyncFailsOnce is ext4 in a file on a tmpfs that is too small: what the kernel cannot
// write it forgets after one failed fsync, then says that all is well. No backup is acknowledged
// that is not there when the disk is well again (P1, P2, P8).
func TestSick_diskWhoseSyncFailsOnce(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	back := smallVolume(t, 20<<20)
	vol := newVolume(t, "ext4", filepath.Join(back, "disk"), 200<<20)
	v, home := newVictim(t, "wal"), filepath.Join(vol.at, "home") // only the backups are on that disk
	acked, refused := map[string]bool{}, 0
	for i := range sickBackups {
		v.grow(t, 100)
		o := ended(t, "backup "+strconv.Itoa(i), officerBinary, "backup", v.db, "--pin", "--json", "--home", home)
		if o.code != 0 && o.code != 3 {
			refused++
			continue
		}
		var b backupLine
		if o.last(t, &b); b.Backup.Verified {
			acked[b.Backup.ID] = true
		}
	}
	if err := unix.Mount("", back, "", unix.MS_REMOUNT, "size=300m"); err != nil {
		t.Fatal(err)
	}
	vol.unmount()
	vol.mountAfresh()
	var list struct {
		Backups []struct {
			ID string `json:"id"`
		} `json:"backups"`
	}
	must(t, "list", v.db, "--json", "--home", home).last(t, &list)
	there := map[string]bool{}
	for _, b := range list.Backups {
		there[b.ID] = true
	}
	for id := range acked {
		if !there[id] {
			t.Errorf("backup %s was acknowledged and is not listed", id)
			continue
		}
		if o := officer(t, "verify", v.db, id, "--json", "--home", home); o.code != 0 {
			t.Errorf("backup %s was acknowledged; when the disk is well: exit %d %s%s", id, o.code, o.stdout, o.stderr)
		}
	}
	t.Logf("sick: fsync that fails once: %d backups acknowledged and whole, %d refused", len(acked), refused)
	if refused == 0 || len(acked) == 0 {
		t.Error("the disk was never, or always, sick")
	}
	v.grow(t, 1)
	must(t, "backup", v.db, "--json", "--home", home)
}

// TestSick_diskThatGoesReadOnly aborts ext4 under a running Officer, as the kernel does when it meets an error: the app
// reads on, Officer says what it cannot do, ends when it is told to, and all is whole afterwards (P1, P8, P11).
func TestSick_diskThatGoesReadOnly(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	vol := newVolume(t, "ext4", filepath.Join(t.TempDir(), "disk"), 200<<20)
	v := newVictimIn(t, vol.at, "wal")
	r := run(t, v.db)
	r.await(patience, "Your data is safe")
	must(t, "backup", v.db, "--json")
	newest, _ := v.manifest(t).Newest()
	if out, err := exec.Command("mount", "-o", "remount,abort", vol.at).CombinedOutput(); err != nil {
		t.Skipf("this kernel aborts no ext4: %v: %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(vol.at, "canary"), nil, 0o600); err == nil {
		t.Fatal("the disk can still be written to")
	}
	for _, verb := range [][]string{{"backup"}, {"check"}, {"verify", "--all"}, {"checkpoint"}, {"vacuum", "--force"}, {"restore", "--yes"}, {"status"}} {
		o := ended(t, verb[0]+" on a disk that is read-only", officerBinary, append([]string{verb[0], v.db, "--json"}, verb[1:]...)...)
		if (verb[0] == "backup" || verb[0] == "restore" || verb[0] == "vacuum") && o.code == 0 {
			t.Errorf("%s on a disk that is read-only: exit 0: %s", verb[0], o.stdout)
		}
		t.Logf("%s: exit %d %.300s%.200s", verb[0], o.code, strings.TrimSpace(lastLine(o.stdout)), o.stderr)
	}
	if o := officer(t, "status", v.db, "--json"); o.code == 0 {
		t.Errorf("the disk cannot be written to and the status is green: %s", o.stdout)
	}
	r.stop()
	if panicked.MatchString(r.text()) {
		t.Errorf("it panicked:\n%s", r.text())
	}
	vol.unmount()
	vol.mountAfresh()
	if got := v.count(t); got != v.rows {
		t.Errorf("%d rows, want %d", got, v.rows)
	}
	v.checkWhole(t, "disk that went read-only")
	must(t, "verify", v.db, newest.ID, "--json")
	v.recoverAndSweep(t)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return lines[len(lines)-1]
}

// TestSick_diskThatIsFrozen freezes the volume, as a snapshot of a virtual machine does. Whoever touches memory that is shared
// with the app (the -shm) waits in the kernel then, and all of Officer with it: a verb says so in time and
// never hangs. When the volume goes on, so does Officer (P9, P11).
func TestSick_diskThatIsFrozen(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	freeze := need(t, "fsfreeze")
	vol := newVolume(t, "ext4", filepath.Join(t.TempDir(), "disk"), 200<<20)
	v := newVictimIn(t, vol.at, "wal")
	r := run(t, v.db)
	r.await(patience, "Your data is safe")
	v.grow(t, 5000)
	if out, err := exec.Command(freeze, "-f", vol.at).CombinedOutput(); err != nil {
		t.Skipf("a volume cannot be frozen here: %v: %s", err, out)
	}
	thaw := sync.OnceFunc(func() {
		if out, err := exec.Command(freeze, "-u", vol.at).CombinedOutput(); err != nil {
			t.Errorf("thaw: %v: %s", err, out)
		}
	})
	t.Cleanup(thaw)
	var slowest time.Duration
	answered, silent := 0, 0
	for began := time.Now(); time.Since(began) < frozenFor; {
		asked := time.Now()
		o := ended(t, "status of a frozen volume", officerBinary, "status", v.db, "--json")
		slowest = max(slowest, time.Since(asked))
		switch {
		case contains(o.stdout, `"officer_silent"`):
			silent++
		case contains(o.stdout, `"headline"`):
			answered++
		default:
			t.Errorf("status of a frozen volume: exit %d %s%s", o.code, o.stdout, o.stderr)
		}
	}
	thaw()
	t.Logf("sick: frozen for %v: %d times a status, %d times that Officer is silent, each within %v", frozenFor, answered, silent, slowest.Round(time.Millisecond))
	punctual(t, "a status of a frozen volume", slowest, frozenAnswers)
	until(t, "a status after the volume goes on", func() bool { return contains(officer(t, "status", v.db, "--json").stdout, `"headline"`) })
	must(t, "backup", v.db, "--json")
	if code := r.stop(); code != 0 && code != 3 {
		t.Errorf("stopped with %d", code)
	}
	if got := v.count(t); got != v.rows {
		t.Errorf("%d rows, want %d", got, v.rows)
	}
	v.checkWhole(t, "frozen volume")
	v.recoverAndSweep(t)
}

// TestSick_diskWithoutInodes: there is room, but no file can be made any more. It is refused by name, and done when files can be made again (P8).
func TestSick_diskWithoutInodes(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	dir := smallVolume(t, 100<<20)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT, "size=100m,nr_inodes=120"); err != nil {
		t.Fatal(err)
	}
	v := newVictimIn(t, dir, "wal")
	for left := range 8 { // so many files can still be made
		var made []string
		for i := 0; ; i++ {
			name := filepath.Join(dir, fmt.Sprint("filler", i))
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				break
			}
			made = append(made, name)
		}
		if len(made) < 10 {
			t.Fatalf("only %d files could be made", len(made))
		}
		for _, name := range made[:left] {
			_ = os.Remove(name)
		}
		for _, verb := range [][]string{{"backup"}, {"restore", "--yes"}, {"check"}} {
			o := ended(t, fmt.Sprintf("%s with %d inodes", verb[0], left), officerBinary, append([]string{verb[0], v.db, "--json"}, verb[1:]...)...)
			if left == 0 && verb[0] != "check" && o.code == 0 {
				t.Errorf("%s without an inode: exit 0: %s", verb[0], o.stdout)
			}
			if o.code != 0 && o.code != 3 {
				t.Logf("%s with %d inodes: exit %d: %.300s%.300s", verb[0], left, o.code, lastLine(o.stdout), o.stderr)
			}
		}
		for _, name := range made[left:] {
			_ = os.Remove(name)
		}
		v.rows = v.count(t)
		v.checkWhole(t, fmt.Sprintf("volume with %d inodes", left))
	}
	v.recoverAndSweep(t)
}

// TestSick_fewFilesAndSmallOnes runs verbs under limits of the process: so many open files, so large a file. Each ends as
// documented and leaves all whole (P1, P2, P4, P8).
func TestSick_fewFilesAndSmallOnes(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	prlimit := need(t, "prlimit")
	v := newVictim(t, "wal")
	done, refused := 0, 0
	under := func(limit string) {
		v.grow(t, 1)
		newest, _ := v.manifest(t).Newest()
		for _, verb := range [][]string{{"backup"}, {"check"}, {"restore", newest.ID, "--yes"}} {
			o := ended(t, verb[0]+" under "+limit, prlimit, append([]string{"--" + limit, officerBinary, verb[0], v.db, "--json"}, verb[1:]...)...)
			if o.code == 0 || o.code == 3 {
				done++
			} else if refused++; refused%10 == 1 {
				t.Logf("%s under %s: exit %d: %.300s%.300s", verb[0], limit, o.code, lastLine(o.stdout), o.stderr)
			}
			v.checkWhole(t, verb[0]+" under "+limit)
			if got := v.count(t); got != v.rows && (verb[0] != "restore" || got != v.stored[newest.ID]) {
				t.Fatalf("%s under %s: %d rows, want %d", verb[0], limit, got, v.rows)
			}
			v.rows = v.count(t)
		}
	}
	for files := 8; files <= sickFiles; files += 4 {
		under(fmt.Sprint("nofile=", files))
	}
	for size := int64(4 << 10); size <= 2<<20; size *= 8 {
		under(fmt.Sprint("fsize=", size))
	}
	t.Logf("sick: %d verbs under limits of files and their size done, %d refused", done, refused)
	if done == 0 || refused == 0 {
		t.Error("the limits do not meet what is needed")
	}
	v.recoverAndSweep(t)
}
