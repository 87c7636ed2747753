package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/fault"
)

// resting makes a database in WAL mode that nobody has open.
func resting(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "app.db")
	db := app(t, path)
	run(t, db, `PRAGMA journal_mode=wal; CREATE TABLE t(x); INSERT INTO t VALUES(1),(2)`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func beside(t *testing.T, path string) (names []string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestLooks_leavesNothingBeside: for a reader SQLite makes a log and its index and, reading only,
// cannot take them away.
func TestLooks_leavesNothingBeside(t *testing.T) {
	path := resting(t)
	c := open(t, path, Options{Looks: true})
	facts, err := c.Facts(t.Context())
	if err != nil || facts.JournalMode != "wal" || facts.WALBytes != 0 {
		t.Errorf("got %+v, %v", facts, err)
	}
	content, err := c.Content(t.Context())
	if err != nil || len(content.Tables) != 1 || content.Tables[0].Rows != 2 {
		t.Errorf("got %v, %v", content, err)
	}
	report, err := c.Check(t.Context(), CheckOptions{})
	if err != nil || report.Verdict != check.OK || report.Engine != check.EnginePage {
		t.Errorf("got %+v, %v", report, err)
	}
	if got := beside(t, path); len(got) != 1 {
		t.Errorf("while it is open: %v", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := beside(t, path); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

// TestLooks_whatChangedMeanwhileDoesNotCount: nothing locks the app out, which may open the
// database, or have been there and gone, while it is read without its log.
func TestLooks_whatChangedMeanwhileDoesNotCount(t *testing.T) {
	for name, disturb := range map[string]func(t *testing.T, path string){
		"opened": func(t *testing.T, path string) {
			db := app(t, path)
			run(t, db, `PRAGMA wal_autocheckpoint=0; INSERT INTO t VALUES(3)`)
		},
		"come and gone": func(t *testing.T, path string) {
			db := app(t, path)
			run(t, db, `INSERT INTO t VALUES(3)`)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := resting(t)
			past := time.Now().Add(-time.Hour)
			if err := os.Chtimes(path, past, past); err != nil {
				t.Fatal(err)
			}
			c := open(t, path, Options{Looks: true})
			s, err := c.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			disturb(t, path)
			if err := s.Close(); fault.CodeOf(err) != fault.Busy {
				t.Errorf("the snapshot ends with %v, want busy", err)
			}
			if _, err := c.Content(t.Context()); fault.CodeOf(err) != fault.Busy {
				t.Errorf("a read ends with %v, want busy", err)
			}
			again := open(t, path, Options{Looks: true})
			content, err := again.Content(t.Context())
			if err != nil || content.Tables[0].Rows != 3 {
				t.Errorf("opened anew: got %v, %v, want all three rows", content, err)
			}
		})
	}
}
