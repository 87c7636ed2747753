//go:build e2e && linux

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestStopped_officerOrNot: a process that is stopped (SIGSTOP: a debugger, a laptop that
// sleeps, a frozen container) and goes on. A stopped Officer holds no lock that keeps a WAL
// app from committing, and goes on as if nothing had been (P9, P11). Only while SQLite cuts the WAL off, right before the
// copy, nobody else can commit: that takes a moment, but a disk that writes all at once can make it a long one.
func TestStopped_officerOrNot(t *testing.T) {
	need(t, "sqlite3")
	v := newVictim(t, "wal")
	r := run(t, v.db)
	r.await(patience, "Your data is safe")
	held, emptying := 0, 0
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
		out, err := exec.Command("sqlite3", "-cmd", ".timeout 10000", v.db, "insert into n select max(i)+1, 'stopped' from n; select count(*) from n").CombinedOutput()
		if err != nil {
			its := locks(t, v.db)
			if emptiesTheLog.MatchString(its) {
				emptying++
			} else {
				held++
			}
			t.Logf("stopped in the middle of a backup (%d ms): %s; it holds\n%s", i*12, strings.TrimSpace(string(out)), its)
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
	if held > 0 || emptying > 6 {
		t.Errorf("a stopped Officer kept the app from committing %d times of 12, and %d times as it emptied the WAL", held, emptying)
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

// emptiesTheLog is the lock of a checkpoint together with the write lock: only one that empties the WAL has both.
var emptiesTheLog = regexp.MustCompile(`-shm .* WRITE .* 120 121`)

// locks are those that anybody holds on a database and its -shm, by kind, inode and bytes: of a -shm, 120 is the write lock
// and 121 that of a checkpoint (https://sqlite.org/walformat.html#locks).
func locks(t *testing.T, db string) string {
	t.Helper()
	all, err := os.ReadFile("/proc/locks")
	if err != nil {
		return err.Error()
	}
	var its []string
	for _, end := range []string{"", "-shm"} {
		info, err := os.Stat(db + end)
		if err != nil {
			continue
		}
		inode := fmt.Sprintf(":%d ", info.Sys().(*syscall.Stat_t).Ino)
		for line := range strings.Lines(string(all)) {
			if strings.Contains(line, inode) {
				its = append(its, "app.db"+end+" "+strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(its, "\n")
}
