package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
)

// TestCopy_readsTheDiskNotTheCache: damage written under the file by somebody else is not
// hidden by pages that the connection read before.
func TestCopy_readsTheDiskNotTheCache(t *testing.T) {
	for _, mode := range []string{"wal", "delete"} {
		t.Run(mode, func(t *testing.T) {
			path := makeDB(t, filepath.Join(t.TempDir(), "a.db"), `PRAGMA journal_mode=`+mode+`; CREATE TABLE t(a); `+
				`WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<2000) INSERT INTO t SELECT hex(zeroblob(40)) FROM k; PRAGMA wal_checkpoint(truncate)`)
			c := open(t, path, Options{})
			if _, err := c.Content(t.Context()); err != nil { // fills the cache
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(make([]byte, 4096), 3*4096); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			dst := filepath.Join(t.TempDir(), "copy.db")
			if err := os.WriteFile(dst, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = c.Copy(t.Context(), dst, CopyOptions{})
			if !fault.IsDamage(err) {
				t.Errorf("got %v, want damage", err)
			}
		})
	}
}
