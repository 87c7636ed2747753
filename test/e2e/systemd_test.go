//go:build e2e && linux

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// listener hears what a service tells its manager.
type listener struct {
	mu    sync.Mutex
	heard []string
}

func listen(t *testing.T) (l *listener, address string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	address = filepath.Join(dir, "notify.sock")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	l = &listener{}
	go func() {
		message := make([]byte, 4096)
		for {
			n, err := conn.Read(message)
			if err != nil {
				return
			}
			l.mu.Lock()
			l.heard = append(l.heard, string(message[:n]))
			l.mu.Unlock()
		}
	}()
	return l, address
}

func (l *listener) count(prefix string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.heard {
		if strings.HasPrefix(m, prefix) {
			n++
		}
	}
	return n
}

// await waits until a message has come n times.
func (l *listener) await(t *testing.T, prefix string, n int) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if l.count(prefix) >= n {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t.Fatalf("it did not tell %s %d times: %q", prefix, n, l.heard)
}

// mark is a message of the test itself: whatever was sent before it is heard before it.
func mark(t *testing.T, address string) {
	t.Helper()
	conn, err := net.Dial("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("MARK=1")); err != nil {
		t.Fatal(err)
	}
}

// stopped tells whether no thread of a process runs any more after a SIGSTOP.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("the threads of %d: %v", pid, err)
	}
	for _, thread := range threads {
		if stat, err := os.ReadFile(thread); err == nil && !strings.Contains(string(stat), ") T ") {
			return false
		}
	}
	return true
}

// TestSystemd_isToldHowItGoes plays systemd: ready, status, signs of life, reload, stop.
func TestSystemd_isToldHowItGoes(t *testing.T) {
	dir := t.TempDir()
	db, config := filepath.Join(dir, "app.db"), filepath.Join(dir, "officer.yaml")
	testkit.BuildArchive(t, db, 10)
	if err := os.WriteFile(config, []byte("databases: [{path: app.db}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, address := listen(t)
	cmd := exec.Command(officerBinary, "run", "--quiet", "--config", config)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+address, "WATCHDOG_USEC=300000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	l.await(t, "READY=1", 1)
	l.await(t, "STATUS=app.db: Your data is safe.", 1)
	l.await(t, "WATCHDOG=1", 3)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	l.await(t, "RELOADING=1\nMONOTONIC_USEC=", 1)
	l.await(t, "READY=1", 2)
	// One that hangs gives no sign of life.
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	until(t, "the stop of every thread", func() bool { return stopped(t, cmd.Process.Pid) })
	mark(t, address)
	l.await(t, "MARK=", 1) // what it told before is heard
	before := l.count("WATCHDOG=1")
	<-time.After(400 * time.Millisecond)
	mark(t, address)
	l.await(t, "MARK=", 2)
	if after := l.count("WATCHDOG=1"); after != before {
		t.Errorf("%d signs of life from a process that is stopped", after-before)
	}
	_ = cmd.Process.Signal(syscall.SIGCONT)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	l.await(t, "STOPPING=1", 1)
	if _ = cmd.Wait(); cmd.ProcessState.ExitCode() != 0 {
		t.Errorf("exit %d, want 0", cmd.ProcessState.ExitCode())
	}
}

// TestSystemd_isNotToldOfTheApp: what systemd said to Officer is none of the app's business.
func TestSystemd_isNotToldOfTheApp(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, 10)
	l, address := listen(t)
	cmd := exec.Command(officerBinary, "run", db, "--quiet", "--", "sh", "-c", `echo "$NOTIFY_SOCKET$WATCHDOG_USEC$OFFICER_URL|$OFFICER_SOCKET"`)
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+address, "WATCHDOG_USEC=300000", "OFFICER_URL=of another one")
	out, err := cmd.Output()
	if want := "|" + filepath.Join(db+"-officer", "officer.sock") + "\n"; err != nil || string(out) != want {
		t.Errorf("the app saw %q, %v; want %q", out, err, want)
	}
	l.await(t, "READY=1", 1)
}

// TestSystemd_takesTheUnits has systemd itself read what install writes.
func TestSystemd_takesTheUnits(t *testing.T) {
	analyze := need(t, "systemd-analyze")
	dir := t.TempDir()
	odd := filepath.Join(dir, `a 50% "b" $HOME`)
	if err := os.Mkdir(odd, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, db := range []string{filepath.Join(dir, "app.db"), filepath.Join(odd, "it's.db")} {
		testkit.BuildArchive(t, db, 10)
		for _, scope := range []string{"--system", "--user"} {
			root, name := filepath.Join(dir, fmt.Sprint("root", i, scope)), fmt.Sprint("officer-", i)
			must(t, "install", db, "--yes", scope, "--root", root, "--name", name)
			var file string
			_ = filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
				if err == nil && info.Mode().IsRegular() {
					file = path
				}
				return err
			})
			out, err := exec.Command(analyze, "verify", "--recursive-errors=no", file).CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("%s %s: %v\n%s", db, scope, err, out)
			}
		}
	}
}

// TestMan_isWhatGroffTakes reads every page with all warnings on.
func TestMan_isWhatGroffTakes(t *testing.T) {
	groff := need(t, "groff")
	dir := t.TempDir()
	must(t, "man", "--dir", dir)
	pages, err := filepath.Glob(filepath.Join(dir, "man1", "*.1"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("got %d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		if out, err := exec.Command(groff, "-man", "-Tutf8", "-ww", "-z", page).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", page, err, out)
		}
	}
}
