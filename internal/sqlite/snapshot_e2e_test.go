//go:build e2e

package sqlite

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
)

// churnInPython is churn by another process with another SQLite, whose locks are POSIX ones.
const churnInPython = `
import random, sqlite3, sys
path, mode, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = random.Random(seed)
db = sqlite3.connect(path, timeout=2, isolation_level=None)
db.execute("PRAGMA synchronous=off"); db.execute("PRAGMA wal_autocheckpoint=40")
todo = ["INSERT INTO t SELECT NULL, randomblob(abs(random())%3000) FROM t LIMIT 20",
  "INSERT INTO t SELECT NULL, randomblob(60000)", "UPDATE t SET b=randomblob(200) WHERE id%7=abs(random())%7",
  "DELETE FROM t WHERE id%3=abs(random())%3 AND (SELECT count(*)>60 FROM t)",
  "DELETE FROM t WHERE id NOT IN (SELECT id FROM t LIMIT 200)",
  "CREATE TABLE IF NOT EXISTS u AS SELECT * FROM t", "DROP TABLE IF EXISTS u",
  "CREATE INDEX IF NOT EXISTS i ON t(b)", "DROP INDEX IF EXISTS i", "PRAGMA incremental_vacuum(3)", "VACUUM"]
if mode == "wal":
  todo += ["PRAGMA wal_checkpoint(%s)" % m for m in ("PASSIVE", "FULL", "RESTART", "TRUNCATE")]
else:
  todo += ["PRAGMA page_size=%d; VACUUM" % n for n in (512, 1024, 4096, 16384, 65536)]
print("ready", flush=True)
while True:
  try:
    for sql in rng.choice(todo).split(";"):
      db.execute(sql).fetchall()
  except sqlite3.OperationalError as e:
    if "locked" not in str(e):
      print(e, flush=True)
      raise
`

// A writer of another process is no different from one of this one: each snapshot is what
// the backup API gives, and sound.
func TestSnapshot_isWhatTheBackupAPIGivesWhileAnotherProcessWrites(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `PRAGMA auto_vacuum=incremental; PRAGMA journal_mode=`+mode+`;
				CREATE TABLE t(id INTEGER PRIMARY KEY, b BLOB);
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300) INSERT INTO t SELECT i, randomblob(500) FROM n;`)
			for _, seed := range []string{"1", "2"} {
				writer := exec.CommandContext(t.Context(), "python3", "-c", churnInPython, path, mode, seed)
				out, err := writer.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := writer.Start(); err != nil {
					t.Fatal(err)
				}
				defer func() {
					_ = writer.Process.Kill()
					_ = writer.Wait()
				}()
				ready := make([]byte, 6)
				if _, err := out.Read(ready); err != nil || !strings.HasPrefix(string(ready), "ready") {
					t.Fatalf("got %q, %v", ready, err)
				}
			}
			c := open(t, path, Options{ReadOnly: true, BusyTimeout: 10 * time.Second})
			fromLog := 0
			for range 2 * snapshotsTaken(t) {
				s, err := c.Snapshot(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, ok := s.store.(*page.Overlay); ok {
					fromLog++
				}
				wantBackedUp(t, c, s)
				out, err := check.Verify(t.Context(), s.Database(), check.Options{Judge: c.Judge(), Crew: crew(2)})
				if err != nil || out.Verdict != check.OK {
					t.Errorf("got %+v, %v", out, err)
				}
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
