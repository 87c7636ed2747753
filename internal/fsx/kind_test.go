package fsx_test

import (
	"io/fs"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
)

func TestKindOf_namesEachKind(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		0o600: "a file", fs.ModeDir | 0o700: "a folder", fs.ModeSymlink: "a symbolic link",
		fs.ModeNamedPipe: "a named pipe", fs.ModeSocket: "a socket",
		fs.ModeDevice | fs.ModeCharDevice: "a device", fs.ModeIrregular: "a device",
	} {
		if got := fsx.KindOf(mode); got != want {
			t.Errorf("KindOf(%v) = %q, want %q", mode, got, want)
		}
	}
}
