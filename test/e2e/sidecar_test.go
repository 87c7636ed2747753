//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/testkit"
)

// line is one line of "officer run --sidecar".
type line struct {
	Type      string   `json:"type"`
	Event     string   `json:"event"`
	Code      int      `json:"code"`
	OK        bool     `json:"ok"`
	PID       int      `json:"pid"`
	Version   string   `json:"version"`
	Socket    string   `json:"socket"`
	URL       string   `json:"url"`
	TokenFile string   `json:"token_file"`
	Path      string   `json:"path"`
	Reason    string   `json:"reason"`
	Watches   []string `json:"watches"`
	Waiting   []string `json:"waiting"`
	Databases json.RawMessage
	TookOver  *other `json:"took_over"`
	Error     struct {
		Code string `json:"code"`
		Text string `json:"text"`
	} `json:"error"`
	Other *other `json:"other"`
}

type other struct {
	Version string `json:"version"`
	PID     int    `json:"pid"`
	Socket  string `json:"socket"`
	Answers bool   `json:"answers"`
}

// sidecar is an Officer whose stdout is read as an app reads it.
type sidecar struct {
	t     *testing.T
	cmd   *exec.Cmd
	ready line
	mu    sync.Mutex
	lines []line
	news  chan struct{}
	ended chan struct{} // its stdout was closed: it and all that it started are gone
}

// begin starts cmd and waits for the ready line.
func begin(t *testing.T, cmd *exec.Cmd) *sidecar {
	t.Helper()
	s := start(t, cmd)
	s.ready = s.await("ready", func(l line) bool { return l.Type == "ready" })
	return s
}

// start starts cmd, whose stdout must be JSON line by line.
func start(t *testing.T, cmd *exec.Cmd) *sidecar {
	t.Helper()
	s := &sidecar{t: t, cmd: cmd, news: make(chan struct{}, 1), ended: make(chan struct{})}
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = theirs
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = theirs.Close()
	go s.read(out)
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if s.ready.PID != 0 {
			_ = syscall.Kill(s.ready.PID, syscall.SIGKILL)
		}
		<-s.ended
		_ = cmd.Wait()
	})
	return s
}

func (s *sidecar) read(out io.ReadCloser) {
	defer close(s.ended)
	defer out.Close()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			s.t.Errorf("stdout of a sidecar holds what is no JSON: %q", lines.Text())
		}
		s.mu.Lock()
		s.lines = append(s.lines, l)
		s.mu.Unlock()
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}

func (s *sidecar) find(is func(line) bool) (line, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if is(l) {
			return l, true
		}
	}
	return line{}, false
}

func (s *sidecar) await(what string, is func(line) bool) line {
	s.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if l, ok := s.find(is); ok {
			return l
		}
		select {
		case <-s.news:
		case <-s.ended:
			if l, ok := s.find(is); ok {
				return l
			}
			s.t.Fatalf("it ended before %s: %+v", what, s.lines)
		case <-late.C:
			s.t.Fatalf("no %s: %+v", what, s.lines)
		}
	}
}

func (s *sidecar) event(kind string) {
	s.t.Helper()
	s.await(kind, func(l line) bool { return l.Event == kind })
}

// gone waits until the sidecar is gone and tells how long that took.
func (s *sidecar) gone(since time.Time) time.Duration {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("it is still there: %+v", s.lines)
	}
	return time.Since(since)
}

// code is the exit code of a sidecar that ended: 0, or 3 when there is something to warn of.
func (s *sidecar) code() int {
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

// shell is a foreign process that has the database open, as an app has: its WAL stays
// when Officer closes the file.
type shell struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

func openShell(t *testing.T, db string) *shell {
	t.Helper()
	cmd := exec.Command(need(t, "sqlite3"), "-cmd", ".timeout 60000", db)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	return &shell{t: t, in: in, out: bufio.NewReader(out)}
}

func (s *shell) exec(sql string) string {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.in, "%s;\nselect 'done';\n", sql); err != nil {
		s.t.Fatal(err)
	}
	var text strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatal(err)
		}
		if line == "done\n" {
			return text.String()
		}
		text.WriteString(line)
	}
}

