package fsx

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/officer-doofy/officer/internal/fault"
)

const flagNoFollow = 0 // a reparse point is seen by Lstat; Windows needs a right to make one

func classifyErrno(errno syscall.Errno) (fault.Code, string, bool) {
	switch errno {
	case windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED:
		return fault.Full, "no space left", true
	case windows.ERROR_IO_DEVICE, windows.ERROR_CRC, windows.ERROR_NOT_READY, windows.ERROR_SECTOR_NOT_FOUND:
		return fault.IO, "the device failed", true
	case windows.ERROR_WRITE_PROTECT:
		return fault.ReadOnly, "the volume is read-only", true
	case windows.ERROR_FILE_NOT_FOUND, windows.ERROR_PATH_NOT_FOUND:
		return fault.Missing, "no such file or directory", true
	case windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION:
		return fault.Busy, "another process has the file open", true
	case windows.ERROR_ACCESS_DENIED:
		return fault.Permission, "not permitted", true
	}
	return "", "", false
}

func renameNoReplace(from, to string) error {
	fromPtr, err := windows.UTF16PtrFromString(from)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	toPtr, err := windows.UTF16PtrFromString(to)
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	// Without MOVEFILE_REPLACE_EXISTING an existing target is an error.
	if err := windows.MoveFileEx(fromPtr, toPtr, windows.MOVEFILE_WRITE_THROUGH); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

// noLinks tells whether a link failed because there are none here, or not one more.
func noLinks(err error) bool {
	for _, errno := range []syscall.Errno{windows.ERROR_INVALID_FUNCTION, windows.ERROR_NOT_SUPPORTED,
		windows.ERROR_TOO_MANY_LINKS, windows.ERROR_ACCESS_DENIED} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

func syncDir(string) error { return nil }

func dropCache(*os.File) error { return nil }

func space(path string) (Space, error) {
	dir := path
	if info, err := os.Stat(path); err != nil {
		return Space{}, err
	} else if !info.IsDir() {
		dir = filepath.Dir(path)
	}
	ptr, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return Space{}, err
	}
	var free, total, all uint64
	if err := windows.GetDiskFreeSpaceEx(ptr, &free, &total, &all); err != nil {
		return Space{}, &os.PathError{Op: "GetDiskFreeSpaceEx", Path: dir, Err: err}
	}
	return Space{TotalBytes: int64(total), FreeBytes: int64(free), FreeInodes: -1, FSType: volumeType(dir)}, nil
}

func volumeType(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	root, err := windows.UTF16PtrFromString(filepath.VolumeName(abs) + `\`)
	if err != nil {
		return ""
	}
	var name [windows.MAX_PATH + 1]uint16
	if err := windows.GetVolumeInformation(root, nil, 0, nil, nil, nil, &name[0], uint32(len(name))); err != nil {
		return ""
	}
	return strings.ToLower(windows.UTF16ToString(name[:]))
}

// identity has no numbers on Windows without an open handle; os.SameFile does there.
func identity(fs.FileInfo) (device, inode uint64, ok bool) { return 0, 0, false }
