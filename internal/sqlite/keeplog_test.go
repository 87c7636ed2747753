package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestKeepLog_whoLooksLeavesTheLog: the last connection to close moves the write-ahead log
// into the database, also one that belongs to another database and would damage it for good.
func TestKeepLog_whoLooksLeavesTheLog(t *testing.T) {
	dir := t.TempDir()
	live, path := filepath.Join(dir, "live.db"), filepath.Join(dir, "crashed.db")
	db := app(t, live)
	run(t, db, `PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x); INSERT INTO t VALUES(1),(2)`)
	for _, suffix := range []string{"", "-wal"} { // as a crash of the app leaves them
		data, err := os.ReadFile(live + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(suffix string) []byte {
		data, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Error(err)
		}
		return data
	}
	base, log := read(""), read("-wal")
	c := open(t, path, Options{KeepLog: true})
	content, err := c.Content(t.Context())
	if err != nil || len(content.Tables) != 1 || content.Tables[0].Rows != 2 {
		t.Errorf("got %v, %v; want the log read", content, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(""), base) || !bytes.Equal(read("-wal"), log) {
		t.Error("a look changed the files")
	}
	// Emptied on order it is not left behind.
	c = open(t, path, Options{KeepLog: true})
	if _, _, err := c.Checkpoint(t.Context(), Truncate); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("an empty log was left behind")
	}
}
