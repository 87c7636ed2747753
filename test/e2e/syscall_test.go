//go:build e2e && linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	syscallsDefault = 100 // OFFICER_SYSCALLS says otherwise
	syscallWithin   = 30 * time.Second
	syscallDeepest  = 40 // counted by thread, so that every protocol is met from its begin to its end
)

// injection is what happens to a call of the kernel.
type injection struct{ call, what string }

// injections are kills before what a backup or restore makes durable step by step, and
// errors that a kernel gives.
func injections() []injection {
	var all []injection
	for _, call := range []string{"pwrite64", "write", "fsync", "fdatasync", "openat", "renameat2", "renameat", "linkat", "unlinkat", "ftruncate"} {
		all = append(all, injection{call, "signal=KILL"})
	}
	return append(all, injection{"pwrite64", "error=ENOSPC"}, injection{"pwrite64", "error=EIO"}, injection{"fsync", "error=EIO"},
		injection{"fdatasync", "error=EIO"}, injection{"renameat2", "error=EIO"}, injection{"pread64", "error=EIO"}, injection{"ftruncate", "error=ENOSPC"},
		injection{"linkat", "error=EIO"}, injection{"unlinkat", "error=EIO"}, injection{"openat", "error=EMFILE"})
}

// TestSyscall_failingOrKilledAtAnyCall runs backup and restore under strace, which fails the
// nth call of the kernel or kills the process there, and looks at what is left (P1, P2, P4,
// P6, P7, P8): the same as TestKill, but at every kind of step, not at a time.
func TestSyscall_failingOrKilledAtAnyCall(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	strace := need(t, "strace")
	points, seed := fromEnv("OFFICER_SYSCALLS", syscallsDefault), fromEnv("OFFICER_SEED", 1)
	random := rand.New(rand.NewPCG(uint64(seed), 0x73797363))
	t.Logf("seed %d: OFFICER_SEED=%d OFFICER_SYSCALLS=%d go test -tags e2e -run TestSyscall ./test/e2e/", seed, seed, points)
	all := injections()
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	killed, failed, ended := 0, 0, 0
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			v := newVictim(t, mode)
			for i := range points / 2 {
				in, nth := all[i%len(all)], 1+random.IntN(1+random.IntN(syscallDeepest))
				v.grow(t, 1)
				newest, ok := v.manifest(t).Newest()
				if !ok {
					t.Fatal("no verified backup is left")
				}
				verb := []string{"backup", v.db, "--json"}
				if i%2 == 1 {
					verb = []string{"restore", v.db, newest.ID, "--yes", "--json"}
				}
				what := fmt.Sprintf("%s at %s %d, %s", verb[0], in.call, nth, in.what)
				switch straced(t, strace, in, nth, what, verb) {
				case -1:
					killed++
				case 0:
					ended++
				default:
					failed++
				}
				v.checkWhole(t, what)
				got := v.count(t)
				if restored := v.stored[newest.ID]; got != v.rows && (verb[0] == "backup" || got != restored) {
					t.Fatalf("%s: %d rows, want %d or %d", what, got, v.rows, restored)
				}
				v.rows = got
				if i%10 == 9 {
					v.recoverAndSweep(t)
				}
			}
			v.recoverAndSweep(t)
		})
	}
	t.Logf("syscalls: %d points: %d killed, %d failed with a documented code, %d went on, 0 violations", killed+failed+ended, killed, failed, ended)
	if killed < points/8 {
		t.Errorf("only %d of %d points killed anything", killed, points)
	}
}

// straced runs a verb under strace; -1 = it was killed.
func straced(t *testing.T, strace string, in injection, nth int, what string, verb []string) (code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), syscallWithin)
	defer cancel()
	args := []string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + in.call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", in.call, in.what, nth), officerBinary}
	cmd := exec.CommandContext(ctx, strace, append(args, verb...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s: it hangs", what)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	said := out.String() + errs.String()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return -1
	}
	code = cmd.ProcessState.ExitCode()
	switch {
	case code == 127 && strings.Contains(said, "loading shared libraries"):
		return 0 // the program did not begin
	case strings.HasPrefix(in.what, "signal") && code == 128+int(syscall.SIGKILL):
		return -1
	case panicked.MatchString(said) && in.call != "openat": // the runtime itself cannot do without some files
		t.Fatalf("%s: it panicked:\n%s", what, said)
	case !slices.Contains([]int{0, 1, 2, 3, 4, 5, 6, 7, 10}, code):
		t.Fatalf("%s: exit %d, which is not documented:\n%s", what, code, said)
	case code != 0 && strings.TrimSpace(said) == "":
		t.Fatalf("%s: exit %d without a word", what, code)
	}
	return code
}

// TestStopped_officerOrNot: a process that is stopped (SIGSTOP: a debugger, a laptop that
// sleeps, a frozen container) and goes on. A stopped Officer holds no lock that keeps a WAL
// app from committing, and goes on as if nothing had been (P9, P11).
func TestStopped_officerOrNot(t *testing.T) {
	need(t, "sqlite3")
	v := newVictim(t, "wal")
	r := run(t, v.db)
	r.await(time.Minute, "Your data is safe")
	held := 0
	for i := range 12 {
		backup := exec.Command(officerBinary, "backup", v.db, "--json")
		v.grow(t, 1)
		if err := backup.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Duration(i) * 12 * time.Millisecond) // another moment of the backup each time
		if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sqlite3", "-cmd", ".timeout 1000", v.db, "insert into n select max(i)+1, 'stopped' from n; select count(*) from n").CombinedOutput()
		if err != nil {
			held++
			t.Logf("stopped in the middle of a backup (%d ms): %s", i*12, strings.TrimSpace(string(out)))
		} else {
			v.rows++
		}
		if err := r.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		_ = backup.Wait()
		if code := backup.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the backup ended with %d after Officer went on", code)
		}
	}
	if held > 0 {
		t.Errorf("a stopped Officer kept the app from committing %d times of 12", held)
	}
	if s, code := status(t, v.db); code != 0 && code != 3 { // 3: the C library of this machine is an old one
		t.Errorf("exit %d, %+v; want nothing red", code, s)
	}
	if got := v.count(t); got != v.rows {
		t.Errorf("%d rows, want %d", got, v.rows)
	}
	if code := r.stop(); code != 0 && code != 3 {
		t.Errorf("stopped with %d", code)
	}
	v.checkWhole(t, "stopped Officer")
}
