//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// walStatus is what the acceptance checks read of a status.
type walStatus struct {
	WAL struct {
		Size     int64 `json:"size_bytes"`
		Hostages []struct {
			PID     int64  `json:"pid"`
			Command string `json:"command"`
			Since   string `json:"since"`
			Pages   int64  `json:"pages"`
		} `json:"hostages"`
		Version string `json:"engine_version"`
	} `json:"wal"`
	Conditions []struct {
		Code string `json:"code"`
		Text string `json:"text"`
		Hint string `json:"hint"`
	} `json:"conditions"`
}

func (s walStatus) condition(code string) string {
	for _, c := range s.Conditions {
		if c.Code == code {
			return c.Text + " → " + c.Hint
		}
	}
	return ""
}

// lookedAfter starts an Officer and waits until it has made its first backup.
func lookedAfter(t *testing.T, db string) {
	t.Helper()
	r := run(t, db)
	// A status asked any earlier would take the lock for itself.
	r.await(patience, "Your data is safe")
	t.Cleanup(func() { _ = r.cmd.Process.Signal(os.Interrupt); <-r.ended })
}

// until looks every 100 ms and tells how long it took.
func until(t *testing.T, what string, done func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for time.Since(begun) < patience {
		if done() {
			return time.Since(begun)
		}
		<-tick.C
	}
	t.Fatalf("%s did not come within %v", what, patience)
	return 0
}

func walSize(db string) int64 {
	info, err := os.Stat(db + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

// program is a Python process with a connection that checkpoints nothing by itself. It
// is ready when it has said so, and ends when its stdin does.
func program(t *testing.T, db, script string) (pid int, end func()) {
	t.Helper()
	head := "import sqlite3,sys,threading,time,os\n" +
		"threading.Thread(target=lambda:(sys.stdin.read(),os._exit(0)),daemon=True).start()\n" +
		"c=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=5)\nc.execute('pragma wal_autocheckpoint=0')\n"
	cmd := exec.Command(testkit.RequirePython(t), "-c", head+script, db)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func() {
		if !ended {
			ended = true
			_ = in.Close()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(end)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the program said %q: %v", line, err)
	}
	return cmd.Process.Pid, end
}

const (
	writes = "c.execute('create table if not exists load(x)')\nprint('ready',flush=True)\nt=time.time()\nn=0\n" +
		"while True:\n c.execute('insert or replace into load(rowid,x) values(?,zeroblob(20000))',(n%%250,))\n n+=1\n d=t+n/%d-time.time()\n if d>0: time.sleep(d)\n elif d<-.05: t-=d\n"
	reads = "c.execute('begin')\nc.execute('select count(*) from sqlite_schema').fetchone()\nprint('ready',flush=True)\nwhile True: time.sleep(9)\n"
)

// TestHostage_isNamedAndCleared: a child process holds a read transaction while another
// grows the WAL; it is named within 5 s of the blockage and cleared after its exit.
func TestHostage_isNamedAndCleared(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("which process reads can be told on Linux only")
	}
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, 300)
	walMode(t, db)
	lookedAfter(t, db)
	pid, release := program(t, db, reads)
	_, stop := program(t, db, fmt.Sprintf(writes, 100))
	// The reader is in the way of nobody before there is something to be moved.
	until(t, "a WAL of half its limit", func() bool { return walSize(db) >= 5_000_000 })
	var s walStatus
	named := until(t, "the hostage report", func() bool {
		s = walStatus{}
		officer(t, "status", db, "--json").last(t, &s)
		return s.condition("wal_blocked") != ""
	})
	text := s.condition("wal_blocked")
	t.Logf("named after %v: %s", named.Round(10*time.Millisecond), text)
	punctual(t, "naming the hostage", named, 5*time.Second)
	if !contains(text, fmt.Sprint(pid), "python3", "pages") {
		t.Errorf("the condition does not name process %d, its command and pages: %s", pid, text)
	}
	if len(s.WAL.Hostages) != 1 || s.WAL.Hostages[0].PID != int64(pid) || s.WAL.Hostages[0].Pages < 100 || s.WAL.Hostages[0].Since == "" {
		t.Errorf("got hostages %+v, want process %d with its age and pages", s.WAL.Hostages, pid)
	}
	o := officer(t, "checkpoint", db)
	t.Logf("officer checkpoint → exit %d: %s", o.code, o.stdout)
	if o.code != 3 || !contains(o.stdout, fmt.Sprintf("process %d", pid), "pins") {
		t.Errorf("exit %d: %s", o.code, o.stdout)
	}
	release()
	cleared := until(t, "the end of the report", func() bool {
		s = walStatus{}
		officer(t, "status", db, "--json").last(t, &s)
		return s.condition("wal_blocked") == "" && len(s.WAL.Hostages) == 0
	})
	emptied := until(t, "a small WAL", func() bool { return walSize(db) < 5_000_000 })
	t.Logf("cleared %v after its exit, WAL small %v later", cleared.Round(10*time.Millisecond), emptied.Round(10*time.Millisecond))
	punctual(t, "clearing the report", cleared, 10*time.Second)
	stop()
	if got := testkit.Integrity(t, db); len(got) > 0 {
		t.Errorf("integrity: %v", got)
	}
	if !strings.HasPrefix(s.WAL.Version, "3.") {
		t.Errorf("the engine of the last writer is not told: %+v", s.WAL)
	}
}

// TestWAL_staysBelowItsLimit: a foreign writer of 5 MB/s that never checkpoints itself.
func TestWAL_staysBelowItsLimit(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, 300)
	walMode(t, db)
	lookedAfter(t, db)
	begun := time.Now()
	_, stop := program(t, db, fmt.Sprintf(writes, 250))
	var worst int64
	var at, held time.Duration // held is the longest time for which the machine did not even let this test look
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for last := begun; time.Since(begun) < 30*time.Second; {
		held = max(held, time.Since(last))
		last = time.Now()
		if size := walSize(db); size > worst {
			worst, at = size, time.Since(begun)
		}
		<-tick.C
	}
	stop()
	t.Logf("5 MB/s for 30 s without readers: the WAL was %.1f MB at most, after %v; longest time without a look %v", float64(worst)/1e6, at.Round(time.Millisecond), held.Round(time.Millisecond))
	// While nobody may look, the writer goes on: 5 MB/s of rows are 10 MB/s of frames.
	if atMost := int64(10_000_000 * (1 + held.Seconds()*max(slowness(t), heart.slowness(begun)))); worst >= atMost {
		t.Errorf("the WAL reached %d bytes, want less than %d", worst, atMost)
	}
	if got := testkit.Integrity(t, db); len(got) > 0 {
		t.Errorf("integrity: %v", got)
	}
}

