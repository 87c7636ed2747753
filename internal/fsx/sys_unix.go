//go:build unix

package fsx

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/officer-doofy/officer/internal/fault"
)

// O_NONBLOCK keeps the open of a FIFO planted at the last moment from hanging; it has
// no effect on regular files.
const flagNoFollow = unix.O_NOFOLLOW | unix.O_NONBLOCK

func classifyErrno(errno syscall.Errno) (fault.Code, string, bool) {
	switch errno {
	case unix.ENOSPC, unix.EDQUOT:
		return fault.Full, "no space left", true
	case unix.EIO, unix.ENXIO, unix.ENODEV, unix.ESTALE:
		return fault.IO, "the device failed", true
	case unix.EROFS:
		return fault.ReadOnly, "the volume is read-only", true
	case unix.ENOENT:
		return fault.Missing, "no such file or directory", true
	case unix.ENOTDIR:
		return fault.Missing, "a file stands where a folder should be", true
	case unix.ENAMETOOLONG:
		return fault.Invalid, "the name is longer than the file system takes", true
	case unix.EACCES, unix.EPERM:
		return fault.Permission, "not permitted", true
	case unix.ELOOP:
		return fault.Refused, "a symbolic link stands in the way", true
	case unix.EFBIG:
		return fault.TooBig, "beyond the largest file allowed", true
	}
	return "", "", false
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	// Some network and FUSE file systems cannot sync a directory at all.
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}

// linkUnlink is RenameNoReplace by way of a hard link, which never replaces.
func linkUnlink(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// lstatRename is the last resort on file systems without hard links (FAT, some FUSE):
// not atomic against another process, which the lock on the home directory excludes.
func lstatRename(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(from, to)
}

func unsupported(err error) bool {
	return errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM)
}

// noLinks tells whether a link failed because there are none here or between these two
// volumes, or not one more.
func noLinks(err error) bool {
	return unsupported(err) || errors.Is(err, unix.EMLINK) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EXDEV)
}

func identity(info fs.FileInfo) (device, inode uint64, ok bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return uint64(st.Dev), uint64(st.Ino), true //nolint:unconvert // Dev is int32 on darwin
}
