package salvage

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// peer gives the score of .recover of a sqlite3 shell, which is the same on every file
// with or without an older copy (https://sqlite.org/recovery.html). It works on a copy, because it writes.
func peer(t *testing.T, shell, damaged, truth string) score {
	t.Helper()
	dir := t.TempDir()
	copiedWhole(t, damaged, filepath.Join(dir, "in.db"))
	to := filepath.Join(dir, "out.db")
	// What it says of rows that it cannot insert is no reason to stop.
	cmd := exec.Command("sh", "-c", `"$1" -batch "$2" .recover 2>/dev/null | "$1" -batch "$3" >/dev/null 2>&1`, "sh", shell, filepath.Join(dir, "in.db"), to)
	_ = cmd.Run()
	return compare(t, truth, to, "", doubts{})
}