// TestCheckpoint_ofALargeLog: 100 MB of frames that an app left behind are in the database within three seconds.
func TestCheckpoint_ofALargeLog(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	const rows = 100_000
	left := fmt.Sprintf("with recursive n(i) as (select 1 union all select i+1 from n where i<%d) insert into t select i, randomblob(900) from n;", rows)
	out, err := exec.Command(need(t, "sqlite3"), db, "pragma journal_mode=wal; pragma wal_autocheckpoint=0; create table t(a integer primary key, b blob);",
		".dbconfig no_ckpt_on_close on", left).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if size := walSize(db); size < 100_000_000 {
		t.Fatalf("the log is %d bytes", size)
	}
	begun := time.Now()
	o := must(t, "checkpoint", db, "--json")
	took := time.Since(begun)
	var got struct {
		Complete      bool
		WALBytesAfter int64 `json:"wal_bytes_after"`
		DoneFrames    int64 `json:"done_frames"`
		DurationMS    int64 `json:"duration_ms"`
	}
	o.last(t, &got)
	t.Logf("checkpoint of %d frames in %d ms, with the start of the program %v", got.DoneFrames, got.DurationMS, took.Round(time.Millisecond))
	if !got.Complete || got.WALBytesAfter != 0 || walSize(db) > 0 || got.DoneFrames < 25_000 {
		t.Errorf("got %+v, %d bytes of log, want an empty one", got, walSize(db))
	}
	punctual(t, "the checkpoint", took, 3*time.Second)
	if out, err := exec.Command("sqlite3", db, "pragma integrity_check; select count(*) from t").CombinedOutput(); err != nil || string(out) != fmt.Sprintf("ok\n%d\n", rows) {
		t.Errorf("%v: %s", err, out)
	}
}

func walMode(t *testing.T, db string) {
	t.Helper()
	out, err := exec.Command(testkit.RequirePython(t), "-c",
		"import sqlite3,sys;print(sqlite3.connect(sys.argv[1]).execute('pragma journal_mode=wal').fetchone()[0])", db).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "wal" {
		t.Fatalf("%v: %s", err, out)
	}
}
