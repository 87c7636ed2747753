package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/page"
)

// changedByBackup are the bytes of the header that sqlite3_backup_step does not copy but
// sets: when it finishes, it adds 1 to the schema cookie so that statements are compiled
// anew (backup.c), and commits like every writer, with change counter, size, version-valid-for
// and library version of its own (https://sqlite.org/fileformat2.html#the_database_header).
func changedByBackup() [][2]int { return [][2]int{{24, 32}, {40, 44}, {92, 100}} }

// backedUp gives what the backup API makes of the database in the transaction that is open.
func backedUp(t testing.TB, c *Conn) []byte {
	t.Helper()
	dst := filepath.Join(t.TempDir(), "backup.db")
	c.mu.Lock()
	defer c.mu.Unlock()
	b, err := c.db.BackupInit("main", fileURI(empty(t, dst), "mode", "rw", "_pragma", "journal_mode(off)", "_pragma", "synchronous(off)"))
	if err != nil {
		t.Fatal(err)
	}
	for done := false; !done; {
		if done, err = b.Step(64); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(dst)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// wantBackedUp compares a snapshot, read in pieces of any size by several at once, with
// what the backup API gives in the same transaction.
func wantBackedUp(t testing.TB, c *Conn, s *Snapshot) {
	t.Helper()
	want, got := backedUp(t, c), make([]byte, s.SizeBytes())
	var wg sync.WaitGroup
	const parts = 3
	for i := range int64(parts) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(s.SizeBytes()), uint64(i)))
			end := s.SizeBytes() * (i + 1) / parts
			for off := s.SizeBytes() * i / parts; off < end; {
				p := got[off:min(end, off+1+rng.Int64N(1<<uint(4+rng.IntN(16))))]
				n, err := s.ReadAt(p, off)
				if err != nil || n != len(p) {
					t.Errorf("read %d bytes at %d: got %d, %v", len(p), off, n, err)
					return
				}
				off += int64(n)
			}
		})
	}
	wg.Wait()
	if n, err := s.ReadAt(make([]byte, 1), s.SizeBytes()); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("beyond the end: got %d, %v", n, err)
	}
	wantImage(t, got, want, s.PageSize())
}

func wantImage(t testing.TB, got, want []byte, pageSize int) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("got %d bytes, the backup API gives %d", len(got), len(want))
		return
	}
	if len(got) == 0 {
		return
	}
	for _, f := range changedByBackup() {
		clear(want[f[0]:f[1]])
		got = bytes.Clone(got)
		clear(got[f[0]:f[1]])
	}
	for at := 0; at < len(got); at += pageSize {
		if !bytes.Equal(got[at:at+pageSize], want[at:at+pageSize]) {
			t.Errorf("page %d of %d differs from what the backup API gives", at/pageSize+1, len(got)/pageSize)
			return
		}
	}
}

// churnLogMax is the size in bytes from which on churn empties the log instead of writing. Without a pause between two readers nobody
// else can (https://sqlite.org/wal.html#avoiding_excessively_large_wal_files), and each takes longer the longer the log is: a disk was
// full within minutes.
const churnLogMax = 16_000_000

