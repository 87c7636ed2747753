package testkit

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/fsx"
)

//go:embed writer.py
var writerScript string

const (
	writerPerSecond    = 100
	writerPayloadBytes = 100
	writerBusyTimeout  = 5 * time.Second
	ledgerMaxBytes     = 256 << 20
)

// WriterOptions says how a ForeignWriter writes; zero values stand for 100 commits a
// second of 100 bytes, waiting 5 s for a lock.
type WriterOptions struct {
	PerSecond    int
	PayloadBytes int
	BusyTimeout  time.Duration
}

// ForeignWriter is another process with another SQLite (Python's) that commits to a
// database all the time, as an app does, over one connection that stays open. Each
// commit adds a row to writer_rows and raises the total in writer_total. What was
// acknowledged is in a ledger that survives the death of the process.
type ForeignWriter struct {
	t      testing.TB
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *bytes.Buffer
	ledger string
	done   bool
}

// WriterReport is what a ForeignWriter did until it was stopped. Latencies run from
// the wish to commit to the acknowledgement, over all attempts that were BUSY; one that
// was still waiting at the end counts in Worst.
type WriterReport struct {
	Acknowledged int64  `json:"acknowledged"` // commits
	LastSeq      int64  `json:"last_seq"`     // sequence number of the last one
	Busy         int64  `json:"busy"`         // attempts that ran into the busy timeout
	Failed       int64  `json:"failed"`       // attempts that failed otherwise
	Reads        int64  `json:"reads"`
	ReadsFailed  int64  `json:"reads_failed"`
	LastError    string `json:"last_error"`

	Duration time.Duration `json:"-"`
	Worst    time.Duration `json:"-"`
	P50      time.Duration `json:"-"`
	P99      time.Duration `json:"-"`
}

// RequirePython skips the test when there is no python3 with sqlite3, and gives its path.
func RequirePython(t testing.TB) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3, which brings the foreign SQLite of this test; there is none")
	}
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import sqlite3").CombinedOutput(); err != nil {
		t.Skipf("needs python3 with the sqlite3 module: %v: %s", err, out)
	}
	return python
}

// StartWriter starts a ForeignWriter and waits for its first commit. The database is
// created when it is missing. It does not belong in a bubble. The test's end stops it.
func StartWriter(t testing.TB, path string, opts WriterOptions) *ForeignWriter {
	t.Helper()
	python := RequirePython(t)
	w := &ForeignWriter{t: t, stderr: &bytes.Buffer{}, ledger: filepath.Join(t.TempDir(), "ledger")}
	w.cmd = exec.CommandContext(t.Context(), python, "-c", writerScript, path, w.ledger,
		strconv.Itoa(or(opts.PerSecond, writerPerSecond)), strconv.Itoa(or(opts.PayloadBytes, writerPayloadBytes)),
		strconv.FormatInt(or(opts.BusyTimeout, writerBusyTimeout).Milliseconds(), 10))
	w.cmd.Stderr = w.stderr
	stdin, err := w.cmd.StdinPipe()
	if err != nil {
		t.Fatalf("start writer: %v", err)
	}
	stdout, err := w.cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start writer: %v", err)
	}
	w.stdin, w.stdout = stdin, bufio.NewReader(stdout)
	if err := w.cmd.Start(); err != nil {
		t.Fatalf("start writer: %v", err)
	}
	t.Cleanup(w.Kill)
	w.await("ready")
	return w
}

// Pause returns when the writer is held between two commits: with its connection open, without a lock or a
// transaction. Resume lets it go on.
func (w *ForeignWriter) Pause() {
	w.t.Helper()
	w.tell("pause")
	w.await("paused")
}

// Resume ends a Pause.
func (w *ForeignWriter) Resume() {
	w.t.Helper()
	w.tell("go")
}

func (w *ForeignWriter) tell(word string) {
	w.t.Helper()
	if _, err := io.WriteString(w.stdin, word+"\n"); err != nil {
		w.t.Fatalf("tell the writer to %s: %v", word, err)
	}
}

func (w *ForeignWriter) await(word string) {
	w.t.Helper()
	if line, err := w.stdout.ReadString('\n'); err != nil || line != word+"\n" {
		w.Kill()
		w.t.Fatalf("the writer said %q, want %s (%v): %s", line, word, err, w.stderr)
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Stop lets the writer end after its present commit and gives its report.
func (w *ForeignWriter) Stop() WriterReport {
	w.t.Helper()
	if w.done {
		w.t.Fatal("stop writer: it has ended already")
	}
	w.done = true
	if err := w.stdin.Close(); err != nil {
		w.t.Errorf("stop writer: %v", err)
	}
	out, err := io.ReadAll(w.stdout)
	if err := w.cmd.Wait(); err != nil {
		w.t.Fatalf("the writer failed: %v: %s", err, w.stderr)
	}
	raw := struct {
		WriterReport
		Seconds float64 `json:"seconds"`
		WorstMS float64 `json:"worst_ms"`
		P50MS   float64 `json:"p50_ms"`
		P99MS   float64 `json:"p99_ms"`
	}{}
	if err == nil {
		err = json.Unmarshal(out, &raw)
	}
	if err != nil {
		w.t.Fatalf("the writer's report %q: %v", out, err)
	}
	r := raw.WriterReport
	r.Duration = time.Duration(raw.Seconds * float64(time.Second))
	r.Worst, r.P50, r.P99 = millis(raw.WorstMS), millis(raw.P50MS), millis(raw.P99MS)
	return r
}

func millis(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// Kill ends the writer with SIGKILL, in the middle of whatever it does.
func (w *ForeignWriter) Kill() {
	if w.done {
		return
	}
	w.done = true
	_ = w.cmd.Process.Kill() // it may have died by itself
	_ = w.cmd.Wait()         // says "killed", which is what was asked for
}

// Acknowledged gives the sequence number of the last commit in the ledger; it may be
// called while the writer runs and after it was killed.
func (w *ForeignWriter) Acknowledged() int64 {
	w.t.Helper()
	b, err := fsx.ReadLimited(disk(), w.ledger, ledgerMaxBytes)
	if err != nil {
		w.t.Fatalf("read the ledger: %v", err)
	}
	end := bytes.LastIndexByte(b, '\n')
	if end < 0 {
		return 0
	}
	seq, err := strconv.ParseInt(string(b[bytes.LastIndexByte(b[:end], '\n')+1:end]), 10, 64)
	if err != nil {
		w.t.Fatalf("read the ledger: %v", err)
	}
	return seq
}

// WriterRows gives how many rows of a ForeignWriter a database holds, and fails the
// test unless they are one state that was committed: 1 … n without a gap, and a total
// that says n.
func WriterRows(t testing.TB, path string) (n int64) {
	t.Helper()
	s := open(t, path)
	defer s.close()
	var last, total int64
	row := s.db.QueryRowContext(context.Background(),
		"select count(*), coalesce(max(seq), 0), (select n from writer_total) from writer_rows")
	if err := row.Scan(&n, &last, &total); err != nil {
		t.Fatalf("read the writer's rows in %s: %v", path, err)
	}
	if n != last || n != total {
		t.Errorf("%s holds no committed state: %d rows, the last is %d, the total says %d", path, n, last, total)
	}
	return n
}
