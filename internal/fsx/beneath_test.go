//go:build unix

package fsx

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/officer-doofy/officer/internal/fault"
)

func TestOpenBeneath_opensPlainFilesAndNothingElse(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write := func(path string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "a", "b", "plain"))
	write(filepath.Join(outside, "secret"))
	for link, to := range map[string]string{"a/link": filepath.Join(outside, "secret"), "a/inside": "b/plain", "out": outside, "in": "a"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "a", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenBeneath(dir, filepath.Join("a", "b", "plain"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "content" {
		t.Errorf("got %q, %v", b, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]fault.Code{
		"a/link": fault.Refused, "a/inside": fault.Refused, "out/secret": fault.Refused, "in/b/plain": fault.Refused, "a/pipe": fault.Refused,
		"a/b": fault.Refused, "a": fault.Refused, ".": fault.Refused, "a/b/plain/x": fault.Refused, "../x": fault.Refused, "/etc/passwd": fault.Refused,
		"": fault.Refused, "a/b/none": fault.Missing,
	} {
		f, err := OpenBeneath(dir, name)
		if fault.CodeOf(err) != want {
			t.Errorf("%q: got %v, want %s", name, err, want)
		}
		if err == nil {
			_ = f.Close()
		}
	}
}
