//go:build unix

package fsx

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/internal/fault"
)

func TestReadLimited_refusesAFIFOInsteadOfHanging(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(name, 0o600); err != nil {
		t.Skipf("no FIFO here: %v", err)
	}
	_, err := ReadLimited(OS(), name, 10)
	wantCode(t, err, fault.Refused)
	_, _, err = HashFile(t.Context(), OS(), name)
	wantCode(t, err, fault.Refused)
	wantCode(t, CopyFile(t.Context(), OS(), name, name+"2", nil), fault.Refused)
	_, err = ReadLimited(OS(), "/dev/null", 10)
	wantCode(t, err, fault.Refused)
}
