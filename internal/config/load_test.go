//go:build unix

package config

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
)

func TestLoad_refusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Skip("no named pipes here")
	}
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, make([]byte, bytesMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, dir, big, filepath.Join(dir, "none")} {
		if _, err := Load(fsx.OS(), path, nil); err == nil {
			t.Errorf("%s was read", path)
		}
	}
}