// churn changes a database in every way that a snapshot has to bear, until stop.
func churn(t *testing.T, path string, seed uint64, wal bool, stop <-chan struct{}) {
	db, err := sqlite3.OpenFlags(fileURI(path), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	rng := rand.New(rand.NewPCG(seed, 2))
	statements := []string{
		`INSERT INTO t SELECT NULL, randomblob(abs(random())%3000) FROM t LIMIT 20`,
		`INSERT INTO t SELECT NULL, randomblob(60000)`,
		`UPDATE t SET b=randomblob(200) WHERE id%7=abs(random())%7`,
		`DELETE FROM t WHERE id%3=abs(random())%3 AND (SELECT count(*)>60 FROM t)`,
		`DELETE FROM t WHERE id NOT IN (SELECT id FROM t LIMIT 200)`,
		`CREATE TABLE IF NOT EXISTS u AS SELECT * FROM t`, `DROP TABLE IF EXISTS u`,
		`CREATE INDEX IF NOT EXISTS i ON t(b)`, `DROP INDEX IF EXISTS i`,
		`PRAGMA incremental_vacuum(3)`, `BEGIN; DELETE FROM t; INSERT INTO t(b) VALUES('x'),('y'); ROLLBACK`,
		`VACUUM`,
	}
	if wal {
		statements = append(statements, `PRAGMA wal_checkpoint(PASSIVE)`, `PRAGMA wal_checkpoint(FULL)`,
			`PRAGMA wal_checkpoint(RESTART)`, `PRAGMA wal_checkpoint(TRUNCATE)`)
	} else {
		for _, size := range []int{512, 1024, 4096, 16384, 65536} {
			statements = append(statements, `PRAGMA page_size=`+strconv.Itoa(size)+`; VACUUM`)
		}
	}
	// The time to wait first: without it the others can fail, and then no checkpoint waits for a reader.
	if err := db.Exec(`PRAGMA busy_timeout=2000; PRAGMA synchronous=off; PRAGMA wal_autocheckpoint=40`); err != nil {
		t.Errorf("writer: %v", err)
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > churnLogMax {
			_ = db.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`) // as often as it takes
			continue
		}
		// A lock that another writer or the snapshot holds is part of the game.
		if err := db.Exec(statements[rng.IntN(len(statements))]); err != nil {
			_ = db.Exec(`ROLLBACK`)
			if !errors.Is(err, sqlite3.BUSY) && !errors.Is(err, sqlite3.LOCKED) && !errors.Is(err, sqlite3.BUSY_SNAPSHOT) {
				t.Errorf("writer: %v", err)
				return
			}
		}
	}
}

// snapshotsTaken is how many snapshots the stress test takes in each journal mode;
// OFFICER_SNAPSHOTS asks for more.
func snapshotsTaken(t testing.TB) int {
	if s := os.Getenv("OFFICER_SNAPSHOTS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 40
}

func TestSnapshot_isWhatTheBackupAPIGivesWhileOthersWrite(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `PRAGMA auto_vacuum=incremental; PRAGMA journal_mode=`+mode+`;
				CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB);
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300) INSERT INTO t SELECT i, randomblob(500) FROM n;`)
			stop := make(chan struct{})
			var writers sync.WaitGroup
			for i := range uint64(2) {
				writers.Go(func() { churn(t, path, i, mode == "wal", stop) })
			}
			defer writers.Wait()
			defer close(stop)
			c := open(t, path, Options{ReadOnly: true, BusyTimeout: 10 * time.Second})
			fromLog := 0
			for range snapshotsTaken(t) {
				s, err := c.Snapshot(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := s.store.(*page.Overlay); ok {
					fromLog++
				}
				wantBackedUp(t, c, s)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if t.Failed() {
					return
				}
			}
			if mode == "wal" && fromLog == 0 {
				t.Error("no snapshot needed the log")
			}
		})
	}
}

// A checkpoint copies frames into the file while the snapshot is read, and cannot reset
// the log; with everything in the file it can, and the next writer begins it anew.
func TestSnapshot_doesNotMindCheckpoints(t *testing.T) {
	for _, mode := range []CheckpointMode{Passive, FullMode, Restart, Truncate} {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", mode, first), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "app.db")
				writer := app(t, path)
				run(t, writer, `PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(100000))`)
				c, other := open(t, path, Options{ReadOnly: true}), open(t, path, Options{})
				if first {
					if _, _, err := other.Checkpoint(t.Context(), mode); err != nil {
						t.Fatal(err)
					}
				}
				s, err := c.Snapshot(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, overlaid := s.store.(*page.Overlay); overlaid == first {
					t.Errorf("pages come from the log: %v", overlaid)
				}
				for range 3 {
					run(t, writer, `UPDATE t SET b=randomblob(100000); INSERT INTO t VALUES(randomblob(50000))`)
					if _, _, err := other.Checkpoint(t.Context(), mode); err != nil && fault.CodeOf(err) != fault.Busy {
						t.Fatal(err)
					}
					wantBackedUp(t, c, s)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

func TestSnapshot_ofAnEmptyDatabaseHasNoPages(t *testing.T) {
	c := open(t, empty(t, filepath.Join(t.TempDir(), "app.db")), Options{ReadOnly: true})
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, err := s.ReadAt(make([]byte, 10), 0)
	if n != 0 || !errors.Is(err, io.EOF) || s.PageCount() != 0 || s.PageSize() != 0 {
		t.Errorf("got %d bytes, %v, %d pages of %d", n, err, s.PageCount(), s.PageSize())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshot_ofALogThatHoldsNothing(t *testing.T) {
	path := empty(t, filepath.Join(t.TempDir(), "app.db"))
	run(t, app(t, path), `PRAGMA journal_mode=wal`)
	c := open(t, path, Options{ReadOnly: true})
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantBackedUp(t, c, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Source says exactly what Facts says when nobody writes.
func TestSnapshot_namesItsSource(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		path := filepath.Join(t.TempDir(), "app.db")
		writer := app(t, path)
		run(t, writer, `PRAGMA journal_mode=`+mode+`; CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(10000));`)
		c := open(t, path, Options{ReadOnly: true})
		for range 2 {
			s, err := c.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			facts, err := c.Facts(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s.Source() != facts.Source || int64(s.PageCount()) != facts.PageCount || s.PageSize() != facts.PageSize {
				t.Errorf("%s: got %+v, %d pages of %d; want %+v, %d of %d", mode,
					s.Source(), s.PageCount(), s.PageSize(), facts.Source, facts.PageCount, facts.PageSize)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			run(t, writer, `PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO t VALUES(1)`)
		}
	}
}

func TestSnapshot_endsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	writer := app(t, path)
	run(t, writer, `PRAGMA journal_mode=wal; CREATE TABLE t(b); INSERT INTO t VALUES(1)`)
	c, other := open(t, path, Options{ReadOnly: true}), open(t, path, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	run(t, writer, `INSERT INTO t VALUES(2)`)
	_, _, err = other.Checkpoint(t.Context(), Truncate)
	wantCode(t, err, fault.Busy)
	cancel()
	_, err = s.ReadAt(make([]byte, 10), 0)
	wantCode(t, err, fault.Interrupted)
	_ = s.Close() // whichever came first, it or the end of the context
	if _, _, err = other.Checkpoint(t.Context(), Truncate); err != nil {
		t.Errorf("the log is still pinned: %v", err)
	}
	if _, err := c.Content(t.Context()); err != nil {
		t.Errorf("the connection does not go on: %v", err)
	}
}

// What the connection is asked beside a snapshot is answered as of the snapshot, or
// refused; nothing ends the transaction behind its owner's back.
func TestSnapshot_sharesItsConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	writer := app(t, path)
	run(t, writer, `PRAGMA journal_mode=wal; CREATE TABLE t(b); INSERT INTO t VALUES(1)`)
	c := open(t, path, Options{})
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, writer, `INSERT INTO t VALUES(2)`)
	got, err := c.Content(t.Context())
	if err != nil || len(got.Tables) != 1 || got.Tables[0].Rows != 1 {
		t.Errorf("got %+v, %v: not as of the snapshot", got, err)
	}
	if report, err := c.CheckFull(t.Context()); err != nil || report.Verdict != check.OK {
		t.Errorf("got %v, %v", report, err)
	}
	_, err = c.Snapshot(t.Context())
	wantCode(t, err, fault.Refused)
	wantCode(t, c.BeginFence(t.Context()), fault.Refused)
	_, _, err = c.Checkpoint(t.Context(), Passive)
	wantCode(t, err, fault.Refused)
	wantCode(t, c.Optimize(t.Context(), 0), fault.Refused)
	wantBackedUp(t, c, s)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wantCode(t, s.Close(), fault.Refused)
	_, err = s.ReadAt(make([]byte, 10), 0)
	wantCode(t, err, fault.Refused)
}

// An error of the device within a statement makes SQLite give up the whole transaction.
func TestSnapshot_knowsWhenItsTransactionIsGone(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `CREATE TABLE t(b); INSERT INTO t VALUES(1)`)
	c := open(t, path, Options{ReadOnly: true})
	s, err := c.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = c.do(t.Context(), "test", func() error { return c.db.Exec(`ROLLBACK`) })
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.ReadAt(make([]byte, 10), 0)
	wantCode(t, err, fault.IO)
	wantCode(t, s.Close(), fault.IO)
}

func TestSnapshot_leavesToSQLiteWhatItCannotRead(t *testing.T) {
	t.Run("bad frame", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "app.db")
		writer := app(t, path)
		run(t, writer, `PRAGMA journal_mode=wal; CREATE TABLE t(b); INSERT INTO t VALUES(randomblob(9000))`)
		c := open(t, path, Options{ReadOnly: true})
		f, _, err := c.JournalFile()
		if err != nil {
			if _, err = c.Facts(t.Context()); err != nil {
				t.Fatal(err)
			}
			if f, _, err = c.JournalFile(); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := f.(io.WriterAt).WriteAt([]byte{0xff, 0xee, 0xdd}, page.WALHeaderBytes+page.FrameHeaderBytes+200); err != nil {
			t.Fatal(err)
		}
		_, err = c.Snapshot(t.Context())
		wantCode(t, err, fault.CannotJudge)
		if _, err := c.Content(t.Context()); err != nil {
			t.Errorf("the connection does not go on: %v", err)
		}
	})
	t.Run("fence", func(t *testing.T) {
		path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `CREATE TABLE t(b)`)
		c := open(t, path, Options{})
		if err := c.BeginFence(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := c.Snapshot(t.Context())
		wantCode(t, err, fault.Refused)
	})
	t.Run("not a database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "app.db")
		if err := os.WriteFile(path, bytes.Repeat([]byte("nonsense"), 1000), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := open(t, path, Options{ReadOnly: true}).Snapshot(t.Context())
		wantCode(t, err, fault.NotADatabase)
	})
}
