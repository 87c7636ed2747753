//go:build e2e && linux

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/testkit"
)

// atRest has a script wait until Officer, whose words go to the file SAID, has done its first work: while it reads the
// database for its first check and backup, its end leaves what is in the WAL where it is.
const atRest = `until grep -q "Your data is safe" "$SAID"; do sleep 0.02; done; `

// words gives the file SAID to a command that runs Officer.
func words(t *testing.T, cmd *exec.Cmd) (said func() string) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	cmd.Stderr, cmd.Env = f, append(os.Environ(), "SAID="+f.Name())
	return func() string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// runApp runs "officer run DB -- sh -c SCRIPT" to its end.
func runApp(t *testing.T, db, stdin, script string) outcome {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(officerBinary, "run", db, "--", "sh", "-c", script)
	said := words(t, cmd)
	cmd.Stdin, cmd.Stdout = strings.NewReader(stdin), &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcome{cmd.ProcessState.ExitCode(), out.String(), said()}
}

func TestApp_exitCodeAndStreamsAreItsOwn(t *testing.T) {
	db, app := newDatabase(t)
	for script, want := range map[string]int{
		"exit 0": 0, "exit 3": 3, "kill -TERM $$": 128 + 15, "kill -KILL $$": 128 + 9,
		"cat; echo broken >&2; exit 7": 7,
	} {
		o := runApp(t, db, "said\n", script)
		if o.code != want {
			t.Errorf("%s: exit %d, want %d\n%s", script, o.code, want, o.stderr)
		}
		if strings.HasPrefix(script, "cat") && (o.stdout != "said\n" || !strings.Contains(o.stderr, "broken\n")) {
			t.Errorf("its streams are %q and %q", o.stdout, o.stderr)
		}
		if !strings.HasPrefix(script, "cat") && o.stdout != "" {
			t.Errorf("%s: stdout holds %q, which the app did not write", script, o.stdout)
		}
		if !strings.Contains(o.stderr, "is looking after app.db") {
			t.Errorf("stderr lacks the greeting: %q", o.stderr)
		}
	}
	rows := 10
	o := runApp(t, db, "", atRest+fmt.Sprintf(`sqlite3 %s "insert into t select value from generate_series(1,%d)"; test -S "$OFFICER_SOCKET"; echo $?; kill $$`, db, rows))
	if o.code != 143 || o.stdout != "0\n" {
		t.Errorf("exit %d, stdout %q: want 143 and a socket", o.code, o.stdout)
	}
	checkpointed(t, db, app, rows)
}

func TestApp_getsTheSignals(t *testing.T) {
	db, _ := newDatabase(t)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGQUIT} {
		cmd := exec.Command(officerBinary, "run", db, "--", "sh", "-c", `for s in TERM INT HUP USR1 QUIT; do trap "echo $s; exit 9" $s; done; echo ready; while :; do sleep 0.02; done`)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 6)
		if _, err := io.ReadFull(out, said); err != nil || string(said) != "ready\n" {
			t.Fatalf("got %q, %v", said, err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(out)
		_ = cmd.Wait()
		name := strings.TrimPrefix(strings.ToUpper(map[syscall.Signal]string{syscall.SIGTERM: "TERM", syscall.SIGINT: "INT", syscall.SIGHUP: "HUP", syscall.SIGUSR1: "USR1", syscall.SIGQUIT: "QUIT"}[sig]), "SIG")
		if string(rest) != name+"\n" || cmd.ProcessState.ExitCode() != 9 {
			t.Errorf("%v: the app heard %q, exit %d; want %s and 9", sig, rest, cmd.ProcessState.ExitCode(), name)
		}
	}
}

// TestApp_leavesNobodyBehind: what the app started and left ends before Officer does.
func TestApp_leavesNobodyBehind(t *testing.T) {
	db, _ := newDatabase(t)
	since := time.Now()
	o := runApp(t, db, "", `sleep 1000 & echo $!; trap "" TERM; sleep 1001 & echo $!; exit 4`)
	if o.code != 4 {
		t.Errorf("exit %d, want 4", o.code)
	}
	for _, pid := range strings.Fields(o.stdout) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		if !zombie(n) {
			t.Errorf("process %d was left behind", n)
		}
	}
	punctual(t, "the end of its children", time.Since(since), 6*time.Second)
}

