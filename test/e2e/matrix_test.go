//go:build e2e && linux

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/testkit"
)

const (
	matrixRounds = 3   // OFFICER_MATRIX says otherwise
	sizesDefault = 100 // OFFICER_SIZES says otherwise
	sizesMost    = 180 << 20
)

// shellWriter is the C command line's SQLite, which commits row after row.
type shellWriter struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	acked atomic.Int64
	busy  atomic.Int64
	ended chan struct{}
}

// begun starts a program that is spoken with.
func begun(t *testing.T, cmd *exec.Cmd) (in io.WriteCloser, out io.Reader) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if out, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return in, out
}

func startShellWriter(t *testing.T, db string) *shellWriter {
	t.Helper()
	made := "create table if not exists shell_rows(n integer primary key, note text)"
	if out, err := exec.Command(need(t, "sqlite3"), "-cmd", ".timeout 10000", db, made).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w := &shellWriter{cmd: exec.Command(need(t, "sqlite3"), db), ended: make(chan struct{})}
	in, out := begun(t, w.cmd)
	w.in = in
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
	})
	if _, err := io.WriteString(in, ".timeout 200\npragma synchronous=extra;\n"); err != nil {
		t.Fatal(err)
	}
	go w.write(bufio.NewScanner(out))
	return w
}

// write inserts the next number and asks for the highest: then it is committed. When
// somebody was in the way it is tried again.
func (w *shellWriter) write(said *bufio.Scanner) {
	defer close(w.ended)
	for n := int64(1); ; {
		if _, err := fmt.Fprintf(w.in, "insert into shell_rows values(%d, hex(randomblob(40)));\nselect 'at ' || coalesce(max(n),0) from shell_rows;\n.print over\n", n); err != nil {
			return
		}
		at := int64(-1) // when the question itself met a lock there is no answer
		for said.Scan() && said.Text() != "over" {
			at, _ = strconv.ParseInt(strings.TrimPrefix(said.Text(), "at "), 10, 64)
		}
		if said.Text() != "over" {
			return
		}
		if at == n {
			w.acked.Store(n)
			n++
		} else {
			w.busy.Add(1)
		}
	}
}

func (w *shellWriter) stop(t *testing.T) {
	t.Helper()
	_ = w.in.Close()
	select {
	case <-w.ended:
	case <-time.After(patience):
		t.Error("the command line does not end")
	}
	_ = w.cmd.Wait()
}

// matrixDatabase makes a database in a journal mode, which an Officer looks after.
func matrixDatabase(t *testing.T, mode string) (db string, r *running) {
	t.Helper()
	db = filepath.Join(t.TempDir(), "m.db")
	testkit.BuildArchive(t, db, 300)
	if out, err := exec.Command(need(t, "sqlite3"), db, "pragma journal_mode="+mode).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r = run(t, db)
	r.await(patience, "Your data is safe")
	return db, r
}

