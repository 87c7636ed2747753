package fsx

import (
	"os"

	"golang.org/x/sys/unix"
)

func renameNoReplace(from, to string) error {
	err := unix.RenameatxNp(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCL)
	if err == nil {
		return nil
	}
	if !unsupported(err) {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	if err = linkUnlink(from, to); err != nil && unsupported(err) {
		return lstatRename(from, to)
	}
	return err
}

func dropCache(f *os.File) error {
	// There is no way to drop pages; F_NOCACHE at least keeps reads of this descriptor
	// from being served by pages that it brought in itself.
	_, err := unix.FcntlInt(f.Fd(), unix.F_NOCACHE, 1)
	return err
}

func space(path string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return Space{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return Space{
		TotalBytes: int64(st.Blocks) * int64(st.Bsize),
		FreeBytes:  int64(st.Bavail) * int64(st.Bsize),
		FreeInodes: int64(st.Ffree),
		FSType:     unix.ByteSliceToString(st.Fstypename[:]),
	}, nil
}