// TestApp_makesItsDatabaseItself: Officer waits for a database that does not exist yet,
// does not get into the way of who makes it, and creates none itself.
func TestApp_makesItsDatabaseItself(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	cmd := exec.Command(officerBinary, "run", db, "--json", "--", "sh", "-c", `read go; test "$OFFICER_SOCKET" = `+db+`-officer/officer.sock || exit 20; sqlite3 `+db+` "pragma journal_mode=wal; create table t(x); insert into t values(1)"; read stop`)
	hand, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = theirs // Officer's JSON: stdout is the app's
	s := &sidecar{t: t, cmd: cmd, news: make(chan struct{}, 1), ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	go s.read(out)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-s.ended
		_ = cmd.Wait()
	})
	ready := s.await("ready", func(l line) bool { return l.Type == "ready" })
	if len(ready.Waiting) != 1 || ready.Waiting[0] != db {
		t.Errorf("it waits for %q, want %s", ready.Waiting, db)
	}
	if found, _ := filepath.Glob(db + "*"); len(found) > 0 {
		t.Errorf("Officer made %q", found)
	}
	io.WriteString(hand, "go\n")
	come := s.await("the database", func(l line) bool { return l.Type == "database" })
	if come.Path != db || come.Socket != db+"-officer/officer.sock" {
		t.Errorf("it tells of %+v", come)
	}
	s.event("backup.verified")
	if o := officer(t, "list", db, "--json"); o.code != 0 || !strings.Contains(o.stdout, `"rows":1`) {
		t.Errorf("list: exit %d, %s", o.code, o.stdout)
	}
	io.WriteString(hand, "stop\n")
	hand.Close()
	if result := s.await("result", func(l line) bool { return l.Type == "result" }); result.Code != 0 || !strings.Contains(result.Reason, "sh ended") {
		t.Errorf("got %+v", result)
	}
}

// TestApp_isNotStartedOverLostData: the database is gone but backups exist. An app that
// is started now would make an empty one, and who looks would believe that all is lost.
func TestApp_isNotStartedOverLostData(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, 10)
	must(t, "backup", db)
	if err := os.Remove(db); err != nil {
		t.Fatal(err)
	}
	if o := runApp(t, db, "", "echo started"); o.code != 4 || o.stdout != "" || !strings.Contains(o.stderr, "officer restore") {
		t.Errorf("exit %d, %q, %q; want 4 and how to restore", o.code, o.stdout, o.stderr)
	}
	if o := officer(t, "run", db, "--", "/no/such/program"); o.code != 2 {
		t.Errorf("a program that does not exist: exit %d, want 2", o.code)
	}
}

