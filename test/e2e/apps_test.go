//go:build e2e && linux

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit"
)

// nodeVariable is a folder with better-sqlite3 in its node_modules; without it that app is left out
// (.ci/run node sets it, where npm has fetched it).
const nodeVariable = "OFFICER_MATRIX_NODE"

// committer is an app of another process that commits rows with rising numbers as fast as it can.
type committer struct {
	name, table, column string
	acked               func() int64
	stop                func() (failed int64, why string)
}

// committers starts every app that there is on this machine.
func committers(t *testing.T, db string) []committer {
	t.Helper()
	python, shell := testkit.StartWriter(t, db, testkit.WriterOptions{PerSecond: 200}), startShellWriter(t, db)
	all := []committer{
		{"Python", "writer_rows", "seq", python.Acknowledged, func() (int64, string) {
			r := python.Stop()
			return r.Failed, r.LastError
		}},
		{"the command line", "shell_rows", "n", shell.acked.Load, func() (int64, string) {
			shell.stop(t)
			return 0, ""
		}},
	}
	if dir := os.Getenv(nodeVariable); dir != "" {
		node := startNodeWriter(t, dir, db)
		all = append(all, committer{"better-sqlite3", "node_rows", "n", node.acked.Load, func() (int64, string) { return node.stop(t) }})
	}
	return all
}

// count gives how many rows above one number and up to another there are.
func (c committer) count(t *testing.T, db string, above, upTo int64) int64 {
	t.Helper()
	sql := fmt.Sprintf("select count(*) from %s where %s > %d and %[2]s <= %[4]d", c.table, c.column, above, upTo)
	out, err := exec.Command("sqlite3", "-cmd", ".timeout 30000", db, sql).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", sql, err, out)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// nodeScript says each number that is committed, and what failed otherwise than by BUSY; it ends with its stdin.
const nodeScript = `
const Database = require('better-sqlite3');
const db = new Database(process.argv[1], {timeout: 10000});
db.exec('create table if not exists node_rows(n integer primary key, note text)');
db.pragma('busy_timeout = 200');
const insert = db.prepare('insert into node_rows values(?, hex(randomblob(40)))');
let n = 1, over = false;
process.stdin.resume().on('end', () => { over = true; });
(function next() {
  if (over) { db.close(); process.exit(0); }
  try { insert.run(n); process.stdout.write('at ' + n + '\n'); n++; } catch (e) {
    process.stdout.write((e.code || '').startsWith('SQLITE_BUSY') ? 'busy\n' : 'failed ' + e + '\n');
  }
  setImmediate(next);
})();`

type nodeWriter struct {
	cmd           *exec.Cmd
	in            io.Closer
	acked, failed atomic.Int64
	why           atomic.Value
	ended         chan struct{}
}

func startNodeWriter(t *testing.T, dir, db string) *nodeWriter {
	t.Helper()
	w := &nodeWriter{cmd: exec.Command(need(t, "node"), "-e", nodeScript, db), ended: make(chan struct{})}
	w.cmd.Dir, w.cmd.Stderr = filepath.Clean(dir), os.Stderr
	in, out := begun(t, w.cmd)
	w.in = in
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill()
		<-w.ended
		_ = w.cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		close(w.ended)
		t.Fatalf("better-sqlite3 of %s does not begin", dir)
	}
	go func() {
		defer close(w.ended)
		for said := true; said; said = lines.Scan() {
			if n, ok := strings.CutPrefix(lines.Text(), "at "); ok {
				if at, err := strconv.ParseInt(n, 10, 64); err == nil {
					w.acked.Store(at)
				}
			} else if why, ok := strings.CutPrefix(lines.Text(), "failed "); ok {
				w.failed.Add(1)
				w.why.Store(why)
			}
		}
	}()
	return w
}

func (w *nodeWriter) stop(t *testing.T) (failed int64, why string) {
	t.Helper()
	_ = w.in.Close()
	select {
	case <-w.ended:
	case <-time.After(patience):
		t.Error("node does not end")
	}
	why, _ = w.why.Load().(string)
	return w.failed.Load(), why
}