func walBytes(db string) int64 {
	info, err := os.Stat(db + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

func newDatabase(t *testing.T) (db string, app *shell) {
	t.Helper()
	dir, err := os.MkdirTemp("", "o-") // short: its home has a socket, whose path may have a hundred bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	db = filepath.Join(dir, "app.db")
	app = openShell(t, db)
	app.exec("pragma journal_mode=wal; create table if not exists t(x); pragma wal_autocheckpoint=0")
	return db, app
}

// checkpointed fails when the WAL was not emptied or is not all in the database.
func checkpointed(t *testing.T, db string, app *shell, rows int) {
	t.Helper()
	if n := walBytes(db); n != 0 {
		t.Errorf("the WAL holds %d bytes, want none: the last checkpoint is missing", n)
	}
	if got, want := app.exec("select count(*) from t"), fmt.Sprintf("%d\n", rows); got != want {
		t.Errorf("the database holds %q rows, want %q", got, want)
	}
}

// TestSidecar_parentKilledThoughThePipeLeaked kills the parent with SIGKILL while a third
// process (this one) still holds the other end of the sidecar's stdin and stdout.
func TestSidecar_parentKilledThoughThePipeLeaked(t *testing.T) {
	db, app := newDatabase(t)
	// The parent starts the sidecar and waits; its stdin is handed on.
	parent := exec.Command("sh", "-c", `exec 3<&0; "$0" run "$1" --sidecar <&3 & wait`, officerBinary, db)
	leaked, err := parent.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer leaked.Close()
	s := begin(t, parent)
	if got := strings.Join(s.ready.Watches, ","); got != "parent,stdin" {
		t.Errorf("it watches %q, want parent and stdin", got)
	}
	s.event("backup.verified")
	app.exec("begin; insert into t select value from generate_series(1,1000); commit")
	if walBytes(db) == 0 {
		t.Fatal("the WAL is empty before the end already")
	}
	since := time.Now()
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	took := s.gone(since)
	t.Logf("gone %v after its parent", took.Round(time.Millisecond))
	punctual(t, "the end after its parent's", took, time.Second)
	// Its files are closed a moment before it is gone.
	until(t, "the end of the process", func() bool { return zombie(s.ready.PID) })
	stopping := s.await("the reason", func(l line) bool { return l.Type == "stopping" })
	if !strings.Contains(stopping.Reason, "parent") {
		t.Errorf("the reason is %q, want the parent", stopping.Reason)
	}
	checkpointed(t, db, app, 1000)
}

// zombie tells a process that only waits to be buried by its new parent.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestSidecar_parentKilledWhileNobodyReads: what the sidecar writes goes nowhere, the pipe
// is full or broken, and it still ends with its checkpoint.
func TestSidecar_parentKilledWhileNobodyReads(t *testing.T) {
	for _, broken := range []bool{true, false} {
		t.Run(map[bool]string{true: "broken pipe", false: "full pipe"}[broken], func(t *testing.T) {
			db, app := newDatabase(t)
			parent := exec.Command("sh", "-c", `"$0" run "$1" --sidecar & echo $!; wait`, officerBinary, db)
			out, theirs, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			if _, err := unix.FcntlInt(theirs.Fd(), unix.F_SETPIPE_SZ, pipeBytes); err != nil {
				t.Fatal(err)
			}
			parent.Stdout, parent.Stderr = theirs, theirs
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			theirs.Close()
			var pid int
			if _, err := fmt.Fscan(out, &pid); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				_ = parent.Process.Kill()
				_ = parent.Wait()
			})
			// Its first work is over: in the middle of that, its end leaves what is in the WAL where it is.
			for lines := bufio.NewScanner(out); !strings.Contains(lines.Text(), "backup.verified"); {
				if !lines.Scan() {
					t.Fatalf("it ended before its first backup: %v", lines.Err())
				}
			}
			app.exec("begin; insert into t select value from generate_series(1,1000); commit")
			if broken {
				out.Close()
			} else {
				fill(t, db, out)
			}
			since := time.Now()
			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			for !zombie(pid) {
				if time.Since(since) > patience {
					t.Fatal("it is still there")
				}
				<-time.After(10 * time.Millisecond)
			}
			took := time.Since(since)
			t.Logf("gone %v after its parent", took.Round(time.Millisecond))
			punctual(t, "the end after its parent's", took, 2*time.Second)
			checkpointed(t, db, app, 1000)
		})
	}
}

