//go:build e2e

package e2e

import (
	"bufio"
	"encoding/json"
	"io"
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

func contains(s string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(s, p) {
			return false
		}
	}
	return true
}

// running is an `officer run` in the background.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	mu    sync.Mutex
	lines []string
	news  chan struct{}
	ended chan struct{}
}

func run(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{t: t, cmd: exec.Command(officerBinary, append([]string{"run"}, args...)...),
		news: make(chan struct{}, 1), ended: make(chan struct{})}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stdout, r.cmd.Stderr = in, in
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	go r.read(out)
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.ended
	})
	return r
}

func (r *running) read(out io.ReadCloser) {
	defer close(r.ended)
	defer out.Close()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		r.mu.Lock()
		r.lines = append(r.lines, lines.Text())
		r.mu.Unlock()
		select {
		case r.news <- struct{}{}:
		default:
		}
	}
	_ = r.cmd.Wait()
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// await waits until the output holds all parts.
func (r *running) await(within time.Duration, parts ...string) string {
	r.t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	for {
		if text := r.text(); contains(text, parts...) {
			return text
		}
		select {
		case <-r.news:
		case <-r.ended:
			if text := r.text(); contains(text, parts...) {
				return text
			}
			r.t.Fatalf("officer run ended without saying %q:\n%s", parts, r.text())
		case <-deadline.C:
			r.t.Fatalf("officer run did not say %q within %v:\n%s", parts, within, r.text())
		}
	}
}

// stop asks it to stop and gives its exit code.
func (r *running) stop() int {
	r.t.Helper()
	start := time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	select {
	case <-r.ended:
	case <-time.After(patience):
		r.t.Fatalf("officer run does not stop:\n%s", r.text())
	}
	punctual(r.t, "stopping", time.Since(start), 5*time.Second)
	return r.cmd.ProcessState.ExitCode()
}

func TestRun_firstMinuteOnAHundredMegabytes(t *testing.T) {
	db := filepath.Join(t.TempDir(), "app.db")
	testkit.BuildArchive(t, db, archiveLocations)
	start := time.Now()
	r := run(t, db)
	text := r.await(patience, "Your data is safe")
	took := time.Since(start)
	t.Logf("safe after %v\n%s", took.Round(time.Millisecond), text)
	if !contains(text, "is looking after app.db", "no damage", "first backup made and verified", "backups are on the same disk", "Ctrl+C") {
		t.Errorf("the first minute lacks a line:\n%s", text)
	}
	var list struct {
		Backups []struct {
			Verified bool   `json:"verified"`
			Tier     string `json:"tier"`
			File     string `json:"file"`
			CopyMS   int64  `json:"copy_ms"`
			VerifyMS int64  `json:"verify_ms"`
		} `json:"backups"`
	}
	must(t, "list", db, "--json").last(t, &list)
	if len(list.Backups) != 1 || !list.Backups[0].Verified {
		t.Fatalf("want one verified backup, got %+v", list)
	}
	b := list.Backups[0]
	t.Logf("copy %d ms, verification %d ms", b.CopyMS, b.VerifyMS)
	punctual(t, "the copy", time.Duration(b.CopyMS)*time.Millisecond, 5*time.Second)
	punctual(t, "the verification", time.Duration(b.VerifyMS)*time.Millisecond, 5*time.Second)
	if code := r.stop(); code != 0 {
		t.Errorf("exit %d after SIGTERM, want 0\n%s", code, r.text())
	}
	if left := testkit.Strays(t, db, db+"-officer"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRun_aSecondOfficerIsTurnedAway(t *testing.T) {
	db := filepath.Join(t.TempDir(), "one.db")
	testkit.BuildArchive(t, db, 50)
	r := run(t, db)
	r.await(patience, "Your data is safe")
	if o := officer(t, "run", db); o.code != 10 {
		t.Errorf("exit %d, want 10\n%s%s", o.code, o.stdout, o.stderr)
	}
	_ = r.cmd.Process.Kill()
	<-r.ended
	if o := officer(t, "list", db, "--json"); o.code != 0 {
		t.Errorf("after kill -9 of the first: exit %d, want 0\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// statusLine is what the acceptance checks read of status --json.
type statusLine struct {
	Health     string `json:"health"`
	Headline   string `json:"headline"`
	Conditions []struct {
		Code     string `json:"code"`
		Severity string `json:"severity"`
		Text     string `json:"text"`
	} `json:"conditions"`
	Fence struct {
		Active bool   `json:"active"`
		Reason string `json:"reason"`
	} `json:"fence"`
}

func (s statusLine) has(code string) bool {
	for _, c := range s.Conditions {
		if c.Code == code {
			return true
		}
	}
	return false
}

func status(t *testing.T, db string) (statusLine, int) {
	t.Helper()
	o := officer(t, "status", db, "--json")
	var s statusLine
	if err := json.Unmarshal([]byte(o.stdout), &s); err != nil {
		t.Fatalf("status: %v\n%s%s", err, o.stdout, o.stderr)
	}
	return s, o.code
}
