package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
)

// TestCheck_saysWhenItsListEnds: a hundred findings are not all, and who reads them as all
// takes a database that is destroyed for one that can be mended.
func TestCheck_saysWhenItsListEnds(t *testing.T) {
	for name, c := range map[string]struct {
		zeroed int64 // pages
		more   bool
	}{"few": {5, false}, "many": {300, true}} {
		path := filepath.Join(t.TempDir(), "app.db")
		db := app(t, path)
		run(t, db, `PRAGMA page_size=512; PRAGMA journal_mode=DELETE; CREATE TABLE t(x);
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000) INSERT INTO t SELECT zeroblob(200) FROM n`)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteAt(make([]byte, 512*c.zeroed), 512*20); err != nil {
			t.Fatal(err)
		}
		for _, bySQLite := range []bool{false, true} {
			conn := open(t, path, Options{ReadOnly: true})
			report, err := conn.Check(t.Context(), CheckOptions{SQLite: bySQLite})
			if err != nil || report.Verdict != check.Damaged {
				t.Fatalf("%s: got %v, %v", name, report.Verdict, err)
			}
			if report.More != c.more || c.more && len(report.Findings) < listedMax {
				t.Errorf("%s, by SQLite %v: %d findings, more: %v, want %v", name, bySQLite, len(report.Findings), report.More, c.more)
			}
		}
	}
}
