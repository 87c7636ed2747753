//go:build e2e && linux

package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

func TestLocked_namesWhoHasTheDatabase(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, 10)
	first := begin(t, exec.Command(officerBinary, "run", db, "--sidecar"))
	since := time.Now()
	o := officer(t, "run", db, "--sidecar")
	punctual(t, "being turned away by one that answers", time.Since(since), 2*time.Second)
	var l line
	o.last(t, &l)
	want := other{Version: first.ready.Version, PID: first.ready.PID, Socket: first.ready.Socket, Answers: true}
	if o.code != 10 || l.Type != "result" || l.Code != 10 || l.Error.Code != "locked" || l.Other == nil || *l.Other != want {
		t.Errorf("exit %d, %s; want 10 and %+v", o.code, o.stdout, want)
	}
	// One that does not answer any more is waited for, and named as far as is known.
	if err := syscall.Kill(first.ready.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	o = officer(t, "run", db, "--sidecar")
	l = line{}
	o.last(t, &l)
	want.Answers = false
	if o.code != 10 || l.Other == nil || *l.Other != want || !strings.Contains(l.Error.Text, "does not answer") {
		t.Errorf("exit %d, %s; want 10 and one that does not answer", o.code, o.stdout)
	}
	// When it goes on, so does who waits for it: nobody is turned away meanwhile.
	next := start(t, exec.Command(officerBinary, "run", db, "--sidecar"))
	<-time.After(500 * time.Millisecond)
	_ = syscall.Kill(first.ready.PID, syscall.SIGTERM)
	_ = syscall.Kill(first.ready.PID, syscall.SIGCONT)
	next.ready = next.await("ready", func(l line) bool { return l.Type == "ready" })
}

// TestHandover_anAppThatRestarts starts the next Officer while the old one is stopping,
// was killed, or is gone: it never fails.
func TestHandover_anAppThatRestarts(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, 1000)
	s := begin(t, exec.Command(officerBinary, "run", db, "--sidecar"))
	for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL} {
		if err := s.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		since := time.Now()
		s = begin(t, exec.Command(officerBinary, "run", db, "--sidecar"))
		t.Logf("%d: ready %v after %v of the one before", i, time.Since(since).Round(time.Millisecond), sig)
	}
	s.await("backup", func(l line) bool { return l.Event == "backup.verified" || l.Event == "backup.skipped" })
	if left := testkit.Strays(t, db, db+"-officer"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestTakeOver_finishesWhatTheOldOneWasAsked takes the place of an Officer that makes a
// backup for somebody: that backup is acknowledged, listed, and verifies.
func TestTakeOver_finishesWhatTheOldOneWasAsked(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, archiveLocations/4)
	old := begin(t, exec.Command(officerBinary, "run", db, "--sidecar"))
	old.event("backup.verified")
	if out, err := exec.Command(need(t, "sqlite3"), db, "create table extra(x); insert into extra values(1)").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	asked := exec.Command(officerBinary, "backup", db, "--reason", "before the update", "--json")
	var said strings.Builder
	asked.Stdout = &said
	if err := asked.Start(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() { answered <- asked.Wait() }()
	for under := false; !under && len(answered) == 0; { // where nobody let this test look in time it is answered already, and holds all the same
		under = strings.Contains(fmt.Sprint(listing(t, db+"-officer")), ".tmp")
		<-time.After(2 * time.Millisecond)
	}
	since := time.Now()
	next := begin(t, exec.Command(officerBinary, "run", db, "--sidecar", "--take-over"))
	t.Logf("ready %v after it was started", time.Since(since).Round(time.Millisecond))
	if err := <-answered; err != nil {
		t.Errorf("the backup that the old one was asked for: %v\n%s", err, said.String())
	}
	if next.ready.TookOver == nil || next.ready.TookOver.PID != old.ready.PID || next.ready.TookOver.Version != old.ready.Version {
		t.Errorf("it took over %+v, want %d", next.ready.TookOver, old.ready.PID)
	}
	old.gone(time.Now())
	stopping := old.await("the reason", func(l line) bool { return l.Type == "stopping" })
	if !strings.Contains(stopping.Reason, fmt.Sprintf("officer %s (pid %d) takes over", next.ready.Version, next.ready.PID)) {
		t.Errorf("the old one stopped because %q", stopping.Reason)
	}
	if code := old.code(); code != 0 && code != 3 {
		t.Errorf("the old one ended with %d", code)
	}
	var made struct {
		Backup struct {
			ID string `json:"id"`
		} `json:"backup"`
	}
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &made); err != nil {
		t.Fatal(err)
	}
	must(t, "verify", db, made.Backup.ID)
}

// listing names all files below a folder.
func listing(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	for _, deep := range []string{"*", "*/*", "*/*/*", "*/*/*/*"} {
		files, err := filepath.Glob(filepath.Join(dir, deep))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, files...)
	}
	return all
}

// TestTakeOver_ofTheOwnBackup: a backup that the old one makes by itself is cancelled, and
// made by the one that takes over.
func TestTakeOver_ofTheOwnBackup(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, archiveLocations/4)
	old := begin(t, exec.Command(officerBinary, "run", db, "--sidecar"))
	next := begin(t, exec.Command(officerBinary, "run", db, "--sidecar", "--take-over"))
	old.gone(time.Now())
	next.event("backup.verified")
	if left := testkit.Strays(t, db, db+"-officer"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	must(t, "verify", db, "--all")
}

func TestTakeOver_leavesNoDatabaseAlone(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
	testkit.BuildArchive(t, a, 10)
	testkit.BuildArchive(t, b, 10)
	old := begin(t, exec.Command(officerBinary, "run", a, b, "--sidecar"))
	o := officer(t, "run", a, "--take-over", "--json")
	var l line
	o.last(t, &l)
	if o.code != 5 || !strings.Contains(l.Error.Text, b) {
		t.Errorf("exit %d, %s; want 5 and that b.db would be left alone", o.code, o.stdout)
	}
	if _, ends := old.find(func(l line) bool { return l.Type == "stopping" }); ends {
		t.Error("the old one stops")
	}
	next := begin(t, exec.Command(officerBinary, "run", b, a, "--take-over", "--sidecar"))
	if next.ready.TookOver == nil || next.ready.TookOver.PID != old.ready.PID {
		t.Errorf("it took over %+v", next.ready.TookOver)
	}
	// Nobody to take over from is no reason to fail, dead or never there.
	_ = next.cmd.Process.Kill()
	again := begin(t, exec.Command(officerBinary, "run", b, a, "--take-over", "--sidecar"))
	if again.ready.TookOver != nil {
		t.Errorf("it took over %+v, want nobody", again.ready.TookOver)
	}
}