// TestMatrix_everyWorkBesideEveryApp: the C command line's SQLite, Python's and better-sqlite3 (where there is one) commit at the
// same time and as fast as they can, while Officer does each of its works. Nothing that was
// acknowledged is lost, and nobody damages the file (P6, P9).
func TestMatrix_everyWorkBesideEveryApp(t *testing.T) {
	t.Parallel()
	rounds, works, apps, acked := fromEnv("OFFICER_MATRIX", matrixRounds), 0, 0, int64(0)
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			db, r := matrixDatabase(t, mode)
			all := committers(t, db)
			apps = len(all)
			total := func() (n int64) {
				for _, a := range all {
					n += a.acked()
				}
				return n
			}
			for range rounds {
				for _, work := range [][]string{{"backup"}, {"check"}, {"checkpoint"}, {"analyze"}, {"vacuum", "--force"}, {"verify", "--all"}, {"drill"}} {
					before := total()
					o := officer(t, append([]string{work[0], db, "--json"}, work[1:]...)...)
					if !slices.Contains([]int{0, 1, 3}, o.code) || o.code == 1 && !strings.Contains(o.stdout, `"busy"`) {
						t.Errorf("%s: exit %d: %s%s", work[0], o.code, o.stdout, o.stderr)
					}
					works++
					acked += total() - before
				}
			}
			for _, a := range all {
				if failed, why := a.stop(); failed > 0 {
					t.Errorf("%d commits of %s failed: %s", failed, a.name, why)
				}
			}
			for _, a := range all {
				told := a.acked()
				out, err := exec.Command("sqlite3", db, "select count(*), max("+a.column+") from "+a.table+"; pragma integrity_check").CombinedOutput()
				fields := strings.FieldsFunc(string(out), func(r rune) bool { return r == '|' || r == '\n' })
				if err != nil || len(fields) != 3 || fields[0] != fields[1] || fields[2] != "ok" {
					t.Fatalf("%s: got %q, %v; want numbers without a gap and a sound file", a.name, out, err)
				}
				if n, _ := strconv.ParseInt(fields[0], 10, 64); n < told {
					t.Errorf("%d rows of %d that %s was told of", n, told, a.name)
				}
			}
			testkit.WriterRows(t, db)
			if code := r.stop(); code != 0 && code != 3 {
				t.Errorf("stopped with %d", code)
			}
		})
	}
	t.Logf("matrix: 2 modes × %d apps: %d works beside them, %d commits acknowledged meanwhile, none lost", apps, works, acked)
}

// TestSizes_ofAFullDisk: backup and restore on a volume with less and less room, at seeded
// sizes: each is done or refused as a whole, and when there is room again the next is done (P8).
func TestSizes_ofAFullDisk(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	dir := tinyVolume(t)
	random := rand.New(rand.NewPCG(uint64(fromEnv("OFFICER_SEED", 1)), 0x66756c6c))
	v := newVictimIn(t, dir, "wal")
	done, refused := 0, 0
	points := fromEnv("OFFICER_SIZES", sizesDefault)
	for i := range points {
		v.grow(t, 1)
		newest, ok := v.manifest(t).Newest()
		if !ok {
			t.Fatal("no verified backup is left")
		}
		v.sql(t, "pragma wal_checkpoint(truncate)")
		filler := filepath.Join(dir, "filler")
		fillUp(t, dir, filler, random.Int64N(1+random.Int64N(sizesMost)))
		verb := []string{"backup", v.db, "--json"}
		if i%2 == 1 {
			verb = []string{"restore", v.db, newest.ID, "--yes", "--json"}
		}
		o := officer(t, verb...)
		if o.code == 0 || o.code == 3 {
			done++
		} else if refused++; !contains(o.stdout+o.stderr, "disk_full") {
			t.Errorf("%s: exit %d without naming the full disk: %s%s", verb[0], o.code, o.stdout, o.stderr)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		v.checkWhole(t, verb[0]+" on a full disk")
		got := v.count(t)
		if got != v.rows && (verb[0] == "backup" || got != v.stored[newest.ID]) {
			t.Fatalf("%s on a full disk: %d rows, want %d or %d", verb[0], got, v.rows, v.stored[newest.ID])
		}
		v.rows = got
		if i%10 == 9 {
			v.recoverAndSweep(t)
		}
	}
	t.Logf("sizes: %d sizes of a full disk: %d done, %d refused by name, 0 violations", points, done, refused)
	if refused < points/10 || done < points/10 {
		t.Errorf("%d of %d were refused and %d done: the sizes do not meet the limit", refused, points, done)
	}
}

// fillUp leaves so many bytes of room.
func fillUp(t *testing.T, dir, filler string, freeBytes int64) {
	t.Helper()
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, max(1, int64(s.Bavail)*int64(s.Bsize)-freeBytes)); err != nil {
		t.Fatal(err)
	}
}
