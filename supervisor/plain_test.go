package supervisor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/sqlite"
	"github.com/officer-doofy/officer/messages"
	"github.com/officer-doofy/officer/supervisor"
)

// A journal that has to be rolled back makes a read-only look impossible; that is no
// verdict about the database, and who asked must learn what to do.
func TestCheckFile_saysWhatAHotJournalMeans(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "app.db"), filepath.Join(dir, "copied.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.OpenDB(path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, statement := range []string{
		`CREATE TABLE t(id INTEGER PRIMARY KEY, v)`,
		`WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<3000) INSERT INTO t SELECT x, randomblob(90) FROM c`,
		`PRAGMA cache_size=2`, `BEGIN`, `UPDATE t SET v=randomblob(90)`,
	} {
		if _, err := c.ExecContext(context.Background(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for _, suffix := range []string{"", "-journal"} {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err = supervisor.CheckFile(context.Background(), copied, supervisor.FileCheck{})
	var f *messages.Failure
	if !errors.As(err, &f) || f.Code != "read_only" {
		t.Fatalf("CheckFile with a hot journal = %v, want read_only", err)
	}
	if !strings.Contains(f.Text, "an interrupted transaction waits beside it") || len(f.Hints) != 2 {
		t.Errorf("text %q, hints %q, want the cause and two ways out", f.Text, f.Hints)
	}
}