// TestApp_isNotEndedByATakeOver: an Officer that runs an app ends with the app.
func TestApp_isNotEndedByATakeOver(t *testing.T) {
	db, _ := newDatabase(t)
	cmd := exec.Command(officerBinary, "run", db, "--", "sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	waitForSocket(t, db)
	until(t, "the app, which is started a moment later", func() bool { return len(children(t, cmd.Process.Pid)) > 0 })
	if o := officer(t, "run", db, "--take-over"); o.code != 5 || !strings.Contains(o.stderr, "ends with it") {
		t.Errorf("exit %d, %s; want 5", o.code, o.stderr)
	}
}

// TestApp_asProcessOne runs Officer as process 1 of a PID namespace, as in a container: it
// buries orphans, passes signals on, and the namespace ends with the app.
func TestApp_asProcessOne(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root for a PID namespace")
	}
	need(t, "unshare")
	db, app := newDatabase(t)
	// The orphan: a grandchild whose parent ends first. It has a session of its own, so
	// only process 1 can bury it. It is there until it is buried.
	orphan := filepath.Join(t.TempDir(), "orphan")
	script := `(setsid sh -c 'echo $$ >` + orphan + `; sleep 0.3' &) ; while ! test -s ` + orphan + `; do sleep 0.02; done; ` +
		`n=0; while test -d /proc/$(cat ` + orphan + `) && test $n -lt 3000; do n=$((n+1)); sleep 0.02; done; ` +
		`echo "pid1 $(readlink /proc/1/exe)"; for p in /proc/[0-9]*; do grep -q "^State:.Z" $p/status && cat $p/status >&2; done; ` +
		atRest + `sqlite3 ` + db + ` "insert into t values(1)"; trap 'echo term; exit 11' TERM; echo trapped; while :; do sleep 0.02; done`
	cmd := exec.Command("unshare", "-pf", "--mount-proc", officerBinary, "run", db, "--", "sh", "-c", script)
	said := words(t, cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	want := "pid1 " + officerBinary + "\ntrapped\n"
	told := make([]byte, len(want))
	if _, err := io.ReadFull(out, told); err != nil || string(told) != want {
		t.Fatalf("got %q, %v, want %q\n%s", told, err, want, said())
	}
	// unshare passes no signals on: process 1 of the namespace is its child.
	first := children(t, cmd.Process.Pid)[0]
	since := time.Now()
	if err := syscall.Kill(first, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(out)
	_ = cmd.Wait()
	t.Logf("the namespace ended %v after SIGTERM", time.Since(since).Round(time.Millisecond))
	if string(rest) != "term\n" || cmd.ProcessState.ExitCode() != 11 {
		t.Errorf("the app said %q, exit %d; want term and 11\n%s", rest, cmd.ProcessState.ExitCode(), said())
	}
	if strings.Contains(said(), "zombie") {
		t.Errorf("somebody was not buried:\n%s", said())
	}
	checkpointed(t, db, app, 1)
}

// children lists the processes that a process started, whichever of its threads did.
func children(t *testing.T, pid int) (list []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(text)) {
			if n, err := strconv.Atoi(word); err == nil {
				list = append(list, n)
			}
		}
	}
	return list
}

// TestApp_onATerminal: the app has the terminal. Ctrl+C reaches it once, and not Officer;
// Ctrl+Z suspends neither of them.
func TestApp_onATerminal(t *testing.T) {
	db, _ := newDatabase(t)
	ptm, pts := terminal(t)
	cmd := exec.Command(officerBinary, "run", db, "--quiet", "--", "sh", "-c",
		`n=0; trap 'n=$((n+1)); echo int $n' INT; echo ready; while read word; do echo "heard $word"; test "$word" = stop && exit 6; done; echo over; exit 8`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pts, pts, pts
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pts.Close()
	var said strings.Builder
	heard := func(words string) {
		t.Helper()
		piece := make([]byte, 1024)
		for !strings.Contains(said.String(), words) {
			n, err := ptm.Read(piece)
			said.Write(piece[:n])
			if err != nil {
				t.Fatalf("it did not say %q but %q: %v", words, said.String(), err)
			}
		}
	}
	heard("ready")
	io.WriteString(ptm, "one\n")
	heard("heard one")
	io.WriteString(ptm, "\x1a") // Ctrl+Z
	io.WriteString(ptm, "two\n")
	heard("heard two")
	io.WriteString(ptm, "\x03") // Ctrl+C
	heard("int 1")
	io.WriteString(ptm, "stop\n")
	_, _ = io.Copy(&said, ptm)
	_ = cmd.Wait()
	if cmd.ProcessState.ExitCode() != 6 && cmd.ProcessState.ExitCode() != 8 {
		t.Errorf("exit %d, want the app's: %s", cmd.ProcessState.ExitCode(), said.String())
	}
	if strings.Contains(said.String(), "int 2") {
		t.Errorf("Ctrl+C reached the app twice: %s", said.String())
	}
}

// terminal makes a pseudo-terminal: the end of the person and that of the program.
func terminal(t *testing.T) (ptm, pts *os.File) {
	t.Helper()
	ptm, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { ptm.Close() })
	if err := unix.IoctlSetPointerInt(int(ptm.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(ptm.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	pts, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ptm, pts
}
