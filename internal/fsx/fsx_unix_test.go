//go:build unix

package fsx

import (
	"errors"
	"io/fs"
	"os"
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

// os.MkdirAll looks, fails, tries to make the directory, and then tells only that the name is taken.
func TestMkdirAll_namesWhyADirectoryCouldNotBeLookedAt(t *testing.T) {
	loop := filepath.Join(t.TempDir(), "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{loop, filepath.Join(loop, "within")} {
		err := OS().MkdirAll(name)
		wantCode(t, err, fault.Refused)
		if !errors.Is(err, unix.ELOOP) {
			t.Errorf("%s: %v, want that it is a loop of links", name, err)
		}
	}

	taken := &fs.PathError{Op: "mkdir", Path: "/home/quarantine", Err: unix.EEXIST}
	look := func(err error) func(string) (fs.FileInfo, error) {
		return func(name string) (fs.FileInfo, error) {
			if name != taken.Path {
				t.Errorf("%s is looked at, want %s", name, taken.Path)
			}
			return nil, err
		}
	}
	wantCode(t, Wrap("make directory", whyNotMade(taken, look(unix.EIO))), fault.IO)
	wantCode(t, Wrap("make directory", whyNotMade(taken, look(unix.EACCES))), fault.Permission)
	wantCode(t, Wrap("make directory", whyNotMade(taken, look(nil))), fault.Refused)         // a file has the name
	wantCode(t, Wrap("make directory", whyNotMade(taken, look(unix.ENOENT))), fault.Refused) // a link to nowhere has it
	wantCode(t, Wrap("make directory", whyNotMade(unix.ENOSPC, look(unix.EIO))), fault.Full)
	wantCode(t, Wrap("make directory", whyNotMade(unix.EEXIST, look(unix.EIO))), fault.Refused) // of what name nobody knows
	if err := whyNotMade(nil, look(unix.EIO)); err != nil {
		t.Errorf("%v, want nothing", err)
	}
}

func TestUnread_isWhatADeviceDidNotGive(t *testing.T) {
	for errno, want := range map[unix.Errno]bool{
		unix.EIO: true, unix.EMFILE: true, unix.ENFILE: true, unix.ENOMEM: true, unix.ESTALE: true,
		unix.ENOENT: false, unix.ENOTDIR: false, unix.ELOOP: false, unix.EACCES: false, unix.EFBIG: false,
	} {
		if got := Unread(Wrap("read", errno)); got != want {
			t.Errorf("%v: got %v, want %v", errno, got, want)
		}
	}
	if Unread(nil) || Unread(errors.New("no JSON")) {
		t.Error("what was read counts as unread")
	}
}
