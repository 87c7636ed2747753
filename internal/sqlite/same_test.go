package sqlite

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSameAs_seesEveryByteThatSQLiteDoesNotCount: pages of the log count like those of the
// file, and a byte that no row holds counts like any other.
func TestSameAs_seesEveryByteThatSQLiteDoesNotCount(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		dir := t.TempDir()
		live := makeDB(t, filepath.Join(dir, "live.db"), `PRAGMA journal_mode=`+mode+`;`+plain)
		db := app(t, live)
		run(t, db, `UPDATE a SET v=1`)
		stored := backup(t, live, filepath.Join(dir, "backup.db"))
		c := open(t, live, Options{})
		same := func(want bool, when string) {
			t.Helper()
			if got, err := c.SameAs(t.Context(), stored); err != nil || got != want {
				t.Errorf("%s, %s: got %v %v, want %v", mode, when, got, err, want)
			}
		}
		same(true, "just copied")
		run(t, db, `PRAGMA user_version=7`)
		same(false, "after a commit")
		run(t, db, `PRAGMA user_version=0`)
		same(true, "after it was taken back")
		raw, err := os.ReadFile(stored)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{21, 60, 100, len(raw) / 2, len(raw) - 1} {
			raw[at] ^= 1
			if err := os.WriteFile(stored, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			same(false, "with a byte flipped")
			raw[at] ^= 1
		}
		if err := os.WriteFile(stored, append(raw, make([]byte, 4096)...), 0o600); err != nil {
			t.Fatal(err)
		}
		same(false, "with a page more")
	}
}
