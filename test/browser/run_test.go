package browser

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/sqlite"
)

// officerBinary is built once, unless OFFICER_BINARY names one.
var officerBinary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("OFFICER_BINARY"); path != "" {
		return path, nil
	}
	path := filepath.Join(scratch, "officer")
	build := exec.Command("go", "-C", "../..", "build", "-o", path, "./cmd/officer")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build officer: %w\n%s", err, out)
	}
	return path, nil
})

// running is a real `officer run`.
type running struct {
	*testing.T
	cmd   *exec.Cmd
	db    string // the first database
	ended chan struct{}
	mu    sync.Mutex
	lines []string
}

// run starts Officer on a free port of the loopback, or on the one of listen.
func run(t *testing.T, listen string, databases ...string) *running {
	t.Helper()
	binary, err := officerBinary()
	if err != nil {
		t.Fatal(err)
	}
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	r := &running{T: t, db: databases[0], ended: make(chan struct{}),
		cmd: exec.Command(binary, append([]string{"run", "--listen", listen}, databases...)...)}
	r.cmd.Env = append(os.Environ(), "OFFICER_RECOVER_AUTOMATIC=false") // a person at the page decides
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stdout, r.cmd.Stderr = in, in
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	go func() {
		defer close(r.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			r.mu.Lock()
			r.lines = append(r.lines, lines.Text())
			r.mu.Unlock()
		}
		_ = r.cmd.Wait()
	}()
	t.Cleanup(r.kill)
	return r
}

func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	<-r.ended
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// link gives one that logs in once, as soon as Officer answers.
func (r *running) link() string {
	r.Helper()
	binary, err := officerBinary()
	if err != nil {
		r.Fatal(err)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var said []byte
	for until := time.Now().Add(within); time.Now().Before(until); <-tick.C {
		said, err = exec.Command(binary, "dashboard", r.db, "--print-url").Output()
		if err == nil {
			return strings.TrimSpace(string(said))
		}
	}
	r.Fatalf("no Officer answers (%v): %s\nit said:\n%s", err, said, r.said())
	return ""
}

// app is an application with the database open, with an SQLite that has no known defect.
type app struct {
	*testing.T
	db *sql.DB
}

func connect(t *testing.T, path string) *app {
	t.Helper()
	db, err := sqlite.OpenDB(path, sqlite.Options{BusyTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &app{t, db}
}

func (a *app) exec(statement string) {
	a.Helper()
	if _, err := a.db.ExecContext(context.Background(), statement); err != nil {
		a.Fatalf("%s: %v", statement, err)
	}
}

func (a *app) count(table string) (n int) {
	a.Helper()
	if err := a.db.QueryRowContext(context.Background(), "select count(*) from "+table).Scan(&n); err != nil {
		a.Fatalf("count %s: %v", table, err)
	}
	return n
}