// fill has Officer tell so much that the pipe, which nobody reads, is full.
func fill(t *testing.T, db string, pipe *os.File) {
	t.Helper()
	for range 400 {
		held, err := unix.IoctlGetInt(int(pipe.Fd()), unix.TIOCINQ)
		if err != nil {
			t.Fatal(err)
		}
		if held > pipeBytes-200 { // a line does not fit any more
			return
		}
		must(t, "check", db, "--quick", "--json")
	}
	t.Fatal("the pipe did not get full")
}

// pipeBytes is the least that a pipe holds.
const pipeBytes = 4096

func waitForSocket(t *testing.T, db string) {
	t.Helper()
	for range 3000 {
		if _, err := os.Stat(filepath.Join(db+"-officer", "officer.sock")); err == nil {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatal("no Officer came")
}

// TestSidecar_parentKilledInTheMiddleOfABackup: work under way is cancelled, leaves no
// strays, and delays the end by little.
func TestSidecar_parentKilledInTheMiddleOfABackup(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, archiveLocations)
	parent := exec.Command("sh", "-c", `"$0" run "$1" --sidecar & wait`, officerBinary, db)
	s := begin(t, parent)
	for { // a copy is being made or verified
		if files, _ := filepath.Glob(filepath.Join(db+"-officer", "backups", "*.tmp*")); len(files) > 0 {
			break
		}
		if files, _ := filepath.Glob(filepath.Join(db+"-officer", "backups", "*", "*", "*")); len(files) > 0 {
			break
		}
		<-time.After(5 * time.Millisecond)
	}
	since := time.Now()
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	took := s.gone(since)
	t.Logf("gone %v after its parent, in the middle of a backup of 100 MB", took.Round(time.Millisecond))
	punctual(t, "the end in the middle of a backup", took, 5*time.Second)
	if left := testkit.Strays(t, db, db+"-officer"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSidecar_stdinClosed(t *testing.T) {
	db, app := newDatabase(t)
	cmd := exec.Command(officerBinary, "run", db, "--sidecar")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s := begin(t, cmd)
	if _, err := io.WriteString(in, strings.Repeat("somebody talks\n", 20000)); err != nil {
		t.Fatal(err)
	}
	s.event("backup.verified")
	app.exec("insert into t values(1)")
	since := time.Now()
	in.Close()
	took := s.gone(since)
	result := s.await("result", func(l line) bool { return l.Type == "result" })
	t.Logf("gone %v after stdin was closed", took.Round(time.Millisecond))
	punctual(t, "the end after stdin's", took, time.Second)
	if result.Reason != "stdin was closed" || !result.OK || s.code() != result.Code {
		t.Errorf("gone with %+v, %v", result, cmd.ProcessState)
	}
	checkpointed(t, db, app, 1)
}

func TestSidecar_terminated(t *testing.T) {
	db, app := newDatabase(t)
	s := begin(t, exec.Command(officerBinary, "run", db, "--sidecar"))
	s.event("backup.verified")
	app.exec("insert into t values(1)")
	since := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	took := s.gone(since)
	t.Logf("gone %v after SIGTERM", took.Round(time.Millisecond))
	punctual(t, "the end after SIGTERM", took, time.Second)
	if code := s.code(); code != 0 && code != 3 {
		t.Errorf("exit %d", code)
	}
	checkpointed(t, db, app, 1)
}

// TestSidecar_aStdinThatSaysNothing: the null device, a closed descriptor, a file, and a
// pipe that was at its end before Officer started are nobody's lifeline.
func TestSidecar_aStdinThatSaysNothing(t *testing.T) {
	for name, redirect := range map[string]string{"null": "</dev/null", "closed": "<&-", "file": "</etc/passwd", "ended pipe": "<&9"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := filepath.Join(t.TempDir(), "app.db")
			testkit.BuildArchive(t, db, 10)
			script := `exec "$0" run "$1" --sidecar ` + redirect
			if name == "ended pipe" {
				fifo := filepath.Join(t.TempDir(), "fifo")
				if err := syscall.Mkfifo(fifo, 0o600); err != nil {
					t.Fatal(err)
				}
				script = `: > ` + fifo + ` & exec 9<` + fifo + `; wait; ` + script
			}
			s := begin(t, exec.Command("sh", "-c", script, officerBinary, db))
			if got := strings.Join(s.ready.Watches, ","); got != "parent" {
				t.Errorf("it watches %q, want the parent alone", got)
			}
			s.event("backup.verified")
			if _, ends := s.find(func(l line) bool { return l.Type == "stopping" }); ends {
				t.Error("it stops though nothing ended")
			}
		})
	}
}

// TestSidecar_ofAnotherProcess: --parent names who it lives for when a wrapper is between.
func TestSidecar_ofAnotherProcess(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, 10)
	app := exec.Command("sleep", "1000")
	if err := app.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = app.Process.Kill() }()
	s := begin(t, exec.Command(officerBinary, "run", db, "--sidecar", "--parent", fmt.Sprint(app.Process.Pid)))
	since := time.Now()
	_ = app.Process.Kill()
	_ = app.Wait()
	punctual(t, "the end after the app's", s.gone(since), time.Second)
	// Who is gone already is not waited for.
	gone := start(t, exec.Command(officerBinary, "run", db, "--sidecar", "--parent", fmt.Sprint(app.Process.Pid)))
	punctual(t, "living for who is gone", gone.gone(time.Now()), 5*time.Second)
}

// TestSidecar_ofSeveralDatabases: one line says where all of them answer.
func TestSidecar_ofSeveralDatabases(t *testing.T) {
	dir := t.TempDir()
	args := []string{"run", "--sidecar", "--home", filepath.Join(dir, "home")}
	for _, name := range []string{"a.db", "b.db"} {
		testkit.BuildArchive(t, filepath.Join(dir, name), 10)
		args = append(args, filepath.Join(dir, name))
	}
	s := begin(t, exec.Command(officerBinary, append(args, filepath.Join(dir, "missing.db"))...))
	var databases []struct {
		Name, Path, Home, Socket string
	}
	if err := json.Unmarshal(s.ready.Databases, &databases); err != nil || len(databases) != 2 {
		t.Fatalf("got %s, %v; want two databases", s.ready.Databases, err)
	}
	if databases[1].Name != "b" || databases[1].Home != filepath.Join(dir, "home", "b") || s.ready.Socket != databases[0].Socket {
		t.Errorf("got %+v", databases)
	}
	if o := officer(t, "status", "--home", filepath.Join(dir, "home"), filepath.Join(dir, "b.db"), "--json"); o.code == 6 || o.stderr != "" {
		t.Errorf("status: exit %d, %s", o.code, o.stderr)
	}
}

// TestSidecar_asInAPod runs what examples/kubernetes runs: the probe of a kubelet, which
// calls the pod by its address, is answered also while there is no database yet.
func TestSidecar_asInAPod(t *testing.T) {
	dir := t.TempDir()
	db, home := filepath.Join(dir, "app.db"), filepath.Join(dir, "backups")
	cmd := exec.Command(officerBinary, "run", db, "--json", "--wait", "--home", home, "--listen", "0.0.0.0:0")
	cmd.Env = append(os.Environ(), "OFFICER_API_ALLOW_REMOTE=true")
	var warned bytes.Buffer
	cmd.Stderr = &warned
	s := begin(t, cmd)
	if len(s.ready.Waiting) != 1 || s.ready.URL == "" {
		t.Fatalf("it is ready with %+v", s.ready)
	}
	_, port, err := net.SplitHostPort(strings.TrimRight(strings.TrimPrefix(s.ready.URL, "http://"), "/"))
	if err != nil {
		t.Fatal(err)
	}
	probe := func(path string) int {
		request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:"+port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "10.244.1.7:" + port
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if got := probe("/livez"); got != http.StatusOK {
		t.Errorf("alive before there is a database: %d", got)
	}
	if got := probe("/v1/status"); got == http.StatusOK {
		t.Error("the status was given to whoever asks")
	}
	app := openShell(t, db)
	app.exec("pragma journal_mode=wal; create table t(x); insert into t values(1)")
	s.await("the database", func(l line) bool { return l.Type == "database" })
	s.event("backup.verified")
	if got := probe("/livez"); got != http.StatusOK {
		t.Errorf("alive with a database: %d", got)
	}
	if _, err := os.Stat(filepath.Join(home, "officer.sock")); err != nil {
		t.Errorf("the socket for the app: %v", err)
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.gone(time.Now())
	checkpointed(t, db, app, 1)
}
